"""The only writer of the ledger. Amounts are rupiah.

A posting says what came from where and went to where; it is kept as entries, each of which moves
an amount between two accounts. Nothing is changed afterwards: a mistake is reversed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.extensions.database import insert_into, new_ids, write_rows
from ovop_market.orders.services.lifecycle import By
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account by what it stands for; `producer_id` for PRODUCER alone."""

    kind: AccountKind
    producer_id: int | None = None


BANK = Account(AccountKind.BANK)
GATEWAY = Account(AccountKind.GATEWAY)
CASH = Account(AccountKind.CASH)
SHIPPING = Account(AccountKind.SHIPPING)
CREDIT = Account(AccountKind.CREDIT)
REFUNDS = Account(AccountKind.REFUNDS)
PAYOUTS = Account(AccountKind.PAYOUTS)
ROUNDING = Account(AccountKind.ROUNDING)


def producer(producer_id: int) -> Account:
    """A producer's account: what the market owes them (credit)."""
    return Account(AccountKind.PRODUCER, producer_id)


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a posting: an amount at an account, for an order if it is about one."""

    account: Account
    amount: int
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """What is to be written: amounts that leave the accounts in `debits`' favour.

    The debits (assets grow, debts shrink) and the credits must have the same sum.
    """

    cause: Cause
    debits: Sequence[Leg]
    credits: Sequence[Leg]
    purchase_id: int | None = None
    payment_id: int | None = None
    refund_id: int | None = None
    payout_id: int | None = None
    line_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """An entry before it is written."""

    debit: Account
    credit: Account
    amount: int
    order_id: int | None


def transfers(debits: Iterable[Leg], credits: Iterable[Leg]) -> list[Transfer]:
    """Pairs the two sides, in their order, into movements between two accounts.

    Raises ValueError when their sums differ: there is no such entry.
    """
    found: list[Transfer] = []
    givers = [leg for leg in credits if leg.amount]
    takers = [leg for leg in debits if leg.amount]
    if any(leg.amount < 0 for leg in (*givers, *takers)):
        raise ValueError("amounts are never negative: the other side says that")
    given = taken = 0
    while givers and takers:
        giver, taker = givers[0], takers[0]
        amount = min(giver.amount - given, taker.amount - taken)
        if giver.account != taker.account:
            order_id = taker.order_id if taker.order_id is not None else giver.order_id
            found.append(Transfer(taker.account, giver.account, amount, order_id))
        given, taken = given + amount, taken + amount
        if given == giver.amount:
            givers, given = givers[1:], 0
        if taken == taker.amount:
            takers, taken = takers[1:], 0
    if givers or takers:
        raise ValueError("debits and credits differ")
    return found


def post(session: Session, posting: Posting, by: By, now: datetime) -> int:
    """Writes one posting; returns the id of its transaction."""
    return post_all(session, [posting], by, now)[0]


def post_all(session: Session, postings: Sequence[Posting], by: By, now: datetime) -> list[int]:
    """Writes postings, many as fast as few; returns the ids of their transactions."""
    paired = [transfers(posting.debits, posting.credits) for posting in postings]
    ids = account_ids(session, {a for ts in paired for t in ts for a in (t.debit, t.credit)})
    rows = [_transaction(posting, by, now) for posting in postings]
    written = _insert_transactions(session, rows)
    entries = [
        {
            "transaction_id": transaction_id,
            "debit_id": ids[transfer.debit],
            "credit_id": ids[transfer.credit],
            "amount": transfer.amount,
            "order_id": transfer.order_id,
        }
        for transaction_id, ts in zip(written, paired, strict=True)
        for transfer in ts
    ]
    write_rows(session, LedgerEntry, entries)
    return written


def reverse(session: Session, transaction_ids: Iterable[int], by: By, now: datetime) -> None:
    """Takes transactions back: the same entries the other way round.

    The database refuses to reverse one twice.
    """
    for transaction_id in transaction_ids:
        old = session.get_one(LedgerTransaction, transaction_id)
        row: dict[str, Any] = {
            "at": now,
            "cause": Cause.REVERSAL,
            "actor": by.actor,
            "actor_id": by.user_id,
            "purchase_id": old.purchase_id,
            "payment_id": old.payment_id,
            "refund_id": old.refund_id,
            "payout_id": old.payout_id,
            "line_id": old.line_id,
            "reverses_id": old.id,
            "note": None,
        }
        (new_id,) = _insert_transactions(session, [row])
        entries = [
            {
                "transaction_id": new_id,
                "debit_id": entry.credit_id,
                "credit_id": entry.debit_id,
                "amount": entry.amount,
                "order_id": entry.order_id,
            }
            for entry in old.entries
        ]
        write_rows(session, LedgerEntry, entries)


def account_ids(session: Session, wanted: Iterable[Account]) -> Mapping[Account, int]:
    """The ids of accounts; those that are not there yet are opened."""
    wanted = set(wanted)
    found = _known(session)
    missing = [account for account in wanted if account not in found]
    if missing:
        session.execute(
            insert_into(session, LedgerAccount).on_conflict_do_nothing(),
            # In one order, so that two who open the same never wait for each other in a circle.
            sorted(
                ({"kind": a.kind, "producer_id": a.producer_id} for a in missing),
                key=lambda row: (row["kind"], row["producer_id"] or 0),
            ),
        )
        found = _known(session)
    return {account: found[account] for account in wanted}


def _known(session: Session) -> dict[Account, int]:
    rows = session.execute(
        select(LedgerAccount.id, LedgerAccount.kind, LedgerAccount.producer_id)
    ).all()
    return {Account(row.kind, row.producer_id): row.id for row in rows}


def _transaction(posting: Posting, by: By, now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "cause": posting.cause,
        "actor": by.actor,
        "actor_id": by.user_id,
        "purchase_id": posting.purchase_id,
        "payment_id": posting.payment_id,
        "refund_id": posting.refund_id,
        "payout_id": posting.payout_id,
        "line_id": posting.line_id,
        "note": posting.note,
    }


def _insert_transactions(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Writes transactions in this order; returns their ids in the same."""
    if not rows:
        return []
    ids = new_ids(session, LedgerTransaction, len(rows))
    numbered = [{"id": new_id, **row} for new_id, row in zip(ids, rows, strict=True)]
    write_rows(session, LedgerTransaction, numbered)
    return ids
