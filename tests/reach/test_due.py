"""The list of whom to visit, and a producer's line of sales."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.reach import due
from ovop_market.reach.due_rules import Reason
from ovop_market.reach.filters import add_months
from ovop_market.reach.models import Channel
from ovop_market.villages.models import Permit, PermitKind, Producer
from ovop_market.villages.producer_states import ProducerState
from tests.counting import counted
from tests.factories import (
    NOW,
    make_order,
    make_producer,
    make_product,
    make_user,
    make_village,
    make_visit,
    sign_in,
)
from tests.reach.rolled import roll

TODAY = clock.wib_date(NOW)
DENDANG = "19.05.04.2005"


def sold(
    session: Session, producer: Producer, day: date, orders: int = 1, revenue: int = 1_000
) -> None:
    """So many received orders, as the rollup has them."""
    product = make_product(session, producer)
    roll(session, product, day, orders, revenue)


@pytest.fixture
def official(session):
    return make_user(session, Role.OFFICIAL)


def listed(session: Session, user, **asked: object) -> dict[str, set[Reason]]:
    found = due.due_list(session, user, NOW, **asked)
    return {row.slug: {each.reason for each in row.reasons} for row in found.rows}


def test_each_reason(session, official) -> None:
    slugs = ("quiet", "never", "permit", "star", "falling", "waiting", "lapsed", "answered")
    made = {slug: make_producer(session, slug=slug) for slug in slugs}
    for slug in slugs:
        if slug != "never":
            make_visit(session, made[slug], day=TODAY - timedelta(days=3))
    until = TODAY + timedelta(days=9)
    permit = Permit(producer_id=made["permit"].id, kind=PermitKind.PIRT, number="1")
    permit.expires_on = until
    session.add(permit)
    for kind in PermitKind:
        session.add(Permit(producer_id=made["star"].id, kind=kind, number="1"))
    for month in range(5, 11):
        sold(session, made["star"], date(2026, month, 2))
    sold(session, made["falling"], date(2025, 9, 1), 6, 6_000)
    sold(session, made["falling"], date(2026, 10, 31), 6, 3_000)
    make_order(session, producer=made["waiting"], now=NOW - timedelta(hours=13))
    make_order(session, producer=made["quiet"], now=NOW - timedelta(hours=11))
    for slug, state in (("lapsed", OrderState.PLACED), ("answered", OrderState.COUNTERED)):
        order = make_order(session, state, producer=made[slug], now=NOW - timedelta(days=9))
        at = NOW - timedelta(days=8)
        lifecycle.act(session, order, Action.LAPSE, By(Actor.CLOCK), at, reason="")
    assert listed(session, official) == {
        "never": {Reason.UNVISITED},
        "permit": {Reason.PERMIT},
        "star": {Reason.STAR},
        "falling": {Reason.FALLING},
        "waiting": {Reason.UNANSWERED},
        "lapsed": {Reason.UNANSWERED},
    }
    assert set(listed(session, official, reason=Reason.STAR)) == {"star"}
    counts = due.due_list(session, official, NOW).counts
    assert counts == {
        Reason.UNVISITED: 1,
        Reason.PERMIT: 1,
        Reason.STAR: 1,
        Reason.FALLING: 1,
        Reason.UNANSWERED: 2,
    }


@pytest.mark.parametrize(
    ("sold_in", "falls"),
    [
        # (months before the present one, orders, revenue)
        ([(1, 7, 700), (13, 5, 1_000)], True),
        ([(3, 7, 700), (15, 5, 1_000)], True),
        ([(1, 3, 350), (2, 3, 350), (13, 3, 500), (15, 2, 500)], True),
        ([(1, 7, 701), (13, 5, 1_000)], None),
        # Neither the present month, nor those beyond the three.
        ([(0, 9, 1_000), (13, 5, 1_000)], True),
        ([(1, 7, 900), (13, 5, 1_000), (16, 9, 9_000)], None),
        ([(1, 7, 900), (13, 5, 1_000), (12, 9, 9_000)], None),
        # Too few a year before.
        ([(1, 6, 600), (13, 4, 10), (4, 3, 500), (6, 2, 500)], False),
        ([(1, 6, 600), (13, 4, 10), (4, 3, 500), (7, 2, 500)], None),
    ],
)
def test_months_of_a_fall(session, official, sold_in, falls: bool | None) -> None:
    producer = make_producer(session, slug="rumah-uji")
    make_visit(session, producer, day=TODAY)
    products = [make_product(session, producer) for _ in range(2)]
    for n, (back, orders, revenue) in enumerate(sold_in):
        day = add_months(TODAY.replace(day=1), -back) + timedelta(days=27)
        roll(session, products[n % 2], day, orders, revenue)
        # What nobody has checked does not count.
        roll(session, products[0], day, 9, 9_000 * (back + 1), channel=Channel.FAIR)
    found = due.due_list(session, official, NOW)
    told = [(why.reason, why.year) for row in found.rows for why in row.reasons]
    assert told == ([] if falls is None else [(Reason.FALLING, falls)])


@pytest.mark.parametrize(
    ("months", "eligible"),
    [
        ((1, 2, 3, 4, 5, 12), True),
        ((1, 2, 3, 4, 5), False),
        ((0, 1, 2, 3, 4, 5), False),
        ((1, 2, 3, 4, 5, 13), False),
    ],
)
def test_months_of_a_star(session, official, months, eligible: bool) -> None:
    producer = make_producer(session, slug="rumah-uji")
    make_visit(session, producer, day=TODAY)
    products = [make_product(session, producer) for _ in range(2)]
    for kind in PermitKind:
        session.add(Permit(producer_id=producer.id, kind=kind, number="1"))
    for back in months:
        for product in products:
            roll(session, product, add_months(TODAY.replace(day=1), -back), 1, 1_000)
    # A month whose order is disputed again has none.
    roll(session, products[0], add_months(TODAY.replace(day=1), -7), 1, 1_000)
    roll(session, products[0], add_months(TODAY.replace(day=1), -7), -1, -1_000)
    found = [row for row in due.due_list(session, official, NOW).rows if row.slug == "rumah-uji"]
    assert [Reason.STAR in {why.reason for why in row.reasons} for row in found] == [
        True
    ] * eligible


def test_lapsed_without_an_answer_within_thirty_days(session, official) -> None:
    """However late the clock came; and only while it is of these days."""
    days = {"today": (0, 1), "late": (28, 40), "last": (30, 31), "long-ago": (31, 33)}
    for slug, (lapsed, placed) in days.items():
        producer = make_producer(session, slug=slug)
        make_visit(session, producer, day=TODAY)
        order = make_order(session, producer=producer, now=NOW - timedelta(days=placed))
        at = NOW - timedelta(days=lapsed)
        lifecycle.act(session, order, Action.LAPSE, By(Actor.CLOCK), at, reason="")
    assert set(listed(session, official)) == {"today", "late", "last"}
    later = due.due_list(session, official, NOW + timedelta(seconds=1))
    assert {row.slug for row in later.rows} == {"today", "late"}


def test_pages_and_counts_of_reasons(session, official) -> None:
    """A producer of two ended permits is counted once; a page beyond the last is the last."""
    for number in range(27):
        producer = make_producer(session, slug=f"rumah-{number:02}")
        if number == 20:
            for kind in (PermitKind.NIB, PermitKind.PIRT):
                permit = Permit(producer_id=producer.id, kind=kind, number="1")
                permit.expires_on = TODAY - timedelta(days=1)
                session.add(permit)
    found = due.due_list(session, official, NOW, page=9)
    assert (found.page, found.pages, found.total, found.producers) == (2, 2, 27, 27)
    assert [row.slug for row in found.rows] == ["rumah-25", "rumah-26"]
    assert found.counts == dict.fromkeys(Reason, 0) | {Reason.UNVISITED: 27, Reason.PERMIT: 1}
    first = due.due_list(session, official, NOW)
    assert first.rows[0].slug == "rumah-20" and len(first.rows) == 25
    alone = due.due_list(session, official, NOW, reason=Reason.PERMIT, page=2)
    assert (alone.page, alone.pages, alone.total) == (1, 1, 27)
    assert [[why.permit for why in row.reasons] for row in alone.rows] == [
        [None, PermitKind.NIB, PermitKind.PIRT]
    ]


def test_it_reads_no_more_for_more_orders(session, official) -> None:
    """The statements, and the tables that grow with orders, which are met by index alone."""
    producer = make_producer(session)
    make_order(session, OrderState.RECEIVED, producer=producer)
    due.due_list(session, official, NOW)
    with counted() as statements:
        due.due_list(session, official, NOW)
    assert len(statements) == 7, statements
    read = " ".join(statements)
    assert "reach_producer_month" in read and "reach_product_month" not in read
    if session.get_bind().dialect.name == "sqlite":
        (lapsed,) = [said for said in statements if "order_event" in said]
        asked = [1] * lapsed.count("?")
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {lapsed}", tuple(asked))
        steps = [row[3] for row in plan]
        assert any("USING INDEX ix_order_event_lapsed (producer_id=? AND at>?)" in s for s in steps)


def test_most_reasons_first_then_the_longest_unvisited(session, official) -> None:
    for slug, days in (("b", 100), ("a", 200), ("c", None)):
        producer = make_producer(session, slug=slug)
        if days:
            make_visit(session, producer, day=TODAY - timedelta(days=days))
    until = TODAY - timedelta(days=1)
    permit = Permit(producer_id=make_producer(session, slug="d").id, kind=PermitKind.NIB)
    permit.number, permit.expires_on = "1", until
    session.add(permit)
    session.flush()
    assert list(listed(session, official)) == ["d", "c", "a", "b"]


def test_a_withdrawn_visit_is_none_and_a_groups_is_its_members(session, official) -> None:
    group = make_producer(session, slug="kelompok", kind="group")
    make_producer(session, slug="anggota", group=group)
    alone = make_producer(session, slug="sendiri")
    make_visit(session, group)
    visit = make_visit(session, alone, official)
    visit.withdrawn_at, visit.withdrawn_by_id, visit.withdrawn_why = NOW, official.id, "salah"
    session.flush()
    assert listed(session, official) == {"sendiri": {Reason.UNVISITED}}


def test_only_of_the_own_area_and_nobody_who_has_ended(session) -> None:
    make_producer(session, slug="di-sini")
    make_producer(session, make_village(session, DENDANG, name="Dendang"), slug="dendang")
    ended = make_producer(session, slug="tutup", closed_from=TODAY)
    ended.state = ProducerState.CLOSED
    session.flush()
    areas = {"19.05": 2, "19": 2, "19.71": 0, "16": 0}
    for area, wanted in areas.items():
        assert len(listed(session, make_user(session, Role.OFFICIAL, area=area))) == wanted
    operator = make_user(session, Role.OPERATOR)
    assert set(listed(session, operator, village="dendang")) == {"dendang"}
    assert listed(session, make_user(session)) == {}


def test_the_page_its_filters_and_its_cost(client, session, official) -> None:
    for number in range(30):
        producer = make_producer(session, slug=f"rumah-ke-{number:02}")
        make_product(session, producer)
        if number < 3:
            make_visit(session, producer, official, day=TODAY)
    session.flush()
    session.expunge(official)
    sign_in(client, official)
    with counted() as few:
        body = client.get("/mentoring").get_data(as_text=True)
    assert len(re.findall("data-producer=", body)) == 25
    assert len(few) <= 9, few
    body = client.get("/mentoring?reason=unvisited&village=belo-laut&page=2").get_data(as_text=True)
    assert len(re.findall("data-producer=", body)) == 2
    assert client.get("/mentoring?village=palembang").status_code == 404
    assert client.get("/mentoring?reason=nothing&page=x").status_code == 200
    part = client.get("/mentoring", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert part.lstrip().startswith('<div id="due"')
    assert "/mentoring" in client.get("/reach").get_data(as_text=True)


def test_the_line_of_sales_with_its_marks(client, session, official) -> None:
    producer = make_producer(session, slug="rumah-uji")
    today = clock.wib_date(clock.now())
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    product = make_product(session, producer)
    for back, orders, revenue in ((0, 7, 70_000), (1, 3, 33_333), (2, 6, 60_000)):
        roll(session, product, add_months(month, -back), orders, revenue)
    make_visit(session, producer, official, day=min(month, TODAY))
    session.flush()
    session.expunge(official)
    sign_in(client, official)
    client.get("/mentoring/producers/rumah-uji")
    with counted() as statements:
        body = client.get("/mentoring/producers/rumah-uji").get_data(as_text=True)
    assert body.count("<circle") == 24 and body.count('class="hollow"') == 2
    assert ">ditahan<" in body and "Rp70.000" in body and "33.333" not in body
    assert body.count('class="pin"') == 1
    assert "bukan bukti sebab" in body
    assert not [s for s in statements if "reach_product_month" in s], "what is decided is kept"
    assert len(statements) <= 10, statements
