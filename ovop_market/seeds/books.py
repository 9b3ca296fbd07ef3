"""The ledger of bulk orders, a few statements for any number of them.

It says what payments.services would have said, had people bought, paid and sold one by one. Bulk
orders are paid whole, by transfer or in cash; of those that came to nothing all is owed back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, insert, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentEvent,
    PaymentPart,
    Payout,
    PayoutAccount,
    PayoutBatch,
    Refund,
)
from ovop_market.payments.services import ledger
from ovop_market.payments.states import (
    BatchState,
    PaymentAction,
    PaymentState,
    RefundKind,
    RefundState,
)
from ovop_market.seeds import bulk
from ovop_market.villages.models import Producer

# From making a batch of payouts to sending it.
_SENT_AFTER = timedelta(hours=2)
_TRANSACTION = ("at", "cause", "actor", "actor_id", "purchase_id")
_ENTRY = ("transaction_id", "debit_id", "credit_id", "amount", "order_id")
_OWN = aliased(LedgerAccount, name="own")
_Account = ColumnElement[int]
_Amount = ColumnElement[int] | InstrumentedAttribute[int]
_Rows = Select[*tuple[Any, ...]]


def write(session: Session, *, first_order: int) -> None:
    """Writes what the payments, cash and refunds of orders say that have this id or a higher one
    and of which the ledger does not know yet."""
    _open_accounts(session)
    bulk.look_at(session, (LedgerAccount, Order, Purchase, Payment, PaymentPart, PaymentEvent))
    _received(session, first_order)
    _cash(session, first_order)
    _owed_back(session, first_order)
    _sent_back(session, first_order)


def pay_out(
    session: Session,
    *,
    first_order: int,
    received_from: datetime,
    received_before: datetime,
    operator_id: int,
    at: datetime,
    reference: str,
) -> None:
    """Pays for the bulk orders, from this id on, that were received within these moments, in one
    batch that was made at `at` and sent two hours later; cash that producers took is theirs.

    Every producer must have an account to be paid to. Without such orders nothing is written.
    """
    within = (
        Order.id >= first_order,
        Order.state == OrderState.RECEIVED,
        Order.received_at >= received_from,
        Order.received_at < received_before,
    )
    if session.scalar(select(exists().where(*within))) is not True:
        return
    cash = Purchase.payment_method == PaymentMethod.COD
    orders = select(Order.id).join(Order.purchase).where(*within)
    batch = PayoutBatch(
        state=BatchState.SENT,
        made_at=at,
        made_by_id=operator_id,
        sent_at=at + _SENT_AFTER,
        sent_by_id=operator_id,
        reference=reference,
    )
    session.add(batch)
    session.flush()
    _payouts(session, batch, orders.where(~cash), operator_id)
    _settled(session, batch, orders.where(cash), operator_id)


def _open_accounts(session: Session) -> None:
    """An account of each kind, and one for each producer."""
    kinds = [kind for kind in AccountKind if kind is not AccountKind.PRODUCER]
    ledger.account_ids(session, [ledger.Account(kind) for kind in kinds])
    theirs = exists().where(LedgerAccount.producer_id == Producer.id).correlate(Producer)
    session.execute(
        insert(LedgerAccount).from_select(
            ["kind", "producer_id"],
            select(literal(AccountKind.PRODUCER, LedgerAccount.kind.type), Producer.id).where(
                ~theirs
            ),
        )
    )


def _received(session: Session, first_order: int) -> None:
    confirmed = (
        select(func.max(PaymentEvent.id))
        .where(PaymentEvent.payment_id == Payment.id, PaymentEvent.action == PaymentAction.CONFIRM)
        .correlate(Payment)
        .scalar_subquery()
    )
    theirs = select(PaymentPart.payment_id).where(PaymentPart.order_id >= first_order)
    known = exists().where(LedgerTransaction.payment_id == Payment.id).correlate(Payment)
    first = _transactions(
        session,
        select(
            PaymentEvent.at,
            *_because(Cause.RECEIVED, Actor.OPERATOR),
            Payment.confirmed_by_id,
            Payment.purchase_id,
            Payment.id,
        )
        .join(PaymentEvent, PaymentEvent.id == confirmed)
        .where(Payment.state == PaymentState.CONFIRMED, Payment.id.in_(theirs), ~known)
        .order_by(PaymentEvent.at, Payment.id),
        "payment_id",
    )
    whole = _new(first, Cause.RECEIVED).join(Payment, Payment.id == LedgerTransaction.payment_id)
    parts = whole.join(PaymentPart, PaymentPart.payment_id == Payment.id).join(PaymentPart.order)
    bank = _the(AccountKind.BANK)
    _entries(
        session,
        _to_producer(parts, bank, PaymentPart.amount - Order.shipping),
        _between(parts, bank, _the(AccountKind.SHIPPING), Order.shipping, Order.id),
        _between(whole, bank, _the(AccountKind.ROUNDING), Payment.unique_digits, None),
    )


def _cash(session: Session, first_order: int) -> None:
    known = (
        exists()
        .where(
            LedgerEntry.order_id == Order.id,
            LedgerEntry.transaction_id == LedgerTransaction.id,
            LedgerTransaction.cause == Cause.CASH,
        )
        .correlate(Order)
    )
    first = _transactions(
        session,
        select(
            Order.received_at,
            *_because(Cause.CASH, Actor.CLOCK),
            literal(None, LedgerTransaction.actor_id.type),
            Order.purchase_id,
            Order.number,
        )
        .join(Order.purchase)
        .where(
            Order.id >= first_order,
            Order.paid > 0,
            Order.received_at.is_not(None),
            Purchase.payment_method == PaymentMethod.COD,
            ~known,
        )
        .order_by(Order.received_at, Order.id),
        # Which order it was: a purchase may have several.
        "note",
    )
    orders = _new(first, Cause.CASH).join(Order, Order.number == LedgerTransaction.note)
    cash = _the(AccountKind.CASH)
    _entries(
        session,
        _to_producer(orders, cash, Order.goods),
        _between(orders, cash, _the(AccountKind.SHIPPING), Order.shipping, Order.id),
    )


def _owed_back(session: Session, first_order: int) -> None:
    known = exists().where(LedgerTransaction.refund_id == Refund.id).correlate(Refund)
    first = _transactions(
        session,
        select(
            Refund.due_at,
            *_because(Cause.OWED_BACK, Actor.CLOCK),
            literal(None, LedgerTransaction.actor_id.type),
            Refund.purchase_id,
            Refund.id,
        )
        .where(Refund.order_id >= first_order, Refund.kind == RefundKind.ORDER, ~known)
        .order_by(Refund.due_at, Refund.id),
        "refund_id",
    )
    refunds = (
        _new(first, Cause.OWED_BACK)
        .join(Refund, Refund.id == LedgerTransaction.refund_id)
        .join(Refund.order)
    )
    owed = _the(AccountKind.REFUNDS)
    _entries(
        session,
        _from_producer(refunds, owed, Refund.amount - Order.shipping),
        _between(refunds, _the(AccountKind.SHIPPING), owed, Order.shipping, Order.id),
    )


def _sent_back(session: Session, first_order: int) -> None:
    known = exists().where(
        LedgerTransaction.refund_id == Refund.id, LedgerTransaction.cause == Cause.SENT_BACK
    )
    first = _transactions(
        session,
        select(
            Refund.sent_at,
            *_because(Cause.SENT_BACK, Actor.OPERATOR),
            Refund.sent_by_id,
            Refund.purchase_id,
            Refund.id,
        )
        .where(
            Refund.order_id >= first_order,
            Refund.state == RefundState.SENT,
            ~known.correlate(Refund),
        )
        .order_by(Refund.sent_at, Refund.id),
        "refund_id",
    )
    sent = _new(first, Cause.SENT_BACK).join(Refund, Refund.id == LedgerTransaction.refund_id)
    owed, bank = _the(AccountKind.REFUNDS), _the(AccountKind.BANK)
    _entries(session, _between(sent, owed, bank, Refund.amount, Refund.order_id))


def _payouts(session: Session, batch: PayoutBatch, orders: Select[int], operator_id: int) -> None:
    """A payout for each producer, and what its two transactions say of each order."""
    session.execute(
        insert(Payout).from_select(
            ["batch_id", "producer_id", "amount", "bank", "number", "holder"],
            select(
                literal(batch.id),
                Order.producer_id,
                func.sum(Order.total),
                PayoutAccount.bank,
                PayoutAccount.number,
                PayoutAccount.holder,
            )
            .join(PayoutAccount, PayoutAccount.producer_id == Order.producer_id)
            .where(Order.id.in_(orders))
            .group_by(
                Order.producer_id, PayoutAccount.bank, PayoutAccount.number, PayoutAccount.holder
            )
            .order_by(Order.producer_id),
        )
    )
    made = _payout_transactions(session, batch, Cause.PAYOUT, batch.made_at, operator_id)
    paid = (
        _new(made, Cause.PAYOUT)
        .join(Payout, Payout.id == LedgerTransaction.payout_id)
        .join(Order, Order.producer_id == Payout.producer_id)
        .where(Order.id.in_(orders))
    )
    shipping, payouts = _the(AccountKind.SHIPPING), _the(AccountKind.PAYOUTS)
    _entries(
        session,
        _to_producer(paid, shipping, Order.shipping),
        _from_producer(paid, payouts, Order.total),
    )
    assert batch.sent_at is not None
    sent = _payout_transactions(session, batch, Cause.PAYOUT_SENT, batch.sent_at, operator_id)
    whole = _new(sent, Cause.PAYOUT_SENT).join(Payout, Payout.id == LedgerTransaction.payout_id)
    _entries(session, _between(whole, payouts, _the(AccountKind.BANK), Payout.amount, None))


def _payout_transactions(
    session: Session, batch: PayoutBatch, cause: Cause, at: datetime, operator_id: int
) -> int:
    return _transactions(
        session,
        select(
            literal(at, LedgerTransaction.at.type),
            *_because(cause, Actor.OPERATOR),
            literal(operator_id),
            literal(None, LedgerTransaction.purchase_id.type),
            Payout.id,
        )
        .where(Payout.batch_id == batch.id)
        .order_by(Payout.id),
        "payout_id",
    )


def _settled(session: Session, batch: PayoutBatch, orders: Select[int], operator_id: int) -> None:
    """Cash is in the producer's hands: it and what is owed for the order cancel out."""
    first = _transactions(
        session,
        select(
            literal(batch.made_at, LedgerTransaction.at.type),
            *_because(Cause.SETTLED, Actor.OPERATOR),
            literal(operator_id),
            Order.purchase_id,
            Order.number,
        )
        .where(Order.id.in_(orders))
        .order_by(Order.id),
        "note",
    )
    taken = _new(first, Cause.SETTLED).join(Order, Order.number == LedgerTransaction.note)
    _entries(
        session,
        _to_producer(taken, _the(AccountKind.SHIPPING), Order.shipping),
        _from_producer(taken, _the(AccountKind.CASH), Order.total),
    )


def _transactions(session: Session, rows: _Rows, about: str) -> int:
    """Writes transactions; `about` is the column of the last value. Returns the id from which on
    they are."""
    first = session.scalar(select(func.coalesce(func.max(LedgerTransaction.id), 0))) or 0
    session.execute(insert(LedgerTransaction).from_select([*_TRANSACTION, about], rows))
    return first + 1


def _because(cause: Cause, actor: Actor) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return (
        literal(cause, LedgerTransaction.cause.type),
        literal(actor, LedgerTransaction.actor.type),
    )


def _new(first: int, cause: Cause) -> Select[int]:
    """The transactions that have just been written and have no entries yet."""
    filled = exists().where(LedgerEntry.transaction_id == LedgerTransaction.id)
    return select(LedgerTransaction.id).where(
        LedgerTransaction.id >= first,
        LedgerTransaction.cause == cause,
        ~filled.correlate(LedgerTransaction),
    )


def _the(kind: AccountKind) -> _Account:
    """The id of the one account of a kind."""
    return select(LedgerAccount.id).where(LedgerAccount.kind == kind).scalar_subquery()


def _to_producer(rows: Select[int], debit: _Account, amount: _Amount) -> _Rows:
    """Entries that credit the producer of each row's order."""
    own = rows.join(_OWN, _OWN.producer_id == Order.producer_id)
    return _between(own, debit, _OWN.id, amount, Order.id)


def _from_producer(rows: Select[int], credit: _Account, amount: _Amount) -> _Rows:
    """Entries that debit the producer of each row's order."""
    own = rows.join(_OWN, _OWN.producer_id == Order.producer_id)
    return _between(own, _OWN.id, credit, amount, Order.id)


def _between(rows: Select[int], debit: Any, credit: Any, amount: Any, order_id: Any) -> _Rows:
    order = literal(None, LedgerEntry.order_id.type) if order_id is None else order_id
    return rows.add_columns(debit, credit, amount, order).where(amount > 0)


def _entries(session: Session, *sides: _Rows) -> None:
    """Writes all of them in one statement: each looks for transactions without entries."""
    rows: Sequence[_Rows] = sides
    session.execute(insert(LedgerEntry).from_select(list(_ENTRY), union_all(*rows)))
