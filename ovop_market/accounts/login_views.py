"""Changing one's own e-mail address or telephone number; and the page of the link that confirms an
address."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import attempts, cookies, links, login_changes, services, throttle
from ovop_market.accounts.attempts import TooSoon
from ovop_market.accounts.confirming import asking, is_person
from ovop_market.accounts.forms import EmailForm, PersonForm, PhoneForm
from ovop_market.accounts.login_changes import Answer, Login
from ovop_market.accounts.models import Purpose, User
from ovop_market.accounts.throttle import Bucket
from ovop_market.accounts.views import blueprint
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.web import access, limits, resend
from ovop_market.web.forms import explain

_FORMS: dict[Login, type[PersonForm]] = {Login.EMAIL: EmailForm, Login.PHONE: PhoneForm}
resend.name_fields("accounts.change_login", *_FORMS.values())
_OWN = "/account/<any(email, phone):login>"


@blueprint.get(_OWN)
@access.signed_in
def own_login(login: str) -> ResponseReturnValue:
    which = Login(login)
    return _page(which, asking(_FORMS[which]))


@blueprint.post(_OWN)
@access.signed_in
@limits.on("login change")
def change_login(login: str) -> ResponseReturnValue:
    return _change(Login(login))


@blueprint.get(f"{_OWN}/removal")
@access.signed_in
def login_removal(login: str) -> ResponseReturnValue:
    return _removal(Login(login))


@blueprint.post(f"{_OWN}/removal")
@access.signed_in
@limits.on("login change")
def remove_login(login: str) -> ResponseReturnValue:
    return _remove(Login(login))


@blueprint.post("/account/email/withdrawal")
@access.signed_in
def withdraw_email() -> ResponseReturnValue:
    """The address that waits for its link is not to be the account's."""
    user = db.session.get_one(User, current_user.id)
    withdrawn = login_changes.withdraw_email(db.session(), user, clock.now())
    db.session.commit()
    if withdrawn:
        flash(_("Email baru tidak jadi dipakai."), "done")
    return redirect(url_for("accounts.own_login", login=Login.EMAIL), 303)


def _page(login: Login, form: PersonForm, status: int = 200) -> tuple[str, int]:
    user: User = current_user
    awaited = login_changes.awaited(db.session(), user.id, clock.now())
    page = render_template(
        f"accounts/{login}.html",
        form=form,
        present=login.of(user),
        removable=login.of(user) is not None and login.other.of(user) is not None,
        awaited=awaited if login is Login.EMAIL else None,
        at_once=not login_changes.needs_link(login),
    )
    return page, status


def _change(login: Login) -> ResponseReturnValue:
    form = asking(_FORMS[login])
    if not form.validate():
        return _page(login, form, 422)
    typed = str(form[str(login)].data)
    user = db.session.get_one(User, current_user.id)
    try:
        wanted = login_changes.wanted(user, login, typed)
        # Before a code is used up.
        attempts.count(*_buckets(user, login, wanted))
        if not is_person(user, form):
            return _page(login, form, 422)
        cookies.hold(user)
        answer = login_changes.ask(db.session(), user, login, wanted, clock.now())
    except TooSoon as error:
        return attempts.answer(_page(login, _waiting(form, error))[0], error)
    except Unusable as refusal:
        db.session.rollback()
        form.form_errors = [problem] if (problem := explain(form, refusal)) else []
        return _page(login, form, 422)
    return _answered(login, user, answer)


def _buckets(user: User, login: Login, wanted: str) -> list[Bucket]:
    """By account; and by the address that mail goes to: nobody's mailbox is filled from here. Where
    none goes, a stranger must not hold up whose number it is."""
    whose = [str(user.id)] + ([wanted] if login_changes.needs_link(login) else [])
    return [Bucket(throttle.LOGIN, each) for each in whose]


def _answered(login: Login, user: User, answer: Answer) -> Response:
    """The same page and words, whoever has the login that was asked for: the account page says
    which one is in force."""
    if answer is Answer.CHANGED:
        _stay(user)
    else:
        db.session.commit()
    if answer is Answer.MAILED:
        flash(_("Kami mengirim email ke alamat baru. Buka, lalu tekan tautannya."), "done")
        return redirect(url_for("accounts.own_login", login=Login.EMAIL), 303)
    said = _("Selesai. Yang berlaku tampak di bawah.")
    flash(f"{said} {_('Masih yang lama? Berarti yang baru sudah dipakai akun lain.')}", "done")
    return redirect(url_for("accounts.account"), 303)


def _waiting(form: PersonForm, error: TooSoon) -> PersonForm:
    attempts.waiting(form, error)
    return form


def _stay(user: User) -> None:
    """All sessions have ended; this device begins a new one. Commits."""
    keep = cookies.begin(user, clock.now())
    db.session.commit()
    keep()


def _removal(login: Login) -> ResponseReturnValue:
    """Asks once more; leads back where there is nothing to remove."""
    if login.of(current_user) is None:
        return redirect(url_for("accounts.account"), 303)
    return _removal_page(login, asking(PersonForm))


def _removal_page(login: Login, form: PersonForm, status: int = 200) -> tuple[str, int]:
    try:
        login_changes.refuse_last(current_user, login)
        reason = ""
    except Unusable as refusal:
        reason = refusal.message
    page = render_template(
        "accounts/login_removal.html",
        form=form,
        login=login,
        present=login.of(current_user),
        other=login.other.of(current_user),
        reason=reason,
    )
    return page, status


def _remove(login: Login) -> ResponseReturnValue:
    form = asking(PersonForm)
    if login.of(current_user) is None:
        # It was sent twice.
        return redirect(url_for("accounts.account"), 303)
    if not form.validate():
        return _removal_page(login, form, 422)
    user = db.session.get_one(User, current_user.id)
    try:
        login_changes.refuse_last(user, login)
        if not is_person(user, form):
            return _removal_page(login, form, 422)
        cookies.hold(user)
        if login_changes.remove(db.session(), user, login, clock.now()):
            _stay(user)
    except TooSoon as error:
        page, _status = _removal_page(login, _waiting(form, error))
        return attempts.answer(page, error)
    except Unusable:
        db.session.rollback()
        # The page says why.
        return _removal_page(login, form, 422)
    said = _("Email dihapus.") if login is Login.EMAIL else _("Nomor HP dihapus.")
    flash(f"{said} {_('Perangkat lain sudah keluar.')}", "done")
    return redirect(url_for("accounts.account"), 303)


@blueprint.get("/verify/email/<token>")
@access.link
@limits.on("tracking")
def new_email(token: str) -> ResponseReturnValue:
    """The page of the link: who reads mail for people opens every link, so a button does it."""
    link = links.find(db.session(), Purpose.EMAIL, token, clock.now())
    user = db.session.get(User, link.user_id) if link is not None else None
    if link is None or user is None or user.disabled_at is not None:
        return _over("email", 404)
    wanted = login_changes.email_in(link)
    if services.user_of(db.session(), wanted) is not None:
        return _over("taken", 409)
    return render_template("accounts/new_email.html", token=token, name=user.name, email=wanted)


def _over(kind: str, status: int) -> ResponseReturnValue:
    return render_template("accounts/link_over.html", kind=kind), status


@blueprint.post("/verify/email/<token>")
@access.link
@limits.on("tracking")
def take_email(token: str) -> ResponseReturnValue:
    now = clock.now()
    # Before all sessions end.
    here = current_user.id if current_user.is_authenticated else None
    link = links.find(db.session(), Purpose.EMAIL, token, now)
    try:
        user = login_changes.confirm_email(db.session(), link, now) if link is not None else None
    except Conflict:
        db.session.rollback()
        return _over("taken", 409)
    if user is None:
        db.session.rollback()
        if not login_changes.was_confirmed(db.session(), token):
            return _over("email", 404)
        # It was sent twice.
        return redirect(url_for("accounts.account" if here else "accounts.sign_in"), 303)
    stays = here == user.id
    if stays:
        _stay(user)
    else:
        db.session.commit()
    if stays or here is None:
        flash(_("Email Anda sudah diganti. Perangkat lain sudah keluar."), "done")
    else:
        flash(_("Email akun %(name)s sudah diganti.", name=user.name), "done")
    # A link signs nobody in.
    return redirect(url_for("accounts.account" if stays else "accounts.sign_in"), 303)
