"""The clock jumps an hour ahead and two back under a running worker and server: timers run
by what the clock says, none twice, and none stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ovop_market.core import clock
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.states import Action
from tests.factories import make_order, make_product
from tests.faults.helping import answers_200, wait_until
from tests.process.market import Market
from tests.process.server import Server, Worker, running
from tests.process.visitor import ready_to_buy

pytestmark = pytest.mark.process
HOUR = timedelta(hours=1)


@dataclass
class Clock:
    """The clock of some processes (see jumping.py)."""

    file: Path

    def jump(self, to: timedelta) -> None:
        """So far from the right time."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{to.total_seconds():.0f}")
        new.replace(self.file)

    def command(self, *arguments: str) -> Sequence[str]:
        return ["-m", "tests.faults.jumping", str(self.file), *arguments]


@dataclass
class JumpingServer(Server):
    time: Clock = field(kw_only=True)

    @property
    def command(self) -> Sequence[str]:
        return self.time.command("gunicorn", self.app)


@dataclass
class JumpingWorker(Worker):
    time: Clock = field(kw_only=True)

    @property
    def command(self) -> Sequence[str]:
        return self.time.command("flask", "--app", "wsgi", "worker")


@pytest.fixture
def time(tmp_path: Path) -> Clock:
    time = Clock(tmp_path / "clock")
    time.jump(timedelta())
    return time


@pytest.fixture
def processes(market: Market, time: Clock) -> Iterator[tuple[Server, Worker]]:
    server = JumpingServer(market.folder, market.environ, time=time)
    worker = JumpingWorker(market.folder, market.environ, time=time)
    with running([server, worker]):
        yield server, worker


def due_in(market: Market, much: timedelta) -> str:
    """An order that nobody answers, and that is given up then."""
    with market.session() as session:
        product = make_product(session, capacity=10)
        order = make_order(session, product=product, quantity=1, now=clock.now())
        session.flush()
        session.execute(update(Order).where(Order.id == order.id).values(due_at=clock.now() + much))
        return order.number


def lapses(market: Market) -> Counter[str]:
    with market.session() as session:
        found = (
            select(Order.number)
            .join(OrderEvent, OrderEvent.order_id == Order.id)
            .where(OrderEvent.action == Action.LAPSE)
        )
        return Counter(session.scalars(found))


def test_timers_neither_stop_nor_run_twice(
    market: Market, time: Clock, processes: tuple[Server, Worker]
) -> None:
    server, worker = processes
    soon, late = due_in(market, HOUR / 2), due_in(market, 3 * HOUR)
    first = due_in(market, -HOUR / 2)
    wait_until(lambda: lapses(market) == {first: 1})
    time.jump(HOUR)
    wait_until(lambda: lapses(market) == {first: 1, soon: 1})
    # Two hours back: an hour behind the right time.
    time.jump(-HOUR)
    third = due_in(market, -2 * HOUR)
    not_yet = due_in(market, -HOUR / 2)
    wait_until(lambda: lapses(market) == {first: 1, soon: 1, third: 1})
    # People are served by whatever the clock says; their carts and sessions last.
    assert answers_200(server.port, "/readyz")
    buyer = ready_to_buy(server.port, market.stock(3), "Ibu Sari")
    time.jump(HOUR)
    placed = buyer.place()
    assert placed.status == 303, placed.body[:2000]
    wait_until(lambda: lapses(market) == {first: 1, soon: 1, third: 1, not_yet: 1})
    time.jump(timedelta())
    fifth = due_in(market, -HOUR / 2)
    wait_until(lambda: lapses(market)[fifth] == 1)
    once = dict.fromkeys((first, soon, third, not_yet, fifth), 1)
    assert lapses(market) == once
    assert late not in lapses(market)
    assert worker.stop() == 0
    assert market.faults() == []
