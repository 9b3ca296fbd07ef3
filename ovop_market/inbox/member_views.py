"""Members of a group come and go; a producer closes for good."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.catalogue.shop_queries import producer_of
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.inbox import member_queries
from ovop_market.inbox.member_forms import EndForm, GroupForm, HouseholdForm, LeaveForm
from ovop_market.orders.services import membership
from ovop_market.orders.services.history import By
from ovop_market.orders.states import Actor
from ovop_market.villages.models import Producer
from ovop_market.web import access, htmx
from ovop_market.web.forms import BaseForm, explain

blueprint = Blueprint("members", __name__)


def _page(
    status: int = 200, *, at: str = "", form: BaseForm | None = None, problem: str = ""
) -> Response:
    """The page; `at` is the slug of the producer that a refused form is about."""
    found = member_queries.memberships(db.session(), current_user)
    fresh = HouseholdForm(formdata=None)
    body = render_template(
        "shop/members.html", memberships=found, at=at, form=form, fresh=fresh, problem=problem
    )
    return make_response(body, status)


@blueprint.get("/shop/members")
@access.role("producer")
def members() -> ResponseReturnValue:
    return _page()


@blueprint.post("/shop/producers/<slug>/members")
@access.role("producer")
def add(slug: str) -> ResponseReturnValue:
    group, form = _own(slug), HouseholdForm()
    return _do(
        group,
        form,
        lambda session: membership.add_household(
            session,
            group,
            name=form.name.data or "",
            phone=form.phone.data or "",
            actor_id=current_user.id,
            now=clock.now(),
        ),
        _("Anggota ditambahkan. Isi kesanggupannya di Stok dan jadwal."),
    )


@blueprint.post("/shop/producers/<slug>/members/<member>/admission")
@access.role("producer")
def admit(slug: str, member: str) -> ResponseReturnValue:
    return _answer(slug, member, welcome=True)


@blueprint.post("/shop/producers/<slug>/members/<member>/refusal")
@access.role("producer")
def refuse(slug: str, member: str) -> ResponseReturnValue:
    return _answer(slug, member, welcome=False)


def _answer(slug: str, member: str, *, welcome: bool) -> ResponseReturnValue:
    group = _own(slug)
    household = member_queries.member_of(db.session(), group, member)
    return _do(
        group,
        BaseForm(),
        lambda session: membership.answer(
            session,
            group,
            household,
            welcome=welcome,
            actor_id=current_user.id,
            now=clock.now(),
        ),
        _("Sekarang anggota.") if welcome else _("Permintaannya ditolak."),
    )


@blueprint.post("/shop/producers/<slug>/members/<member>/removal")
@access.role("producer")
def remove(slug: str, member: str) -> ResponseReturnValue:
    group, form = _own(slug), LeaveForm()
    household = member_queries.member_of(db.session(), group, member)
    return _do(group, form, _leaving(household, form), _("Bukan anggota lagi."))


@blueprint.post("/shop/producers/<slug>/departure")
@access.role("producer")
def leave(slug: str) -> ResponseReturnValue:
    household, form = _own(slug), LeaveForm()
    return _do(household, form, _leaving(household, form), _("Anda bukan anggota lagi."))


def _leaving(household: Producer, form: LeaveForm) -> Callable[[Session], object]:
    return lambda session: membership.leave(
        session,
        household,
        by=By(Actor.PRODUCER, current_user.id),
        now=clock.now(),
        reason=form.reason.data or "",
    )


@blueprint.post("/shop/producers/<slug>/application")
@access.role("producer")
def ask(slug: str) -> ResponseReturnValue:
    household, form = _own(slug), GroupForm()
    group = member_queries.group_in(db.session(), household, form.group.data or "")
    if group is None:
        return _page(422, at=slug, problem=_("Pilih kelompok dari desa yang sama."))
    return _do(
        household,
        form,
        lambda session: membership.ask_to_join(
            session, household, group, actor_id=current_user.id, now=clock.now()
        ),
        _("Permintaan dikirim ke koordinator."),
    )


@blueprint.post("/shop/producers/<slug>/ending")
@access.role("producer")
def end(slug: str) -> ResponseReturnValue:
    producer, form = _own(slug), EndForm()
    return _do(
        producer,
        form,
        lambda session: membership.close_for_good(
            session, producer, actor_id=current_user.id, now=clock.now()
        ),
        _("Tutup untuk seterusnya. Terima kasih sudah berjualan di sini."),
    )


def _own(slug: str) -> Producer:
    return producer_of(db.session(), current_user, slug)


def _do(
    producer: Producer, form: BaseForm, verb: Callable[[Session], object], notice: str
) -> ResponseReturnValue:
    """The beats after loading."""
    slug = producer.slug
    if not form.validate():
        return _page(422, at=slug, form=form)
    try:
        verb(db.session())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        return _page(refusal.status, at=slug, form=form, problem=problem)
    flash(notice, "done")
    if htmx.is_fragment():
        return htmx.moved(url_for("members.members"))
    return redirect(url_for("members.members"), 303)
