"""Reach as programs get it: what is published, of closed years, and not a number more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.reach import snapshots
from ovop_market.reach.figures import Sums
from ovop_market.reach.published import Tree
from tests.counting import counted
from tests.factories import make_producer, make_product, make_village
from tests.opendata.shown import HELD, begin, show
from tests.reach.rolled import roll
from tests.reach.test_rollup import village_in

DENDANG = "19.05.04.2005"
MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
NUMBERS = {"orders": 7, "units": 12, "revenue": 540_000, "withheld": False}
NONE = {"orders": None, "units": None, "revenue": None, "withheld": True}
SUMS = Sums(7, 12, 540_000)
TABLE = "area=19.05&year=2025"
OF = {"area": "19.05", "year": 2025, "kind": "verified"}
LAUT = {"village": "belo-laut", "village_name": "Belo Laut"}


@pytest.fixture
def product(session: Session, clock_at: Callable[[datetime], None]) -> Product:
    """A product of Belo Laut; sales began in 2024, and it is late November 2026."""
    clock_at(datetime(2026, 11, 24, 3, tzinfo=UTC))
    begin(session)
    found = make_product(session, slug="pempek", name="Pempek")
    session.commit()
    return found


def test_what_there_is(client: FlaskClient, session: Session, product: Product) -> None:
    make_village(session, DENDANG, name="Dendang")
    session.commit()
    assert client.get("/api/v1/reach").json["data"] == [
        {
            "area": {"code": "19.05", "name": "Kabupaten Bangka Barat"},
            "years": [2025, 2024],
            "villages": 2,
        }
    ]


def test_the_whole(client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(monkeypatch, whole=SUMS, months={APRIL: HELD, MARCH: SUMS})
    said = client.get(f"/api/v1/reach/totals?{TABLE}").json["data"]
    assert said == [
        {**OF, "month": None, **NUMBERS},
        {**OF, "month": "2025-03", **NUMBERS},
        {**OF, "month": "2025-04", **NONE},
    ]
    assert shown.asked == [Tree(2025, "19.05", False)]


def test_places(client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, places={"32.73": HELD, "32": SUMS}, place_months={("32", MARCH): SUMS})
    said = client.get(f"/api/v1/reach/places?{TABLE}").json["data"]
    west_java = {"place": "32", "place_name": "Jawa Barat", "level": "province"}
    bandung = {"place": "32.73", "place_name": "Kota Bandung", "level": "regency"}
    assert said == [
        {**OF, **west_java, "month": None, **NUMBERS},
        {**OF, **west_java, "month": "2025-03", **NUMBERS},
        {**OF, **bandung, "month": None, **NONE},
    ]


def test_villages(client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    key = product.producer.village_id
    shown = show(monkeypatch, villages={key: SUMS}, village_months={(key, MARCH): HELD})
    said = client.get(f"/api/v1/reach/villages?{TABLE}&kind=reported").json["data"]
    of = {**OF, "kind": "reported", **LAUT}
    assert said == [{**of, "month": None, **NUMBERS}, {**of, "month": "2025-03", **NONE}]
    assert shown.asked == [Tree(2025, "19.05", True)]


def test_products_on_sale(
    client: FlaskClient, session: Session, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = make_product(session, product.producer, slug="lama", listed=False)
    session.commit()
    village = product.producer.village_id
    show(
        monkeypatch,
        products={village: {product.id: SUMS, gone.id: SUMS}},
        product_months={village: {(product.id, MARCH): HELD, (gone.id, MARCH): SUMS}},
    )
    answer = client.get(f"/api/v1/reach/products?{TABLE}&village=belo-laut")
    of = {**OF, **LAUT, "product": "pempek", "product_name": "Pempek"}
    assert answer.json["data"] == [
        {**of, "month": None, **NUMBERS},
        {**of, "month": "2025-03", **NONE},
    ]
    assert answer.json["meta"]["total"] == 2


def test_a_village_to_its_places(
    client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = product.producer.village_id
    show(monkeypatch, village_places={village: {"32.73": HELD, "32": SUMS}})
    said = client.get(f"/api/v1/reach/village-places?{TABLE}&village=belo-laut").json["data"]
    assert [(row["place"], row["level"], row["orders"]) for row in said] == [
        ("32", "province", 7),
        ("32.73", "regency", None),
    ]
    assert "month" not in said[0]


@pytest.mark.parametrize("name", ["totals", "places", "villages", "products", "village-places"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("area=19.05&year=2026", 404),  # not over yet
        ("area=19.05&year=2027", 404),
        ("area=19.05&year=2023", 404),  # before the first
        ("area=19.71&year=2025", 404),  # no village
        ("area=99.99&year=2025", 404),
        ("area=19&year=2025", 400),
        ("area=&year=2025", 400),
        ("area=19.05", 400),
        ("year=2025", 400),
        ("area=19.05&year=2025&kind=all", 400),
        ("area=19.05&year=2025&month=2025-03", 400),
    ],
)
def test_no_other_table(
    client: FlaskClient,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    query: str,
    status: int,
) -> None:
    shown = show(monkeypatch)
    more = "&village=belo-laut" if name in ("products", "village-places") else ""
    assert client.get(f"/api/v1/reach/{name}?{query}{more}").status_code == status
    assert shown.asked == [], "nothing was even looked up"


def test_the_year_is_over_at_midnight_in_bangka(
    client: FlaskClient,
    product: Product,
    clock_at: Callable[[datetime], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show(monkeypatch, whole=SUMS)
    address = "/api/v1/reach/totals?area=19.05&year=2026"
    # Sellers note and withdraw what they sold for 90 days.
    clock_at(datetime(2027, 3, 31, 16, 59, tzinfo=UTC))
    assert client.get(address).status_code == 404
    clock_at(datetime(2027, 3, 31, 17, 0, 30, tzinfo=UTC))
    assert client.get(address).status_code == 200
    assert client.get("/api/v1/reach").json["data"][0]["years"] == [2026, 2025, 2024]


@pytest.mark.parametrize("name", ["products", "village-places"])
def test_a_village_of_another_regency(
    client: FlaskClient,
    session: Session,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    show(monkeypatch)
    other = make_village(session, village_in(session, "19.71"), name="Kota Lain")
    make_producer(session, other)
    session.commit()
    for village in ("kota-lain", "tidak-ada"):
        address = f"/api/v1/reach/{name}?{TABLE}&village={village}"
        assert client.get(address).status_code == 404
    assert client.get(f"/api/v1/reach/{name}?{TABLE}").status_code == 400


def test_a_withheld_number_says_nothing(
    client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(monkeypatch, whole=Sums(3, 4, 180_000, held=True))
    said = client.get(f"/api/v1/reach/totals?{TABLE}")
    assert said.json["data"] == [{**OF, "month": None, **NONE}]
    assert "180000" not in said.text


def test_few_statements_and_pages(
    client: FlaskClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = product.producer.village_id
    months = [date(2025, month, 1) for month in range(1, 13)]
    show(
        monkeypatch,
        places={"32.73": SUMS, "32": SUMS},
        place_months={(code, month): SUMS for code in ("32", "32.73") for month in months},
        villages={village: SUMS},
        village_months={(village, month): SUMS for month in months},
        products={village: {product.id: SUMS}},
        product_months={village: {(product.id, month): SUMS for month in months}},
        village_places={village: {"32.73": SUMS}},
    )
    for name, total in (("places", 26), ("villages", 13), ("products", 13), ("village-places", 1)):
        more = "&village=belo-laut" if name in ("products", "village-places") else ""
        with counted() as statements:
            answer = client.get(f"/api/v1/reach/{name}?{TABLE}{more}&per_page=5&page=2")
        assert answer.json["meta"]["total"] == total
        assert len(answer.json["data"]) == max(0, min(5, total - 5))
        assert len(statements) <= 3
        assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_what_is_really_published(client: FlaskClient, session: Session, product: Product) -> None:
    """The tables of reach.published itself, from the rollups: five and more are told, fewer are
    not; as few statements when nothing is decided yet."""
    other = make_product(
        session,
        make_producer(session, make_village(session, DENDANG, name="Dendang")),
        slug="nampan",
    )
    for month in (3, 4, 5, 9):
        day = date(2025, month, 2)
        roll(session, product, day, 9, 450_000, "32.73")
        roll(session, product, day, 8, 400_000, "31.74")
        roll(session, product, day, 7, 350_000, "16.71")
        roll(session, other, day, 6, 300_000, "32.73")
        roll(session, other, day, 6, 300_000, "31.74")
    roll(session, other, date(2025, 5, 2), 3, 99_000, "91.71")
    roll(session, product, date(2026, 5, 2), 50, 5_000_000, "32.73")
    session.commit()

    def rows(name: str, more: str = "") -> list[dict[str, object]]:
        snapshots.forget()
        with counted() as statements:
            answer = client.get(f"/api/v1/reach/{name}?{TABLE}{more}&per_page=200")
        assert len(statements) <= 6, name
        for row in answer.json["data"]:
            numbers = [row["orders"], row["units"], row["revenue"]]
            assert row["withheld"] == (numbers == [None, None, None])
            assert row["withheld"] or row["orders"] == 0 or row["orders"] >= 5
        assert '"revenue":99000,' not in answer.text
        return answer.json["data"]

    totals = {row["month"]: row["orders"] for row in rows("totals")}
    assert totals[None] == 4 * 36 + 3
    years = {row["place"]: row for row in rows("places") if row["month"] is None}
    assert years["32.73"]["revenue"] == 4 * 750_000
    assert years["91.71"]["withheld"], "three purchases"
    assert sum(row["withheld"] for row in years.values()) >= 2, "and not alone"
    villages = {row["village"]: row for row in rows("villages") if row["month"] is None}
    assert villages["belo-laut"]["orders"] == 4 * 24
    products = rows("products", "&village=belo-laut")
    assert {row["product"] for row in products} == {"pempek"}
    assert products[0]["orders"] == 4 * 24
    sent = {row["place"]: row for row in rows("village-places", "&village=dendang")}
    assert sent["91.71"]["withheld"]
    assert sent["32.73"]["place_name"] == "Kota Bandung"
    assert rows("totals", "&kind=reported") == [
        {**OF, "kind": "reported", "month": None, "orders": 0, "units": 0, "revenue": 0}
        | {"withheld": False}
    ]
