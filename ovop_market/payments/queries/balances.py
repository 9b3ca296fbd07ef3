"""Balances: sums of entries, in rupiah, credit minus debit (of assets they are negative)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.extensions.database import AT_ONCE
from ovop_market.payments.models import (
    AccountKind,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
)

# Of these, debit is what is there.
ASSETS = frozenset({AccountKind.BANK, AccountKind.GATEWAY, AccountKind.CASH})


def credit_of(session: Session, purchase_id: int) -> int:
    """The buyer's money that no order of the purchase has used yet."""
    return credits_of(session, [purchase_id]).get(purchase_id, 0)


def credits_of(session: Session, purchase_ids: Iterable[int]) -> Mapping[int, int]:
    """The same for many purchases; those without credit may be missing."""
    wanted = sorted(set(purchase_ids))
    found: dict[int, int] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.execute(
            select(
                LedgerTransaction.purchase_id,
                func.sum(
                    case(
                        (LedgerEntry.credit_id == LedgerAccount.id, LedgerEntry.amount),
                        else_=-LedgerEntry.amount,
                    )
                ),
            )
            .join(LedgerEntry.transaction)
            .join(
                LedgerAccount,
                LedgerAccount.id.in_((LedgerEntry.debit_id, LedgerEntry.credit_id)),
            )
            .where(
                LedgerTransaction.purchase_id.in_(wanted[start : start + AT_ONCE]),
                LedgerAccount.kind == AccountKind.CREDIT,
            )
            .group_by(LedgerTransaction.purchase_id)
        )
        found.update((purchase_id, int(amount)) for purchase_id, amount in rows)
    return found


def balance(
    session: Session,
    kind: AccountKind,
    *,
    producer_id: int | None = None,
    purchase_id: int | None = None,
    order_id: int | None = None,
    before: datetime | None = None,
) -> int:
    """The balance of an account; of one purchase's or order's entries, or of those before a moment,
    if given."""
    account = account_id(session, kind, producer_id)
    statement = select(signed(account)).select_from(LedgerEntry).where(touches(account))
    if order_id is not None:
        statement = statement.where(LedgerEntry.order_id == order_id)
    if purchase_id is not None or before is not None:
        statement = statement.join(LedgerEntry.transaction)
    if purchase_id is not None:
        statement = statement.where(LedgerTransaction.purchase_id == purchase_id)
    if before is not None:
        statement = statement.where(LedgerTransaction.at < before)
    return int(session.scalar(statement) or 0)


def account_id(session: Session, kind: AccountKind, producer_id: int | None = None) -> int:
    """The id of an account; 0, which is nobody's, when it has never been used."""
    own = (
        LedgerAccount.producer_id.is_(None)
        if producer_id is None
        else LedgerAccount.producer_id == producer_id
    )
    return session.scalar(select(LedgerAccount.id).where(LedgerAccount.kind == kind, own)) or 0


def signed(account: int) -> ColumnElement[int]:
    """The sum of entries at an account, credit minus debit."""
    amount = case((LedgerEntry.credit_id == account, LedgerEntry.amount), else_=-LedgerEntry.amount)
    return func.coalesce(func.sum(amount), 0)


def touches(account: int) -> ColumnElement[bool]:
    """The entries at an account, on either side."""
    return or_(LedgerEntry.credit_id == account, LedgerEntry.debit_id == account)


def by_kind(session: Session) -> Mapping[AccountKind, int]:
    """The balance of each kind of account, all producers' as one, as a bank would write it: what is
    there of assets (bank, gateway, cash), what is owed of all others."""
    amount = case(
        (LedgerEntry.credit_id == LedgerAccount.id, LedgerEntry.amount), else_=-LedgerEntry.amount
    )
    rows = session.execute(
        select(LedgerAccount.kind, func.sum(amount))
        .join(LedgerEntry, LedgerAccount.id.in_((LedgerEntry.debit_id, LedgerEntry.credit_id)))
        .group_by(LedgerAccount.kind)
    )
    found = {AccountKind(kind): int(total) for kind, total in rows}
    return {
        kind: -found.get(kind, 0) if kind in ASSETS else found.get(kind, 0) for kind in AccountKind
    }
