"""What sellers report stands beside what the website has verified, and is never added to it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Product
from ovop_market.reach import figures, queries
from ovop_market.reach.filters import Filters, Period
from ovop_market.reach.models import Channel
from ovop_market.sales import services
from ovop_market.sales.models import SaleChannel
from tests.counting import counted
from tests.factories import make_producer, make_sale, make_user, make_village
from tests.reach.test_page import OCTOBER, enter, receive
from tests.reach.test_rollup import craft

HTMX = {"HX-Request": "true"}


def report(session: Session, product: Product, day: date, **values: Any) -> None:
    moment = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    staff = make_user(session, Role.PRODUCER)
    make_sale(session, product, staff, now=moment, **values)


@pytest.fixture
def official(client: FlaskClient, session: Session) -> User:
    return enter(client, session, Role.OFFICIAL)


@pytest.fixture
def product(session: Session) -> Product:
    """One verified order to Bandung, and four notes of the same month; one of the year before."""
    found = craft(session, make_producer(session, make_village(session)), price=40_000)
    receive(session, found, "32.73", date(2026, 10, 2), 2)
    report(session, found, date(2026, 10, 3), quantity=3, channel=SaleChannel.FAIR)
    report(session, found, date(2026, 10, 4), quantity=4, channel=SaleChannel.FAIR)
    report(session, found, date(2026, 10, 4), quantity=1, channel="whatsapp", region_code="19.05")
    report(session, found, date(2026, 9, 30), quantity=9)
    report(session, found, date(2025, 10, 9), quantity=2)
    session.commit()
    return found


def totals(body: str) -> dict[str, int]:
    found = re.findall(r'data-total="([\w-]+)" data-value="(\d+)"', body)
    assert len(found) == len(dict(found))
    return {name: int(value) for name, value in found}


def page(client: FlaskClient, query: str) -> str:
    answer = client.get(f"/reach?{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def table(client: FlaskClient, query: str) -> list[dict[str, str]]:
    text = client.get(f"/reach/export.csv?{query}").get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


VERIFIED = {"orders": 1, "units": 2, "revenue": 80_000, "regencies": 1, "provinces": 1}
REPORTED = {
    "reported-orders": 3,
    "reported-units": 8,
    "reported-revenue": 8 * 40_000,
    "reported-regencies": 2,
}


@pytest.mark.parametrize("channel", ["", "&channel=web", "&channel=reported"])
def test_totals_are_never_mixed(
    client: FlaskClient, official: User, product: Product, channel: str
) -> None:
    body = page(client, OCTOBER + channel)
    assert totals(body) == {**VERIFIED, **REPORTED}
    assert "Oktober 2026: 1 pesanan ke 1 kabupaten/kota di 1 provinsi." in body.replace(
        " Belum ada pesanan Oktober 2025.", ""
    )
    assert "penjual melaporkan 8 bungkus ke 2 kabupaten/kota dalam 3 catatan" in body
    assert "Dilaporkan penjual (tidak diperiksa sistem)" in body


def test_the_map_and_the_tables_follow_the_switch(
    client: FlaskClient, official: User, product: Product
) -> None:
    tile = r'id="tile-(\d+)"[^>]*>\s*<title>([^<]*)</title>'
    sent = dict(re.findall(tile, page(client, OCTOBER)))
    assert sent["32"] == "Jawa Barat: 1 pesanan, 2 bungkus"
    assert "0 pesanan" in next(text for code, text in sent.items() if code == "31")
    body = page(client, OCTOBER + "&channel=reported")
    told = dict(re.findall(tile, body))
    assert told["31"].endswith("2 catatan, 7 bungkus") and "0 catatan" in told["32"]
    # A tile keeps the switch.
    assert "channel=reported" in re.findall(r'href="([^"]+)" id="tile-31"', body)[0]


def test_by_channel_by_regency_and_by_month(session: Session, official: User, product: Product):
    known = queries.choices(session, official, "", "")
    period = Period(date(2026, 9, 1), date(2026, 10, 31))
    found = queries.overview(session, official, Filters(period), known)
    told = found.reported
    by_channel = {line.key: (line.now.orders, line.now.units) for line in told.channels}
    assert by_channel == {"whatsapp": (1, 1), "office": (0, 0), "fair": (3, 16), "door": (0, 0)}
    assert [(place.key, place.now.units) for place in told.places] == [("31.74", 16), ("19.05", 1)]
    for lines in (told.channels, told.places):
        assert sum((line.now for line in lines), figures.Sums()) == told.total.now
        assert sum((line.before for line in lines), figures.Sums()) == told.total.before
    assert [month.reported.units for month in found.months] == [9, 8]
    assert [month.now.units for month in found.months] == [0, 2]
    assert sum((m.reported for m in found.months), figures.Sums()) == told.total.now
    assert found.ladder.units == found.total.now.units == 2
    # Each table of what is reported adds up as well.
    found = queries.overview(session, official, Filters(period, channel="reported"), known)
    for lines in (found.villages, found.products, found.provinces):
        assert sum((line.now for line in lines), figures.Sums()) == told.total.now
    assert found.ladder.units == 2 and found.villages_reaching == 1


def test_the_file_tells_them_apart(client: FlaskClient, official: User, product: Product) -> None:
    said = {"": {"web"}, "web": {"web"}, "reported": {"reported-fair", "reported-whatsapp"}}
    for query, expected in (("", VERIFIED), ("web", VERIFIED), ("reported", REPORTED)):
        only = table(client, f"{OCTOBER}&channel={query}")
        assert {row["channel"] for row in only} == said[query]
        for name in ("orders", "units", "revenue"):
            prefix = "reported-" if query == "reported" else ""
            assert sum(int(row[name]) for row in only) == expected[prefix + name]


def test_an_unknown_channel_is_said(client: FlaskClient, official: User, product: Product) -> None:
    for wrong in ("fair", "WEB", "%ed%a0%80", "x" * 9_000, "' OR 1=1"):
        body = page(client, f"{OCTOBER}&channel={wrong}")
        assert 'class="notice needs"' in body
        assert totals(body) == {**VERIFIED, **REPORTED}
        assert client.get(f"/reach/export.csv?{OCTOBER}&channel={wrong}").status_code == 400


def test_other_filters_hold_for_reports_too(
    client: FlaskClient, official: User, product: Product, session: Session
) -> None:
    other = craft(session, make_producer(session, product.producer.village))
    report(session, other, date(2026, 10, 8), quantity=5)
    session.commit()
    assert totals(page(client, OCTOBER))["reported-units"] == 13
    assert totals(page(client, f"{OCTOBER}&product={other.slug}"))["reported-units"] == 5
    assert totals(page(client, f"{OCTOBER}&year=2016"))["reported-units"] == 13
    dendang = make_village(session, "19.05.04.2005", name="Dendang")
    session.commit()
    assert totals(page(client, f"{OCTOBER}&village={dendang.slug}"))["reported-units"] == 0


def test_reports_alone_fill_the_page(client: FlaskClient, official: User, session: Session):
    report(session, craft(session), date(2026, 10, 8))
    session.commit()
    body = page(client, OCTOBER)
    assert totals(body)["orders"] == 0 and totals(body)["reported-orders"] == 1
    assert 'id="reach-months"' in body


def test_a_withdrawn_note_is_gone(client: FlaskClient, official: User, session: Session) -> None:
    staff = make_user(session, Role.PRODUCER)
    moment = datetime(2026, 10, 8, 5, tzinfo=UTC)
    sale = make_sale(session, craft(session), staff, now=moment)
    services.withdraw(session, sale, actor_id=staff.id, now=moment)
    session.commit()
    body = page(client, OCTOBER)
    assert totals(body)["reported-orders"] == 0
    assert "Penjual tidak melaporkan penjualan" in body
    assert table(client, OCTOBER) == []


def test_reports_cost_no_statement(client: FlaskClient, official: User, product: Product) -> None:
    with counted() as usual:
        page(client, OCTOBER)
    with counted() as asked:
        page(client, OCTOBER + "&channel=reported")
    assert len(asked) == len(usual) + 1


def test_the_names_of_the_channels_fit_the_column() -> None:
    assert max(len(channel) for channel in Channel) == 8
