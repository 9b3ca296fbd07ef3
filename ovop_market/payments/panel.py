"""What the purchase page says about money: how much, how, until when, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.config import Config
from ovop_market.core.errors import Unusable
from ovop_market.core.money import format_rupiah
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.signals import Panel
from ovop_market.orders.states import FINAL, OrderState
from ovop_market.payments import methods
from ovop_market.payments.labels import PAYMENT_STATES
from ovop_market.payments.methods.interface import Method
from ovop_market.payments.models import Payment, PaymentEvent, PaymentPart, Refund
from ovop_market.payments.queries.balances import credit_of
from ovop_market.payments.queries.receipts import still_booked
from ovop_market.payments.states import (
    OPEN,
    PaymentAction,
    PaymentState,
    RefundKind,
    RefundState,
)

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Orders whose money, if it is cash, is still to change hands.
_CASH_OVER = FINAL | {OrderState.RECEIVED, OrderState.DISPUTED}


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as its buyer sees it. `amount`: rupiah that are asked, or of one that is done that
    came; `until` is when the first of its orders would lapse.

    `shown` is what its method has to show, `obstacle` why it cannot; `said` are sentences on money
    that came otherwise than asked.
    """

    payment: Payment
    method: Method | None
    amount: int
    state_text: str
    open: bool
    claimed: bool
    until: datetime | None
    time_left: str
    put_back: str
    rejected_because: str
    shown: object
    obstacle: str
    said: Sequence[str]
    others: Sequence[Method]


@dataclass(frozen=True, slots=True)
class RefundView:
    """Money owed or sent back, and what for."""

    refund: Refund
    what: str


def for_purchase(purchase: Purchase, *, session: Session, now: datetime, **_rest: Any) -> Panel:
    """The payments of a purchase, open ones first, its credit, and what is owed back."""
    payments = session.scalars(
        select(Payment)
        .where(Payment.purchase_id == purchase.id)
        .order_by(Payment.id)
        .options(
            selectinload(Payment.parts).joinedload(PaymentPart.order),
            selectinload(Payment.events),
        )
    ).all()
    refunds = session.scalars(
        select(Refund)
        .where(Refund.purchase_id == purchase.id)
        .options(joinedload(Refund.order))
        .order_by(Refund.id)
    ).all()
    views = sorted((_view(p, now) for p in payments), key=lambda view: not view.open)
    return Panel(
        "payments/_due.html",
        {
            # One that has lapsed is history, unless money came for it all the same.
            "payments": [v for v in views if v.payment.state is not PaymentState.LAPSED or v.said],
            "credit": max(credit_of(session, purchase.id), 0) if payments else 0,
            "asked": any(view.open for view in views),
            "cash": [order for order in purchase.orders if order.cash and _is_to_come(order)],
            "refunds_due": _refunds(refunds, RefundState.DUE),
            "refunds_sent": _refunds(refunds, RefundState.SENT),
        },
    )


def asked_for(
    _sender: object, *, session: Session, purchases: Sequence[Purchase], **_rest: Any
) -> dict[int, int]:
    """What each of the purchases is asked for now, in rupiah, by its id."""
    rows = session.execute(
        select(Payment.purchase_id, func.sum(Payment.amount))
        .where(Payment.purchase_id.in_([p.id for p in purchases]), Payment.state.in_(OPEN))
        .group_by(Payment.purchase_id)
    )
    return {purchase_id: int(amount) for purchase_id, amount in rows}


def _view(payment: Payment, now: datetime) -> PaymentView:
    is_open = payment.state in OPEN
    until = min((p.order.due_at for p in payment.parts if p.order.due_at), default=None)
    put_back = [e for e in payment.events if e.reason]
    method = methods.METHODS.get(payment.method)
    shown, obstacle = _shown(method, payment) if is_open else (None, "")
    return PaymentView(
        payment=payment,
        method=method,
        amount=came_or_asked(payment),
        state_text=str(PAYMENT_STATES[payment.state]),
        open=is_open,
        claimed=payment.state is PaymentState.CLAIMED,
        until=until,
        time_left=time_left(until - now) if until else "",
        put_back=_put_back(put_back[-1]) if put_back and _is_rejected(payment) else "",
        rejected_because=(put_back[-1].reason if put_back and _is_rejected(payment) else "") or "",
        shown=shown,
        obstacle=obstacle,
        said=said(payment),
        others=[m for m in methods.online() if m.method is not payment.method] if is_open else (),
    )


def _shown(method: Method | None, payment: Payment) -> tuple[object, str]:
    """What the method shows for this payment, or why it cannot."""
    config: Config = current_app.config["OVOP"]
    if method is None or not method.configured(config):
        return None, _("Cara bayar ini sedang tidak bisa dipakai. Pilih cara bayar lain.")
    try:
        return method.shown(payment, config), ""
    except Unusable as problem:
        return None, problem.message


def came_or_asked(payment: Payment) -> int:
    """Rupiah that have come for a payment that is done, if any came (credit may have paid it); else
    what is asked."""
    came = sum(event.amount for event in still_booked(payment.events))
    return came if came and payment.state is PaymentState.CONFIRMED else payment.amount


def _put_back(event: PaymentEvent) -> str:
    """Why it is asked again: the claim was refused, or the booking was a mistake of ours."""
    if event.action is PaymentAction.REJECT:
        return _("Uangnya belum masuk. Kirim lagi keterangannya.")
    return _(
        "Maaf, kami keliru mencatat uangnya sudah masuk. Silakan bayar seperti tertulis di sini."
    )


def _is_rejected(payment: Payment) -> bool:
    return payment.state is PaymentState.REJECTED


def _is_to_come(order: Order) -> bool:
    return order.state not in _CASH_OVER


def time_left(left: timedelta) -> str:
    """`2 hari 23 jam`, `5 jam`, `12 menit`: whole ones; empty when there is none left."""
    text = ""
    if left >= _DAY:
        days, hours = left // _DAY, left % _DAY // _HOUR
        text = _("%(days)d hari %(hours)d jam", days=days, hours=hours) if hours else ""
        text = text or ngettext("%(num)d hari", "%(num)d hari", days)
    elif left >= _HOUR:
        text = ngettext("%(num)d jam", "%(num)d jam", left // _HOUR)
    elif left > timedelta():
        minutes = max(left // timedelta(minutes=1), 1)
        text = ngettext("%(num)d menit", "%(num)d menit", minutes)
    return str(text)


def said(payment: Payment) -> list[str]:
    """What became of money that was more than asked, or came when nothing was asked any more."""
    sentences = []
    for event in still_booked(payment.events):
        more = event.amount - payment.amount
        if event.action is PaymentAction.CONFIRM and more > 0:
            sentences.append(
                _(
                    "Uang yang masuk %(amount)s, lebih %(more)s.",
                    amount=format_rupiah(event.amount),
                    more=format_rupiah(more),
                )
            )
        elif event.action is PaymentAction.RECEIVE_LATE:
            late = payment.state is PaymentState.LAPSED
            sentences.append(_late(event.amount) if late else _once_more(event.amount))
    return sentences


def _late(amount: int) -> str:
    return _(
        "%(amount)s masuk sesudah tagihan ini ditutup.",
        amount=format_rupiah(amount),
    )


def _once_more(amount: int) -> str:
    return _(
        "%(amount)s masuk lagi sesudah tagihan ini lunas.",
        amount=format_rupiah(amount),
    )


def _refunds(refunds: Iterable[Refund], state: RefundState) -> list[RefundView]:
    return [RefundView(refund, _what(refund)) for refund in refunds if refund.state is state]


def _what(refund: Refund) -> str:
    number = refund.order.number if refund.order else ""
    match refund.kind:
        case RefundKind.ORDER:
            return _("untuk pesanan %(number)s", number=number)
        case RefundKind.GOODS:
            return _("sebagian harga barang, pesanan %(number)s", number=number)
        case RefundKind.SHIPPING:
            return _("ongkos kirim, pesanan %(number)s", number=number)
        case RefundKind.SURPLUS:
            return _("uang yang lebih, atau masuk sesudah tagihannya ditutup")
