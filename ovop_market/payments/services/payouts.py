"""Paying producers: what is due is put into a batch, sent by the bank, and noted as sent. Rupiah.

Whoever makes, sends or undoes a batch locks the payouts' account, so that nothing is paid twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.accounts.services import record
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.extensions.database import insert_into
from ovop_market.orders.services import locks
from ovop_market.orders.services.lifecycle import By
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerTransaction,
    Payout,
    PayoutAccount,
    PayoutBatch,
)
from ovop_market.payments.payout_labels import BATCH_STATES
from ovop_market.payments.queries import payouts as queries
from ovop_market.payments.queries.payouts import Remainder
from ovop_market.payments.queries.receipts import standing_ids
from ovop_market.payments.services import ledger
from ovop_market.payments.services.ledger import Leg, Posting
from ovop_market.payments.signals import payout_account_named, payouts_sent
from ovop_market.payments.states import BatchAction, BatchState, batch_after
from ovop_market.villages.acting import refuse_unless
from ovop_market.villages.models import Producer
from ovop_market.villages.policy import Duty

# Digits of a bank account's number, as long as the longest kind there is (IBAN: 34 characters).
FEWEST_DIGITS, MOST_DIGITS = 5, 34
_BETWEEN_DIGITS = re.compile(r"[\s.-]+")


def make_batch(session: Session, by: By, now: datetime) -> PayoutBatch:
    """Puts what is due to every producer who can be paid into a batch, and keeps it for them.

    A producer's orders are set off against each other; whoever would owe something is left for the
    next batch. Cash orders, of which nothing is left to pay, are settled with it. Repeated when
    nothing more is due, it is the batch that this operator has just made.

    Raises Conflict when somebody else has made it, Unusable when nothing can be paid.
    """
    _lock(session)
    left = _settled_for_good(session, now)
    payable = _payable(session, left)
    if not payable:
        return _made_before(session, by)
    batch = PayoutBatch(state=BatchState.MADE, made_at=now, made_by_id=by.user_id, payouts=payable)
    session.add(batch)
    session.flush()
    orders = {
        producer_id: list(theirs)
        for producer_id, theirs in groupby(left, key=lambda order: order.producer_id)
    }
    postings = [_posting(payout, orders[payout.producer_id]) for payout in payable]
    postings += [_settlement(order) for order in left if not order.amount]
    ledger.post_all(session, postings, by, now)
    details: dict[str, object] = {
        "payouts": len(payable),
        "amount": sum(payout.amount for payout in payable),
    }
    record(session, "payouts made", f"payout batch {batch.id}", now, by.user_id, details)
    session.flush()
    return batch


def _settled_for_good(session: Session, now: datetime) -> list[Remainder]:
    """What is left of orders that nobody moves until the transaction ends: a complaint that comes
    in the last moment either is there already, or finds the order paid out."""
    locked = {order.purchase_id for order in queries.remainders(session, now)}
    locks.lock_purchases(session, locked)
    return [order for order in queries.remainders(session, now) if order.purchase_id in locked]


def mark_sent(
    session: Session, batch: PayoutBatch, by: By, now: datetime, *, reference: str
) -> PayoutBatch:
    """The operator has sent the batch at the bank. The same said twice is said once.

    Raises Unusable without a reference, MoveRefused (409) when it has been sent under another one
    or was undone.
    """
    if not reference.strip():
        raise Unusable(_("Tulis nomor atau keterangan transfernya."), field="reference")
    _lock(session, batch)
    if batch.state is BatchState.SENT and batch.reference == reference:
        return batch
    batch.state = _after(batch, BatchAction.SEND)
    batch.sent_at, batch.sent_by_id, batch.reference = now, by.user_id, reference
    postings = [
        Posting(
            Cause.PAYOUT_SENT,
            debits=[Leg(ledger.PAYOUTS, payout.amount)],
            credits=[Leg(ledger.BANK, payout.amount)],
            payout_id=payout.id,
        )
        for payout in batch.payouts
    ]
    ledger.post_all(session, postings, by, now)
    record(session, "payouts sent", f"payout batch {batch.id}", now, by.user_id)
    session.flush()
    payouts_sent.send(batch, session=session, at=now)
    return batch


def undo(session: Session, batch: PayoutBatch, by: By, now: datetime) -> PayoutBatch:
    """Takes back a batch that was not sent: what it would have paid is due again. Twice is once.

    Raises MoveRefused (409) when it has been sent.
    """
    _lock(session, batch)
    if batch.state is BatchState.UNDONE:
        return batch
    batch.state = _after(batch, BatchAction.UNDO)
    session.flush()
    ledger.reverse(session, _standing(session, batch, Cause.PAYOUT), by, now)
    record(session, "payouts undone", f"payout batch {batch.id}", now, by.user_id)
    session.flush()
    return batch


def recall(session: Session, batch: PayoutBatch, by: By, now: datetime) -> PayoutBatch:
    """A batch was marked as sent by mistake: it waits to be sent again. Twice is once.

    Raises MoveRefused (409) when it was undone.
    """
    _lock(session, batch)
    if batch.state is BatchState.MADE:
        return batch
    batch.state = _after(batch, BatchAction.RECALL)
    batch.sent_at = batch.sent_by_id = batch.reference = None
    session.flush()
    ledger.reverse(session, _standing(session, batch, Cause.PAYOUT_SENT), by, now)
    record(session, "payouts recalled", f"payout batch {batch.id}", now, by.user_id)
    session.flush()
    return batch


def _standing(session: Session, batch: PayoutBatch, cause: Cause) -> list[int]:
    theirs = select(Payout.id).where(Payout.batch_id == batch.id)
    return standing_ids(session, cause, LedgerTransaction.payout_id.in_(theirs))


def name_account(
    session: Session,
    producer: Producer,
    *,
    bank: str,
    number: str,
    holder: str,
    actor_id: int,
    now: datetime,
) -> None:
    """The producer says where earnings are to go; its owners are told, whoever said so. Batches
    that are made already stay as they are.

    Spaces, points and hyphens of the number are left out. Raises Unusable when the rest is not of
    digits, NotAllowed to whoever is not an owner.
    """
    refuse_unless(session, actor_id, [producer.id], Duty.OWN)
    digits = _BETWEEN_DIGITS.sub("", number)
    if not (digits.isascii() and digits.isdecimal()):
        raise Unusable(_("Nomor rekening berisi angka saja."), field="number")
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise Unusable(
            _(
                "Nomor rekening %(least)s sampai %(most)s angka.",
                least=FEWEST_DIGITS,
                most=MOST_DIGITS,
            ),
            field="number",
        )
    kept = session.get(PayoutAccount, producer.id, populate_existing=True, with_for_update=True)
    if kept is not None and (kept.bank, kept.number, kept.holder) == (bank, digits, holder):
        return
    values = {
        "bank": bank,
        "number": digits,
        "holder": holder,
        "changed_at": now,
        "changed_by_id": actor_id,
    }
    session.execute(
        insert_into(session, PayoutAccount)
        .values(producer_id=producer.id, **values)
        .on_conflict_do_update(index_elements=["producer_id"], set_=values)
    )
    account = session.get_one(PayoutAccount, producer.id, populate_existing=True)
    # Whose, not which: numbers have no place in the audit.
    record(session, "payout account named", f"producer {producer.id}", now, actor_id)
    session.flush()
    payout_account_named.send(account, session=session, at=now)


def _lock(session: Session, batch: PayoutBatch | None = None) -> None:
    """Nobody else makes, sends or undoes a batch until the transaction ends."""
    ledger.account_ids(session, [ledger.PAYOUTS])
    session.execute(
        select(LedgerAccount.id)
        .where(LedgerAccount.kind == AccountKind.PAYOUTS)
        .with_for_update(key_share=True)
    )
    if batch is not None:
        session.refresh(batch)


def _payable(session: Session, left: Iterable[Remainder]) -> list[Payout]:
    """A payout for each producer who is owed something and has an account."""
    owed = {
        producer_id: sum(order.amount for order in orders)
        for producer_id, orders in groupby(left, key=lambda order: order.producer_id)
    }
    wanted = [producer_id for producer_id, amount in owed.items() if amount > 0]
    accounts = session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.producer_id.in_(wanted))
        .order_by(PayoutAccount.producer_id)
        .execution_options(populate_existing=True)
    )
    return [
        Payout(
            producer_id=account.producer_id,
            amount=owed[account.producer_id],
            bank=account.bank,
            number=account.number,
            holder=account.holder,
        )
        for account in accounts
    ]


def _posting(payout: Payout, orders: Sequence[Remainder]) -> Posting:
    legs = [_legs(order) for order in orders if order.amount]
    return Posting(
        Cause.PAYOUT,
        debits=[leg for debits, _credits in legs for leg in debits],
        credits=[leg for _debits, credits in legs for leg in credits],
        payout_id=payout.id,
    )


def _settlement(order: Remainder) -> Posting:
    """The cash that the producer took is all that was owed for the order."""
    debits, credits = _legs(order)
    return Posting(Cause.SETTLED, debits, credits, purchase_id=order.purchase_id, note=order.number)


def _legs(order: Remainder) -> tuple[list[Leg], list[Leg]]:
    """Shipping is passed on to the producer, cash is theirs, and the rest is to be paid.

    Each of the three may be the other way round when money went back after a payout.
    """
    own = ledger.producer(order.producer_id)
    steps = [
        (ledger.SHIPPING, own, order.shipping),
        (own, ledger.CASH, order.cash),
        (own, ledger.PAYOUTS, order.amount),
    ]
    debits, credits = [], []
    for gets, gives, amount in steps:
        debit, credit = (gets, gives) if amount > 0 else (gives, gets)
        debits.append(Leg(debit, abs(amount), order.order_id))
        credits.append(Leg(credit, abs(amount), order.order_id))
    return debits, credits


def _made_before(session: Session, by: By) -> PayoutBatch:
    batch = session.scalar(
        select(PayoutBatch)
        .where(PayoutBatch.state == BatchState.MADE)
        .order_by(PayoutBatch.id.desc())
        .limit(1)
    )
    if batch is None:
        raise Unusable(_("Belum ada yang bisa dibayar. Lihat apa yang masih ditunggu."))
    if batch.made_by_id == by.user_id:
        return batch
    who = session.scalar(select(User.name).where(User.id == batch.made_by_id))
    raise Conflict(
        _("Daftar bayar %(id)s sudah dibuat oleh %(who)s.", id=batch.id, who=who or "?"),
        state=batch.state,
    )


def _after(batch: PayoutBatch, action: BatchAction) -> BatchState:
    try:
        return batch_after(batch.state, action)
    except MoveRefused as refused:
        raise MoveRefused(
            _(
                "Keadaan daftar bayar ini sudah berubah: %(state)s.",
                state=BATCH_STATES[batch.state],
            ),
            **refused.details,
        ) from None
