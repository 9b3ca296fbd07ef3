"""Any order with everything about it, and what an operator decides: cancelling it, ending a
dispute, giving a part of the money back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import trail
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders import presentation
from ovop_market.orders.labels import BADGES, STATES
from ovop_market.orders.models import Order
from ovop_market.orders.queries import open_actions, order_numbered
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import FINAL, Action, Actor, OrderState
from ovop_market.payments import forms
from ovop_market.payments.labels import PAYMENT_STATES, REFUND_KINDS, REFUND_STATES, STATE_BADGES
from ovop_market.payments.models import Refund
from ovop_market.payments.queries import desk as queries
from ovop_market.payments.queries import gateway
from ovop_market.payments.services import refunds
from ovop_market.payments.states import RefundKind
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx
from ovop_market.web.forms import BaseForm, explain, state_seen, tap_key


def order_page(
    order: Order,
    status: int = 200,
    *,
    form: BaseForm | None = None,
    refund: Refund | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    """The order; `form` is one that could not be taken, as it was typed (of `refund`, if given)."""

    def shown(kind: type[BaseForm]) -> BaseForm:
        return form if isinstance(form, kind) else kind(formdata=None)

    trail.viewed("desk order", {order.purchase_id: None})
    session = db.session()
    actions = open_actions(order, Actor.OPERATOR, clock.now())
    return htmx.page_or_fragment(
        "payments/order.html",
        "payments/_order.html",
        status,
        order=order,
        state_text=STATES[order.state],
        badge_kind=BADGES[order.state],
        payment_text=queries.payment_text(order),
        steps=presentation.history(order),
        complaint=_complaint(order),
        panels=presentation.order_panels(session, order, clock.now(), Actor.OPERATOR),
        payments=queries.payments_for(session, order),
        payment_states=PAYMENT_STATES,
        payment_badges=STATE_BADGES,
        refunds=_refunds(order, form, refund),
        refused=form,
        revocation=shown(forms.RevocationForm) if Action.REVOKE in actions else None,
        sides=_sides(order, form),
        settlement=(shown(forms.SettlementForm) if Action.SETTLE_FOR_BUYER in actions else None),
        partial=shown(forms.PartialRefundForm) if _is_divisible(order) else None,
        refund_kinds=REFUND_KINDS,
        refund_states=REFUND_STATES,
        refund_mark=refunds.mark,
        new_key=secret_token,
        notice=notice,
        problem=problem,
    )


def _is_divisible(order: Order) -> bool:
    """Whether a part of what was paid may be given back."""
    return 0 < order.total <= order.paid and order.state not in FINAL


def _sides(order: Order, typed: BaseForm | None) -> list[dict[str, Any]]:
    """How a complaint can be decided. Whether cash was paid nobody knows but the buyer and the
    courier, also where the clock has called the order received."""
    titles = {forms.FOR_PRODUCER: _("Untuk penjual: pesanan selesai")}
    if order.cash:
        titles[forms.FOR_BUYER] = _("Untuk pembeli: ia belum membayar tunai")
        titles[forms.FOR_BUYER_WHO_PAID] = _("Untuk pembeli: ia sudah membayar tunai, uang kembali")
    else:
        titles[forms.FOR_BUYER] = _("Untuk pembeli: uang kembali")
    picked = typed.side.data if isinstance(typed, forms.SettlementForm) else ""
    return [
        {"value": value, "title": title, "checked": value == picked}
        for value, title in titles.items()
    ]


def _refunds(order: Order, typed: BaseForm | None, refund: Refund | None) -> list[Any]:
    """What is owed back for the order, each with a form; what was typed is of `refund`."""
    session = db.session()
    at_gateway = gateway.came_in(session, order.purchase_id)
    return [
        (owed, forms.refund_form(owed.id, typed if owed is refund else None, at_gateway=at_gateway))
        for owed in queries.refunds_for(session, order)
    ]


def _complaint(order: Order) -> str:
    """What the buyer complains about, as long as it is not decided."""
    if order.state is not OrderState.DISPUTED:
        return ""
    said = [event.reason for event in order.events if event.action is Action.DISPUTE]
    return said[-1] or "" if said else ""


@blueprint.get("/desk/orders/<number>")
@access.role("operator")
def order(number: str) -> ResponseReturnValue:
    return order_page(order_numbered(db.session(), number))


@blueprint.post("/desk/orders/<number>/cancellation")
@access.role("operator")
def cancel(number: str) -> ResponseReturnValue:
    found = order_numbered(db.session(), number)
    form = forms.RevocationForm()
    return _decide(
        found,
        form,
        lambda by: lifecycle.act(
            db.session(), found, Action.REVOKE, by, clock.now(), reason=form.reason.data
        ),
        _("Pesanan %(number)s dibatalkan.", number=number),
    )


@blueprint.post("/desk/orders/<number>/settlement")
@access.role("operator")
def settle(number: str) -> ResponseReturnValue:
    found = order_numbered(db.session(), number)
    form = forms.SettlementForm()
    return _decide(
        found,
        form,
        lambda by: lifecycle.settle(
            db.session(),
            found,
            by,
            clock.now(),
            for_buyer=form.side.data != forms.FOR_PRODUCER,
            reason=form.reason.data,
            cash_paid=form.side.data == forms.FOR_BUYER_WHO_PAID,
        ),
        _("Keluhan pesanan %(number)s sudah diputuskan.", number=number),
    )


@blueprint.post("/desk/orders/<number>/refunds")
@access.role("operator")
def grant_refund(number: str) -> ResponseReturnValue:
    found = order_numbered(db.session(), number)
    form = forms.PartialRefundForm()
    return _decide(
        found,
        form,
        lambda by: refunds.owe_part(
            db.session(),
            found,
            RefundKind(form.part.data),
            form.amount.data or 0,
            by,
            clock.now(),
            reason=form.reason.data or "",
        ),
        _("Dicatat: sebagian uang dikembalikan ke pembeli."),
    )


def _decide(
    order: Order, form: BaseForm, verb: Callable[[By], Any], notice: str
) -> ResponseReturnValue:
    """The beats after loading of what an operator does to an order."""
    number = order.number
    if not form.validate():
        return order_page(order, 422, form=form)
    try:
        verb(By(Actor.OPERATOR, current_user.id, tap_key(), state_seen()))
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        found = order_numbered(db.session(), number)
        return order_page(found, refusal.status, form=form, problem=problem)
    return _order_done(number, notice)


def _order_done(number: str, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return order_page(order_numbered(db.session(), number), notice=notice)
    flash(notice, "done")
    return redirect(url_for("payments.order", number=number), 303)
