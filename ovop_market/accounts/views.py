"""Signing in and out, and registering."""

from __future__ import annotations

from collections.abc import Callable

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import (
    attempts,
    cookies,
    passwords,
    recovery,
    second_factor,
    services,
    throttle,
)
from ovop_market.accounts import sessions as signed_in
from ovop_market.accounts.attempts import TooSoon
from ovop_market.accounts.forms import CodeForm, RegisterForm, SignInForm
from ovop_market.accounts.models import Role, User
from ovop_market.accounts.throttle import Bucket
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.web import access, limits

blueprint = Blueprint("accounts", __name__)

# Where each role begins its day.
HOMES = {
    Role.BUYER: "accounts.account",
    Role.PRODUCER: "inbox.inbox",
    Role.OFFICIAL: "reach.reach",
    Role.OPERATOR: "payments.desk",
}
_REGISTERED = "registered"


def local(wanted: str | None) -> str:
    """The wanted address if it is a path of this site, never another site; else empty."""
    path = wanted or ""
    local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if local and all(32 < ord(c) < 127 and c != "\\" for c in path) else ""


def _next(user: User, wanted: str | None) -> str:
    """Where to go after signing in."""
    return local(wanted) or url_for(HOMES[user.role])


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
    login, password = form.login.data or "", form.password.data or ""
    counted = attempts.of_sign_in(login)
    try:
        attempts.count(*counted)
    except TooSoon as error:
        return attempts.too_soon("accounts/sign_in.html", form, error)
    user = attempts.who(login, password)
    # Of the same cost whatever the login: it is hashed anew where our costs have changed.
    dated = user is not None and passwords.is_dated(user.password_hash)
    db.session.rollback()
    anew = passwords.hashed(password) if dated else ""
    now = clock.now()
    if user is None:
        # Neither the login nor whether there is such an account is written down.
        services.record(db.session(), "sign-in failed", "sign-in", now, None)
    else:
        attempts.went_well(db.session(), counted)
        if anew:
            user.password_hash = anew
        if user.totp_since is None:
            return _signed_in(user, login, form.next.data)
        cookies.begin_half(user, login, local(form.next.data), now)
    db.session.commit()
    if user is not None:
        return redirect(url_for("accounts.code"), 303)
    # Of the form, not of a field: which of the two is wrong, nobody is told.
    form.form_errors = [_("Email, nomor HP, atau kata sandi tidak cocok. Coba lagi.")]
    return render_template("accounts/sign_in.html", form=form), 422


def _signed_in(user: User, login: str, wanted: str | None) -> Response:
    """Begins the session, and knows this device the next time."""
    keep = cookies.begin(user, clock.now())
    target = _next(user, wanted)
    db.session.commit()
    keep()
    response = redirect(target, 303)
    cookies.remember_device(response, services.login_of(login) or login)
    return response


@blueprint.get("/sign-in/code")
@access.visitor
def code() -> ResponseReturnValue:
    """The second step."""
    if cookies.half(clock.now()) is None:
        return redirect(url_for("accounts.sign_in"), 303)
    return render_template("accounts/code.html", form=CodeForm())


@blueprint.post("/sign-in/code")
@access.visitor
def check_code() -> ResponseReturnValue:
    found = cookies.half(clock.now())
    if found is None:
        return redirect(url_for("accounts.sign_in"), 303)
    half, user = found
    form = CodeForm()
    if not form.validate():
        return render_template("accounts/code.html", form=form), 422
    bucket = Bucket(throttle.CODE, str(user.id))
    try:
        attempts.count(bucket)
    except TooSoon as error:
        return attempts.too_soon("accounts/code.html", form, error)
    now = clock.now()
    if not second_factor.accept(db.session(), user, form.code.data or "", now):
        services.record(db.session(), "code refused", f"user {user.id}", now, None)
        db.session.commit()
        form.code.errors = [_("Kode ini tidak cocok. Tulis kode terbaru dari aplikasi.")]
        return render_template("accounts/code.html", form=form), 422
    throttle.clear(db.session(), [bucket])
    return _signed_in(user, half.login, half.next)


@blueprint.post("/sign-out")
@access.visitor
def end_session() -> ResponseReturnValue:
    if current_user.is_authenticated:
        found = cookies.this_session()
        assert found is not None
        signed_in.sign_out(db.session(), current_user.id, found.id, clock.now())
        db.session.commit()
    cookies.end()
    # Said where there may be a cookie: the front page is the same for everybody.
    flash(_("Anda sudah keluar."), "done")
    return redirect(local(request.form.get("next")) or url_for("accounts.sign_in"), 303)


@blueprint.get("/register")
@access.visitor
def register() -> ResponseReturnValue:
    form = RegisterForm(data={"next": request.args.get("next", "")[:500]})
    return render_template("accounts/register.html", form=form)


@blueprint.post("/register")
@access.visitor
@limits.on("register")
def make_account() -> ResponseReturnValue:
    """Whether the login has an account already, this page does not say: the mail does. Whoever has
    made one is signed in by the way; the answer and the page after it have the same words."""
    form = RegisterForm()
    if not form.validate():
        return render_template("accounts/register.html", form=form), 422
    # Nothing stays open while the password is hashed.
    db.session.rollback()
    try:
        keep = _make(form)
    except Unusable as refusal:
        db.session.rollback()
        form[str(refusal.details["field"])].errors = [refusal.message]
        return render_template("accounts/register.html", form=form), 422
    db.session.commit()
    keep()
    session[_REGISTERED] = [form.login.data or "", local(form.next.data)]
    return redirect(url_for("accounts.registered"), 303)


def _make(form: RegisterForm) -> Callable[[], None]:
    """Makes the account and signs it in, or tells the owner of the one that there is; returns what
    is to be done after the commit. Raises Unusable for what is wrong with what was typed, whoever
    it belongs to."""
    now, login = clock.now(), form.login.data or ""
    try:
        user = services.register(
            db.session(),
            login=login,
            password=form.password.data or "",
            name=form.name.data or "",
            role=Role.BUYER,
            now=now,
        )
    except Unusable as refusal:
        if not refusal.details.get("taken"):
            raise
        owner = services.user_of(db.session(), login)
        assert owner is not None
        recovery.tell_taken(db.session(), owner, now)
        return lambda: None
    recovery.ask_to_verify(db.session(), user, now)
    return cookies.begin(user, now)


@blueprint.get("/register/sent")
@access.visitor
def registered() -> ResponseReturnValue:
    """What comes next: the mail, and going on."""
    login, target = session.get(_REGISTERED, ["", ""])
    by_mail = "@" in login and bool(current_app.config["OVOP"].smtp_url)
    target = target or url_for("accounts.account")
    return render_template("accounts/registered.html", target=target, by_mail=by_mail)
