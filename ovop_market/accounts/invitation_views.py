"""The page that an invitation's link opens: what it is to, and accepting it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField

from ovop_market.accounts import cookies, invitations, services
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.invitations import Place, Standing
from ovop_market.accounts.labels import ROLES
from ovop_market.accounts.models import User
from ovop_market.accounts.passwords import MAX_TYPED
from ovop_market.accounts.views import HOMES
from ovop_market.core import clock, whatsapp
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.extensions import db
from ovop_market.regions.models import Region
from ovop_market.web import access
from ovop_market.web.forms import BaseForm, at_most, explain, required
from ovop_market.web.hosts import public_root

blueprint = Blueprint("invitations", __name__)


class JoinForm(BaseForm):
    """An account for the login that is invited."""

    name = StringField(_l("Nama"), [required(), at_most(100)])
    password = PasswordField(_l("Kata sandi"), [required(), at_most(MAX_TYPED)])


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
    known = services.user_of(session, invitation.login)
    body = render_template(
        "accounts/invitation.html",
        token=token,
        invitation=invitation,
        place=_place(invitation),
        login=invitation.login if here is None else _masked(invitation.login),
        here=here,
        fits=here is not None and invitations.fits(invitation, here),
        known=known is not None,
        form=form or JoinForm(formdata=None),
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


def _masked(login: str) -> str:
    """Enough to know one's own, for whoever is signed in as somebody else."""
    name, at, place = login.partition("@")
    if at:
        return f"{name[:1]}•••@{place}"
    return f"{login[:6]}••••{login[-3:]}"


@blueprint.get("/invitations/<token>")
@access.link
def invitation(token: str) -> ResponseReturnValue:
    return _page(token, invitations.by_token(db.session(), token))


@blueprint.post("/invitations/<token>/acceptance")
@access.link
def accept(token: str) -> ResponseReturnValue:
    """By the account that is signed in."""
    found = invitations.by_token(db.session(), token)
    if not current_user.is_authenticated:
        return redirect(url_for("invitations.invitation", token=token), 303)
    try:
        invitations.accept(db.session(), found, current_user, clock.now())
        db.session.commit()
    except Conflict as refusal:
        return _refused(token, None, refusal)
    return _welcome(current_user)


@blueprint.post("/invitations/<token>/account")
@access.link
def join(token: str) -> ResponseReturnValue:
    """By an account that is made here."""
    found = invitations.by_token(db.session(), token)
    if current_user.is_authenticated:
        return redirect(url_for("invitations.invitation", token=token), 303)
    form = JoinForm()
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
