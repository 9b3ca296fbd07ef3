"""The page that an invitation's link opens: what it is to, and accepting it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField, ValidationError

from ovop_market.accounts import cookies, invitations, services
from ovop_market.accounts.confirming import confirm_first
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.invitations import Place, Standing
from ovop_market.accounts.labels import ROLES
from ovop_market.accounts.models import Role, User
from ovop_market.accounts.passwords import MAX_TYPED
from ovop_market.accounts.views import HOMES
from ovop_market.core import clock, whatsapp
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.core.masking import masked_login
from ovop_market.extensions import db
from ovop_market.regions.models import Region
from ovop_market.web import access, limits
from ovop_market.web.forms import BaseForm, at_most, explain, required
from ovop_market.web.hosts import public_root

blueprint = Blueprint("invitations", __name__)

# What is asked for the password once more.
_OFFICE = (Role.OFFICIAL, Role.OPERATOR)


class JoinForm(BaseForm):
    """An account for the login that is invited. A link that was handed on, and not mailed to it,
    may have come to anybody: who comes by it says whose it is."""

    login = StringField(_l("Email atau nomor HP Anda yang diundang"), [required(), at_most(254)])
    name = StringField(_l("Nama"), [required(), at_most(100)])
    password = PasswordField(_l("Kata sandi"), [required(), at_most(MAX_TYPED)])

    def __init__(self, invitation: Invitation, **values: object) -> None:
        super().__init__(**values)
        self._invited = invitation.login
        if invitation.mailed:
            del self.login

    def validate_login(self, field: StringField) -> None:
        if services.login_of(field.data or "") != self._invited:
            raise ValidationError(_("Bukan ini yang diundang. Tulis seperti yang mengundang Anda."))


@dataclass(frozen=True, slots=True)
class Handed:
    """A link that has just been made, for whoever invites: mailed already, or shown this once.
    `chat` opens WhatsApp with ready words, for an invited telephone number."""

    login: str
    address: str
    chat: str
    mailed: bool


def handed_on(invitation: Invitation, token: str, role_text: str, where: str = "") -> Handed:
    """What whoever invites sees of the link."""
    if invitation.mailed:
        return Handed(invitation.login, "", "", mailed=True)
    address = public_root() + url_for("invitations.invitation", token=token)
    words = (
        _(
            "Anda diundang membantu %(place)s di OVOP Market sebagai %(role)s. Buka tautan ini "
            "dalam 7 hari: %(address)s",
            place=where,
            role=role_text,
            address=address,
        )
        if where
        else _(
            "Anda diundang memakai OVOP Market sebagai %(role)s. Buka tautan ini dalam 7 hari: "
            "%(address)s",
            role=role_text,
            address=address,
        )
    )
    chat = whatsapp.address(invitation.phone, words) if invitation.phone else ""
    return Handed(invitation.login, address, chat, mailed=False)


def _page(
    token: str,
    invitation: Invitation,
    status: int = 200,
    *,
    form: JoinForm | None = None,
    problem: str = "",
) -> Response:
    session = db.session()
    how = invitations.standing(invitation, clock.now())
    if how is not Standing.OPEN:
        # Gone for good (RFC 9110, 15.5.11): what it was to is nobody's business any more.
        why = invitations.explanation(how)
        return make_response(
            render_template("accounts/invitation_over.html", why=why, standing=how), 410
        )
    here = current_user if current_user.is_authenticated else None
    fits = here is not None and invitations.fits(invitation, here)
    known = services.user_of(session, invitation.login)
    body = render_template(
        "accounts/invitation.html",
        token=token,
        invitation=invitation,
        place=_place(invitation),
        # Whole, it is shown to nobody but its owner: links are passed on.
        login=invitation.login if fits else masked_login(invitation.login),
        here=here,
        fits=fits,
        known=known is not None,
        form=form or JoinForm(invitation, formdata=None),
        refused=form,
        problem=problem,
    )
    return make_response(body, status)


def _place(invitation: Invitation) -> Place:
    """To be what, where: in a producer, or here."""
    asked = invitations.place_of
    found = asked(db.session(), invitation) if asked else None
    if found is not None:
        return found
    area = db.session().get(Region, invitation.region_code) if invitation.region_code else None
    return Place(str(ROLES[invitation.role]), "OVOP Market", area.name if area else "")


@blueprint.get("/invitations/<token>")
@access.link
@limits.on("tracking")
def invitation(token: str) -> ResponseReturnValue:
    return _page(token, invitations.by_token(db.session(), token))


@blueprint.post("/invitations/<token>/acceptance")
@access.link
@limits.on("tracking")
def accept(token: str) -> ResponseReturnValue:
    """By the account that is signed in."""
    found = invitations.by_token(db.session(), token)
    if not current_user.is_authenticated:
        return redirect(url_for("invitations.invitation", token=token), 303)
    user, now = db.session.get_one(User, current_user.id), clock.now()
    changes = found.role in _OFFICE or found.role is not user.role
    if changes and invitations.fits(found, user):
        # A phone left on a table must not become the desk; nor may the session that begins where
        # the role changes pass for somebody who has just signed in.
        asked = confirm_first("invitations.invitation", token=token)
        if asked is not None:
            return asked
    before = user.epoch
    try:
        invitations.accept(db.session(), found, user, now)
        keep = cookies.begin(user, now) if user.epoch != before else None
        db.session.commit()
    except Conflict as refusal:
        return _refused(token, None, refusal)
    if keep is not None:
        keep()
    return _welcome(user)


@blueprint.post("/invitations/<token>/account")
@access.link
@limits.on("tracking", "register")
def join(token: str) -> ResponseReturnValue:
    """By an account that is made here."""
    found = invitations.by_token(db.session(), token)
    if current_user.is_authenticated:
        return redirect(url_for("invitations.invitation", token=token), 303)
    form = JoinForm(found)
    if not form.validate():
        return _page(token, found, 422, form=form)
    login, verified = found.login, found.mailed
    # Hashing takes its time; nobody's order waits for it (SQLite has one writer).
    db.session.rollback()
    try:
        user = invitations.register(
            db.session(),
            token,
            login=login,
            verified=verified,
            name=form.name.data or "",
            password=form.password.data or "",
            now=clock.now(),
        )
        keep = cookies.begin(user, clock.now())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        return _refused(token, form, refusal)
    keep()
    return _welcome(user)


def _refused(token: str, form: JoinForm | None, refusal: MarketError) -> Response:
    db.session.rollback()
    problem = explain(form, refusal) if form is not None else refusal.message
    found = invitations.by_token(db.session(), token)
    return _page(token, found, refusal.status, form=form, problem=problem)


def _welcome(user: User) -> ResponseReturnValue:
    flash(_("Selamat datang. Undangan sudah diterima."), "done")
    return redirect(url_for(HOMES[user.role]), 303)
