"""Synthetic bulk data, to see how the market behaves when it has grown; refused in production.

The same seed on the same database gives the same data; another seed adds more beside it. Villages
are real ones that are not yet on the market; everything else is invented.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from ovop_market.catalogue import search
from ovop_market.orders.services import maker_pages
from ovop_market.orders.states import DISPUTE_WINDOW
from ovop_market.reach import services as reach
from ovop_market.reach import settling
from ovop_market.seeds import books, bulk, scale_market
from ovop_market.seeds.scale_orders import SPAN_DAYS, Orders
from ovop_market.seeds.scale_rows import TABLES

# Orders in one transaction.
CHUNK = 20_000
# What was received longer ago has been paid out.
_PAID_OUT = timedelta(days=14)


def plant(
    session: Session, now: datetime, *, villages: int, products: int, orders: int, seed: int
) -> None:
    """Adds so many villages, products and orders as of `now`, and commits.

    Orders are committed in parts, each coherent by itself; when it is interrupted in between,
    `reach rebuild` makes the rest right. Raises LookupError when there are fewer villages left.
    """
    begun = time.monotonic()
    rng = Random(seed)
    with _large_cache(session):
        market = scale_market.plant(session, now, villages=villages, products=products, rng=rng)
        session.commit()
        _say(f"{villages} villages, {products} products", begun)
        planned = Orders(session, market, now, rng, orders)
        _plant_orders(session, planned)
        _say(f"{orders} orders", begun)
        bulk.settle(session, TABLES)
        _pay_out(session, planned, now)
        session.commit()
        _say("payouts", begun)
        pages = maker_pages.catch_up(session)
        session.commit()
        _say(f"{pages} maker pages", begun)
        rows = reach.rebuild(session)
        session.commit()
        _say(f"reach: {rows} rows", begun)
        years = _settle(session)
        _say(f"{years} years of reach decided", begun)
        search.index_all(session)
        session.commit()
        _say("search index", begun)


def _plant_orders(session: Session, orders: Orders) -> None:
    with click.progressbar(length=orders.count, label="orders") as bar:
        for first in range(0, orders.count, CHUNK):
            planted = orders.write(first, min(first + CHUNK, orders.count))
            session.commit()
            bar.update(planted)


def _pay_out(session: Session, planned: Orders, now: datetime) -> None:
    books.pay_out(
        session,
        first_order=planned.first_order,
        received_from=now - timedelta(days=SPAN_DAYS),
        received_before=now - _PAID_OUT,
        operator_id=planned.market.operator_id,
        at=now - _PAID_OUT + DISPUTE_WINDOW,
        reference="Data contoh",
    )


def _settle(session: Session) -> int:
    """So that the first page need not decide all of it."""
    due = settling.due(session)
    session.commit()
    for tree in due:
        settled = settling.decided(session, tree)
        session.commit()
        if settled is not None:
            settling.store(session, settled)
        session.commit()
    return len(due)


def _say(what: str, begun: float) -> None:
    click.echo(f"{what} ({time.monotonic() - begun:.1f} s)")


@contextmanager
def _large_cache(session: Session) -> Iterator[None]:
    """Lets SQLite keep the indexes in memory that every order is entered into (256 MB)."""
    if bulk.on_postgresql(session):
        yield
        return
    before = session.scalar(text("PRAGMA cache_size"))
    session.execute(text("PRAGMA cache_size = -262144"))
    try:
        yield
    finally:
        session.execute(text(f"PRAGMA cache_size = {before}"))
