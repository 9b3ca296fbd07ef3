"""The pages of the villages."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.villages import queries
from ovop_market.villages.models import Designation, Stage
from tests.factories import make_producer, make_product, make_village

DENDANG, TERENTANG = "19.05.04.2005", "19.05.04.2010"
DAY = date(2026, 11, 24)


def text_of(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.fixture
def dendang(session: Session) -> Session:
    """A village whose flagship has changed, with a group of two households and a weaver alone."""
    village = make_village(session, DENDANG, name="Dendang", also_known_as="")
    village.designations[0].flagship = "kerajinan rotan"
    village.designations.append(
        Designation(year=2021, flagship="anyaman resam", stage=Stage.DESIGNATION)
    )
    group = make_producer(session, village, kind="group", name="Kelompok Resam")
    for name in ("Rumah Satu", "Rumah Dua"):
        make_producer(session, village, group=group, name=name)
    weaver = make_producer(session, village, name="Perajin Rotan", closed_from=date(2026, 1, 1))
    make_product(session, weaver, ready=1, slug="keranjang")
    make_product(session, group, capacity=5, slug="nampan")
    session.commit()
    return session


def test_village_tells_all_of_itself(client: FlaskClient, dendang: Session) -> None:
    body = text_of(client, "/villages/dendang")
    assert re.findall(r'data-product="([^"]+)"', body) == ["keranjang", "nampan"]
    assert "Kecamatan Kelapa" in body
    assert "Desa anyaman resam" in body, "the flagship of the latest year"
    assert body.index("2021") < body.index("2016")
    assert "2 rumah tangga" in body
    assert "Rumah Satu" not in body, "a group's households sell through it"
    assert "Tutup sementara" in body
    assert '<p lang="id">Desa di tepi laut.</p>' in body
    assert '<p lang="id">Udangnya dibuat pempek.</p>' in body


def test_reach_has_its_place(
    dendang: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "reach_of", lambda _session, _village_id: 63)
    assert "63 kabupaten/kota" in text_of(client, "/villages/dendang")


def test_villages_in_the_order_of_the_programme(client: FlaskClient, dendang: Session) -> None:
    late = make_village(dendang, TERENTANG, name="Aaa", slug="aaa")
    late.designations[0].year = 2021
    laut = make_village(dendang)
    laut.designations[0].flagship = "pempek udang"
    dendang.commit()
    body = text_of(client, "/villages")
    assert re.findall(r'href="/villages/([a-z-]+)"', body) == ["belo-laut", "dendang", "aaa"]
    assert "Anyaman resam" in body
    assert "2 produk" in body
    assert [card.product_count for card in queries.cards(dendang, 9)] == [0, 2, 0]


def test_villages_in_pages(
    client: FlaskClient, dendang: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovop_market.villages.views.PER_PAGE", 1)
    make_village(dendang)
    dendang.commit()
    first, second = text_of(client, "/villages"), text_of(client, "/villages?page=2")
    assert "/villages/belo-laut" in first
    assert "/villages/dendang" in second
    assert 'href="/villages?page=2"' in first
    assert "/villages/dendang" in text_of(client, "/villages?page=999")
    assert "/villages/belo-laut" in text_of(client, "/villages?page=x")


def test_a_village_without_anything(client: FlaskClient, session: Session) -> None:
    village = make_village(session)
    village.story = ""
    session.delete(village.designations[0])
    session.commit()
    assert "Belum ada produk yang dijual" in text_of(client, "/villages/belo-laut")
    assert queries.page(session, "belo-laut", DAY).latest is None


def test_no_village_yet(client: FlaskClient, session: Session) -> None:
    assert "Belum ada desa" in text_of(client, "/villages")
    assert "Cara memesan" in text_of(client, "/")
    assert "Belum ada yang cocok" in text_of(client, "/products")
