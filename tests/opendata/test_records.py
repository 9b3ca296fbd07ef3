"""Villages, products and the programme as programs get them."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.opendata.texts import without_contacts
from ovop_market.villages.models import Stage
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.programme_models import DesignationStep, StarAward
from tests.counting import counted
from tests.factories import NOW, make_group, make_producer, make_product, make_user, make_village

DENDANG = "19.05.04.2005"
# Whatever names a person, or leads to one.
PHONE = re.compile(r"\+?62\d{6,}|08\d{6,}|wa\.me")
EMAIL = re.compile(r"[^\s\"]+@[^\s\"]+")
PERSON = "Ibu Rahasia Contoh"


@pytest.fixture
def market(session: Session) -> Session:
    """Two villages: a group with three households, and a weaver."""
    laut = make_village(session)
    product, _people = make_group(session, slug="pempek-udang", name="Pempek udang")
    product.producer.name = "Kelompok Contoh"
    product.description = "Dibuat pagi hari."
    product.ingredients = "Udang. Tanya 0812-3456-7890 atau ibu@ovop.example."
    dendang = make_village(session, DENDANG, name="Dendang", also_known_as="")
    dendang.designations[0].year = 2021
    weaver = make_producer(session, dendang, name=PERSON, about=f"{PERSON} menganyam di rumah.")
    make_product(session, weaver, slug="keranjang", name="Keranjang", price=120_000, ready=2)
    official = make_user(session, name=PERSON)
    [designation] = laut.designations
    session.add_all(
        [
            DesignationStep(
                designation_id=designation.id,
                stage=Stage.PROPOSAL,
                day=None,
                note=f"Kata {PERSON}.",
                noted_at=NOW,
                noted_by_id=official.id,
            ),
            DesignationStep(
                designation_id=designation.id,
                stage=Stage.MENTORING,
                day=date(2017, 1, 10),
                noted_at=NOW,
                noted_by_id=official.id,
            ),
            StarAward(
                designation_id=designation.id,
                stars=2,
                day=date(2024, 10, 4),
                certificate="OVOP-RAHASIA",
                expires_on=date(2027, 10, 4),
                noted_at=NOW,
                noted_by_id=official.id,
            ),
        ]
    )
    designation.baseline_sales = 987_654_321
    session.commit()
    return session


def test_villages(client: FlaskClient, market: Session) -> None:
    said = client.get("/api/v1/villages").json
    assert said["meta"] == {"page": 1, "per_page": 50, "pages": 1, "total": 2}
    assert said["data"][0] == {
        "slug": "belo-laut",
        "code": "19.05.01.2006",
        "name": "Belo Laut",
        "postal_code": "33351",
        "district": {"code": "19.05.01", "name": "Mentok"},
        "regency": {"code": "19.05", "name": "Kabupaten Bangka Barat"},
        "province": {"code": "19", "name": "Kepulauan Bangka Belitung"},
        "flagship": "pempek udang",
        "products": 1,
        "url": "http://localhost/villages/belo-laut",
    }
    assert [row["slug"] for row in said["data"]] == ["belo-laut", "dendang"]
    assert client.get("/api/v1/villages?regency=19.71").json["data"] == []
    assert len(client.get("/api/v1/villages?regency=19.05").json["data"]) == 2


def test_a_village(client: FlaskClient, market: Session) -> None:
    said = client.get("/api/v1/villages/belo-laut").json["data"]
    assert said["story"] == ["Desa di tepi laut.", "Udangnya dibuat pempek."]
    assert (said["groups"], said["households"]) == (1, 3)
    assert said["designations"] == [
        {
            "village": "belo-laut",
            "village_name": "Belo Laut",
            "year": 2016,
            "flagship": "pempek udang",
            "flagship_product": None,
            "stage": "mentoring",
            "stars": 2,
            "stages": [
                {"stage": "proposal", "day": None},
                {"stage": "mentoring", "day": "2017-01-10"},
            ],
            "star_days": [{"stars": 2, "day": "2024-10-04", "expires_on": "2027-10-04"}],
        }
    ]
    for slug in ("tidak-ada", "Belo-Laut", "x" * 200, "a.b"):
        assert client.get(f"/api/v1/villages/{slug}").status_code == 404


def test_designations(client: FlaskClient, market: Session) -> None:
    def years(query: str) -> list[tuple[str, int]]:
        said = client.get(f"/api/v1/designations{query}").json["data"]
        return [(row["village"], row["year"]) for row in said]

    assert years("") == [("dendang", 2021), ("belo-laut", 2016)]
    assert years("?year=2016") == [("belo-laut", 2016)]
    assert years("?village=dendang&stage=mentoring") == [("dendang", 2021)]
    assert years("?stage=proposal") == years("?village=tidak-ada") == years("?year=2030") == []


def test_the_product_of_a_designation(client: FlaskClient, market: Session) -> None:
    def told() -> list[str | None]:
        market.commit()
        rows = client.get("/api/v1/designations").json["data"]
        (own,) = client.get("/api/v1/villages/belo-laut").json["data"]["designations"]
        assert own == rows[1]
        assert client.get("/api/v1/designations").json["meta"]["total"] == 2
        return [row["flagship_product"] for row in rows]

    product = market.query(Product).filter_by(slug="pempek-udang").one()
    assert told() == [None, None]
    product.producer.village.designations[0].flagship_product_id = product.id
    assert told() == [None, "pempek-udang"]
    product.listed = False
    assert told() == [None, None]


def test_products(client: FlaskClient, market: Session) -> None:
    said = client.get("/api/v1/products").json["data"]
    assert [row["slug"] for row in said] == ["pempek-udang", "keranjang"]
    assert said[1] == {
        "slug": "keranjang",
        "name": "Keranjang",
        "village": "dendang",
        "village_name": "Dendang",
        "category": "frozen",
        "summary": "Dari udang segar.",
        "price_from": 120_000,
        "made_to_order": False,
        "season_from": None,
        "season_to": None,
        "url": "http://localhost/products/keranjang",
    }
    assert len(client.get("/api/v1/products?village=dendang").json["data"]) == 1
    assert client.get("/api/v1/products?category=tea").json["data"] == []


def test_a_product(client: FlaskClient, market: Session) -> None:
    said = client.get("/api/v1/products/pempek-udang").json["data"]
    assert said["packs"] == [{"name": "500 g", "price": 45_000, "weight_grams": 600}]
    assert (said["seller_kind"], said["group"]) == ("group", "Kelompok Contoh")
    assert said["description"] == "Dibuat pagi hari."
    alone = client.get("/api/v1/products/keranjang").json["data"]
    assert (alone["seller_kind"], alone["group"]) == ("household", None)


def test_what_is_not_on_sale_is_not_there(client: FlaskClient, market: Session) -> None:
    village = make_village(market)
    maker = make_producer(market, village)
    make_product(market, maker, slug="draf", listed=False)
    without = make_product(market, maker, slug="tanpa-kemasan")
    without.variants[0].sold = False
    gone = make_producer(market, village, closed_from=date(2026, 1, 1), state=ProducerState.CLOSED)
    make_product(market, gone, slug="tutup", listed=False)
    market.commit()
    slugs = [row["slug"] for row in client.get("/api/v1/products").json["data"]]
    assert slugs == ["pempek-udang", "keranjang"]
    for slug in ("draf", "tanpa-kemasan", "tutup"):
        assert client.get(f"/api/v1/products/{slug}").status_code == 404
        assert client.get(f"/products/{slug}").status_code == 404, "as on the pages"
    said = client.get("/api/v1/villages/belo-laut").json["data"]
    assert (said["products"], said["households"]) == (1, 4), "one has closed for good"


ADDRESSES = (
    "/villages",
    "/villages/belo-laut",
    "/villages/dendang",
    "/products",
    "/products/pempek-udang",
    "/products/keranjang",
    "/designations",
    "/reach",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_is_in_it(client: FlaskClient, market: Session, address: str) -> None:
    text = client.get(f"/api/v1{address}").text
    assert not PHONE.search(text)
    assert not EMAIL.search(text)
    assert PERSON not in text
    assert "Rumah " not in text, "households are named after people"
    assert "RAHASIA" not in text
    assert "987654321" not in text


@pytest.mark.parametrize("address", ADDRESSES)
def test_few_statements_however_many_rows(
    client: FlaskClient, market: Session, address: str
) -> None:
    maker = make_producer(market)
    for _number in range(5):
        make_product(market, maker)
    market.commit()
    with counted() as statements:
        assert client.get(f"/api/v1{address}").status_code == 200
    assert len(statements) <= 6


def test_the_same_in_english(client: FlaskClient, market: Session) -> None:
    said = client.get("/en/api/v1/villages/belo-laut").json["data"]
    assert said["url"] == "http://localhost/en/villages/belo-laut"
    assert said["flagship"] == "pempek udang", "data are as they were written"


def test_nothing_yet(client: FlaskClient, session: Session) -> None:
    for address in ("villages", "products", "designations", "reach"):
        said = client.get(f"/api/v1/{address}").json
        assert said["data"] == []
        assert said["meta"] == {"page": 1, "per_page": 50, "pages": 0, "total": 0}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Telepon 081234567890.", "Telepon […]."),
        ("WA +62 812 3456 7890, ya", "WA […], ya"),
        ("(0716) 2123456", "[…]"),
        ("6281234567890 dan ibu.sari@contoh.example!", "[…] dan […]!"),
        ("https://wa.me/6281234567890?text=halo sekarang", "[…] sekarang"),
        ("Rp45.000, 1.000.000 potong, 2026-11-24, 0,5 kg, 19.05.01.2006", None),
        ("NIB 1234567890123 dan 33351", None),
    ],
)
def test_ways_to_reach_people_are_left_out(written: str, told: str | None) -> None:
    assert without_contacts(written) == (told or written)
