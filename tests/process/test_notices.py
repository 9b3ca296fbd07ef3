"""Two workers that are killed in the middle of sending: every notice arrives, and only what was on
its way at that very moment may arrive twice."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.notices.models import Notice
from ovop_market.notices.states import LEASE, NoticeState
from tests.factories import make_order, make_producer, make_product, make_user
from tests.notices.post_office import PostOffice, wait_until
from tests.process.market import Market
from tests.process.server import Worker, running

pytestmark = pytest.mark.process
NOTICES = 120
KILLS = 6
# The server takes its time, so that a kill meets a message on its way.
SECONDS_EACH = 0.03
SECONDS_TO_DO = 120.0
# After a kill, the clock of the next workers is ahead by more than a lease.
AHEAD = 2 * LEASE


def fill(market: Market) -> None:
    """An outbox with as many messages to the staff of a household."""
    with market.session() as session:
        maker = make_user(session, Role.PRODUCER, login="perajin@ovop.example")
        product = make_product(session, make_producer(session, staff=maker), capacity=100)
        now = clock.now()
        order = make_order(session, product=product, now=now)
        rows = [
            {
                "kind": "new_order",
                "key": f"new_order {number}",
                "channel": "email",
                "recipient": f"user {maker.id}",
                "order_id": order.id,
                "user_id": maker.id,
                "details": {},
                "language": "id",
                "state": NoticeState.PENDING,
                "made_at": now,
                "due_at": now,
            }
            for number in range(NOTICES)
        ]
        session.execute(insert(Notice), rows)


def counted(market: Market, state: NoticeState) -> int:
    with market.session() as session:
        return _count(session, state)


def _count(session: Session, state: NoticeState) -> int:
    return session.scalar(select(func.count(Notice.id)).where(Notice.state == state)) or 0


def workers(market: Market, office: PostOffice, round_: int) -> list[Worker]:
    hours = round_ * AHEAD / timedelta(hours=1)
    environ = {
        **market.environ,
        # The clock may be set only where it is no production.
        "OVOP_ENV": "development",
        "OVOP_CLOCK_AHEAD": str(hours),
        "SMTP_URL": office.url,
    }
    return [Worker(market.folder, environ, f"{name}-{round_}") for name in ("first", "second")]


def test_none_is_lost_and_only_what_was_on_its_way_comes_twice(market: Market) -> None:
    fill(market)
    dice = random.Random()
    with PostOffice(seconds=SECONDS_EACH) as office:
        kills = 0
        for round_ in range(KILLS // 2):
            pair = workers(market, office, round_)
            enough = len(office.mails) + dice.randint(1, NOTICES // KILLS)
            with running(pair):
                wait_until(lambda enough=enough: len(office.mails) >= enough, SECONDS_TO_DO)
                for one in dice.sample(pair, 2):
                    # Alone, or in the middle of the other's work.
                    one.kill()
                    kills += 1
        assert counted(market, NoticeState.SENT) < NOTICES
        with running(workers(market, office, KILLS // 2)):
            wait_until(lambda: counted(market, NoticeState.SENT) == NOTICES, SECONDS_TO_DO)
        arrived = office.counted()
    assert len(arrived) == NOTICES
    twice = sum(arrived.values()) - NOTICES
    assert twice <= kills, f"{twice} came again after {kills} kills"
    assert market.faults() == []


def test_two_workers_send_each_once(market: Market) -> None:
    fill(market)
    with PostOffice() as office:
        with running(workers(market, office, 0)):
            wait_until(lambda: counted(market, NoticeState.SENT) == NOTICES, SECONDS_TO_DO)
        arrived = office.counted()
    assert len(arrived) == sum(arrived.values()) == NOTICES
