"""What the demo's operator has done with money: producers paid for two years, a bank statement of
the last days with a few lines that wait for a person. Banks, numbers and names are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import DISPUTE_WINDOW, Actor
from ovop_market.payments.models import Payment, PaymentEvent, PayoutAccount
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.services import statements
from ovop_market.payments.states import PaymentAction
from ovop_market.seeds import books
from ovop_market.seeds.demo_market import FOUNDED, Market
from ovop_market.seeds.demo_producers import INVENTED_BANK, invented_account

# Producers were paid every four weeks in the beginning, every week in the end; the latest batch of
# the past was made so many days ago.
_SELDOM, _OFTEN, _LATEST = timedelta(weeks=4), timedelta(weeks=1), timedelta(days=8)
_OFTEN_FOR = timedelta(weeks=8)
_STATEMENT_DAYS = 3
# A day, what the bank wrote, and rupiah (negative: money out).
_Told = tuple[date, str, int]


def accounts(session: Session, market: Market, now: datetime) -> None:
    """Every producer who sells has said where earnings are to go."""
    selling = {product.producer_id: product.producer for product in market.products.values()}
    session.add_all(
        PayoutAccount(
            producer_id=producer_id,
            bank=INVENTED_BANK,
            number=invented_account(producer_id),
            holder=producer.name,
            changed_at=now - FOUNDED,
        )
        for producer_id, producer in sorted(selling.items())
    )
    session.flush()


def pay_out(session: Session, market: Market, now: datetime) -> None:
    """Pays for the orders of the past up to the latest days, batch by batch."""
    since = now - FOUNDED
    first_order = session.scalar(select(Order.id).order_by(Order.id).limit(1)) or 0
    for at in _batch_days(now):
        before = at - DISPUTE_WINDOW
        books.pay_out(
            session,
            first_order=first_order,
            received_from=since,
            received_before=before,
            operator_id=_operator(market).user_id or 0,
            at=at,
            reference=f"{INVENTED_BANK}, transfer massal {clock.wib_date(at):%d-%m-%Y}",
        )
        since = before


def _batch_days(now: datetime) -> Iterator[datetime]:
    at = now - FOUNDED + _SELDOM
    while at <= now - _LATEST - _OFTEN_FOR - _SELDOM:
        yield at
        at += _SELDOM
    weeks = _OFTEN_FOR // _OFTEN
    for n in range(weeks, -1, -1):
        yield now - _LATEST - n * _OFTEN


def take_in_statement(session: Session, market: Market, now: datetime) -> None:
    """Uploads what the bank tells of the last days: most lines bear out what was confirmed by hand;
    some are nearly, but not quite, what was asked, and wait for a decision."""
    by, at = _operator(market), now - timedelta(hours=1)
    told = sorted([*_confirmed(session, now), *_puzzling(session, now)])
    lines = [
        f"{day:%d/%m/%Y};{text};{-amount if amount < 0 else ''};{amount if amount > 0 else ''}"
        for day, text, amount in told
    ]
    text = "\n".join(["Tanggal;Keterangan;Debet;Kredit", *lines, ""])
    name = f"mutasi-contoh-{clock.wib_date(now):%d-%m-%Y}.csv"
    statement = statements.upload(session, text, name, by.user_id or 0, at)
    opened = queries.opened(session, statement)
    statements.take_in(session, statement.id, opened, by, at, seen=opened.columns.digest)


def _confirmed(session: Session, now: datetime) -> Iterator[_Told]:
    """What operators have seen on the account in the last days."""
    since = clock.start_of_day(clock.wib_date(now) - timedelta(days=_STATEMENT_DAYS))
    rows = session.execute(
        select(
            PaymentEvent.at, PaymentEvent.amount, Purchase.name, Payment.code, Payment.unique_digits
        )
        .join(PaymentEvent.payment)
        .join(Payment.purchase)
        .where(PaymentEvent.action == PaymentAction.CONFIRM, PaymentEvent.at >= since)
        .order_by(PaymentEvent.id)
    )
    for moment, amount, name, code, digits in rows:
        # A round amount says nothing: the buyer wrote the code as the news.
        news = "" if digits else f" {code}"
        yield clock.wib_date(moment), f"TRSF E-BANKING CR {name.upper()}{news}", amount


def _puzzling(session: Session, now: datetime) -> Iterator[_Told]:
    today = clock.wib_date(now)
    without_digits = _payment(session, "Ibu Kemuning Awan")
    mistyped = _payment(session, "Kak Wijaya Bintang")
    too_late = _payment(session, "Bang Elang Gerimis")
    yield today, "BI-FAST CR KEMUNING AWAN", without_digits.amount - without_digits.unique_digits
    yield today, "TRSF E-BANKING CR WIJAYA BINTANG", mistyped.amount + 1_000
    yield today - timedelta(days=1), "SWITCHING CR ELANG GERIMIS", too_late.amount
    yield today - timedelta(days=1), "SETORAN TUNAI MENTOK", 150_000
    yield today - timedelta(days=2), "BIAYA ADMINISTRASI", -12_500


def _payment(session: Session, buyer: str) -> Payment:
    return session.scalars(
        select(Payment)
        .join(Payment.purchase)
        .where(Purchase.name == buyer)
        .order_by(Payment.id.desc())
        .limit(1)
    ).one()


def _operator(market: Market) -> By:
    return By(Actor.OPERATOR, market.users["operator@ovop.example"].id)
