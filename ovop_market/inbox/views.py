"""The producer's inbox: what needs me now, and everything about one order.

An action is a POST to a noun below the order. It is answered with the list when the form came from
the list (`back=list`), else with the order; to HTMX as the fragment, else as a redirect.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts import trail
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.inbox import forms, labels, parcels, queries, share_queries
from ovop_market.inbox.share_forms import ShareOutForm, share_out_form
from ovop_market.inbox.tabs import Tab, tab_of
from ovop_market.orders import presentation
from ovop_market.orders.labels import BADGES, BUTTONS, STATES
from ovop_market.orders.models import Order
from ovop_market.orders.policy import duty_of
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.allocating import is_shared, shares_of
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ANSWERABLE
from ovop_market.orders.states import Action, Actor, moves_open_to, notes_open_to
from ovop_market.payments.queries.desk import payment_text
from ovop_market.villages.acting import Acting, acting
from ovop_market.villages.policy import Duty
from ovop_market.web import access, htmx
from ovop_market.web.addresses import LARGEST_ID
from ovop_market.web.forms import BaseForm, explain, state_seen, tap_key
from ovop_market.web.paging import page_number, pager

blueprint = Blueprint("inbox", __name__)

Verb = Callable[[Session, Order, By, datetime], object]

# The last part of the URL of each action.
PATHS = {
    Action.ACCEPT: "acceptance",
    Action.COUNTER: "counteroffer",
    Action.DECLINE: "decline",
    Action.GIVE_UP: "cancellation",
    Action.START: "preparation",
    Action.FINISH: "readiness",
    Action.SHIP: "shipment",
    Action.HAND_OVER: "handover",
    Action.TRACK: "tracking",
}
# Their views.
ENDPOINTS = {
    Action.ACCEPT: "accept",
    Action.COUNTER: "counter",
    Action.DECLINE: "decline",
    Action.GIVE_UP: "give_up",
    Action.START: "start",
    Action.FINISH: "finish",
    Action.SHIP: "ship",
    Action.HAND_OVER: "hand_over",
    Action.TRACK: "track",
}


def _event_id(text: str) -> int:
    """The event that an address names; 0 for anything that is none."""
    if not (text.isascii() and text.isdecimal()):
        return 0
    return min(int(text[:18]), LARGEST_ID)


def _tab() -> Tab:
    return tab_of(request.values.get("tab"))


def list_page(status: int = 200, *, notice: str = "", problem: str = "") -> Response:
    """The tab that is asked for, with a word on what has just been done or could not be."""
    page = page_number(request.values.get("page", ""))
    found = queries.inbox(db.session(), current_user, _tab(), page, clock.now())
    return htmx.page_or_fragment(
        "inbox/page.html",
        "inbox/_panel.html",
        status,
        inbox=found,
        labels=labels,
        buttons=BUTTONS,
        paths=PATHS,
        endpoints=ENDPOINTS,
        notice=notice,
        problem=problem,
        new_key=secret_token,
        address=list_address,
        pager=pager(found.page, found.pages, partial(list_address, found.tab)),
    )


def list_address(tab: Tab, page: int = 1) -> str:
    """The address of a tab; the default tab and first page have none of their own."""
    return url_for(
        "inbox.inbox",
        tab=None if tab is Tab.NOW else str(tab),
        page=page if page > 1 else None,
    )


def order_page(
    order: Order,
    status: int = 200,
    *,
    refused: tuple[Action, BaseForm] | None = None,
    sharing: ShareOutForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    """The order with a form for everything that the producer can do now.

    `refused` is the form that could not be taken, as it was typed; so is `sharing`.
    """
    trail.viewed("inbox order", {order.purchase_id: order.producer_id})
    now = clock.now()
    acts = acting(db.session(), current_user)
    owns = acts.may(order.producer_id, Duty.OWN)
    moves = moves_open_to(Actor.PRODUCER, order.state, order.facts(now))
    open_ = [*moves, *notes_open_to(Actor.PRODUCER, order.state)]
    actions = [each for each in open_ if acts.may(order.producer_id, duty_of(each))]
    open_forms = {action: forms.fresh(order, action) for action in actions}
    if refused is not None and refused[0] in open_forms:
        open_forms[refused[0]] = refused[1]
    usual = queries.usual_step(order, now, acts)
    return htmx.page_or_fragment(
        "inbox/order.html",
        "inbox/_order.html",
        status,
        order=order,
        state_text=STATES[order.state],
        badge_kind=BADGES[order.state],
        steps=presentation.history(order),
        advice=labels.advice(order),
        owns=owns,
        # What features above add is about money.
        panels=presentation.order_panels(db.session(), order, now, Actor.PRODUCER) if owns else [],
        payment_text=payment_text(order),
        usual=usual,
        usual_text=labels.step_text(order, usual) if usual else "",
        printable=parcels.printable(order),
        forms=open_forms,
        refused=refused[0] if refused else None,
        others=labels.OTHERS,
        buttons=BUTTONS,
        paths=PATHS,
        endpoints=ENDPOINTS,
        notice=notice,
        problem=problem,
        new_key=secret_token,
        **_shared_out(order, sharing, acts),
    )


def _shared_out(order: Order, sharing: ShareOutForm | None, acts: Acting) -> dict[str, Any]:
    """What the page of a group's order says of its households."""
    if not is_shared(order):
        return {}
    session = db.session()
    offers = share_queries.members_offers(session, order)
    covered = share_queries.coverage(session, order, acts)
    if not acts.may(order.producer_id, Duty.OWN):
        return {"coverage": covered}
    if sharing is None and order.state in ANSWERABLE:
        sharing = share_out_form(offers, list(shares_of(order)), formdata=None)
    return {"coverage": covered, "offers": offers, "sharing": sharing}


@blueprint.get("/inbox")
@access.staff(Duty.SEE)
def inbox() -> ResponseReturnValue:
    return list_page()


@blueprint.get("/inbox/poll")
@access.staff(Duty.SEE)
def poll() -> ResponseReturnValue:
    """Nothing (204) as long as nothing has happened since an event; then the list again."""
    if not htmx.is_fragment():
        return redirect(list_address(_tab()), 303)
    since = _event_id(request.args.get("since", ""))
    if not queries.has_news(db.session(), current_user, since):
        return Response(status=204)
    return list_page()


@blueprint.get("/inbox/<number>")
@access.staff(Duty.SEE)
def order(number: str) -> ResponseReturnValue:
    return order_page(queries.order_of(db.session(), current_user, number))


@blueprint.post("/inbox/<number>/acceptance")
@access.role("producer")
def accept(number: str) -> ResponseReturnValue:
    form = forms.AcceptanceForm()
    return _do(
        Action.ACCEPT,
        _load(number, Action.ACCEPT),
        form,
        lambda session, order, by, now: lifecycle.accept(
            session, order, by, now, ready_by=form.ready_by.data
        ),
    )


@blueprint.post("/inbox/<number>/counteroffer")
@access.role("producer")
def counter(number: str) -> ResponseReturnValue:
    order = _load(number, Action.COUNTER)
    form = forms.counteroffer_form(order)
    return _do(
        Action.COUNTER,
        order,
        form,
        lambda session, order, by, now: lifecycle.counter(
            session,
            order,
            by,
            now,
            quantities=form.quantities(),
            ready_by=form.ready_by.data,
        ),
    )


@blueprint.post("/inbox/<number>/decline")
@access.role("producer")
def decline(number: str) -> ResponseReturnValue:
    return _with_reason(Action.DECLINE, number, forms.DeclineForm())


@blueprint.post("/inbox/<number>/cancellation")
@access.role("producer")
def give_up(number: str) -> ResponseReturnValue:
    return _with_reason(Action.GIVE_UP, number, forms.GivingUpForm())


@blueprint.post("/inbox/<number>/preparation")
@access.staff(Duty.PREPARE)
def start(number: str) -> ResponseReturnValue:
    return _tap(Action.START, number)


@blueprint.post("/inbox/<number>/readiness")
@access.staff(Duty.PREPARE)
def finish(number: str) -> ResponseReturnValue:
    return _tap(Action.FINISH, number)


@blueprint.post("/inbox/<number>/shipment")
@access.staff(Duty.SEND)
def ship(number: str) -> ResponseReturnValue:
    form = forms.ShipmentForm()
    return _do(
        Action.SHIP,
        _load(number, Action.SHIP),
        form,
        lambda session, order, by, now: lifecycle.ship(
            session,
            order,
            by,
            now,
            courier=form.courier.data or "",
            tracking_number=form.tracking_number.data or "",
        ),
    )


@blueprint.post("/inbox/<number>/handover")
@access.staff(Duty.SEND)
def hand_over(number: str) -> ResponseReturnValue:
    return _do(
        Action.HAND_OVER, _load(number, Action.HAND_OVER), forms.TapForm(), lifecycle.hand_over
    )


@blueprint.post("/inbox/<number>/tracking")
@access.staff(Duty.SEND)
def track(number: str) -> ResponseReturnValue:
    form = forms.TrackingForm()
    return _do(
        Action.TRACK,
        _load(number, Action.TRACK),
        form,
        lambda session, order, by, now: notes.track(
            session,
            order,
            by,
            now,
            courier=form.courier.data or "",
            tracking_number=form.tracking_number.data or "",
        ),
    )


def _load(number: str, action: Action | None = None) -> Order:
    """The order; for an action, if it is the account's to do."""
    duty = duty_of(action) if action else Duty.SEE
    return queries.order_of(db.session(), current_user, number, duty)


def _tap(action: Action, number: str) -> ResponseReturnValue:
    return _do(
        action,
        _load(number, action),
        forms.TapForm(),
        lambda session, order, by, now: lifecycle.act(session, order, action, by, now),
    )


def _with_reason(
    action: Action, number: str, form: forms.DeclineForm | forms.GivingUpForm
) -> ResponseReturnValue:
    return _do(
        action,
        _load(number, action),
        form,
        lambda session, order, by, now: lifecycle.act(
            session, order, action, by, now, reason=form.reason.data
        ),
    )


def _do(action: Action, order: Order, form: BaseForm, verb: Verb) -> ResponseReturnValue:
    """The beats after loading: validate, act, commit once, answer."""
    number = order.number
    if not form.validate():
        return order_page(order, 422, refused=(action, form))
    by = By(Actor.PRODUCER, current_user.id, tap_key(), state_seen())
    try:
        verb(db.session(), order, by, clock.now())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _refused(number, action, form, refusal)
    return _done(number, str(labels.DONE[action]) % {"number": number})


def _done(number: str, notice: str) -> ResponseReturnValue:
    if _came_from_list():
        return list_done(notice)
    if htmx.is_fragment():
        return order_page(_load(number), notice=notice)
    flash(notice, "done")
    return redirect(url_for("inbox.order", number=number), 303)


def list_done(notice: str) -> ResponseReturnValue:
    """The tab from which the tap came, with a word on what has been done."""
    if htmx.is_fragment():
        return list_page(notice=notice)
    flash(notice, "done")
    return redirect(list_address(_tab()), 303)


def _refused(
    number: str, action: Action, form: BaseForm, refusal: MarketError
) -> ResponseReturnValue:
    """What was asked cannot be done: the page as things stand now, with the reason, and with
    what was typed."""
    if _came_from_list():
        return list_page(refusal.status, problem=refusal.message)
    problem = explain(form, refusal)
    return order_page(_load(number), refusal.status, refused=(action, form), problem=problem)


def _came_from_list() -> bool:
    return request.form.get("back") == "list"
