"""One's own account: what it is, its devices, its password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import attempts, cookies, login_changes, passwords, recovery, sessions
from ovop_market.accounts.attempts import TooSoon
from ovop_market.accounts.confirming import asking, confirm_first, is_person
from ovop_market.accounts.forms import ChangePasswordForm, ConfirmFirstForm
from ovop_market.accounts.models import User
from ovop_market.accounts.views import blueprint, local
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID


@blueprint.get("/account")
@access.signed_in
def account() -> ResponseReturnValue:
    user = current_user
    unverified = bool(user.email) and user.verified_at is None and recovery.mail_works()
    awaited = login_changes.awaited(db.session(), user.id, clock.now())
    return render_template(
        "accounts/account.html", user=user, unverified=unverified, awaited=awaited
    )


@blueprint.get("/account/sessions")
@access.signed_in
def devices() -> ResponseReturnValue:
    return _devices()


def _devices(notice: str = "") -> Response:
    this = cookies.this_session()
    found = sessions.devices_of(db.session(), current_user, this.id if this else None, clock.now())
    return htmx.page_or_fragment(
        "accounts/devices.html", "accounts/_devices.html", devices=found, notice=notice
    )


@blueprint.get("/account/confirmation")
@access.signed_in
def confirmation() -> ResponseReturnValue:
    form = asking(ConfirmFirstForm)
    form.next.data = request.args.get("next", "")[:500]
    return render_template("accounts/confirmation.html", form=form)


@blueprint.post("/account/confirmation")
@access.signed_in
def confirm() -> ResponseReturnValue:
    form, template = asking(ConfirmFirstForm), "accounts/confirmation.html"
    if not form.validate():
        return render_template(template, form=form), 422
    try:
        right = is_person(db.session.get_one(User, current_user.id), form)
    except TooSoon as error:
        return attempts.too_soon(template, form, error)
    if not right:
        return render_template(template, form=form), 422
    cookies.note_fresh(clock.now())
    return redirect(local(form.next.data) or url_for("accounts.account"), 303)


@blueprint.post(f"/account/sessions/<{ID}:session_id>/removal")
@access.signed_in
def end_device(session_id: int) -> ResponseReturnValue:
    asked = confirm_first("accounts.devices")
    if asked is not None:
        return asked
    sessions.end_one(db.session(), current_user, session_id, clock.now())
    this = cookies.this_session()
    left = this is not None and this.id == session_id
    db.session.commit()
    if left:
        cookies.end()
        return htmx.moved(url_for("accounts.sign_in"))
    said = _("Perangkat itu sudah keluar.")
    if htmx.is_fragment():
        return _devices(said)
    flash(said, "done")
    return redirect(url_for("accounts.devices"), 303)


@blueprint.post("/account/sessions/removal")
@access.signed_in
def end_all_devices() -> ResponseReturnValue:
    asked = confirm_first("accounts.devices")
    if asked is not None:
        return asked
    sessions.end_all(db.session(), current_user, clock.now(), current_user.id)
    db.session.commit()
    cookies.end()
    flash(_("Semua perangkat sudah keluar."), "done")
    return htmx.moved(url_for("accounts.sign_in"))


@blueprint.get("/account/password")
@access.signed_in
def password() -> ResponseReturnValue:
    return render_template("accounts/password.html", form=asking(ChangePasswordForm))


@blueprint.post("/account/password")
@access.signed_in
def change_password() -> ResponseReturnValue:
    form, template = asking(ChangePasswordForm), "accounts/password.html"
    if not form.validate():
        return render_template(template, form=form), 422
    user_id, wanted = current_user.id, form.password.data or ""
    try:
        login = current_user.email or current_user.phone
        passwords.check(wanted, login=login, name=current_user.name)
        if not is_person(db.session.get_one(User, user_id), form):
            return render_template(template, form=form), 422
    except TooSoon as error:
        return attempts.too_soon(template, form, error)
    except Unusable as refusal:
        form.password.errors = [refusal.message]
        return render_template(template, form=form), 422
    password_hash = passwords.hashed(wanted)
    user = db.session.get_one(User, user_id)
    cookies.hold(user)
    now = clock.now()
    recovery.change(db.session(), user, password_hash, now)
    keep = cookies.begin(user, now)
    db.session.commit()
    keep()
    flash(_("Kata sandi sudah diganti. Perangkat lain sudah keluar."), "done")
    return redirect(url_for("accounts.account"), 303)
