"""People who help: who works for a producer, who is asked to, and who goes (docs/adr/0038)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts import attempts, throttle
from ovop_market.accounts.attempts import TooSoon
from ovop_market.accounts.confirming import confirm_first, typed_before
from ovop_market.accounts.invitation_views import Handed, handed_on
from ovop_market.accounts.throttle import Bucket
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.villages import staff_queries as queries
from ovop_market.villages import staff_services as services
from ovop_market.villages.labels import STAFF, STAFF_MAY
from ovop_market.villages.models import Producer
from ovop_market.villages.policy import Duty, StaffRole
from ovop_market.villages.staff_forms import InviteForm, RoleForm, invite_form
from ovop_market.web import access
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain

blueprint = Blueprint("staff", __name__)


def _page(
    status: int = 200,
    *,
    at: str = "",
    form: InviteForm | None = None,
    problem: str = "",
    handed: Handed | None = None,
) -> Response:
    """The page; `at` is the slug of the producer that a refused form, a problem or a link that
    has just been made is about."""
    found = queries.teams(db.session(), current_user, clock.now())
    body = render_template(
        "shop/staff.html",
        teams=found,
        owns=any(team.owned for team in found),
        at=at,
        form=form,
        fresh=invite_form,
        problem=problem,
        handed=handed,
        names=STAFF,
        may=STAFF_MAY,
    )
    return make_response(body, status)


@blueprint.get("/shop/staff")
@access.staff(Duty.SEE)
def staff() -> ResponseReturnValue:
    slug = request.args.get("of", "")
    typed = typed_before("staff.staff", of=slug)
    # Or a role, of which the page says how it is.
    asked = "login" in typed
    return _page(at=slug, form=invite_form(slug, sent=False, typed=typed) if asked else None)


@blueprint.post("/shop/producers/<slug>/invitations")
@access.role("producer")
def invite(slug: str) -> ResponseReturnValue:
    """The link is shown in this very answer and never again, so nothing is redirected to."""
    producer = _own(slug)
    form = invite_form(slug, sent=True)
    if not form.validate():
        return _page(422, at=slug, form=form)
    # Whoever is let in stays, and names another bank account with a password of their own.
    asked_first = confirm_first("staff.staff", typed=form, of=slug)
    if asked_first is not None:
        return asked_first
    role = StaffRole(form.role.data)
    try:
        # Each may send a mail to somebody who has never heard of us.
        attempts.count(Bucket(throttle.INVITATION, str(current_user.id)))
    except TooSoon as error:
        attempts.waiting(form, error)
        page = _page(429, at=slug, form=form)
        page.headers["Retry-After"] = str(error.seconds)
        return page
    try:
        asked, token = services.invite(
            db.session(),
            producer,
            login=form.login.data or "",
            role=role,
            actor_id=current_user.id,
            now=clock.now(),
        )
        handed = handed_on(asked.invitation, token, str(STAFF[role]), producer.name)
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _page(refusal.status, at=slug, form=form, problem=explain(form, refusal))
    return _page(at=slug, handed=handed)


@blueprint.post(f"/shop/producers/<slug>/invitations/<{ID}:invitation_id>/withdrawal")
@access.role("producer")
def withdraw(slug: str, invitation_id: int) -> ResponseReturnValue:
    producer = _own(slug)
    asked = queries.invitation_to(db.session(), producer, invitation_id)
    return _do(
        slug,
        lambda session: services.invitations.withdraw(
            session, asked.invitation, by_id=current_user.id, now=clock.now()
        ),
        _("Undangan ditarik. Tautannya tidak bisa dipakai lagi."),
    )


@blueprint.post(f"/shop/producers/<slug>/staff/<{ID}:user_id>/role")
@access.role("producer")
def change_role(slug: str, user_id: int) -> ResponseReturnValue:
    producer, form = _own(slug), RoleForm()
    if not form.validate():
        return _page(422, at=slug, problem=_("Pilih salah satu."))
    asked_first = confirm_first("staff.staff", typed=form, of=slug)
    if asked_first is not None:
        return asked_first
    role = StaffRole(form.role.data)
    return _do(
        slug,
        lambda session: services.change_role(
            session, producer, user_id, role, actor_id=current_user.id, now=clock.now()
        ),
        _("Sekarang %(role)s.", role=STAFF[role]),
    )


@blueprint.post(f"/shop/producers/<slug>/staff/<{ID}:user_id>/removal")
@access.role("producer")
def remove(slug: str, user_id: int) -> ResponseReturnValue:
    producer = _own(slug)
    return _do(
        slug,
        lambda session: services.remove(
            session, producer, user_id, actor_id=current_user.id, now=clock.now()
        ),
        _("Dikeluarkan. Pesanan masuk tertutup untuk orang itu mulai sekarang."),
    )


@blueprint.post("/shop/producers/<slug>/staff/departure")
@access.staff(Duty.SEE)
def leave(slug: str) -> ResponseReturnValue:
    producer = queries.producer_of(db.session(), current_user, slug, Duty.SEE)
    name = producer.name
    return _do(
        slug,
        lambda session: services.leave(session, producer, current_user, now=clock.now()),
        _("Anda tidak membantu %(producer)s lagi.", producer=name),
    )


def _own(slug: str) -> Producer:
    return queries.producer_of(db.session(), current_user, slug)


def _do(slug: str, verb: Callable[[Session], object], notice: str) -> ResponseReturnValue:
    """The beats after loading."""
    try:
        verb(db.session())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _page(refusal.status, at=slug, problem=refusal.message)
    flash(notice, "done")
    return redirect(url_for("staff.staff"), 303)
