"""Whatever a buyer does, in whatever order: nothing is ordered to where it arrives spoiled.

Over HTTP, as a browser (or somebody who is not one) would: carts change, addresses change, forms
are old, are sent twice, and name ways that were never offered there; meanwhile an operator makes
couriers slower and faster, and a courier's own API changes its mind. What was ordered is then held
against the tables by arithmetic that is written here anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product, Storage
from ovop_market.delivery import rates
from ovop_market.delivery.models import CourierRate, Service, Tariff
from ovop_market.delivery.rates.breaker import Breaker
from ovop_market.delivery.rates.interface import Desk, District, Quoted
from ovop_market.orders.models import Order
from tests.factories import BANDUNG, make_delivery, make_producer, make_product
from tests.pages import value_of

MENTOK, PALEMBANG, SORONG = "19.05.01.1001", "16.71.01", "91.71.01"
PLACES = (MENTOK, PALEMBANG, BANDUNG, SORONG)
CODES = ("jne-reg", "jne-yes", "dingin", "antar", "pickup", "nothing")
# Service, origin, destination, days at first.
TABLE = (
    ("jne-yes", "19.05", "16", 2),
    ("jne-yes", "19.05", "32", 3),
    ("jne-yes", "19.05", "32.73", 2),
    ("dingin", "", "", 5),
    ("antar", "19.05.01.2006", "19.05.01", 1),
)


class MovingApi:
    """A courier that changes its mind."""

    days: tuple[int, int] | None = (1, 1)

    def place(self, district: District) -> str | None:
        return district.code

    def rates(
        self, origin: str, destination: str, kilograms: int, couriers: Sequence[str]
    ) -> Mapping[str, Sequence[Quoted]]:
        return {courier: [Quoted("YES", 9_000 * kilograms, self.days)] for courier in couriers}


@dataclass
class Shop:
    """What is sold: delicate, hardy and in between, from two producers; with stock for all."""

    products: list[Product]
    api: MovingApi


@pytest.fixture
def shop(app: Flask, session: Session) -> Iterator[Shop]:
    make_delivery(session)
    services = {
        "jne-yes": Service(
            code="jne-yes", courier="JNE", name="YES", rate_courier="jne", rate_service="YES"
        ),
        "dingin": Service(code="dingin", courier="Dingin", name="Beku", cold_chain=True),
        "antar": Service(code="antar", courier="Penjual", name="Antar", local=True),
    }
    session.add_all(services.values())
    for code, origin, destination, days in TABLE:
        session.add(
            Tariff(
                service=services[code],
                origin=origin,
                destination=destination,
                price_per_kg=5_000,
                days_from=0,
                days_to=days,
            )
        )
    first, second = make_producer(session), make_producer(session)
    products = [
        make_product(session, first, ready=99_999, max_transit_days=2, shelf_life_days=4),
        make_product(session, first, ready=99_999, storage=Storage.AMBIENT, max_transit_days=None),
        make_product(session, second, ready=99_999, max_transit_days=2, shelf_life_days=90),
        make_product(session, second, ready=99_999, storage=Storage.CHILLED, max_transit_days=1),
    ]
    api = MovingApi()
    app.extensions[rates._NAME] = Desk(api, Breaker(), timedelta(hours=12))
    session.commit()
    yield Shop(products, api)
    del app.extensions[rates._NAME]


@dataclass
class Buyer:
    """A visitor with all forms that they have ever seen."""

    client: FlaskClient
    forms: list[dict[str, str]] = field(default_factory=list)

    def post(self, address: str, data: Mapping[str, object]) -> str:
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self.client.post(address, data=data, headers=headers).headers.get("Location", "")

    def look(self, place: str, ways: Mapping[str, str]) -> None:
        query = {"region_code": place, **ways}
        page = self.client.get("/checkout", query_string=query)
        if page.status_code == 200:
            names = ("csrf_token", "idempotency_key", "seen")
            self.forms.append({name: value_of(page.text, name) for name in names})


number = st.integers(0, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), number, number),
        st.tuples(st.just("take out"), number, number),
        st.tuples(st.just("look"), number, number),
        st.tuples(st.just("send"), number, number),
        st.tuples(st.just("send blindly"), number, number),
        st.tuples(st.just("slower"), number, number),
        st.tuples(st.just("faster"), number, number),
        st.tuples(st.just("courier says"), number, number),
    ),
    max_size=14,
)
chosen = st.lists(st.sampled_from(CODES), min_size=2, max_size=2)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(todo=steps, codes=chosen)
# The form of a near address is sent with a far one, by the way that was quick enough there.
@example(
    todo=[("add", 0, 0), ("look", 1, 0), ("send", 2, 0), ("slower", 0, 0), ("send", 1, 0)],
    codes=["jne-yes", "jne-yes"],
)
# What was looked at grows by something that keeps no longer than a day.
@example(
    todo=[("add", 2, 0), ("look", 2, 0), ("add", 3, 0), ("send", 2, 0), ("send blindly", 2, 0)],
    codes=["jne-yes", "jne-yes"],
)
# The courier is quick when it is looked at, and says otherwise before it is sent.
@example(
    todo=[("add", 0, 0), ("look", 2, 0), ("courier says", 3, 0), ("send blindly", 2, 0)],
    codes=["jne-yes", "jne-yes"],
)
def test_no_sequence_sends_it_too_late(
    app: Flask, session: Session, shop: Shop, todo: list[tuple[str, int, int]], codes: list[str]
) -> None:
    buyer = Buyer(FlaskClient(app, app.response_class, use_cookies=True))
    producers = sorted({product.producer.slug for product in shop.products})
    ways = {f"delivery-{slug}": code for slug, code in zip(producers, codes, strict=True)}
    for what, one, other in todo:
        if what == "add":
            added = {"variant_id": shop.products[one].variants[0].id, "quantity": other + 1}
            buyer.post("/cart/lines", added)
        elif what == "take out":
            buyer.post(f"/cart/lines/{one + 1}/removal", {})
        elif what == "look":
            buyer.look(PLACES[one], ways)
        elif what in ("slower", "faster"):
            operate(session, what, TABLE[one])
        elif what == "courier says":
            shop.api.days = [None, (0, 1), (2, 2), (6, 9)][one]
            # As if its answer had been kept and were asked anew.
            session.query(CourierRate).delete()
            session.commit()
        elif buyer.forms:
            form = dict(buyer.forms[other % len(buyer.forms)])
            if what == "send blindly":
                del form["seen"]
            send(session, buyer, form | ways, PLACES[one])


def operate(session: Session, what: str, row: tuple[str, str, str, int]) -> None:
    code, origin, destination, days = row
    session.execute(
        update(Tariff)
        .where(
            Tariff.service_id == select(Service.id).where(Service.code == code).scalar_subquery(),
            Tariff.origin == origin,
            Tariff.destination == destination,
        )
        .values(days_to=9 if what == "slower" else min(days, 1))
    )
    session.commit()


def send(session: Session, buyer: Buyer, form: Mapping[str, str], place: str) -> None:
    """Sends a form to a place, and looks at what has been ordered by it."""
    known = set(session.scalars(select(Order.id)))
    buyer.post(
        "/checkout",
        {
            "name": "Sari Contoh",
            "phone": "081234567890",
            "street": "Jalan Contoh 2",
            "postal_code": "40131",
            "payment_method": "transfer",
            "consent": "1",
            **form,
            "region_code": place,
        },
    )
    session.rollback()
    for order in session.scalars(select(Order).where(Order.id.not_in(known))):
        assert order.purchase.region_code == place
        if order.service is not None:
            check(session, order, order.service, place)
    session.rollback()


def check(session: Session, order: Order, service: Service, place: str) -> None:
    """That all of the order arrives fresh, by the tables as they are now."""
    home = order.producer.village.region_code
    fitting = [
        (len(t.destination), len(t.origin), t.days_to)
        for t in session.scalars(select(Tariff).where(Tariff.service_id == service.id))
        if f"{place}.".startswith(f"{t.destination}." if t.destination else "")
        and f"{home}.".startswith(f"{t.origin}." if t.origin else "")
    ]
    slowest = [max(fitting)[2]] if fitting else []
    for kept in session.scalars(select(CourierRate)):
        if service.rate_courier == kept.courier and place.startswith(kept.destination):
            days = [offer["days_to"] for offer in kept.services]
            slowest += [day for day in days if isinstance(day, int)]
    assert slowest, "sent by a service that does not go there"
    for line in order.lines:
        product = line.variant.product
        cold = service.cold_chain and product.storage is not Storage.AMBIENT
        most = product.shelf_life_days if cold else product.max_transit_days
        assert most is None or max(slowest) <= most, f"{product.name} by {service.code} to {place}"
