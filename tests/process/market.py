"""A market for real servers: a scratch database of its own, and a look into it from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer
from ovop_market.extensions.database import begin_as_reader
from ovop_market.orders import queries
from ovop_market.orders.models import Order, OrderEvent, OrderLine, Purchase
from ovop_market.payments.queries import books
from tests.factories import make_delivery, make_producer, make_product
from tests.process.server import Server, Worker

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sold:
    """What the database says was sold: purchases, orders, packs in them, packs still ready."""

    purchases: int
    orders: int
    packs: int
    ready: int


@dataclass(frozen=True, slots=True)
class Market:
    """A database that no other test uses, and servers on it."""

    url: str
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url, "OVOP_MEDIA": str(self.folder / "media")}

    def server(self) -> Server:
        """A server on this database, not started."""
        return Server(self.folder, self.environ)

    def worker(self, name: str = "worker") -> Worker:
        """A background worker on this database, not started."""
        return Worker(self.folder, self.environ, name)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session past the servers, committed in the end."""
        # Whatever was fetched in this very process before.
        begin_as_reader(False)
        engine = create_engine(self.url)
        try:
            with Session(engine) as session:
                yield session
                session.commit()
        finally:
            engine.dispose()

    def stock(self, packs: int) -> int:
        """One product that is ready or not to be had; returns its variant's id."""
        with self.session() as session:
            make_delivery(session)
            shop = make_producer(session, slug="toko")
            product = make_product(
                session, shop, ready=packs, slug="pempek", name="Pempek udang", price=45_000
            )
            return product.variants[0].id

    def sold(self) -> Sold:
        with self.session() as session:
            return Sold(
                session.scalar(select(func.count(Purchase.id))) or 0,
                session.scalar(select(func.count(Order.id))) or 0,
                session.scalar(select(func.coalesce(func.sum(OrderLine.quantity), 0))) or 0,
                session.scalars(select(Offer.ready)).one(),
            )

    def faults(self) -> list[str]:
        """Whatever a crash or a race could have left behind, in words."""
        with self.session() as session:
            found = [*queries.stock_differences(session), *books.differences(session)]
            told = select(OrderEvent.order_id)
            silent = session.scalars(select(Order.number).where(Order.id.not_in(told)))
            found += [f"order {number} has no event" for number in silent]
            ordered = select(Order.purchase_id)
            empty = session.scalars(select(Purchase.id).where(Purchase.id.not_in(ordered)))
            found += [f"purchase {number} has no order" for number in empty]
            if self.url.startswith("sqlite"):
                checked = session.scalars(text("PRAGMA integrity_check")).all()
                found += [f"integrity: {line}" for line in checked if line != "ok"]
                broken = session.execute(text("PRAGMA foreign_key_check")).all()
                found += [f"foreign key: {row}" for row in broken]
            return found


def at_once(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Runs the tasks in a thread each, all let go at the same moment."""
    start = Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        start.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def a_few_at_a_time(tasks: Sequence[Callable[[], T]], threads: int = 8) -> list[T]:
    """Runs the tasks, a few at the same time."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda task: task(), tasks))
