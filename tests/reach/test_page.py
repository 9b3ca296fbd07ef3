"""What officials see, over HTTP: the same numbers on the page, in its tables and in the file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from flask_login import login_user
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Product
from ovop_market.extensions import db
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.states import OrderState
from ovop_market.reach import export, figures, queries
from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.reach.models import ReachPlaceMonth, ReachVillageMonth
from ovop_market.reach.tiles import COLUMNS, ROWS, TILES
from ovop_market.regions.models import Region
from ovop_market.villages.models import Designation, Stage
from ovop_market.web import exports
from tests.factories import BELO_LAUT, make_order, make_producer, make_user, make_village, sign_in
from tests.reach.rolled import roll
from tests.reach.test_rollup import BUYER, craft, village_in

OCTOBER = "from=2026-10-01&to=2026-10-31"
HEADER = (
    "month,village_code,village,product,region_code,region,province,channel,orders,units,revenue"
)
DENDANG = "19.05.04.2005"


def enter(client, session: Session, role: Role) -> User:
    user = make_user(session, role)
    # Taken out of the session: reading it later must not open a transaction, which on SQLite
    # would keep the sign-in waiting.
    session.expunge(user)
    session.commit()
    sign_in(client, user)
    return user


@pytest.fixture
def official(client, session):
    return enter(client, session, Role.OFFICIAL)


def receive(session: Session, product, prefix: str, day: date, quantity: int = 1) -> Order:
    moment = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    region = prefix if len(prefix) > 5 else village_in(session, prefix)
    return make_order(
        session, OrderState.RECEIVED, product=product, quantity=quantity, region=region, now=moment
    )


PLACES = ("19.05", "19.71", "31.74", "32.73")
MONTHS = (date(2025, 10, 1), date(2025, 11, 1), date(2026, 9, 1), date(2026, 10, 1))


@dataclass(frozen=True)
class Fact:
    """So many orders of one pack each; it is told of nothing less than five, and there is no
    product, place or month without."""

    product: str
    village: str
    years: tuple[int, ...]
    place: str
    month: date
    orders: int
    revenue: int


@dataclass(frozen=True)
class World:
    lenjer: str
    telur: str
    basket: str
    facts: tuple[Fact, ...]

    def sums(self, *periods: date, **of: object) -> Sums:
        """Of whole months; `village`, `product`, `place` (or its beginning) and `year`."""
        found = [
            fact
            for fact in self.facts
            if fact.month in periods
            and of.get("village", fact.village) == fact.village
            and of.get("product", fact.product) == fact.product
            and fact.place.startswith(str(of.get("place", "")))
            and of.get("year", 2016) in fact.years
        ]
        orders = sum(fact.orders for fact in found)
        return Sums(orders, orders, sum(fact.revenue for fact in found))


@pytest.fixture
def world(session) -> World:
    """Two villages, three products, four places; two months of 2025 and of 2026."""
    belo_laut = make_village(session)
    dendang = make_village(session, DENDANG, name="Dendang", also_known_as="")
    dendang.designations.append(
        Designation(year=2021, flagship="anyaman resam", stage=Stage.MENTORING)
    )
    lenjer = craft(session, make_producer(session, belo_laut), name="Lenjer", price=40_000)
    telur = craft(session, lenjer.producer, name="Telur", price=30_000)
    basket = craft(session, make_producer(session, dendang), name="Keranjang", price=100_000)
    facts = []
    for number, product in enumerate((lenjer, telur, basket)):
        village = product.producer.village
        for where, place in enumerate(PLACES):
            for when, month in enumerate(MONTHS):
                orders = 5 + number + 2 * where + 3 * when
                revenue = orders * 10_000 * (number + 1)
                roll(session, product, month, orders, revenue, place)
                years = (2016, 2021) if village is dendang else (2016,)
                facts.append(Fact(product.slug, village.slug, years, place, month, orders, revenue))
    session.commit()
    return World(lenjer.slug, telur.slug, basket.slug, tuple(facts))


def totals(body: str) -> dict[str, int]:
    found = re.findall(r'data-total="(\w+)" data-value="(\d+)"', body)
    return {name: int(value) for name, value in found}


def table(client, query: str) -> list[dict[str, str]]:
    text = client.get(f"/reach/export.csv?{query}").get_data(as_text=True)
    assert text.startswith("\ufeff" + HEADER + "\r\n")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


SEPTEMBER_, OCTOBER_ = MONTHS[2:]


def test_the_page_in_words_and_numbers(client, official, world):
    body = client.get(f"/reach?{OCTOBER}").get_data(as_text=True)
    sums, before = world.sums(OCTOBER_), world.sums(MONTHS[0])
    assert totals(body) == {
        "orders": sums.orders,
        "units": sums.units,
        "revenue": sums.revenue,
        "regencies": 4,
        "provinces": 3,
    }
    risen = round(100 * (sums.orders - before.orders) / before.orders)
    assert (
        f"Oktober 2026: {sums.orders} pesanan ke 4 kabupaten/kota di 3 provinsi, "
        f"naik {risen}% dari Oktober 2025." in body
    )


def test_filters_and_the_file_agree_with_the_page(client, official, world):
    cases = {
        "": {},
        "village=belo-laut": {"village": "belo-laut"},
        "village=dendang": {"village": "dendang"},
        "year=2016": {},
        "year=2021": {"village": "dendang"},
        f"product={world.telur}": {"product": world.telur},
        f"village=belo-laut&product={world.lenjer}": {"product": world.lenjer},
        f"village=dendang&product={world.lenjer}": {"product": ""},
        "village=belo-laut&year=2021": {"product": ""},
        "province=32": {},
    }
    # A day stands for its month.
    periods = {
        OCTOBER: [OCTOBER_],
        "from=2026-10-31&to=2026-10-31": [OCTOBER_],
        "from=2026-09-30&to=2026-10-31": [SEPTEMBER_, OCTOBER_],
        "from=2026-01-01&to=2026-12-31": [SEPTEMBER_, OCTOBER_],
        "from=2025-11-01&to=2026-09-05": [MONTHS[1], SEPTEMBER_],
    }
    for case, chosen in cases.items():
        for period, months in periods.items():
            query = f"{case}&{period}"
            found = totals(client.get(f"/reach?{query}").get_data(as_text=True))
            expected = world.sums(*months, **chosen)
            assert (found["orders"], found["revenue"]) == (expected.orders, expected.revenue), query
            rows = table(client, query)
            for name in ("orders", "units", "revenue"):
                assert sum(int(row[name]) for row in rows) == found[name], query


def test_the_file_of_all_villages_is_by_destination(client, official, world):
    rows = table(client, "from=2026-01-01&to=2026-12-31")
    assert len(rows) == 8
    assert {(row["village_code"], row["village"], row["product"]) for row in rows} == {
        ("19.05", "", "")
    }
    assert {row["province"] for row in rows} == {
        "Kepulauan Bangka Belitung",
        "Daerah Khusus Ibukota Jakarta",
        "Jawa Barat",
    }
    for row in rows:
        sums = world.sums(date.fromisoformat(row["month"] + "-01"), place=row["region_code"])
        assert (int(row["orders"]), int(row["revenue"])) == (sums.orders, sums.revenue)


def test_the_file_of_a_village_is_by_product_or_by_year(client, official, world):
    period = "from=2026-09-01&to=2026-10-31&village=belo-laut"
    rows = table(client, period)
    assert len(rows) == 4 and {row["region_code"] for row in rows} == {""}
    assert {(row["village_code"], row["village"]) for row in rows} == {(BELO_LAUT, "Belo Laut")}
    assert {row["product"] for row in rows} == {"Lenjer", "Telur"}
    by_place = table(client, f"{period}&by=place")
    assert {row["month"] for row in by_place} == {"2026"}
    assert {row["region_code"] for row in by_place} == set(PLACES)
    for row in by_place:
        sums = world.sums(SEPTEMBER_, OCTOBER_, village="belo-laut", place=row["region_code"])
        assert (int(row["orders"]), int(row["revenue"])) == (sums.orders, sums.revenue)


def test_what_is_withheld_is_in_a_row_of_its_own(client, official, world, session):
    product = session.scalars(select(Product).where(Product.slug == world.basket)).one()
    roll(session, product, OCTOBER_, 3, 3_000, "36.71")
    roll(session, product, SEPTEMBER_, 1, 1_000, "36.71")
    session.commit()
    body = client.get(f"/reach?{OCTOBER}").get_data(as_text=True)
    rows = table(client, OCTOBER)
    assert sum(int(row["orders"]) for row in rows) == totals(body)["orders"]
    assert "36.71" not in {row["region_code"] for row in rows}
    (rest,) = [row for row in rows if row["region"] == "ditahan"]
    assert (rest["region_code"], rest["province"]) == ("", "") and int(rest["orders"]) >= 5
    assert not [row for row in rows if int(row["orders"]) < 5]


def overview(session: Session, actor, period: Period, **filters) -> figures.Overview:
    known = queries.choices(session, actor, filters.get("village", ""), filters.get("product", ""))
    return queries.overview(session, actor, Filters(period, **filters), known)


def test_every_table_adds_up_to_the_totals(session, official, world):
    found = overview(session, official, Period(date(2025, 11, 1), date(2026, 10, 31)))
    total = found.total
    assert total.now == world.sums(*MONTHS[1:]) and total.before == world.sums(MONTHS[0])
    for lines in (found.months, found.villages, found.products, found.provinces):
        assert sum((line.now for line in lines), Sums()) == total.now
        assert sum((line.before for line in lines), Sums()) == total.before
    for province in found.provinces:
        assert sum((place.now for place in province.places), Sums()) == province.now
    assert len(found.months) == 12
    (first, second) = found.years
    assert first.now == total.now
    assert second.now == world.sums(*MONTHS[1:], village="dendang")


def test_the_ladder_and_the_shares_are_of_calendar_years(session, official, world):
    product = session.scalars(select(Product).where(Product.slug == world.lenjer)).one()
    roll(session, product, OCTOBER_, 6, 6_000, "19.05", at_home=True)
    session.commit()
    found = overview(session, official, Period(date(2026, 10, 1), date(2026, 10, 31)))
    year = (SEPTEMBER_, OCTOBER_)
    near, province, all_of_it = (world.sums(*year, place=p).units for p in ("19.05", "19", ""))
    assert found.calendar == (2026,) and not found.by_years
    assert found.ladder == figures.Ladder.of(6, near, province - near, all_of_it - province)
    dendang = next(line for line in found.villages if line.key == "dendang")
    assert dendang.spread == figures.Spread(4, 3)
    near, province, all_of_it = (
        world.sums(*year, place=p, village="dendang").units for p in ("19.05", "19", "")
    )
    assert dendang.ladder == figures.Ladder.of(0, near, province - near, all_of_it - province)
    of_village = overview(session, official, found.filters.period, village="dendang")
    assert of_village.by_years and of_village.ladder == dendang.ladder
    (west_java,) = [p for p in of_village.provinces if p.key == "32"]
    assert west_java.now == world.sums(*year, place="32", village="dendang")


def test_days_within_a_month_mean_all_of_it(client, official, world):
    whole = client.get(f"/reach?{OCTOBER}").get_data(as_text=True)
    part = client.get("/reach?from=2026-10-05&to=2026-10-06").get_data(as_text=True)
    assert totals(part) == totals(whole)
    rows = table(client, "from=2026-10-05&to=2026-10-06")
    assert sum(int(row["orders"]) for row in rows) == totals(whole)["orders"]


def test_an_official_sees_the_own_area_alone(client, session, world):
    neighbour = make_village(session, village_in(session, "19.05"), name="Kota", slug="kota")
    product = craft(session, make_producer(session, neighbour), name="Lain", price=10_000)
    # Couriers of the tests start in the own regency alone.
    neighbour.region_code = village_in(session, "19.71")
    session.flush()
    roll(session, product, OCTOBER_, 9, 90_000)
    session.commit()
    here = world.sums(OCTOBER_).orders
    seen = {}
    for area in ("19.05", "19.71", "19", "16"):
        user = make_user(session, Role.OFFICIAL, area=area)
        found = overview(session, user, Period(date(2026, 10, 1), date(2026, 10, 31)))
        rows = list(export.rows(session, user, found.filters))
        assert sum(row.orders for row in rows) == found.total.now.orders
        seen[area] = (
            found.total.now.orders,
            len(queries.choices(session, user, "", "").villages),
            sum(line.now.orders for line in found.products),
            sum(month.now.orders for month in found.months),
        )
    assert seen == {
        "19.05": (here, 2, here, here),
        "19.71": (9, 1, 9, 9),
        "19": (here + 9, 3, here + 9, here + 9),
        "16": (0, 0, 0, 0),
    }


def test_a_period_of_more_than_a_year_counts_a_month_now_and_before(session, official, world):
    found = overview(session, official, Period(date(2025, 1, 1), date(2026, 12, 31)))
    assert found.total.now == world.sums(*MONTHS)
    assert found.total.before == world.sums(*MONTHS[:2])
    by_month = {line.key: (line.now, line.before) for line in found.months}
    assert by_month["2026-10"] == (world.sums(OCTOBER_), world.sums(MONTHS[0]))
    assert by_month["2025-10"] == (world.sums(MONTHS[0]), Sums())


def test_sums_are_whole_numbers_even_beyond_32_bits(session, official, world):
    for rollup in (ReachPlaceMonth, ReachVillageMonth):
        for row in session.scalars(select(rollup)):
            row.revenue = 90_000_000_000
    session.commit()
    found = overview(session, official, Period(date(2026, 10, 1), date(2026, 10, 31)))
    assert found.total.now.revenue == 4 * 90_000_000_000
    assert type(found.total.now.revenue) is int
    assert type(found.villages[0].ladder.nation) is int


def test_a_tile_opens_its_regencies(client, official, world):
    body = client.get(f"/reach?{OCTOBER}&province=32").get_data(as_text=True)
    opened = body[body.index('id="reach-province"') : body.index('id="reach-ladder"')]
    assert "Jawa Barat" in opened and 'data-region="32.73"' in opened
    assert 'id="tile-32" class="tile" data-region="32" aria-current="true"' in body
    empty = client.get(f"/reach?{OCTOBER}&province=51").get_data(as_text=True)
    assert "Belum ada pesanan ke Bali" in empty


def test_the_map_has_every_province_once(session):
    codes = set(session.scalars(select(Region.code).where(Region.level == 1)))
    assert len(TILES) == 38 and codes <= set(TILES)
    places = {(tile.column, tile.row) for tile in TILES.values()}
    assert len(places) == 38
    assert all(x < COLUMNS and y < ROWS for x, y in places)
    assert all(len(tile.short) <= 4 for tile in TILES.values())


def test_htmx_gets_the_panel_alone(client, official, world):
    body = client.get(f"/reach?{OCTOBER}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert body.startswith('<div id="reach"')
    assert "<h1" not in body


def test_without_any_order_the_page_says_so(client, official):
    body = client.get("/reach").get_data(as_text=True)
    assert "Belum ada pesanan yang sampai" in body
    assert totals(body)["orders"] == 0
    assert table(client, "") == []


def test_bad_filters_are_named_on_the_page_and_refused_in_the_file(client, official):
    for query in (
        "from=kemarin",
        "village=%2e%2e",
        "product=%ed%a0%80",
        "year=' OR 1=1",
        "to=2026-02-30",
        "from=2026-12-01&to=2026-01-01",
        "village=" + "a" * 10_000,
    ):
        page = client.get(f"/reach?{query}")
        assert page.status_code == 200, query
        assert 'class="notice needs"' in page.get_data(as_text=True), query
        assert client.get(f"/reach/export.csv?{query}").status_code == 400, query
    for query in ("village=%00", "province=%00"):
        assert client.get(f"/reach?{query}").status_code in (200, 400), query
    assert client.get("/reach/export.csv?province=99").status_code == 200


def test_a_name_is_never_a_formula(client, official, session):
    village = make_village(session, DENDANG, name="=HYPERLINK(1)", slug="dendang")
    product = craft(session, make_producer(session, village), name="+SUM(A1)")
    roll(session, product, OCTOBER_, 9, 9_000)
    session.commit()
    (row,) = table(client, f"{OCTOBER}&village=dendang")
    assert (row["village"], row["product"]) == ("'=HYPERLINK(1)", "'+SUM(A1)")


def test_markup_in_a_name_stays_text(client, official, session):
    village = make_village(session, DENDANG, name="<b>Dendang</b>", slug="dendang")
    product = craft(session, make_producer(session, village), name="<i>x")
    roll(session, product, OCTOBER_, 9, 9_000)
    session.commit()
    body = client.get(f"/reach?{OCTOBER}").get_data(as_text=True)
    assert "<b>Dendang" not in body and "<i>x" not in body


def test_nothing_of_a_buyer_is_told(client, official, session):
    order = receive(session, craft(session), "32.73", date(2026, 10, 1))
    session.commit()
    bought = order.purchase
    told = client.get(f"/reach?{OCTOBER}").get_data(as_text=True)
    told += client.get(f"/reach/export.csv?{OCTOBER}").get_data(as_text=True)
    for secret in (
        bought.name,
        bought.phone[3:],
        bought.street,
        bought.token,
        order.number,
    ):
        assert secret not in told


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.PRODUCER, Role.OFFICIAL, Role.OPERATOR])
@pytest.mark.parametrize("page", ["/reach", "/reach/export.csv"])
def test_who_may_come_in(client, session, role, page):
    if role is not None:
        enter(client, session, role)
    expected = {None: 303, Role.OFFICIAL: 200, Role.OPERATOR: 200}.get(role, 403)
    assert client.get(page).status_code == expected


def test_queries_show_nothing_to_others(session, world):
    buyer = make_user(session, Role.BUYER)
    found = overview(session, buyer, Period(date(2026, 10, 1), date(2026, 10, 31)))
    assert found.total.now == figures.Sums()
    assert list(export.rows(session, buyer, found.filters)) == []


def test_the_numbers_move_by_exactly_one_receipt(client, official, session, world):
    before = totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))
    moment = datetime(2026, 10, 20, 5, tzinfo=UTC)
    product = craft(session, price=45_000)
    order = make_order(
        session,
        OrderState.SHIPPED,
        product=product,
        quantity=2,
        region=village_in(session, "16.71"),
        now=moment,
    )
    lifecycle.receive(session, order, BUYER, moment)
    session.commit()
    after = totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))
    moved = {name: after[name] - before[name] for name in ("orders", "units", "revenue")}
    assert moved == {"orders": 1, "units": 2, "revenue": 90_000}


def said_by(ask: Callable[[], object]) -> list[str]:
    said: list[str] = []

    def note(_connection, _cursor, statement, *_):
        if "reach_" in statement or "designation" in statement or "region" in statement:
            said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return said


def test_few_statements_however_much_there_is(client, official, session, world):
    def ask() -> None:
        client.get(f"/reach?{OCTOBER}")

    decided = said_by(ask)
    kept = said_by(ask)
    assert len(kept) <= 10
    for _ in range(5):
        roll(session, craft(session), OCTOBER_, 9, 9_000)
    session.commit()
    # Only the year that something has changed in is decided anew.
    assert len(kept) < len(said_by(ask)) < len(decided)
    assert len(said_by(ask)) == len(kept)


def test_what_a_page_has_added_up_is_asked_for_once(client, official, session, world):
    def ask() -> dict[str, int]:
        return totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))

    before = ask()
    assert len(said_by(ask)) <= 5
    product = session.scalars(select(Product).where(Product.slug == world.lenjer)).one()
    roll(session, product, OCTOBER_, 6, 6_000, "19.05")
    session.commit()
    assert ask()["orders"] == before["orders"] + 6
    # Nobody else is shown it.
    neighbour = client.application.test_client()
    user = make_user(session, Role.OFFICIAL, area="16")
    session.expunge(user)
    session.commit()
    sign_in(neighbour, user)
    assert totals(neighbour.get(f"/reach?{OCTOBER}").get_data(as_text=True))["orders"] == 0


def test_the_file_is_sent_while_it_is_read(app, client, session, official, world, monkeypatch):
    before = client.get(f"/reach/export.csv?{OCTOBER}").get_data()
    asked, made = export.rows, []

    def counted(*args, **named):
        for row in asked(*args, **named):
            made.append(row)
            yield row

    monkeypatch.setattr(export, "rows", counted)
    monkeypatch.setattr(exports, "_AT_ONCE", 2)
    session.close()
    with app.test_request_context(f"/reach/export.csv?{OCTOBER}"):
        login_user(official)
        answer = app.view_functions["reach.export_csv"]()
        assert answer.is_streamed and answer.content_length is None
        pieces = iter(answer.response)
        assert next(pieces).startswith("\ufeff" + HEADER) and made == []
        next(pieces)
        assert len(made) == 2, "no more is read than is sent"
        answer.close()
    monkeypatch.undo()
    assert client.get(f"/reach/export.csv?{OCTOBER}").get_data() == before
    assert before.count(b"\r\n") == 5


def test_nobody_who_stops_reading_keeps_the_database(app, client, official, world):
    for _again in range(3):
        answer = client.get(f"/reach/export.csv?{OCTOBER}", buffered=False)
        assert next(answer.iter_encoded())
        answer.close()
    assert len(table(client, OCTOBER)) == 4
