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
from tests.counting import counted
from tests.factories import make_producer, make_sale, make_user, make_village
from tests.reach import dense
from tests.reach.dense import OCTOBER, OF_2026, OF_OCTOBER, YEAR, World, totals
from tests.reach.test_rollup import craft


def report(session: Session, product: Product, day: date, **values: Any) -> None:
    moment = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    staff = make_user(session, Role.PRODUCER)
    make_sale(session, product, staff, now=moment, **values)


def page(client: FlaskClient, query: str) -> str:
    answer = client.get(f"/reach?{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def table(client: FlaskClient, query: str) -> list[dict[str, str]]:
    text = client.get(f"/reach/export.csv?{query}").get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def reach(session: Session, actor: User, first: str, last: str, **filters: Any) -> figures.Overview:
    """What is shown from one month to another, as 2026-10."""
    start, end = (date.fromisoformat(f"{month}-01") for month in (first, last))
    asked = Filters(Period.of_months(start, end), **filters)
    known = queries.choices(session, actor, asked.village, asked.product)
    return queries.overview(session, actor, asked, known)


@pytest.mark.parametrize("channel", ["", "&channel=web", "&channel=reported"])
def test_totals_are_never_mixed(
    client: FlaskClient, official: User, world: World, channel: str
) -> None:
    body = page(client, OCTOBER + channel)
    assert totals(body) == world.totals(OF_OCTOBER)
    verified, said = world.sums(OF_OCTOBER), world.sums(OF_OCTOBER, reported=True)
    assert verified != said
    sent = f"Oktober 2026: {verified.orders} pesanan ke 4 kabupaten/kota di 3 provinsi"
    assert sent in body
    told = f"penjual melaporkan {said.units} bungkus ke 4 kabupaten/kota"
    assert f"{told} dalam {said.orders} catatan" in body
    assert "Dilaporkan penjual (tidak diperiksa sistem)" in body


def test_the_map_and_the_tables_follow_the_switch(
    client: FlaskClient, official: User, world: World
) -> None:
    tile = r'id="tile-(\d+)"[^>]*>\s*<title>([^<]*)</title>'
    bandung = dense.region(dense.BANDUNG)
    sums = world.sums(OF_OCTOBER, bandung)
    sent = dict(re.findall(tile, page(client, OCTOBER)))
    assert sent["32"] == f"Jawa Barat: {sums.orders} pesanan, {sums.units} bungkus"
    assert "0 pesanan" in next(text for code, text in sent.items() if code == "51")
    body = page(client, OCTOBER + "&channel=reported")
    told = dict(re.findall(tile, body))
    sums = world.sums(OF_OCTOBER, bandung, reported=True)
    assert told["32"].endswith(f"{sums.orders} catatan, {sums.units} bungkus")
    assert told["51"].endswith("0 catatan, 0 bungkus")
    # A tile keeps the switch.
    assert "channel=reported" in re.findall(r'href="([^"]+)" id="tile-31"', body)[0]


def test_by_channel_by_regency_and_by_month(session: Session, official: User, world: World):
    both = dense.months("2026-09", "2026-10")
    found = reach(session, official, "2026-09", "2026-10")
    told = found.reported

    def said(*which: dense.Which) -> figures.Sums:
        return world.sums(both, *which, reported=True)

    assert {line.key: line.now for line in told.channels} == {
        channel: said(lambda part, c=channel: part.channel is c) for channel in dense.SAID
    }
    assert {place.key: place.now for place in told.places} == {
        code: said(dense.region(code)) for code in dense.REGENCIES
    }
    assert all(line.now.units for line in (*told.channels, *told.places))
    assert told.total.now == said()
    assert told.total.before == world.sums(dense.months("2025-09", "2025-10"), reported=True)
    for lines in (told.channels, told.places):
        assert sum((line.now for line in lines), figures.Sums()) == told.total.now
        assert sum((line.before for line in lines), figures.Sums()) == told.total.before
    for month in found.months:
        one = dense.months(month.key, month.key)
        assert month.now == world.sums(one)
        assert month.reported == world.sums(one, reported=True)
    # The ladder is of calendar years, and of what was verified alone.
    assert found.ladder.all == world.sums(OF_2026).units
    # Each table of what is reported adds up as well.
    found = reach(session, official, "2026-09", "2026-10", channel="reported")
    for lines in (found.villages, found.products, found.provinces):
        assert sum((line.now for line in lines), figures.Sums()) == told.total.now
    assert found.ladder.all == world.sums(OF_2026).units and found.villages_reaching == 2


def test_the_file_tells_them_apart(client: FlaskClient, official: User, world: World) -> None:
    expected = world.totals(OF_OCTOBER)
    for query in ("", "web", "reported"):
        only = table(client, f"{OCTOBER}&channel={query}")
        assert {row["channel"] for row in only} == {query or "web"}
        assert len(only) == len(dense.REGENCIES), "all ways of selling together"
        prefix = "reported-" if query == "reported" else ""
        for name in ("orders", "units", "revenue"):
            assert sum(int(row[name]) for row in only) == expected[prefix + name]


def test_of_few_notes_only_the_year_is_told(
    client: FlaskClient, session: Session, official: User, thin: World
) -> None:
    """Of three notes nothing is shown: neither their month, nor what would tell it."""
    told = totals(page(client, f"{YEAR}&channel=reported"))
    assert told == thin.totals(OF_2026)
    rows = table(client, f"{YEAR}&channel=reported")
    for name in ("orders", "units", "revenue"):
        assert sum(int(row[name]) for row in rows) == told[f"reported-{name}"]
    found = reach(session, official, "2026-01", "2026-12", channel="reported")
    held = {month.key for month in found.months if month.reported.held}
    assert held == {"2026-02", "2026-08"}, "the smallest other month keeps it company"
    few = [dense.months(month, month) for month in sorted(held)]
    together = sum((thin.sums(month, reported=True) for month in few), figures.Sums())
    assert {row["month"] for row in rows}.isdisjoint(held)
    (rest,) = (row for row in rows if row["month"] == "2026")
    assert rest["region"] == "ditahan" and not rest["region_code"]
    assert [int(rest[name]) for name in ("orders", "units", "revenue")] == [
        together.orders,
        together.units,
        together.revenue,
    ]


def test_four_notes_are_withheld_and_six_are_not(
    client: FlaskClient, session: Session, official: User
) -> None:
    product = craft(session)
    for _note in range(4):
        report(session, product, date(2026, 10, 8))
    session.commit()
    body = page(client, OCTOBER)
    assert totals(body)["reported-orders"] == 0 == totals(body)["reported-units"]
    assert "Banyaknya penjualan di luar situs yang dilaporkan penjual ditahan." in body
    assert table(client, f"{OCTOBER}&channel=reported") == []
    for _note in range(2):
        report(session, product, date(2026, 10, 8))
    session.commit()
    body = page(client, OCTOBER)
    assert totals(body)["reported-orders"] == 6 and totals(body)["reported-regencies"] == 1
    assert "penjual melaporkan 12 bungkus ke 1 kabupaten/kota dalam 6 catatan" in body
    (row,) = table(client, f"{OCTOBER}&channel=reported")
    assert (row["orders"], row["region_code"], row["channel"]) == ("6", "31.74", "reported")


def test_an_unknown_channel_is_said(client: FlaskClient, official: User, world: World) -> None:
    for wrong in ("fair", "WEB", "%ed%a0%80", "x" * 9_000, "' OR 1=1"):
        body = page(client, f"{OCTOBER}&channel={wrong}")
        assert 'class="notice needs"' in body
        assert totals(body) == world.totals(OF_OCTOBER)
        assert client.get(f"/reach/export.csv?{OCTOBER}&channel={wrong}").status_code == 400


def test_other_filters_hold_for_reports_too(
    client: FlaskClient, official: User, world: World, session: Session
) -> None:
    silent = craft(session, world.lenjer.producer)
    air_putih = make_village(session, "19.05.04.2006", name="Air Putih")
    session.commit()
    basket, telur = dense.village("dendang"), dense.product(world.telur)

    def told(query: str) -> int:
        return totals(page(client, f"{query}&{OCTOBER}"))["reported-units"]

    def said(*which: dense.Which) -> int:
        return world.sums(OF_OCTOBER, *which, reported=True).units

    assert told("village=dendang") == told("year=2021") == said(basket) > 0
    assert told("village=belo-laut") == said() - said(basket)
    assert told(f"product={world.telur.slug}") == said(telur)
    assert told("year=2016") == said()
    assert told(f"product={silent.slug}") == 0 == told(f"village={air_putih.slug}")


def test_reports_alone_fill_the_page(client: FlaskClient, official: User, session: Session):
    product = craft(session, make_producer(session))
    for _note in range(6):
        report(session, product, date(2026, 10, 8))
    session.commit()
    body = page(client, OCTOBER)
    assert totals(body)["orders"] == 0 and totals(body)["reported-orders"] == 6
    assert 'id="reach-months"' in body


def test_a_withdrawn_note_is_gone(client: FlaskClient, official: User, session: Session) -> None:
    staff = make_user(session, Role.PRODUCER)
    moment = datetime(2026, 10, 8, 5, tzinfo=UTC)
    product = craft(session)
    sales = [make_sale(session, product, staff, now=moment) for _note in range(6)]
    session.commit()
    assert totals(page(client, OCTOBER))["reported-orders"] == 6
    services.withdraw(session, sales.pop(), actor_id=staff.id, now=moment)
    session.commit()
    assert totals(page(client, OCTOBER))["reported-orders"] == 5
    for sale in sales:
        services.withdraw(session, sale, actor_id=staff.id, now=moment)
    session.commit()
    body = page(client, OCTOBER)
    assert totals(body)["reported-orders"] == 0
    assert "Penjual tidak melaporkan penjualan" in body
    assert table(client, OCTOBER) == table(client, f"{OCTOBER}&channel=reported") == []


def test_reports_cost_no_statement(client: FlaskClient, official: User, world: World) -> None:
    queries_of = (OCTOBER, OCTOBER + "&channel=reported")
    for query in queries_of:
        page(client, query)
    with counted() as usual:
        page(client, queries_of[0])
    with counted() as asked:
        page(client, queries_of[1])
    assert len(asked) == len(usual)


def test_the_names_of_the_channels_fit_the_column() -> None:
    assert max(len(channel) for channel in Channel) == 8
