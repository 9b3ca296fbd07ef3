"""Confirming an address, and setting a password that was forgotten. A link only shows a page; the
button on it does something."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.accounts import attempts, links, passwords, recovery, services, throttle
from ovop_market.accounts.attempts import TooSoon
from ovop_market.accounts.forms import NewPasswordForm, ResetForm
from ovop_market.accounts.models import Link, Purpose, User
from ovop_market.accounts.throttle import Bucket
from ovop_market.accounts.views import blueprint
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.web import access, limits
from ovop_market.web.forms import BaseForm


@blueprint.get("/password/reset")
@access.visitor
def forgotten() -> ResponseReturnValue:
    return render_template("accounts/forgotten.html", form=ResetForm())


@blueprint.post("/password/reset")
@access.visitor
@limits.on("reset")
def ask_to_reset() -> ResponseReturnValue:
    form = ResetForm()
    login = services.login_of(form.login.data or "") if form.validate() else None
    if login is None:
        if not form.errors:
            form.login.errors = [_("Tulis alamat email, atau nomor HP seperti 0812 3456 7890.")]
        return render_template("accounts/forgotten.html", form=form), 422
    try:
        attempts.count(Bucket(throttle.RESET, login))
    except TooSoon as error:
        return attempts.too_soon("accounts/forgotten.html", form, error)
    session = db.session()
    recovery.ask_to_reset(session, services.user_of(session, login), clock.now())
    session.commit()
    by_mail = "@" in login and recovery.mail_works()
    return redirect(url_for("accounts.mailed" if by_mail else "accounts.waiting"), 303)


@blueprint.get("/password/reset/sent")
@access.visitor
def mailed() -> ResponseReturnValue:
    return render_template("accounts/asked.html", by_mail=True)


@blueprint.get("/password/reset/waiting")
@access.visitor
def waiting() -> ResponseReturnValue:
    return render_template("accounts/asked.html", by_mail=False)


def _link(purpose: Purpose, token: str) -> Link | None:
    link = links.find(db.session(), purpose, token, clock.now())
    user = db.session.get(User, link.user_id) if link is not None and link.user_id else None
    return None if user is not None and user.disabled_at is not None else link


def _over(kind: str) -> ResponseReturnValue:
    """The link was used, or is too old, or was never one of ours: all look the same."""
    return render_template("accounts/link_over.html", kind=kind), 404


@blueprint.get("/password/reset/<token>")
@access.link
@limits.on("tracking")
def new_password(token: str) -> ResponseReturnValue:
    link = _link(Purpose.RESET, token)
    if link is None:
        return _over("reset")
    return _new_password(NewPasswordForm(), link, token)


def _new_password(form: BaseForm, link: Link, token: str, status: int = 200) -> ResponseReturnValue:
    user = db.session.get_one(User, link.user_id)
    login = user.email or user.phone
    page = render_template("accounts/new_password.html", form=form, token=token, login=login)
    return page, status


@blueprint.post("/password/reset/<token>")
@access.link
@limits.on("tracking", "reset")
def set_password(token: str) -> ResponseReturnValue:
    link = _link(Purpose.RESET, token)
    if link is None:
        return _over("reset")
    form = NewPasswordForm()
    if not form.validate():
        return _new_password(form, link, token, 422)
    user = db.session.get_one(User, link.user_id)
    password, login = form.password.data or "", user.email or user.phone or ""
    try:
        passwords.check(password, login=login, name=user.name)
    except Unusable as refusal:
        form.password.errors = [refusal.message]
        return _new_password(form, link, token, 422)
    # Nobody's order waits while it is hashed.
    db.session.rollback()
    password_hash = passwords.hashed(password)
    done = recovery.reset(db.session(), link, password_hash, clock.now())
    if done is None:
        db.session.rollback()
        return _over("reset")
    # Whoever has the link need not wait for what strangers have tried.
    throttle.clear(db.session(), [*attempts.of_sign_in(login), Bucket(throttle.RESET, login)])
    db.session.commit()
    flash(_("Kata sandi sudah diganti. Masuk dengan kata sandi baru."), "done")
    return redirect(url_for("accounts.sign_in"), 303)


@blueprint.get("/verify/<token>")
@access.link
@limits.on("tracking")
def verification(token: str) -> ResponseReturnValue:
    if _link(Purpose.VERIFY, token) is None:
        return _over("verify")
    return render_template("accounts/verify.html", token=token)


@blueprint.post("/verify/<token>")
@access.link
@limits.on("tracking")
def verify(token: str) -> ResponseReturnValue:
    link = _link(Purpose.VERIFY, token)
    if link is None or not recovery.verify(db.session(), link, clock.now()):
        db.session.rollback()
        return _over("verify")
    db.session.commit()
    flash(_("Terima kasih. Email Anda sudah dipastikan."), "done")
    # Nobody is signed in by this: who registered with somebody else's address must not find
    # that person in an account whose password he knows.
    signed_in = current_user.is_authenticated
    return redirect(url_for("accounts.account" if signed_in else "accounts.sign_in"), 303)


@blueprint.post("/account/verification")
@access.signed_in
def ask_to_verify() -> ResponseReturnValue:
    """The mail with the link once more."""
    user_id = current_user.id
    try:
        attempts.count(Bucket(throttle.VERIFICATION, str(user_id)))
    except TooSoon:
        flash(_("Emailnya baru saja dikirim. Lihat juga di kotak spam."), "needs")
    else:
        recovery.ask_to_verify(db.session(), db.session.get_one(User, user_id), clock.now())
        db.session.commit()
        flash(_("Emailnya segera sampai. Buka, lalu tekan tautannya."), "done")
    return redirect(url_for("accounts.account"), 303)
