"""Signing in and out, registering, and one's own page."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from ovop_market.accounts import services
from ovop_market.accounts.forms import RegisterForm, SignInForm
from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.extensions.database import begin_as_reader
from ovop_market.web import access, sessions

blueprint = Blueprint("accounts", __name__)

# Where each role begins its day.
HOMES = {
    Role.BUYER: "accounts.account",
    Role.PRODUCER: "inbox.inbox",
    Role.OFFICIAL: "reach.reach",
    Role.OPERATOR: "payments.desk",
}


def _local(wanted: str | None) -> str:
    """The wanted address if it is a path of this site, never another site; else empty."""
    path = wanted or ""
    local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if local and all(32 < ord(c) < 127 and c != "\\" for c in path) else ""


def _next(user: User, wanted: str | None) -> str:
    """Where to go after signing in."""
    return _local(wanted) or url_for(HOMES[user.role])


def _begin_session(user: User) -> None:
    """Signs the user in, in a fresh session."""
    sessions.begin_anew()
    login_user(user)


@blueprint.get("/sign-in")
@access.visitor
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(_next(current_user, request.args.get("next")), 303)
    form = SignInForm(data={"next": request.args.get("next", "")[:500]})
    return render_template("accounts/sign_in.html", form=form)


@blueprint.post("/sign-in")
@access.visitor
def begin_session() -> ResponseReturnValue:
    form = SignInForm()
    if not form.validate():
        return render_template("accounts/sign_in.html", form=form), 422
    # Hashing takes its time; nobody's order waits for it (SQLite has one writer).
    begin_as_reader(True)
    user = services.authenticate(db.session(), form.login.data or "", form.password.data or "")
    db.session.rollback()
    begin_as_reader(False)
    if user is None:
        # Of the form, not of a field: which of the two is wrong, nobody is told.
        form.form_errors = [_("Email, nomor HP, atau kata sandi tidak cocok. Coba lagi.")]
        return render_template("accounts/sign_in.html", form=form), 422
    services.record(db.session(), "signed in", f"user {user.id}", clock.now(), user.id)
    db.session.commit()
    _begin_session(user)
    return redirect(_next(user, form.next.data), 303)


@blueprint.post("/sign-out")
@access.visitor
def end_session() -> ResponseReturnValue:
    logout_user()
    session.clear()
    return redirect(_local(request.form.get("next")) or url_for("catalogue.front"), 303)


@blueprint.get("/register")
@access.visitor
def register() -> ResponseReturnValue:
    form = RegisterForm(data={"next": request.args.get("next", "")[:500]})
    return render_template("accounts/register.html", form=form)


@blueprint.post("/register")
@access.visitor
def make_account() -> ResponseReturnValue:
    form = RegisterForm()
    if not form.validate():
        return render_template("accounts/register.html", form=form), 422
    try:
        user = services.register(
            db.session(),
            login=form.login.data or "",
            password=form.password.data or "",
            name=form.name.data or "",
            role=Role.BUYER,
            now=clock.now(),
        )
    except Unusable as refusal:
        db.session.rollback()
        form[str(refusal.details["field"])].errors = [refusal.message]
        return render_template("accounts/register.html", form=form), 422
    db.session.commit()
    _begin_session(user)
    return redirect(_next(user, form.next.data), 303)


@blueprint.get("/account")
@access.signed_in
def account() -> ResponseReturnValue:
    return render_template("accounts/account.html", user=current_user)
