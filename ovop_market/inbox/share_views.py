"""Shares of a group's orders: a household's answer, and the coordinator's word.

Answered as the inbox is: with the list when the tap came from there (`back=list`), else with the
page of the share; to HTMX as the fragment, else as a redirect.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound, OutOfStock, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.inbox import fairness as fairness_queries
from ovop_market.inbox import queries, share_queries, views
from ovop_market.inbox.share_forms import GiveUpForm, HandInForm, TakeForm, share_out_form
from ovop_market.orders.models import Allocation
from ovop_market.orders.services import coordinating, shares
from ovop_market.orders.services.allocating import is_shared, shares_of
from ovop_market.orders.services.history import By
from ovop_market.orders.share_states import ShareAction
from ovop_market.orders.states import Actor
from ovop_market.villages.acting import acting
from ovop_market.villages.policy import Duty
from ovop_market.villages.queries import own_producers
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm, explain, state_seen, tap_key

blueprint = Blueprint("shares", __name__)

Verb = Callable[[Session, Allocation, By, datetime], object]


def _page(
    share: Allocation,
    status: int = 200,
    *,
    form: BaseForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    """The share with a form for everything that the household can do now."""
    forms: dict[ShareAction, BaseForm] = {
        ShareAction.TAKE: TakeForm(formdata=None),
        ShareAction.DECLINE: GiveUpForm(formdata=None),
        ShareAction.HAND_IN: HandInForm(formdata=None),
    }
    for action, fresh in forms.items():
        if type(form) is type(fresh):
            forms[action] = form
    return htmx.page_or_fragment(
        "inbox/share.html",
        "inbox/_share.html",
        status,
        share=share_queries.share_row(share, acting(db.session(), current_user)),
        advice=share_queries.advice(share),
        forms=forms,
        form=form,
        notice=notice,
        problem=problem,
        new_key=secret_token,
    )


@blueprint.get(f"/inbox/allocations/<{ID}:share_id>")
@access.staff(Duty.SEE)
def share(share_id: int) -> ResponseReturnValue:
    return _page(_load(share_id))


@blueprint.post(f"/inbox/allocations/<{ID}:share_id>/acceptance")
@access.role("producer")
def take(share_id: int) -> ResponseReturnValue:
    form = TakeForm()
    return _do(
        share_id,
        form,
        lambda session, share, by, now: shares.take(
            session, share, by, now, packs=form.quantity.data
        ),
        _("Disanggupi. Koordinator melihatnya."),
    )


@blueprint.post(f"/inbox/allocations/<{ID}:share_id>/decline")
@access.role("producer")
def decline(share_id: int) -> ResponseReturnValue:
    form = GiveUpForm()
    return _do(
        share_id,
        form,
        lambda session, share, by, now: shares.decline(
            session, share, by, now, reason=form.reason.data or ""
        ),
        _("Dicatat. Bagian ini ditawarkan ke anggota lain."),
    )


@blueprint.post(f"/inbox/allocations/<{ID}:share_id>/completion")
@access.staff(Duty.PREPARE)
def hand_in(share_id: int) -> ResponseReturnValue:
    form = HandInForm()
    return _do(
        share_id,
        form,
        lambda session, share, by, now: shares.hand_in(
            session, share, by, now, packs=form.quantity.data
        ),
        _("Setoran dicatat."),
        Duty.PREPARE,
    )


@blueprint.post("/inbox/<number>/shares")
@access.role("producer")
def share_out(number: str) -> ResponseReturnValue:
    """The coordinator shares the order out otherwise, with a reason."""
    session = db.session()
    order = queries.order_of(session, current_user, number, Duty.OWN)
    if not is_shared(order):
        raise queries.not_there()
    offers = share_queries.members_offers(session, order)
    form = share_out_form(offers, list(shares_of(order)))
    if not form.validate():
        return views.order_page(order, 422, sharing=form)
    by = By(Actor.PRODUCER, current_user.id, tap_key())
    try:
        coordinating.share_out(
            session,
            order,
            by,
            clock.now(),
            packs=form.packs(),
            seen=form.seen(),
            reason=form.reason.data or "",
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        order = queries.order_of(session, current_user, number)
        if isinstance(refusal, Conflict) and not isinstance(refusal, OutOfStock):
            # The numbers as they stand now; the reason as it was typed.
            now = list(shares_of(order))
            form = share_out_form(offers, now, formdata=None, reason=form.reason.data)
        return views.order_page(order, refusal.status, sharing=form, problem=problem)
    return _order_done(number, _("Dibagi. Anggota sudah diberi tahu."))


@blueprint.post("/inbox/<number>/offers")
@access.role("producer")
def offer_on(number: str) -> ResponseReturnValue:
    """Looks once more for households for what nobody makes yet."""
    session = db.session()
    order = queries.order_of(session, current_user, number, Duty.OWN)
    if not is_shared(order):
        raise queries.not_there()
    by = By(Actor.PRODUCER, current_user.id)
    try:
        left = coordinating.offer_on(session, order, by, clock.now())
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        order = queries.order_of(session, current_user, number)
        return views.order_page(order, refusal.status, problem=refusal.message)
    if left:
        return _order_done(number, _("%(n)d bungkus belum ada yang sanggup.", n=left))
    return _order_done(number, _("Sisanya sudah ditawarkan."))


def _load(share_id: int, duty: Duty = Duty.SEE) -> Allocation:
    return share_queries.share_of(db.session(), current_user, share_id, duty)


def _do(
    share_id: int, form: BaseForm, verb: Verb, notice: str, duty: Duty = Duty.OWN
) -> ResponseReturnValue:
    """Load, validate, act, commit once, answer."""
    share = _load(share_id, duty)
    if not form.validate():
        if _back() in ("list", "order"):
            return _refused(share_id, form, Unusable(next(iter(form.errors.values()))[0]))
        return _page(share, 422, form=form)
    by = By(Actor.PRODUCER, current_user.id, tap_key(), state_seen())
    try:
        verb(db.session(), share, by, clock.now())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _refused(share_id, form, refusal)
    return _done(share_id, notice)


def _refused(share_id: int, form: BaseForm, refusal: MarketError) -> Response:
    if _back() == "list":
        return views.list_page(refusal.status, problem=refusal.message)
    if _from_order(share_id):
        order = queries.order_of(db.session(), current_user, _load(share_id).line.order.number)
        return views.order_page(order, refusal.status, problem=refusal.message)
    problem = explain(form, refusal)
    return _page(_load(share_id), refusal.status, form=form, problem=problem)


def _done(share_id: int, notice: str) -> ResponseReturnValue:
    if _back() == "list":
        return views.list_done(notice)
    share = _load(share_id)
    if _from_order(share_id):
        return _order_done(share.line.order.number, notice)
    if htmx.is_fragment():
        return _page(share, notice=notice)
    flash(notice, "done")
    return redirect(url_for("shares.share", share_id=share_id), 303)


def _order_done(number: str, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        order = queries.order_of(db.session(), current_user, number)
        return views.order_page(order, notice=notice)
    flash(notice, "done")
    return redirect(url_for("inbox.order", number=number), 303)


def _from_order(share_id: int) -> bool:
    """Whether it came from the order's page, which only the coordinator has."""
    group_id = _load(share_id).line.order.producer_id
    mine = db.session().scalars(own_producers(current_user, Duty.SEE))
    return _back() == "order" and group_id in set(mine)


def _back() -> str:
    return request.form.get("back", "")


@blueprint.get("/groups")
@access.role("official", "operator")
def groups() -> ResponseReturnValue:
    """The first group; its page leads to the others."""
    found = fairness_queries.groups(db.session(), current_user)
    if not found:
        raise NotFound(_("Belum ada kelompok dengan anggota."))
    return redirect(url_for("shares.fairness", slug=found[0].slug), 303)


@blueprint.get("/groups/<slug>/sharing")
@access.role("producer", "official", "operator")
def fairness(slug: str) -> ResponseReturnValue:
    """How fairly a group shares its orders out: for its people, and for those who watch over it."""
    session = db.session()
    found = fairness_queries.fairness_of(session, current_user, slug, clock.now())
    watching = current_user.role is not Role.PRODUCER
    groups = fairness_queries.groups(session, current_user) if watching else ()
    return render_template("inbox/fairness.html", fairness=found, groups=groups)
