"""Owing money back to buyers, and sending it. Amounts are rupiah."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.core.money import format_rupiah
from ovop_market.core.tokens import digest
from ovop_market.orders.models import Order
from ovop_market.orders.services import locks
from ovop_market.orders.services.history import to_keep
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import FINAL, Actor
from ovop_market.payments.labels import REFUND_STATES
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerEntry,
    LedgerTransaction,
    Refund,
)
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.queries.receipts import standing_ids
from ovop_market.payments.services import ledger
from ovop_market.payments.services.ledger import Leg, Posting
from ovop_market.payments.signals import refund_moved
from ovop_market.payments.states import RefundAction, RefundKind, RefundState, refund_after


def owe_order(session: Session, order: Order, by: By, now: datetime) -> Refund | None:
    """Owes back what has been paid for the order and is not yet owed back, if anything is."""
    if not order.paid:
        return None
    goods = order.goods - _owed(session, order, RefundKind.GOODS)
    shipping = order.shipping - _owed(session, order, RefundKind.SHIPPING)
    rest = order.paid - _owed(session, order)
    if rest <= 0:
        return None
    debits = [
        Leg(ledger.producer(order.producer_id), goods, order.id),
        Leg(ledger.SHIPPING, shipping, order.id),
    ]
    refund = Refund(
        purchase_id=order.purchase_id, order_id=order.id, kind=RefundKind.ORDER, amount=rest
    )
    return _owe(session, refund, debits, by, now)


def owe_part(
    session: Session,
    order: Order,
    kind: RefundKind,
    amount: int,
    by: By,
    now: datetime,
    *,
    reason: str,
) -> Refund:
    """An operator grants the buyer a part of the goods' price or of the shipping.

    The same tap grants it once; Conflict for one that says something else by now. Raises Unusable
    for an amount beyond what was paid for it and is
    not owed back yet, Conflict for an order that is not paid or has come to nothing (then all of it
    is owed back anyway).
    """
    locks.lock(session, order)
    words = to_keep(session, order.purchase_id, reason)
    granted = _granted_before(session, order, by)
    if granted is not None:
        said = (order.id, kind, amount, words)
        if (granted.order_id, granted.kind, granted.amount, granted.reason) == said:
            return granted
        raise Conflict(
            _(
                "Kiriman ini sudah dicatat: %(amount)s dikembalikan. Periksa di bawah.",
                amount=format_rupiah(granted.amount),
            )
        )
    if order.state in FINAL or order.paid < order.total:
        raise Conflict(_("Pesanan ini belum dibayar atau sudah batal. Muat ulang halamannya."))
    whole = order.goods if kind is RefundKind.GOODS else order.shipping
    rest = whole - _owed(session, order, kind)
    if not 0 < amount <= rest:
        raise Unusable(
            _("Yang bisa dikembalikan paling banyak %(rest)s.", rest=format_rupiah(rest)),
            field="amount",
        )
    account = ledger.producer(order.producer_id) if kind is RefundKind.GOODS else ledger.SHIPPING
    refund = Refund(
        purchase_id=order.purchase_id,
        order_id=order.id,
        kind=kind,
        amount=amount,
        reason=words,
        idempotency_key=by.idempotency_key,
    )
    return _owe(session, refund, [Leg(account, amount, order.id)], by, now)


def owe_surplus(session: Session, purchase_id: int, amount: int, by: By, now: datetime) -> Refund:
    """Owes back money that came for a purchase and that nothing is asked for any more."""
    refund = Refund(purchase_id=purchase_id, kind=RefundKind.SURPLUS, amount=amount)
    return _owe(session, refund, [Leg(ledger.CREDIT, amount)], by, now)


def send(
    session: Session,
    refund: Refund,
    operator_id: int,
    now: datetime,
    *,
    reference: str,
    at_gateway: bool = False,
    seen: str | None = None,
) -> Refund:
    """The operator has sent the money back, from the bank account or on the gateway's own site.

    `seen` is the mark of the account and the amount that were on the screen; None: whatever they
    were. From here on the account cannot be changed: it is the one that was sent to.

    Raises Unusable without a reference of the transfer, or where less came in at the gateway;
    MoveRefused when it has been sent already under another reference or from the other place;
    Conflict when the buyer has named another account since.
    """
    if not reference.strip():
        raise Unusable(_("Tulis nomor atau keterangan transfernya."), field="reference")
    _lock(session, refund)
    words = to_keep(session, refund.purchase_id, reference)
    said = refund.state is RefundState.SENT and refund.reference == words
    if said and _sent_at_gateway(session, refund) == at_gateway:
        return refund
    if at_gateway:
        _refuse_more_than_there_is(session, refund)
    elif refund.state is RefundState.DUE and seen not in (None, mark(refund)):
        raise Conflict(
            _(
                "Rekening tujuannya baru saja diganti. Periksa rekening yang sekarang. Kalau"
                " uangnya sudah Anda kirim ke rekening lama, tulis itu di keterangan transfer."
            )
        )
    refund.state = _after(refund, RefundAction.SEND)
    refund.sent_at, refund.sent_by_id, refund.reference = now, operator_id, words
    details: dict[str, object] = {"amount": refund.amount}
    record(session, "refund sent", f"refund {refund.id}", now, operator_id, details)
    session.flush()
    posting = Posting(
        Cause.SENT_BACK,
        debits=[Leg(ledger.REFUNDS, refund.amount, refund.order_id)],
        credits=[Leg(ledger.GATEWAY if at_gateway else ledger.BANK, refund.amount)],
        purchase_id=refund.purchase_id,
        refund_id=refund.id,
    )
    ledger.post(session, posting, By(Actor.OPERATOR, operator_id), now)
    refund_moved.send(refund, session=session, at=now)
    return refund


def mark(refund: Refund) -> str:
    """What a page shows of where the money is to go, for its form to say back."""
    return digest(repr((refund.id, refund.destination, refund.amount)))[:32]


def recall(session: Session, refund: Refund, by: By, now: datetime) -> None:
    """It was noted as sent by mistake: it is still due. Twice is once."""
    _lock(session, refund)
    if refund.state is RefundState.DUE:
        return
    refund.state = _after(refund, RefundAction.RECALL)
    refund.sent_at = refund.sent_by_id = refund.reference = None
    session.flush()
    ledger.reverse(session, _standing(session, refund, Cause.SENT_BACK), by, now)
    record(session, "refund recalled", f"refund {refund.id}", now, by.user_id)
    session.flush()


def withdraw(session: Session, refund: Refund, by: By, now: datetime) -> None:
    """Owes it no more: the money had never come. Raises MoveRefused once it is sent."""
    _lock(session, refund)
    refund.state = _after(refund, RefundAction.WITHDRAW)
    ledger.reverse(session, _standing(session, refund, Cause.OWED_BACK), by, now)
    details: dict[str, object] = {"amount": refund.amount}
    record(session, "refund withdrawn", f"refund {refund.id}", now, by.user_id, details)
    session.flush()


def name_destination(session: Session, refund: Refund, destination: str, now: datetime) -> None:
    """The buyer says to which account the money is to be sent. Raises MoveRefused once it is."""
    _lock(session, refund)
    if refund.state is not RefundState.DUE:
        raise _moved_on(refund, state=refund.state)
    if refund.destination != destination:
        refund.destination = destination
        # What was said is personal: the audit notes only that it was.
        record(session, "refund destination named", f"refund {refund.id}", now, None)
        session.flush()


def _refuse_more_than_there_is(session: Session, refund: Refund) -> None:
    there = -balance(session, AccountKind.GATEWAY, purchase_id=refund.purchase_id)
    if there < refund.amount:
        raise Unusable(
            _(
                "Di Midtrans hanya tercatat %(there)s untuk pembelian ini.",
                there=format_rupiah(there),
            ),
            field="at_gateway",
        )


def _sent_at_gateway(session: Session, refund: Refund) -> bool:
    """Whether the books say that it was given back there."""
    (sent,) = _standing(session, refund, Cause.SENT_BACK)
    gateway = ledger.account_ids(session, [ledger.GATEWAY])[ledger.GATEWAY]
    return bool(
        session.scalar(
            select(
                exists().where(LedgerEntry.transaction_id == sent, LedgerEntry.credit_id == gateway)
            )
        )
    )


def _lock(session: Session, refund: Refund) -> None:
    """Like all that moves the money of a purchase: the purchase first, so that nobody waits in a
    circle."""
    locks.lock_purchase(session, refund.purchase_id)
    session.refresh(refund)


def _after(refund: Refund, action: RefundAction) -> RefundState:
    """The state that the action leads to; a refusal in the reader's words."""
    try:
        return refund_after(refund.state, action)
    except MoveRefused as refused:
        raise _moved_on(refund, **refused.details) from None


def _moved_on(refund: Refund, **details: Any) -> MoveRefused:
    return MoveRefused(
        _(
            "Keadaan uang kembali ini sudah berubah: %(state)s. Muat ulang halamannya.",
            state=REFUND_STATES[refund.state][1],
        ),
        **details,
    )


def _owe(session: Session, refund: Refund, debits: list[Leg], by: By, now: datetime) -> Refund:
    refund.state, refund.due_at = RefundState.DUE, now
    refund.destination = _named_last(session, refund.purchase_id)
    session.add(refund)
    session.flush()
    posting = Posting(
        Cause.OWED_BACK,
        debits=debits,
        credits=[Leg(ledger.REFUNDS, refund.amount, refund.order_id)],
        purchase_id=refund.purchase_id,
        refund_id=refund.id,
    )
    ledger.post(session, posting, by, now)
    details: dict[str, object] = {"amount": refund.amount, "kind": str(refund.kind)}
    record(session, "refund owed", f"refund {refund.id}", now, by.user_id, details)
    refund_moved.send(refund, session=session, at=now)
    return refund


def _named_last(session: Session, purchase_id: int) -> str | None:
    """The account that the buyer has named for an earlier refund: they can still name another."""
    return session.scalar(
        select(Refund.destination)
        .where(Refund.purchase_id == purchase_id, Refund.destination.is_not(None))
        .order_by(Refund.id.desc())
        .limit(1)
    )


def _standing(session: Session, refund: Refund, cause: Cause) -> list[int]:
    return standing_ids(session, cause, LedgerTransaction.refund_id == refund.id)


def _granted_before(session: Session, order: Order, by: By) -> Refund | None:
    """The refund of this very tap, if it has come before."""
    if not by.idempotency_key:
        return None
    return session.scalar(
        select(Refund).where(
            Refund.purchase_id == order.purchase_id,
            Refund.idempotency_key == by.idempotency_key,
        )
    )


def _owed(session: Session, order: Order, kind: RefundKind | None = None) -> int:
    """Rupiah owed back for the order so far, sent or not; of one kind, or of all."""
    statement = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.order_id == order.id, Refund.state != RefundState.WITHDRAWN
    )
    if kind is not None:
        statement = statement.where(Refund.kind == kind)
    return int(session.scalar(statement) or 0)
