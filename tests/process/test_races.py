"""Two people, or a person and the clock, act on the same order at the same moment: one is first,
and the other is told what happened. Over HTTP, on a real server of several processes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from ovop_market import create_app, jobs
from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Product
from ovop_market.core import clock
from ovop_market.orders.labels import STATES
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import NOTES, Actor, OrderState
from ovop_market.payments.labels import PAYMENT_STATES
from ovop_market.payments.models import Payment, PaymentEvent
from ovop_market.payments.services import claims
from ovop_market.payments.states import PaymentState
from tests.conftest import ENGINES, Database, configuration
from tests.factories import PASSWORD, make_order, make_producer, make_product, make_user
from tests.pages import token_in
from tests.process.conftest import new_market
from tests.process.market import Market, at_once
from tests.process.server import running
from tests.process.visitor import Answer, Visitor

pytestmark = pytest.mark.process
# How often each pair meets.
ROUNDS = 3
S, P = OrderState, PaymentState
JUST_NOW, OVERDUE = timedelta(), timedelta(days=8)
TIMERS = next(job for job in jobs.JOBS if job.name == "timers")


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody with a page in front of them, whose form they are about to send; `makes` is the
    state of the order, or of the payment, if they are first."""

    who: str
    page: str
    action: str
    makes: OrderState | PaymentState
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Race:
    """Two sides, or one and the clock, and what they meet at. `clock_makes`: if it is first."""

    state: OrderState
    sides: tuple[Side, ...]
    clock_makes: OrderState | None = None
    claimed: bool = False

    @property
    def of_order(self) -> bool:
        """Whether it is the order that they move, or else its payment."""
        return isinstance(self.sides[0].makes, OrderState)


PURCHASE, INBOX, DESK = "/purchases/{token}", "/inbox/{number}", "/desk/orders/{number}"
PAYMENT = "/desk/payments/{payment}"
ORDER = PURCHASE + "/orders/{number}"
WHY = (("reason", "Berubah pikiran"),)
AGREES = Side("buyer", PURCHASE, f"{ORDER}/agreement", S.ACCEPTED)
CANCELS = Side("other buyer", PURCHASE, f"{ORDER}/cancellation", S.CANCELLED, WHY)
CLAIMS = Side(
    "buyer",
    PURCHASE,
    PURCHASE + "/payments/{payment}/claim",
    P.CLAIMED,
    (("reference", "BCA Sari"),),
)
OBJECTS = Side("buyer", PURCHASE, f"{ORDER}/dispute", S.DISPUTED, WHY)
ACCEPTS = Side("producer", INBOX, f"{INBOX}/acceptance", S.ACCEPTED)
SHIPS = Side("producer", INBOX, f"{INBOX}/shipment", S.SHIPPED, (("courier", "JNE"),))
REVOKES = Side("operator", DESK, f"{DESK}/cancellation", S.CANCELLED, WHY)
CONFIRMS = Side("operator", PAYMENT, f"{PAYMENT}/confirmation", P.CONFIRMED)
CONFIRMS_TOO = Side("other operator", PAYMENT, f"{PAYMENT}/confirmation", P.CONFIRMED)
REJECTS = Side("other operator", PAYMENT, f"{PAYMENT}/rejection", P.REJECTED, WHY)
SETTLES = Side("operator", DESK, f"{DESK}/settlement", S.RECEIVED, (("for", "producer"), *WHY))
SETTLES_OTHERWISE = Side(
    "other operator", DESK, f"{DESK}/settlement", S.CANCELLED, (("for", "buyer"), *WHY)
)

RACES = {
    "two browsers of a buyer": Race(S.COUNTERED, (AGREES, CANCELS)),
    "a producer and a buyer": Race(S.PLACED, (ACCEPTS, CANCELS)),
    "a producer and an operator": Race(S.READY, (SHIPS, REVOKES)),
    "operators confirm and reject": Race(S.ACCEPTED, (CONFIRMS, REJECTS), claimed=True),
    "operators confirm": Race(S.ACCEPTED, (CONFIRMS, CONFIRMS_TOO), claimed=True),
    "operators settle": Race(S.DISPUTED, (SETTLES, SETTLES_OTHERWISE)),
    "a claim and the clock": Race(S.ACCEPTED, (CLAIMS,), S.EXPIRED),
    "a confirmation and the clock": Race(S.ACCEPTED, (CONFIRMS,), S.EXPIRED),
    "an agreement and the clock": Race(S.COUNTERED, (AGREES,), S.EXPIRED),
    "an acceptance and the clock": Race(S.PLACED, (ACCEPTS,), S.EXPIRED),
    "a complaint and the clock": Race(S.SHIPPED, (OBJECTS,), S.RECEIVED),
}


@dataclass(frozen=True, slots=True)
class Case:
    """An order that a race is about."""

    order_id: int
    payment_id: int | None
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands: the states, how often the order has moved, and how many lines the history of
    its payment has."""

    order: OrderState
    payment: PaymentState | None
    moves: int
    said: int


@dataclass
class Arena:
    """A market with a server, and people who are signed in there (but for the buyers)."""

    market: Market
    engine: Engine
    app: Flask
    product_id: int
    people: dict[str, Visitor]

    def prepare(self, race: Race) -> Case:
        with Session(self.engine) as session:
            at = clock.now() - (OVERDUE if race.clock_makes else JUST_NOW)
            product = session.get_one(Product, self.product_id)
            order = make_order(session, race.state, product=product, quantity=1, now=at)
            asked = select(Payment).where(Payment.purchase_id == order.purchase_id)
            payment = session.scalar(asked)
            if race.claimed and payment is not None:
                by = By(Actor.BUYER)
                claims.claim(session, payment, at, reference="BCA", proof_key=None, by=by)
            names = {"token": order.purchase.token, "number": order.number}
            if payment is not None:
                names["payment"] = str(payment.id)
            case = Case(order.id, payment.id if payment else None, names)
            session.commit()
            return case

    def tap(self, side: Side, case: Case) -> partial[Answer]:
        """The form, filled in and about to be sent."""
        visitor = self.people[side.who]
        page = visitor.get(side.page.format(**case.names))
        assert page.status == 200, page.body[:1000]
        action = side.action.format(**case.names)
        form = hidden_fields(page.body, action) | dict(side.fields)
        # A page that was opened twice: the keys of the taps differ.
        form |= {"idempotency_key": f"{random.getrandbits(64):x}"}
        return partial(visitor.ask, "POST", action, form)

    def strike(self) -> None:
        """What the worker does every minute."""
        assert not jobs.run(self.app, TIMERS).failed

    def look(self, case: Case) -> Now:
        moves = select(func.count()).where(
            OrderEvent.order_id == case.order_id, OrderEvent.action.not_in(NOTES)
        )
        said = select(func.count()).where(PaymentEvent.payment_id == case.payment_id)
        with Session(self.engine) as session:
            payment = session.get(Payment, case.payment_id) if case.payment_id else None
            return Now(
                session.get_one(Order, case.order_id).state,
                payment.state if payment else None,
                session.scalar(moves) or 0,
                session.scalar(said) or 0,
            )


def hidden_fields(page: str, action: str) -> dict[str, str]:
    """What the first form with this action sends whatever is typed."""
    for form in re.findall(r"<form\b.*?</form>", page, re.S):
        if f' action="{action}"' in unescape(form):
            tags = re.findall(r'<input type="hidden"[^>]*>', form)
            fields = [dict(re.findall(r'([a-z]+)="([^"]*)"', tag)) for tag in tags]
            return {field["name"]: unescape(field["value"]) for field in fields}
    raise AssertionError(f"no form for {action} on this page")


def signed_in(port: int, login: str) -> Visitor:
    visitor = Visitor(port)
    form = {"login": login, "password": PASSWORD}
    form["csrf_token"] = token_in(visitor.get("/sign-in").body)
    answer = visitor.ask("POST", "/sign-in", form)
    assert answer.status == 303, answer.body[:1000]
    return visitor


@pytest.fixture(scope="module", params=ENGINES)
def arena(
    request: pytest.FixtureRequest,
    databases: dict[str, Database],
    scratch: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Arena]:
    """One for all races on an engine: they are about different orders."""
    folder = tmp_path_factory.mktemp("races")
    market = new_market(databases[request.param], folder, "races")
    app = create_app(configuration(scratch, market.url))
    server = market.server()
    logins = {name: f"{name.replace(' ', '-')}@ovop.example" for name in ("operator", "producer")}
    logins["other operator"] = "operator-2@ovop.example"
    with running([server]), app.app_context():
        with market.session() as session:
            for name in ("operator", "other operator"):
                make_user(session, Role.OPERATOR, login=logins[name])
            staff = make_user(session, Role.PRODUCER, login=logins["producer"])
            shop = make_producer(session, staff=staff)
            product_id = make_product(session, shop, capacity=1000).id
        people = {name: signed_in(server.port, login) for name, login in logins.items()}
        people |= {name: Visitor(server.port) for name in ("buyer", "other buyer")}
        engine = create_engine(market.url)
        yield Arena(market, engine, app, product_id, people)
        engine.dispose()
        # Nothing of it is of use any more.
        server.kill()
    app.extensions["kept pages"].version.close()


@pytest.mark.parametrize("race", RACES.values(), ids=RACES.keys())
def test_one_is_first_and_the_other_is_told(arena: Arena, race: Race) -> None:
    for _ in range(ROUNDS):
        case = arena.prepare(race)
        before = arena.look(case)
        taps = [arena.tap(side, case) for side in race.sides]
        strikes = [arena.strike] if race.clock_makes else []
        answers = at_once([*taps, *strikes])[: len(taps)]
        now = arena.look(case)
        check_answers(race, answers, now)
        # Of what the two wanted, one thing is written.
        told = (now.moves - before.moves, now.said - before.said)
        by_clock = race.clock_makes is now.order
        assert told[0] == 1 if by_clock or race.of_order else told == (0, 1)
    assert arena.market.faults() == []


def check_answers(race: Race, answers: list[Answer], now: Now) -> None:
    """One is done, or none if the clock was first; the other is told."""
    assert {answer.status for answer in answers} <= {303, 409}, [a.body[:2000] for a in answers]
    done = [side for side, answer in zip(race.sides, answers, strict=True) if answer.status == 303]
    if race.clock_makes is now.order:
        assert done == [], "the clock was first"
    else:
        assert [side.makes for side in done] == [now.order if race.of_order else now.payment]
    told = now.order if race.of_order or race.sides[0].page == PURCHASE else now.payment
    words = STATES[now.order] if race.of_order else PAYMENT_STATES[now.payment or P.ASKED]
    for answer in answers:
        if answer.status == 409:
            # The page as things stand now, and a sentence that says so.
            assert f'data-state="{told}"' in answer.body
            assert f"sudah berubah: {words}." in unescape(answer.body)
