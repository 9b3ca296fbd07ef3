"""Bank statements for tests: files as banks export them, and what operators do with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.orders.models import Order
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import AccountKind, BankStatement, Payment, StatementLine
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import statements as services
from ovop_market.payments.states import LineState
from tests.factories import make_order

HEADER = "Tanggal;Keterangan;Debet;Kredit;Saldo"
# A day, what the bank wrote, and rupiah (negative: money out).
Told = tuple[date, str, int]


def csv_of(told: Sequence[Told]) -> str:
    """A statement as Bank Sumsel Babel writes it, without balances."""
    rows = [
        f"{day:%d/%m/%Y};{text};{rupiah(-amount) if amount < 0 else ''};"
        f"{rupiah(amount) if amount > 0 else ''};"
        for day, text, amount in told
    ]
    return "\n".join([HEADER, *rows, ""])


def rupiah(amount: int) -> str:
    return f"{amount:,}".replace(",", ".") + ",00"


def preview(session: Session, operator: User, text: str, now: datetime) -> BankStatement:
    found = services.upload(session, services.text_of(text.encode()), "m.csv", operator.id, now)
    session.commit()
    return found


def take_in(session: Session, operator: User, text: str, now: datetime) -> BankStatement:
    """Uploads a file, looks at it and takes it in."""
    statement = preview(session, operator, text, now)
    opened = queries.opened(session, statement)
    by = By(Actor.OPERATOR, operator.id)
    services.take_in(session, statement.id, opened, by, now, seen=opened.columns.digest)
    session.commit()
    return statement


def lines(session: Session) -> list[StatementLine]:
    """All lines, as they are now."""
    statement = select(StatementLine).order_by(StatementLine.booked_on, StatementLine.amount)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def today() -> date:
    return clock.wib_date(clock.now())


def awaited(session: Session, **values: Any) -> tuple[Order, Payment]:
    """An accepted order, and the payment by which it is asked for."""
    order = make_order(session, OrderState.ACCEPTED, now=clock.now(), **values)
    return order, session.scalars(
        select(Payment).where(Payment.purchase_id == order.purchase_id)
    ).one()


def fresh(session: Session, thing: Any) -> Any:
    session.refresh(thing)
    return thing


def opened_line(session: Session, operator: User, amount: int, text: str = "SETORAN") -> Any:
    """A line that nobody could match."""
    take_in(session, operator, csv_of([(today(), text, amount)]), clock.now())
    found = [line for line in lines(session) if line.amount == amount]
    assert found[-1].state is LineState.OPEN
    return found[-1]


def bank_balance(session: Session) -> int:
    return -balance(session, AccountKind.BANK)
