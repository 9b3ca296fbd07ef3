"""Whether each order says of money what the ledger says of the order. Amounts are rupiah."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.states import FINAL, OrderState
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
)
from ovop_market.payments.queries.payouts import at_account

S = OrderState
# What brings money to an order.
INCOME = (Cause.RECEIVED, Cause.USED, Cause.CASH)


def differences(session: Session) -> Iterator[str]:
    """Every order: what was paid, what went back, what was paid out, and cash."""
    row = _sums_by_order().subquery().c
    income, back = row.own + row.shipping, row.back_own + row.back_shipping
    wrong: dict[str, ColumnElement[bool]] = {
        "paid": income != row.paid,
        "goods": or_(row.own < 0, row.own > row.goods),
        "shipping": or_(row.shipping < 0, row.shipping > row.order_shipping),
        "back": or_(
            row.back_own < 0,
            row.back_shipping < 0,
            row.back_own > row.own,
            row.back_shipping > row.shipping,
        ),
        "kept": and_(row.state.in_(FINAL), income > back),
        "cash": or_(row.cash < 0, row.cash > row.cash_in),
        # What was owed back after a payout is taken off the producer's next one, which may go out
        # while the first is undone: then less than nothing has been paid out of this order.
        "out": or_(
            row.paid_out + row.cash_in - row.cash < -back, row.paid_out + row.cash_in > income
        ),
    }
    rows = session.execute(
        select(
            row.number,
            row.paid,
            row.order_shipping,
            row.shipping,
            row.cash,
            row.cash_in,
            row.paid_out,
            income.label("income"),
            back.label("back"),
            *(condition.label(f"wrong_{name}") for name, condition in wrong.items()),
        )
        .where(or_(*wrong.values()))
        .order_by(row.number)
    )
    for found in rows:
        yield from _said_of_order(found)


def made_unpaid(session: Session) -> Iterator[str]:
    """Nothing is made before it is paid, unless it is paid in cash when it arrives."""
    begun = (S.PREPARING, S.READY, S.SHIPPED, S.RECEIVED, S.DISPUTED)
    rows = session.execute(
        select(Order.number, Order.state, Order.paid)
        .join(Order.purchase)
        .where(
            Order.state.in_(begun),
            Order.paid < Order.total,
            Purchase.payment_method != PaymentMethod.COD,
        )
        .order_by(Order.number)
    )
    for number, state, paid in rows:
        yield f"order {number}: {state}, and only {paid} paid"


def _said_of_order(row: Any) -> Iterator[str]:
    order = f"order {row.number}:"
    if row.wrong_paid:
        yield f"{order} {row.paid} paid, the ledger says {row.income}"
    elif row.wrong_goods or row.wrong_shipping:
        yield (
            f"{order} {row.shipping} of {row.income} booked as shipping, "
            f"the order's is {row.order_shipping}"
        )
    if row.wrong_back:
        yield f"{order} {row.back} owed back of {row.income} that came"
    if row.wrong_kept:
        yield f"{order} came to nothing, and {row.income - row.back} that came is owed to nobody"
    if row.wrong_cash:
        yield f"{order} {row.cash} in cash of {row.cash_in} that was taken"
    if row.wrong_out and not row.wrong_paid:
        yield f"{order} {row.paid_out} paid out of {row.income} that came"


def _sums_by_order() -> Select[*tuple[Any, ...]]:
    """Each order beside what its entries add up to, reversals taken off what they reverse.

    `own` and `shipping` came, `back_own` and `back_shipping` are owed back of them; `cash_in` was
    taken in cash, of which `cash` is not settled; `paid_out` went into payouts.
    """
    undone = aliased(LedgerTransaction)
    origin = func.coalesce(undone.cause, LedgerTransaction.cause)
    own, shipping = LedgerAccount.id, the_account(AccountKind.SHIPPING)
    cash, payouts = the_account(AccountKind.CASH), the_account(AccountKind.PAYOUTS)
    sums = {
        "own": _of(origin.in_(INCOME), own),
        "shipping": _of(origin.in_(INCOME), shipping),
        "back_own": -_of(origin == Cause.OWED_BACK, own),
        "back_shipping": -_of(origin == Cause.OWED_BACK, shipping),
        "cash_in": -_of(origin == Cause.CASH, cash),
        "cash": -func.coalesce(at_account(cash), 0),
        "paid_out": func.coalesce(at_account(payouts), 0),
    }
    return (
        select(
            Order.number,
            Order.state,
            Order.paid,
            Order.goods,
            Order.shipping.label("order_shipping"),
            *(value.label(name) for name, value in sums.items()),
        )
        .outerjoin(LedgerAccount, LedgerAccount.producer_id == Order.producer_id)
        .outerjoin(LedgerEntry, LedgerEntry.order_id == Order.id)
        .outerjoin(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .outerjoin(undone, undone.id == LedgerTransaction.reverses_id)
        .group_by(Order.id)
    )


def _of(condition: ColumnElement[bool], account: Any) -> ColumnElement[int]:
    """The sum at an account, credit minus debit, of the entries that fulfil the condition."""
    amount = case((condition, LedgerEntry.amount), else_=0)
    return func.coalesce(
        func.sum(
            case((LedgerEntry.credit_id == account, amount), else_=0)
            - case((LedgerEntry.debit_id == account, amount), else_=0)
        ),
        0,
    )


def the_account(kind: AccountKind) -> Any:
    """The id of the one account of a kind."""
    return select(LedgerAccount.id).where(LedgerAccount.kind == kind).scalar_subquery()
