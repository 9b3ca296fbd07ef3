"""What couriers ask by their API: asked before the page, kept, and never in the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ovop_market.config import from_environment
from ovop_market.core import clock
from ovop_market.core.errors import ConfigurationError
from ovop_market.core.quantity import Grams
from ovop_market.delivery import rates
from ovop_market.delivery.freshness import Freshness
from ovop_market.delivery.models import CourierRate, RatePlace, Service, Tariff
from ovop_market.delivery.queries import Parcel, ways
from ovop_market.delivery.rates import asking
from ovop_market.delivery.rates.breaker import FIRST_REST, LONGEST_REST, Breaker
from ovop_market.delivery.rates.interface import Desk, District, Unreachable
from ovop_market.delivery.rates.rajaongkir import RajaOngkir
from ovop_market.orders.models import Order
from tests.counting import counted
from tests.delivery.rajaongkir_stub import KEY, RajaOngkirStub, offer, place
from tests.factories import BANDUNG, BELO_LAUT, make_delivery, make_product
from tests.pages import value_of
from tests.process.server import SECRET_KEY

COBLONG = District("32.73.02", "coblong", "bandung", "jawa barat")
PATIENCE = 0.3


@pytest.fixture
def stub() -> Iterator[RajaOngkirStub]:
    with RajaOngkirStub() as running:
        yield running


@pytest.fixture
def desk(app: Flask, stub: RajaOngkirStub) -> Iterator[Desk]:
    """The market asks the stub."""
    api = RajaOngkir(KEY, stub.url, patience=PATIENCE)
    found = Desk(api, Breaker(), timedelta(hours=12))
    app.extensions[rates._NAME] = found
    yield found
    del app.extensions[rates._NAME]


@pytest.fixture
def api(stub: RajaOngkirStub) -> RajaOngkir:
    return RajaOngkir(KEY, stub.url, patience=PATIENCE)


@pytest.fixture
def linked(session: Session) -> None:
    """JNE REG is asked of the courier; the table says 38,000 and 2–3 days."""
    make_delivery(session)
    session.execute(
        update(Service)
        .where(Service.code == "jne-reg")
        .values(rate_courier="jne", rate_service="REG")
    )
    session.commit()


def parcel(weight: int = 600, **values: object) -> Parcel:
    given = {"freshness": Freshness(), **values}
    return Parcel(BELO_LAUT, BANDUNG, Grams(weight), **given)  # type: ignore[arg-type]


def reg(session: Session, sent: Parcel) -> tuple[int, str]:
    (found,) = ways(session, [sent])
    way = next(way for way in found if way.code == "jne-reg")
    return way.price, way.note


def ask(session: Session, *sent: Parcel) -> bool:
    return asking.refresh(session, sent, clock.now(), reading=False)


def test_places_are_found_by_all_their_names(api: RajaOngkir, stub: RajaOngkirStub) -> None:
    assert api.place(COBLONG) == "71"
    mentok = District("19.05.01", "mentok", "bangka barat", "kepulauan bangka belitung")
    assert api.place(mentok) == "31"
    assert api.place(replace(mentok, regency="bangka")) is None
    stub.places += [place(5, "COBLONG", "KABUPATEN BANDUNG", "BANTEN")]
    assert api.place(COBLONG) == "71"
    assert api.place(District("99", "nirwana", "nirwana", "nirwana")) is None
    assert stub.requests[:2] == ["search coblong", "search mentok"]


def test_what_couriers_offer(api: RajaOngkir, stub: RajaOngkirStub) -> None:
    found = api.rates("31", "71", 2, ["jne", "pos", "sicepat"])
    assert [(q.service, q.price, q.days) for q in found["jne"]] == [
        ("REG", 54_000, (2, 3)),
        ("YES", 120_000, (1, 1)),
    ]
    assert found["pos"] == []
    assert found["sicepat"][0].days is None
    assert api.rates("31", "1", 2, ["jne"]) == {"jne": []}


@pytest.mark.parametrize(
    ("etd", "days"),
    [
        ("3 day", (3, 3)),
        ("1-2 day", (1, 2)),
        ("2-3", (2, 3)),
        ("1 - 4 HARI", (1, 4)),
        ("0 day", (0, 0)),
        ("6-8 hours", (0, 1)),
        ("", None),
        (None, None),
        (3, None),
        ("4-2 day", None),
        ("soon", None),
        ("1-99 day", None),
    ],
)
def test_days_are_read_or_not_believed(
    api: RajaOngkir, stub: RajaOngkirStub, etd: object, days: tuple[int, int] | None
) -> None:
    stub.offers = [offer("jne", "REG", 1_000, etd)]
    assert api.rates("31", "71", 1, ["jne"])["jne"][0].days == days


@pytest.mark.parametrize("cost", [0, -5, "1000", 1.5, None, True, 10**12])
def test_odd_prices_are_no_offers(api: RajaOngkir, stub: RajaOngkirStub, cost: object) -> None:
    stub.offers = [offer("jne", "REG", cost), {"code": "jne"}, offer("jne", "", 5)]
    assert api.rates("31", "71", 1, ["jne"]) == {"jne": []}


WAYS_TO_FAIL = {
    "error": {"status": 500},
    "elsewhere": {"status": 302},
    "no key": {"status": 401},
    "slow": {"slow": PATIENCE * 3},
    "drip": {"drip": PATIENCE / 3},
    "garbage": {"raw": b"<html>"},
    "half": {"raw": b'{"data": [{'},
    "deep": {"raw": b"[" * 100_000},
    "no rows": {"raw": b'{"data": {"rajaongkir": 1}}'},
    "a list": {"raw": b"[]"},
    "huge": {"raw": b" " * (600 * 1024)},
}


@pytest.mark.parametrize("how", WAYS_TO_FAIL.values(), ids=WAYS_TO_FAIL)
def test_whatever_goes_wrong_is_one_refusal_in_time(
    api: RajaOngkir, stub: RajaOngkirStub, how: dict[str, object]
) -> None:
    for name, value in how.items():
        setattr(stub, name, value)
    begun = time.monotonic()
    with pytest.raises(Unreachable):
        api.rates("31", "71", 1, ["jne"])
    assert time.monotonic() - begun < PATIENCE * 3


@pytest.mark.parametrize(
    ("retry_after", "wait"), [("120", 120.0), ("", float("inf")), ("tomorrow", float("inf"))]
)
def test_a_quota_that_is_used_up(
    api: RajaOngkir, stub: RajaOngkirStub, retry_after: str, wait: float
) -> None:
    stub.status, stub.retry_after = 429, retry_after
    with pytest.raises(Unreachable) as refused:
        api.place(COBLONG)
    assert refused.value.wait == wait


def test_the_breaker() -> None:
    at = [0.0]
    breaker = Breaker(lambda: at[0])
    assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()
    at[0] += FIRST_REST
    # One tries, the others wait for what becomes of it.
    assert breaker.lets_through()
    assert not breaker.lets_through()
    breaker.failed()
    at[0] += FIRST_REST
    assert not breaker.lets_through()
    at[0] += FIRST_REST
    assert breaker.lets_through()
    breaker.answered()
    assert breaker.lets_through()
    breaker.failed(wait=float("inf"))
    at[0] += LONGEST_REST - 1
    assert not breaker.lets_through()
    at[0] += 1
    assert breaker.lets_through()


@pytest.mark.usefixtures("linked", "desk")
def test_what_was_asked_is_kept(session: Session, stub: RajaOngkirStub) -> None:
    assert reg(session, parcel()) == (38_000, "2–3 hari di jalan")
    assert ask(session, parcel())
    assert reg(session, parcel()) == (27_000, "2–3 hari di jalan")
    assert stub.requests == ["search mentok", "search coblong", "cost 1000 jne"]
    # Known for a while; another weight is another price, the places are known.
    assert not ask(session, parcel(900))
    assert ask(session, parcel(1_200))
    assert reg(session, parcel(1_200))[0] == 54_000
    assert stub.requests[3:] == ["cost 2000 jne"]


@pytest.mark.usefixtures("linked", "desk")
def test_what_is_old_is_asked_again(
    session: Session, stub: RajaOngkirStub, later: Callable[[timedelta], None]
) -> None:
    ask(session, parcel())
    stub.offers = [offer("jne", "REG", 31_000, "2 day")]
    later(timedelta(hours=13))
    # A page that was made before may still be sent.
    assert reg(session, parcel())[0] == 27_000
    assert ask(session, parcel())
    assert reg(session, parcel())[0] == 31_000
    later(timedelta(hours=37))
    assert reg(session, parcel())[0] == 38_000


@pytest.mark.usefixtures("linked", "desk")
def test_the_slower_of_courier_and_table_is_believed(
    session: Session, stub: RajaOngkirStub
) -> None:
    fresh = Freshness(ordinary=3)
    stub.offers = [offer("jne", "REG", 20_000, "1 day")]
    ask(session, parcel())
    assert reg(session, parcel(freshness=fresh))[1] == "2–3 hari di jalan"
    session.execute(
        update(CourierRate).values(
            services=[{"service": "REG", "price": 20_000, "days_from": 3, "days_to": 5}]
        )
    )
    session.expire_all()
    (found,) = ways(session, [parcel(freshness=fresh)])
    assert not next(way for way in found if way.code == "jne-reg").possible
    # A courier that does not say how long it takes, and no table that does: no way.
    session.execute(
        update(CourierRate).values(
            services=[{"service": "REG", "price": 20_000, "days_from": None, "days_to": None}]
        )
    )
    assert reg(session, parcel())[0] == 20_000
    session.query(Tariff).delete()
    (found,) = ways(session, [parcel()])
    assert [way.code for way in found] == ["pickup"]


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize("how", [{"status": 500}, {"raw": b"<html>"}, {"slow": PATIENCE * 2}])
def test_a_dead_api_slows_one_page_and_leaves_the_table(
    session: Session, stub: RajaOngkirStub, desk: Desk, how: dict[str, object]
) -> None:
    for name, value in how.items():
        setattr(stub, name, value)
    begun = time.monotonic()
    for _ in range(5):
        assert not ask(session, parcel())
    assert time.monotonic() - begun < PATIENCE * 4
    assert len(stub.requests) == 1
    assert reg(session, parcel()) == (38_000, "2–3 hari di jalan")


@pytest.mark.usefixtures("linked", "desk")
def test_a_place_that_is_not_known_is_not_asked_again_and_again(
    session: Session, stub: RajaOngkirStub, later: Callable[[timedelta], None]
) -> None:
    stub.places = stub.places[:1]
    assert ask(session, parcel())
    assert not ask(session, parcel())
    assert stub.requests == ["search mentok", "search coblong"]
    assert session.get_one(RatePlace, "32.73.02").place_id is None
    later(timedelta(days=8))
    ask(session, parcel())
    assert stub.requests[2:] == ["search coblong"]


@pytest.mark.usefixtures("linked", "desk")
def test_nothing_is_open_while_it_is_asked(
    session: Session, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    ask_for = desk.api.place

    def watched(district: District) -> str | None:
        seen.append(session.in_transaction())
        return ask_for(district)

    monkeypatch.setattr(desk.api, "place", watched)
    session.execute(select(Service)).all()
    assert ask(session, parcel())
    assert seen == [False, False]


@pytest.mark.usefixtures("linked", "desk")
def test_checkout_asks_and_placing_takes_what_was_shown(
    client: FlaskClient, session: Session, stub: RajaOngkirStub
) -> None:
    product = make_product(session, ready=9, slug="pempek")
    session.commit()
    added = {"variant_id": product.variants[0].id, "quantity": 1}
    client.post("/cart/lines", data=added, headers={"Sec-Fetch-Site": "same-origin"})
    page = client.get(f"/checkout?region_code={BANDUNG}").text
    assert "Rp27.000" in page
    asked = len(stub.requests)
    stub.status = 500
    form = {
        "csrf_token": value_of(page, "csrf_token"),
        "idempotency_key": value_of(page, "idempotency_key"),
        "seen": value_of(page, "seen"),
        "name": "Sari Contoh",
        "phone": "081234567890",
        "region_code": BANDUNG,
        "street": "Jalan Contoh 2",
        "postal_code": "40131",
        "payment_method": "transfer",
        f"delivery-{product.producer.slug}": "jne-reg",
        "consent": "1",
    }
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 303, answer.text
    assert session.scalars(select(Order)).one().shipping == 27_000
    assert len(stub.requests) == asked


@pytest.mark.usefixtures("linked", "desk")
def test_without_script_the_button_asks(
    client: FlaskClient, session: Session, stub: RajaOngkirStub
) -> None:
    product = make_product(session, ready=9)
    session.commit()
    added = {"variant_id": product.variants[0].id, "quantity": 1}
    client.post("/cart/lines", data=added, headers={"Sec-Fetch-Site": "same-origin"})
    token = value_of(client.get("/checkout").text, "csrf_token")
    assert not stub.requests
    sent = {"csrf_token": token, "region_code": BANDUNG, "update": "1"}
    assert "Rp27.000" in client.post("/checkout", data=sent).text


@pytest.mark.usefixtures("linked", "desk")
def test_a_public_page_never_asks_but_shows_what_is_known(
    client: FlaskClient, session: Session, stub: RajaOngkirStub
) -> None:
    make_product(session, capacity=9, slug="pempek")
    session.commit()
    address = f"/products/pempek/delivery?to={BANDUNG}"
    with counted() as statements:
        assert "Rp38.000" in client.get(address).text
    assert len(statements) <= 6
    assert not stub.requests
    ask(session, parcel())
    assert "Rp27.000" in client.get(address).text


def test_it_is_off_unless_it_is_configured(app: Flask, session: Session) -> None:
    make_delivery(session)
    assert rates.configured() is None
    with counted() as statements:
        assert not ask(session, parcel())
    assert not statements


def test_settings() -> None:
    for wrong in (
        {"OVOP_RAJAONGKIR_URL": "ftp://x"},
        {"OVOP_RATE_HOURS": "0"},
        {"OVOP_RATE_HOURS": "nine"},
        {"OVOP_RAJAONGKIR_URL": "http://x", "OVOP_ENV": "production", "SECRET_KEY": SECRET_KEY},
    ):
        with pytest.raises(ConfigurationError):
            from_environment({"OVOP_ENV": "testing", **wrong})
