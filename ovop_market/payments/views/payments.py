"""All payments, one payment, and the operator's word on it.

A decision is answered with the desk when the form came from there (`back=desk`), else with the
payment; to HTMX as the fragment, else as a redirect.
"""

from __future__ import annotations

from functools import partial

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import trail
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError
from ovop_market.core.money import format_rupiah
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders.labels import ACTORS, BADGES, STATES
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments import forms
from ovop_market.payments.labels import (
    ATTEMPT_BADGES,
    ATTEMPT_STATES,
    PAYMENT_EVENTS,
    PAYMENT_STATES,
    REFUND_STATES,
    STATE_BADGES,
)
from ovop_market.payments.models import Payment, PaymentEvent
from ovop_market.payments.queries import desk as queries
from ovop_market.payments.queries import gateway, receipts, search
from ovop_market.payments.services import claims, corrections, receiving
from ovop_market.payments.statements.movements import plain
from ovop_market.payments.states import (
    CORRECTIONS,
    PAYMENT_MOVES,
    RECEIPTS,
    PaymentAction,
    PaymentState,
)
from ovop_market.payments.views import blueprint
from ovop_market.payments.views.desk import came_from_desk, desk_page
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm, state_seen, tap_key
from ovop_market.web.paging import page_number, pager

# What happened to a payment of which the amount is worth telling.
_OF_MONEY = RECEIPTS | CORRECTIONS | {PaymentAction.ASK, PaymentAction.AMEND}


def _payment(
    payment: Payment,
    status: int = 200,
    *,
    form: BaseForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    def shown(kind: type[BaseForm]) -> BaseForm:
        return form if isinstance(form, kind) else kind(formdata=None)

    trail.viewed("desk payment", {payment.purchase_id: None})
    names = queries.names_of(db.session(), (event.actor_id for event in payment.events))
    steps = [
        {
            "title": PAYMENT_EVENTS[event.action],
            "when": event.at,
            "who": names.get(event.actor_id or 0) or ACTORS[event.actor],
            "note": _told(event),
            "kind": "wrong" if event.action is PaymentAction.REJECT else "done",
        }
        for event in payment.events
    ]
    return htmx.page_or_fragment(
        "payments/payment.html",
        "payments/_payment.html",
        status,
        payment=payment,
        state_text=PAYMENT_STATES[payment.state],
        badge_kind=STATE_BADGES[payment.state],
        steps=steps,
        confirmable=(payment.state, PaymentAction.CONFIRM) in PAYMENT_MOVES
        and payment.method is not PaymentMethod.GATEWAY,
        rejectable=(payment.state, PaymentAction.REJECT) in PAYMENT_MOVES,
        receipt=receipts.latest(db.session(), payment.id),
        refunds=queries.refunds_of(db.session(), payment.purchase_id),
        refund_states=REFUND_STATES,
        form=shown(forms.RejectionForm),
        confirmation=shown(forms.ConfirmationForm),
        reversal=shown(forms.ReversalForm),
        latest=payment.events[-1].id,
        new_key=secret_token,
        attempts=gateway.attempts_of(db.session(), payment.id),
        attempt_states=ATTEMPT_STATES,
        attempt_badges=ATTEMPT_BADGES,
        at_gateway=bool(current_app.config["OVOP"].midtrans_server_key),
        notice=notice,
        problem=problem,
    )


def _told(event: PaymentEvent) -> str:
    """How much was asked, came or was taken back, in the line that tells of it, and why."""
    amount = format_rupiah(event.amount) if event.action in _OF_MONEY else ""
    return " · ".join(filter(None, (amount, event.reason)))


@blueprint.get("/desk/payments")
@access.role("operator")
def payments() -> ResponseReturnValue:
    wanted = request.args.get("state")
    state = PaymentState(wanted) if wanted in set(PaymentState) else None
    page = page_number(request.args.get("page", ""))
    found = search.payments(db.session(), state, page)
    return htmx.page_or_fragment(
        "payments/payments.html",
        "payments/_payments.html",
        found=found,
        states=PAYMENT_STATES,
        badges=STATE_BADGES,
        at_gateway=bool(current_app.config["OVOP"].midtrans_server_key),
        pager=pager(found.page, found.pages, partial(_payments_address, state)),
    )


@blueprint.get("/desk/search")
@access.role("operator")
def find() -> ResponseReturnValue:
    q, session = plain(request.args.get("q", ""))[: search.LONGEST], db.session()
    return htmx.page_or_fragment(
        "payments/search.html",
        "payments/_found.html",
        q=q,
        orders=search.found_orders(session, q),
        payments=search.found_payments(session, q),
        most=search.MOST_FOUND,
        states=PAYMENT_STATES,
        badges=STATE_BADGES,
        order_states=STATES,
        order_badges=BADGES,
    )


def _payments_address(state: PaymentState | None, page: int) -> str:
    return url_for("payments.payments", state=state, page=page if page > 1 else None)


@blueprint.get(f"/desk/payments/<{ID}:payment_id>")
@access.role("operator")
def payment(payment_id: int) -> ResponseReturnValue:
    return _payment(queries.payment_of(db.session(), payment_id))


@blueprint.post(f"/desk/payments/<{ID}:payment_id>/confirmation")
@access.role("operator")
def confirm(payment_id: int) -> ResponseReturnValue:
    found = queries.payment_of(db.session(), payment_id)
    form = forms.ConfirmationForm()
    if not form.validate():
        return _payment(found, 422, form=form)
    by = By(Actor.OPERATOR, current_user.id, tap_key(), state_seen())
    try:
        receiving.confirm(db.session(), found, by, clock.now(), amount=form.amount.data)
        db.session.commit()
    except Conflict as refusal:
        return _payment_refused(payment_id, refusal, form)
    return _payment_done(payment_id, _("Pembayaran dicatat: uang sudah masuk."))


@blueprint.post(f"/desk/payments/<{ID}:payment_id>/reversal")
@access.role("operator")
def reverse(payment_id: int) -> ResponseReturnValue:
    found = queries.payment_of(db.session(), payment_id)
    form = forms.ReversalForm()
    if not form.validate():
        return _payment(found, 422, form=form)
    by = By(Actor.OPERATOR, current_user.id)
    try:
        corrections.take_back(
            db.session(),
            found,
            by,
            clock.now(),
            reason=form.reason.data or "",
            receipt_id=form.receipt.data,
        )
        db.session.commit()
    except Conflict as refusal:
        return _payment_refused(payment_id, refusal, form)
    return _payment_done(payment_id, _("Uang yang dicatat itu ditarik. Pembeli diberi tahu."))


@blueprint.post(f"/desk/payments/<{ID}:payment_id>/rejection")
@access.role("operator")
def reject(payment_id: int) -> ResponseReturnValue:
    found = queries.payment_of(db.session(), payment_id)
    form = forms.RejectionForm()
    if not form.validate():
        return _payment(found, 422, form=form)
    try:
        claims.reject(
            db.session(), found, current_user.id, clock.now(), reason=form.reason.data or ""
        )
        db.session.commit()
    except Conflict as refusal:
        return _payment_refused(payment_id, refusal, form)
    return _payment_done(payment_id, _("Pembeli diminta membayar lagi dan membaca alasannya."))


def _payment_done(payment_id: int, notice: str) -> ResponseReturnValue:
    back = came_from_desk()
    if htmx.is_fragment():
        if back:
            return desk_page(notice=notice)
        return _payment(queries.payment_of(db.session(), payment_id), notice=notice)
    flash(notice, "done")
    home = url_for("payments.payment", payment_id=payment_id)
    return redirect(url_for("payments.desk") if back else home, 303)


def _payment_refused(
    payment_id: int, refusal: MarketError, form: BaseForm | None = None
) -> ResponseReturnValue:
    db.session.rollback()
    if came_from_desk():
        return desk_page(refusal.status, problem=refusal.message)
    found = queries.payment_of(db.session(), payment_id)
    return _payment(found, refusal.status, form=form, problem=refusal.message)
