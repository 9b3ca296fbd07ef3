"""Real workers: many at once, killed in the middle, and told to stop."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, func, insert, select, text, update
from sqlalchemy.orm import Session

from ovop_market import worker
from ovop_market.catalogue.models import CapacityWeek, StockMovement
from ovop_market.config import Config, from_environment
from ovop_market.core import clock
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.states import Action, OrderState
from tests.factories import make_order, make_product
from tests.process.market import Market
from tests.process.server import Worker, running

pytestmark = pytest.mark.process
# Orders that nobody answers, and a few in each other state that the clock ends.
UNANSWERED, OTHERS = 150, 5
LONG_AGO = timedelta(days=8)
SECONDS_TO_DO = 60.0
S = OrderState


def fill(market: Market) -> dict[str, Action]:
    """Hundreds of overdue orders; what the clock owes each, by number."""
    ends = {S.COUNTERED: Action.LAPSE, S.ACCEPTED: Action.LAPSE, S.SHIPPED: Action.RECEIVE}
    with market.session() as session:
        at = clock.now() - LONG_AGO
        product = make_product(session, capacity=10_000)
        first = make_order(session, product=product, quantity=1, now=at)
        owed = dict.fromkeys([first.number, *copy(session, first, UNANSWERED)], Action.LAPSE)
        for state, end in ends.items():
            for _ in range(OTHERS):
                order = make_order(session, state, product=product, quantity=1, now=at)
                owed[order.number] = end
    return owed


def copy(session: Session, order: Order, times: int) -> list[str]:
    """Orders like this one, which nobody has answered, in purchases of their own."""

    def insert_copies(row: Model, changes: list[dict[str, Any]]) -> list[int]:
        model = type(row)
        values = {c.key: getattr(row, c.key) for c in model.__mapper__.column_attrs}
        del values["id"]
        statement = insert(model).returning(model.id, sort_by_parameter_order=True)
        return list(session.scalars(statement, [values | change for change in changes]))

    (line,) = order.lines
    (hold,) = line.holds
    (event,) = order.events
    numbers = [f"{order.number}-{n}" for n in range(times)]
    movement = session.scalars(
        select(StockMovement).where(StockMovement.order_number == order.number)
    ).one()
    digests = ("token", "token_digest", "submission_digest")
    purchases = insert_copies(order.purchase, [dict.fromkeys(digests, n) for n in numbers])
    orders = insert_copies(
        order,
        [{"purchase_id": p, "number": n} for p, n in zip(purchases, numbers, strict=True)],
    )
    lines = insert_copies(line, [{"order_id": id_} for id_ in orders])
    insert_copies(hold, [{"line_id": id_} for id_ in lines])
    insert_copies(event, [{"order_id": id_} for id_ in orders])
    insert_copies(movement, [{"order_number": number} for number in numbers])
    session.execute(update(CapacityWeek).values(held=CapacityWeek.held + times * line.quantity))
    return numbers


def done(market: Market) -> int:
    """How often the clock has acted."""
    statement = select(func.count(OrderEvent.id)).where(OrderEvent.actor == "clock")
    with market.session() as session:
        return session.scalar(statement) or 0


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS_TO_DO
    while not what():
        assert time.monotonic() < until, "the workers did not get there"
        time.sleep(0.1)


def lines(worker: Worker) -> list[dict[str, Any]]:
    """What a worker has logged; a killed one may leave half a line."""
    found = []
    for line in worker.log.read_text("utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append({"event": "unreadable", "line": line})
    return found


def test_each_order_once_though_one_of_two_dies(market: Market) -> None:
    owed = fill(market)
    first, second = workers = [market.worker("first"), market.worker("second")]
    with running(workers):
        wait_for(lambda: done(market) >= len(owed) // 4)
        first.kill()
        assert done(market) < len(owed)
        first.start()
        wait_for(lambda: done(market) >= len(owed))
        first.wait()
        # Who does not stop in good time is killed, and its code tells.
        assert [second.stop(), first.stop(signal.SIGINT)] == [0, 0]
    with market.session() as session:
        events = session.execute(
            select(Order.number, OrderEvent.action)
            .join(OrderEvent.order)
            .where(OrderEvent.actor == "clock")
        ).all()
    assert Counter(map(tuple, events)) == Counter(owed.items())
    assert market.faults() == []
    told = [line for w in workers for line in lines(w)]
    assert [line for line in told if line.get("level") in ("warning", "error")] == []
    assert [line for line in told if line["event"] == "unreadable"] == []
    counted = [line for line in told if line["event"] == "job" and line["job"] == "timers"]
    assert all("ms" in line for line in counted)


class TestQueue:
    """Where the jobs are kept."""

    @pytest.fixture
    def config(self) -> Config:
        return from_environment({"OVOP_ENV": "testing"})

    def test_two_databases_share_none(self, config: Config, tmp_path: Any) -> None:
        queues = []
        for name in ("one", "two"):
            engine = create_engine(f"sqlite:///{tmp_path / name}.sqlite3")
            queues.append(worker.make_queue(config, engine))
        assert {path.name for path in tmp_path.iterdir()} >= {
            "one.jobs.sqlite3",
            "two.jobs.sqlite3",
        }
        one, two = queues
        one.storage.enqueue(b"something")
        assert (one.storage.queue_size(), two.storage.queue_size()) == (1, 0)

    def test_nor_in_one_redis(self, config: Config) -> None:
        shared = replace(config, redis_url="redis://127.0.0.1:1/0")
        places = ("postgresql+psycopg://a:s1@db/one", "postgresql+psycopg://a:s1@db/two")
        one, two = (worker.make_queue(shared, create_engine(place)) for place in places)
        again = worker.make_queue(shared, create_engine(places[0].replace("s1", "s2")))
        assert one.storage.queue_key != two.storage.queue_key
        assert one.storage.queue_key == again.storage.queue_key, "a new password is no new place"

    @pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
    def test_in_postgresql_it_has_its_own_schema(self, config: Config, market: Market) -> None:
        engine = create_engine(market.url)
        try:
            queue = worker.make_queue(config, engine)
            queue.storage.enqueue(b"something")
            assert worker.make_queue(config, engine).storage.queue_size() == 1
            tables = text("SELECT schemaname FROM pg_tables WHERE tablename LIKE 'huey%'")
            with engine.connect() as connection:
                assert set(connection.scalars(tables)) == {"jobs"}
            queue.storage.close()
        finally:
            engine.dispose()

    def test_only_who_knows_the_secret_is_believed(self, config: Config, tmp_path: Any) -> None:
        engine = create_engine(f"sqlite:///{tmp_path / 'one'}.sqlite3")
        queue = worker.make_queue(config, engine)
        stranger = worker.make_queue(replace(config, secret_key="another"), engine)
        forged = stranger.serializer.serialize("anything")
        queue.storage.enqueue(forged)
        with pytest.raises(ValueError, match="mismatch"):
            queue.dequeue()
