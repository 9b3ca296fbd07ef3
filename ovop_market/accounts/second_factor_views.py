"""The second factor of one's own account; and who is led to set one up before anything else."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.accounts import attempts, cookies, second_factor, sessions, throttle
from ovop_market.accounts.attempts import TooSoon
from ovop_market.accounts.confirming import confirm_first, is_person
from ovop_market.accounts.forms import CodeForm, PersonForm
from ovop_market.accounts.models import User
from ovop_market.accounts.throttle import Bucket
from ovop_market.accounts.views import HOMES, blueprint
from ovop_market.core import clock
from ovop_market.core.errors import NotAllowed, Unusable
from ovop_market.extensions import db
from ovop_market.web import access, htmx
from ovop_market.web.forms import BaseForm

# What is open to somebody who must set one up first.
_OPEN = frozenset(
    {
        "accounts.two_steps",
        "accounts.begin_two_steps",
        "accounts.confirm_two_steps",
        "accounts.confirmation",
        "accounts.confirm",
        "accounts.password",
        "accounts.change_password",
    }
)


@blueprint.get("/account/second-factor")
@access.signed_in
def two_steps() -> ResponseReturnValue:
    if second_factor.pending(current_user, clock.now()) is not None:
        # The page shows the secret.
        asked = confirm_first("accounts.two_steps")
        if asked is not None:
            return asked
    return _page()


def _page(form: BaseForm | None = None, status: int = 200) -> ResponseReturnValue:
    return _body(form), status


def _body(form: BaseForm | None = None) -> str:
    """Not yet, being set up, or on: each is a page with one thing to do."""
    user: User = current_user
    required = second_factor.is_required(user)
    if user.totp_since is not None:
        return render_template(
            "accounts/second_factor.html",
            form=form or PersonForm(),
            since=user.totp_since,
            left=second_factor.codes_left(db.session(), user),
            required=required,
        )
    if second_factor.pending(user, clock.now()) is not None:
        return _setting_up(form or CodeForm())
    return render_template("accounts/second_factor_off.html", required=required)


def _setting_up(form: BaseForm) -> str:
    secret = second_factor.pending(current_user, clock.now()) or ""
    return render_template(
        "accounts/second_factor_setup.html",
        form=form,
        required=second_factor.is_required(current_user),
        picture=second_factor.picture(current_user, secret),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    )


@blueprint.post("/account/second-factor")
@access.signed_in
def begin_two_steps() -> ResponseReturnValue:
    asked = confirm_first("accounts.two_steps")
    if asked is not None:
        return asked
    second_factor.begin(db.session(), current_user, clock.now())
    db.session.commit()
    return redirect(url_for("accounts.two_steps"), 303)


@blueprint.post("/account/second-factor/confirmation")
@access.signed_in
def confirm_two_steps() -> ResponseReturnValue:
    asked = confirm_first("accounts.two_steps")
    if asked is not None:
        return asked
    form = CodeForm()
    user_id = current_user.id
    if second_factor.pending(current_user, clock.now()) is None:
        return redirect(url_for("accounts.two_steps"), 303)
    if not form.validate():
        return _page(form, 422)
    try:
        attempts.count(Bucket(throttle.CODE, str(user_id)))
        user = db.session.get_one(User, user_id)
        cookies.hold(user)
        second_factor.confirm(db.session(), user, form.code.data or "", clock.now())
        keep = _others_out(user)
    except TooSoon as error:
        return attempts.answer(_setting_up(attempts.waiting(form, error)), error)
    except Unusable as refusal:
        db.session.rollback()
        form.code.errors = [refusal.message]
        return _page(form, 422)
    throttle.clear(db.session(), [Bucket(throttle.CODE, str(user_id))])
    db.session.commit()
    keep()
    return _codes(user_id, others_out=True)


def _others_out(user: User) -> Callable[[], None]:
    """Whoever got in some other way is out; this device begins a new session. Returns what is to be
    done after the commit."""
    now = clock.now()
    sessions.end_all(db.session(), user, now, user.id)
    return cookies.begin(user, now)


def _codes(user_id: int, *, others_out: bool = False) -> str:
    """New codes for paper. They are in this answer and nowhere else, so it is no redirect. Called
    with no transaction open: they are stretched first, then kept."""
    codes = second_factor.new_codes(user_id)
    user = db.session.get_one(User, user_id)
    second_factor.keep_codes(db.session(), user, codes.values(), clock.now())
    db.session.commit()
    home = url_for(HOMES[current_user.role])
    return render_template(
        "accounts/recovery_codes.html", codes=codes, home=home, others_out=others_out
    )


@blueprint.post("/account/second-factor/codes")
@access.signed_in
def renew_codes() -> ResponseReturnValue:
    refused = _refused(PersonForm())
    if refused is not None:
        return refused
    user_id = current_user.id
    db.session.commit()
    return _codes(user_id)


@blueprint.post("/account/second-factor/removal")
@access.signed_in
def end_two_steps() -> ResponseReturnValue:
    if second_factor.is_required(current_user):
        raise NotAllowed(_("Akun dinas dan pengelola harus memakai kode masuk."))
    refused = _refused(PersonForm())
    if refused is not None:
        return refused
    user = db.session.get_one(User, current_user.id)
    cookies.hold(user)
    second_factor.turn_off(db.session(), user, clock.now())
    keep = _others_out(user)
    db.session.commit()
    keep()
    flash(f"{_('Kode masuk sudah dimatikan.')} {_('Perangkat lain sudah keluar.')}", "done")
    return redirect(url_for("accounts.two_steps"), 303)


def _refused(form: PersonForm) -> ResponseReturnValue | None:
    """The page again unless password and code are right; None if they are."""
    if current_user.totp_since is None:
        return redirect(url_for("accounts.two_steps"), 303)
    if not form.validate():
        return _page(form, 422)
    user = db.session.get_one(User, current_user.id)
    try:
        return None if is_person(user, form) else _page(form, 422)
    except TooSoon as error:
        return attempts.answer(_body(attempts.waiting(form, error)), error)


def _set_up_first() -> ResponseReturnValue | None:
    """Before every page for which one is signed in."""
    door = access.door_of(request.endpoint)
    if door is None or door.kind not in ("signed_in", "role") or request.endpoint in _OPEN:
        return None
    user = current_user
    if not user.is_authenticated or user.totp_since or not second_factor.is_required(user):
        return None
    return htmx.moved(url_for("accounts.two_steps"))


def init_app(app: Flask) -> None:
    """Stands behind the doors: who is not let in is told so first."""
    app.before_request(_set_up_first)
