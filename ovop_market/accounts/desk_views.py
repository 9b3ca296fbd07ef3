"""Accounts on the operators' desk: found, looked at, invited, shut, changed, helped.

Each action has its own small form; each is a line of the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts import desk_queries as queries
from ovop_market.accounts import desk_services as services
from ovop_market.accounts import invitations, recovery, second_factor, sessions, trail
from ovop_market.accounts.actions import ACTIONS
from ovop_market.accounts.confirming import confirm_first, typed_before
from ovop_market.accounts.desk_forms import ChangeForm, InviteForm, ReasonForm, RoleForm
from ovop_market.accounts.desk_queries import Search, State
from ovop_market.accounts.invitation_views import Handed, handed_on
from ovop_market.accounts.labels import ROLES, ROLES_MAY
from ovop_market.accounts.models import Role, User
from ovop_market.core import clock, whatsapp
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.extensions import db
from ovop_market.regions.models import Region
from ovop_market.web import access
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm, explain, state_seen
from ovop_market.web.hosts import public_root
from ovop_market.web.paging import page_number, pager

blueprint = Blueprint("users", __name__)


def _shows(page: str, users: Iterable[User]) -> None:
    """The page that is being made shows personal data of these accounts."""
    trail.viewed_users(page, [user.id for user in users])


def _search() -> Search:
    role, state = request.args.get("role", ""), request.args.get("state", "")
    return Search(
        words=request.args.get("q", "")[: queries.LONGEST],
        role=Role(role) if role in set(Role) else None,
        state=State(state) if state in set(State) else None,
    )


def _address(search: Search, page: int) -> str:
    return url_for(
        "users.users",
        q=search.words or None,
        role=search.role,
        state=search.state,
        page=page if page > 1 else None,
    )


def _list(
    status: int = 200,
    *,
    form: InviteForm | None = None,
    problem: str = "",
    handed: Handed | None = None,
) -> Response:
    session, now = db.session(), clock.now()
    found = queries.found(session, _search(), page_number(request.args.get("page", "")))
    waiting = recovery.waiting_for_help(session)
    _shows("users", [*found.rows, *(each.user for each in waiting)])
    body = render_template(
        "accounts/desk/users.html",
        found=found,
        waiting=waiting,
        asked=queries.open_invitations(session, now),
        form=form,
        fresh=form or _invite_form(sent=False),
        problem=problem,
        handed=handed,
        roles=ROLES,
        states=State,
        pager=pager(found.page, found.pages, partial(_address, found.search)),
    )
    return make_response(body, status)


def _invite_form(*, sent: bool, typed: Mapping[str, str] | None = None) -> InviteForm:
    asked = queries.without_owner
    return InviteForm.asking(list(asked(db.session())) if asked else [], sent=sent, typed=typed)


@blueprint.get("/desk/users")
@access.role("operator")
def users() -> ResponseReturnValue:
    typed = typed_before("users.users")
    return _list(form=_invite_form(sent=False, typed=typed) if typed else None)


@blueprint.post("/desk/users/invitations")
@access.role("operator")
def invite() -> ResponseReturnValue:
    """The link is shown in this very answer and never again, so nothing is redirected to."""
    form = _invite_form(sent=True)
    if not form.validate():
        return _list(422, form=form)
    asked = confirm_first("users.users", typed=form)
    if asked is not None:
        return asked
    role = Role(form.role.data)
    try:
        invitation, token = services.invite(
            db.session(),
            login=form.login.data or "",
            role=role,
            region_code=form.region_code.data or None,
            producer=form.producer.data or "",
            actor_id=current_user.id,
            now=clock.now(),
        )
        handed = handed_on(invitation, token, str(ROLES[role]))
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _list(refusal.status, form=form, problem=explain(form, refusal))
    return _list(handed=handed)


@blueprint.post(f"/desk/users/invitations/<{ID}:invitation_id>/withdrawal")
@access.role("operator")
def withdraw(invitation_id: int) -> ResponseReturnValue:
    invitation = queries.invitation_of(db.session(), invitation_id)
    try:
        invitations.withdraw(db.session(), invitation, by_id=current_user.id, now=clock.now())
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        return _list(refusal.status, problem=refusal.message)
    flash(_("Undangan ditarik. Tautannya tidak bisa dipakai lagi."), "done")
    return redirect(url_for("users.users"), 303)


def _page(
    user: User,
    status: int = 200,
    *,
    at: str = "",
    form: BaseForm | None = None,
    problem: str = "",
    handed: Handed | None = None,
) -> Response:
    """The page of an account; `at` names the action that a refused form or a problem is about."""
    found = queries.page_of(db.session(), user, clock.now())
    _shows("user", [user])
    body = render_template(
        "accounts/desk/user.html",
        found=found,
        user=found.user,
        own=user.id == current_user.id,
        role_form=RoleForm(
            formdata=None, data={"role": str(user.role), "region_code": user.region_code or ""}
        ),
        at=at,
        form=form,
        fresh=ReasonForm(formdata=None),
        problem=problem,
        handed=handed,
        roles=ROLES,
        may=ROLES_MAY,
        said=ACTIONS,
    )
    return make_response(body, status)


@blueprint.get(f"/desk/users/<{ID}:user_id>")
@access.role("operator")
def user(user_id: int) -> ResponseReturnValue:
    found = queries.user_of(db.session(), user_id)
    typed = typed_before("users.user", user_id=user_id)
    if "reason" in typed:
        return _page(found, at="enabling", form=ReasonForm(formdata=None, data=typed))
    return _page(found)


@blueprint.post(f"/desk/users/<{ID}:user_id>/disabling")
@access.role("operator")
def disable(user_id: int) -> ResponseReturnValue:
    return _do(
        user_id,
        "disabling",
        lambda session, user, reason: services.disable(
            session, user, reason=reason, actor_id=current_user.id, now=clock.now()
        ),
        _("Akun ditutup. Semua perangkatnya sudah keluar."),
    )


@blueprint.post(f"/desk/users/<{ID}:user_id>/enabling")
@access.role("operator")
def enable(user_id: int) -> ResponseReturnValue:
    return _do(
        user_id,
        "enabling",
        lambda session, user, reason: services.enable(
            session, user, reason=reason, actor_id=current_user.id, now=clock.now()
        ),
        _("Akun dibuka lagi."),
        lets_in=True,
    )


@blueprint.post(f"/desk/users/<{ID}:user_id>/sessions/removal")
@access.role("operator")
def end_sessions(user_id: int) -> ResponseReturnValue:
    return _do(
        user_id,
        "sessions",
        lambda session, user, _reason: sessions.end_all(
            session, user, clock.now(), current_user.id
        ),
        _("Semua perangkatnya sudah keluar."),
        form=BaseForm(),
    )


@blueprint.post(f"/desk/users/<{ID}:user_id>/second-factor/removal")
@access.role("operator")
def clear_second_factor(user_id: int) -> ResponseReturnValue:
    return _do(
        user_id,
        "second-factor",
        lambda session, user, _reason: second_factor.clear(
            session, user, current_user.id, clock.now()
        ),
        _("Kode masuk dimatikan. Orangnya masuk lagi dengan kata sandi saja."),
        form=BaseForm(),
        lets_in=True,
    )


@blueprint.post(f"/desk/users/<{ID}:user_id>/reset-link")
@access.role("operator")
def make_reset_link(user_id: int) -> ResponseReturnValue:
    """The link is shown in this very answer and never again."""
    user = queries.user_of(db.session(), user_id)
    if user.disabled_at is not None:
        return _page(user, 409, problem=_("Akun ini ditutup. Buka dulu."))
    asked = confirm_first("users.user", typed=BaseForm(), user_id=user_id)
    if asked is not None:
        return asked
    try:
        token = recovery.reset_link(db.session(), user, current_user.id, clock.now())
    except Conflict as refusal:
        return _page(user, refusal.status, problem=refusal.message)
    address = public_root() + url_for("accounts.new_password", token=token)
    words = _(
        "Tautan untuk membuat kata sandi baru di OVOP Market, berlaku 24 jam dan hanya sekali: "
        "%(address)s",
        address=address,
    )
    chat = whatsapp.address(user.phone, words) if user.phone else ""
    handed = Handed(user.email or user.phone or "", address, chat, mailed=False)
    db.session.commit()
    return _page(user, handed=handed)


@blueprint.get(f"/desk/users/<{ID}:user_id>/role")
@access.role("operator")
def preview_role(user_id: int) -> ResponseReturnValue:
    """What a change means, before it is made."""
    form = RoleForm(request.args)
    user = queries.user_of(db.session(), user_id)
    if not form.validate():
        return _page(user, 422, problem=_("Pilih salah satu."))
    wanted = {"role": str(form.role.data), "region_code": form.region_code.data or ""}
    typed = typed_before("users.preview_role", user_id=user_id, **wanted)
    return _preview(user, ChangeForm(formdata=None, data={**typed, **wanted}))


@blueprint.post(f"/desk/users/<{ID}:user_id>/role")
@access.role("operator")
def change_role(user_id: int) -> ResponseReturnValue:
    form = ChangeForm()
    user = queries.user_of(db.session(), user_id)
    if not form.validate():
        return _preview(user, form, 422)
    role = Role(form.role.data)
    wanted = {"role": str(role), "region_code": form.region_code.data or ""}
    asked = confirm_first("users.preview_role", typed=form, user_id=user_id, **wanted)
    if asked is not None:
        return asked
    try:
        services.change_role(
            db.session(),
            user,
            role=role,
            region_code=form.region_code.data or None,
            seen=state_seen(),
            reason=form.reason.data or "",
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        user = queries.user_of(db.session(), user_id)
        return _preview(user, form, refusal.status, problem=explain(form, refusal))
    flash(_("Sekarang %(role)s.", role=ROLES[role]), "done")
    return redirect(url_for("users.user", user_id=user_id), 303)


def _preview(user: User, form: ChangeForm, status: int = 200, *, problem: str = "") -> Response:
    _shows("user", [user])
    role = Role(form.role.data) if form.role.data in set(Role) else user.role
    area = db.session().get(Region, form.region_code.data) if form.region_code.data else None
    places = queries.places_of(db.session(), user.id)
    body = render_template(
        "accounts/desk/role.html",
        user=user,
        form=form,
        refused=form if status == 422 else None,
        role=role,
        area=area.name if area else "",
        seen=services.standing_of(user),
        same=services.standing_of(user)
        == f"{role} {(form.region_code.data or '') if role is Role.OFFICIAL else ''}".strip(),
        places=places,
        problem=problem,
        roles=ROLES,
        may=ROLES_MAY,
    )
    return make_response(body, status)


def _do(
    user_id: int,
    at: str,
    verb: Callable[[Session, User, str], object],
    notice: str,
    *,
    form: BaseForm | None = None,
    lets_in: bool = False,
) -> ResponseReturnValue:
    """Load, validate, act, commit once, answer. Without a form of its own, it has a reason. What
    lets somebody in asks first who is at the keyboard; what shuts out, shuts out at once."""
    user = queries.user_of(db.session(), user_id)
    form = form or ReasonForm()
    if not form.validate():
        return _page(user, 422, at=at, form=form)
    asked = confirm_first("users.user", typed=form, user_id=user_id) if lets_in else None
    if asked is not None:
        return asked
    reason = form.reason.data if isinstance(form, ReasonForm) else ""
    try:
        verb(db.session(), user, reason or "")
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        user = queries.user_of(db.session(), user_id)
        return _page(user, refusal.status, at=at, problem=refusal.message)
    flash(notice, "done")
    return redirect(url_for("users.user", user_id=user_id), 303)
