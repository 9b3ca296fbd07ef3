"""Server and worker are killed ten times while people order, answer, pay and send: what they were
told is kept, and what they send again is done once.
"""

from __future__ import annotations

import http.client
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil
import pytest
from sqlalchemy import func, select

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, PaymentEvent
from ovop_market.payments.services import claims
from ovop_market.payments.states import PaymentAction
from ovop_market.reach import services as reach
from tests.factories import make_order, make_producer, make_product, make_user
from tests.faults.helping import PATIENCE, SOON, answers_200, wait_until
from tests.process.market import Market, a_few_at_a_time
from tests.process.server import Process, running
from tests.process.test_races import signed_in
from tests.process.test_worker import LONG_AGO
from tests.process.visitor import Answer, Visitor, ready_to_buy

pytestmark = pytest.mark.process
KILLS = 10
BUYERS, OF_EACH, PACKS = 36, 20, 100
THREADS = 6
# What is answered between two deaths, so that some is always under way.
ANSWERS_BETWEEN = 8
S = OrderState


@dataclass
class Tap:
    """Something that somebody sends, with the key of this very tap, until they are answered."""

    what: str
    about: str
    send: Callable[[], Answer]
    tries: int = 0
    answer: Answer | None = None

    def done(self) -> bool:
        """Sends it once. Whoever gets no answer, or is asked to come back, does so later."""
        self.tries += 1
        try:
            answer = self.send()
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 503:
            return False
        self.answer = answer
        return True


@dataclass
class Load:
    """Taps, a few at a time, until all are answered."""

    taps: list[Tap]
    answered: int = 0
    _left: queue.SimpleQueue[Tap] = field(default_factory=queue.SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Load:
        for tap in random.sample(self.taps, len(self.taps)):
            self._left.put(tap)
        self._threads = [threading.Thread(target=self._work) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for thread in self._threads:
            thread.join(PATIENCE * 5)

    def _work(self) -> None:
        while True:
            try:
                tap = self._left.get_nowait()
            except queue.Empty:
                return
            until = time.monotonic() + PATIENCE * 5
            while not tap.done() and time.monotonic() < until:
                time.sleep(random.uniform(0.02, 0.1))
            with self._lock:
                self.answered += 1


@dataclass
class Town:
    """A market in the middle of a day."""

    market: Market
    variant_id: int
    numbers: dict[str, list[str]]
    payments: dict[int, str]


def town(market: Market) -> Town:
    """Orders in all the states in which somebody is about to do something."""
    with market.session() as session:
        make_user(session, Role.OPERATOR, login="operator@ovop.example")
        staff = make_user(session, Role.PRODUCER, login="producer@ovop.example")
        shop = make_producer(session, slug="perajin", staff=staff)
        product = make_product(session, shop, capacity=10_000)

        def orders(state: OrderState, *, at: Callable[[], object] = clock.now) -> list[Order]:
            return [
                make_order(session, state, product=product, quantity=1, now=at())  # type: ignore[arg-type]
                for _ in range(OF_EACH)
            ]

        payments = {}
        to_pay = orders(S.ACCEPTED)
        for order in to_pay:
            payment = session.scalars(
                select(Payment).where(Payment.purchase_id == order.purchase_id)
            ).one()
            by = By(Actor.BUYER)
            claims.claim(session, payment, clock.now(), reference="BCA", proof_key=None, by=by)
            payments[payment.id] = order.number
        found = {
            "accept": orders(S.PLACED),
            "ship": orders(S.READY),
            "overdue": orders(S.PLACED, at=lambda: clock.now() - LONG_AGO),
        }
        numbers = {what: [order.number for order in some] for what, some in found.items()}
    return Town(market, market.stock(PACKS), numbers, payments)


def taps(town: Town, port: int) -> list[Tap]:
    """Everything that people are about to do."""
    operator = signed_in(port, "operator@ovop.example")
    producer = signed_in(port, "producer@ovop.example")

    def tap(who: Visitor, what: str, about: str, action: str, **fields: str) -> Tap:
        page = {"csrf_token": tokens[id(who)], **fields}
        form = page | {"idempotency_key": f"{random.getrandbits(64):x}"}
        return Tap(what, about, lambda: who.ask("POST", action, form))

    tokens = {id(who): _token(who, "/account") for who in (operator, producer)}
    buyers = a_few_at_a_time(
        [
            lambda n=n: ready_to_buy(port, town.variant_id, f"Pembeli {n}")  # type: ignore[misc]
            for n in range(BUYERS)
        ]
    )
    return [
        *(Tap("buy", buyer.form["name"], buyer.place) for buyer in buyers),
        *(
            tap(producer, "accept", number, f"/inbox/{number}/acceptance")
            for number in town.numbers["accept"]
        ),
        *(
            tap(producer, "ship", number, f"/inbox/{number}/shipment", courier="JNE")
            for number in town.numbers["ship"]
        ),
        *(
            tap(operator, "pay", number, f"/desk/payments/{id_}/confirmation")
            for id_, number in town.payments.items()
        ),
    ]


def _token(who: Visitor, page: str) -> str:
    from tests.pages import token_in

    return token_in(who.get(page).body)


@pytest.fixture
def processes(market: Market) -> Iterator[list[Process]]:
    server, worker = market.server(), market.worker()
    with running([server, worker]):
        yield [server, worker]


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the kill to the first page, and seconds of them in which the server was at work:
    on a machine that does nothing else they are the same."""

    passed: float
    worked: float


def kill(processes: list[Process], port: int) -> Start:
    """kill -9 of all of it, started again at once, as a supervisor does."""
    for process in processes:
        process.kill()
    begun = time.monotonic()
    for process in processes:
        process.start()
    wait_until(lambda: answers_200(port, "/products"))
    passed = time.monotonic() - begun
    master = psutil.Process(processes[0].group)
    times = [process.cpu_times() for process in [master, *master.children()]]
    return Start(passed, sum(time.user + time.system for time in times))


def test_killed_ten_times(market: Market, processes: list[Process]) -> None:
    port: int = processes[0].port  # type: ignore[attr-defined]
    place = town(market)
    sent = taps(place, port)
    down = []
    with Load(sent) as load:
        for number in range(1, KILLS + 1):
            enough = min(number * ANSWERS_BETWEEN, len(sent) - THREADS)
            # Somebody gets through between two deaths.
            enough = min(max(enough, load.answered + 1), len(sent))
            wait_until(lambda enough=enough: load.answered >= enough)  # type: ignore[misc]
            down.append(kill(processes, port))
    print("up again after", ", ".join(f"{d.passed:.2f} ({d.worked:.2f} s of work)" for d in down))
    print(sum(tap.tries > 1 for tap in sent), "of", len(sent), "were sent again")
    assert [tap for tap in sent if tap.answer is None] == []
    for tap in sent:
        assert tap.answer is not None
        # Whoever sends again what was done the first time may be told that it is done.
        wanted = {303} if tap.tries == 1 or tap.what == "buy" else {303, 409}
        assert tap.answer.status in wanted, (tap.what, tap.answer.body[:2000])
    check_bought_once(market, sent)
    check_done_once(market, place)
    # Other tests run beside this one: what counts is what the start itself takes.
    assert max(start.worked for start in down) < SOON


def check_bought_once(market: Market, sent: list[Tap]) -> None:
    places = {tap.about: tap.answer.location for tap in sent if tap.what == "buy" and tap.answer}
    with market.session() as session:
        rows = session.execute(
            select(Purchase.name, Purchase.token).where(Purchase.name.like("Pembeli %"))
        ).all()
    assert Counter(name for name, _token in rows) == Counter(dict.fromkeys(places, 1))
    assert {name: f"/purchases/{token}" for name, token in rows} == places


def check_done_once(market: Market, place: Town) -> None:
    """Each order has each line of its history once, whoever died in between."""
    overdue = place.numbers["overdue"]

    def lapsed() -> int:
        with market.session() as session:
            return (
                session.scalar(
                    select(func.count())
                    .select_from(OrderEvent)
                    .join(OrderEvent.order)
                    .where(OrderEvent.action == Action.LAPSE, Order.number.in_(overdue))
                )
                or 0
            )

    wait_until(lambda: lapsed() >= len(overdue), 90)
    with market.session() as session:
        told = session.execute(select(Order.number, OrderEvent.action).join(OrderEvent.order)).all()
        events = Counter(map(tuple, told))
        wanted = {
            Action.ACCEPT: place.numbers["accept"],
            Action.SHIP: place.numbers["ship"],
            Action.LAPSE: overdue,
        }
        for action, numbers in wanted.items():
            assert {events[number, action] for number in numbers} == {1}, action
        confirmed = select(PaymentEvent.payment_id).where(
            PaymentEvent.action == PaymentAction.CONFIRM,
            PaymentEvent.payment_id.in_(place.payments),
        )
        assert Counter(session.scalars(confirmed)) == Counter(dict.fromkeys(place.payments, 1))
        assert list(reach.differences(session)) == []
    assert market.faults() == []
