"""Before and after, with numbers that can be reckoned by hand."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.reach import effect as queries
from ovop_market.reach import targets
from ovop_market.reach.effect_figures import Sales, Subject, effect
from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import add_months
from ovop_market.reach.models import Channel
from ovop_market.villages.models import Designation, Stage
from ovop_market.villages.programme_models import DesignationStep
from ovop_market.villages.programme_queries import Reached
from tests.factories import NOW, make_producer, make_user, make_village, sign_in
from tests.reach.rolled import roll
from tests.reach.test_rollup import craft

TODAY = clock.wib_date(NOW)  # in November 2026
JANUARY = date(2026, 1, 1)


def months(first: date, *revenues: int | None) -> dict[date, Sums]:
    """None is withheld."""
    return {
        add_months(first, n): Sums(held=True) if revenue is None else Sums(9, 9, revenue)
        for n, revenue in enumerate(revenues)
    }


def sales(years: dict[tuple[int, int], Sums] | None = None, **villages: dict[date, Sums]) -> Sales:
    found = {
        (int(name[1:]), month): sold
        for name, found in villages.items()
        for month, sold in found.items()
    }
    return Sales(found, years)


DESIGNATED = Subject(1, "Belo Laut", JANUARY, 1_000, 7)
NOT_YET = Subject(2, "Dendang", None, None, 4)


def test_after_by_before_and_others_by_their_own_before() -> None:
    """Ten whole months: 2,000 a month against 1,000; the other goes from 400 to 500."""
    found = effect(
        [DESIGNATED, NOT_YET],
        sales(
            v1=months(JANUARY, *[1_000, 3_000] * 5),
            v2=months(date(2025, 3, 1), *[400] * 10) | months(JANUARY, *[500] * 10),
        ),
        date(2025, 3, 1),
        TODAY,
    )
    (own,) = found.villages
    assert len(own.months) == 10 and own.late == 0
    assert (own.average, own.index) == (2_000, 200)
    assert (own.beside.index, own.beside.villages, own.beside.households) == (125, 1, 4)
    assert (found.index, found.beside.index) == (200, 125)
    assert [(point.own, point.other) for point in found.points[:2]] == [(100, 125), (300, 125)]
    assert not own.few and found.few  # one village tells of itself, not of the programme


def test_each_village_weighs_the_same() -> None:
    large = Subject(3, "Ketap", JANUARY, 10_000, 9)
    found = effect(
        [DESIGNATED, large],
        sales(v1=months(JANUARY, *[3_000] * 10), v3=months(JANUARY, *[10_000] * 10)),
        JANUARY,
        TODAY,
    )
    assert found.index == 200
    # Nothing is known of before: there is nothing to put beside.
    assert found.beside.index is None and {point.other for point in found.points} == {None}


def test_each_village_has_its_own_beside_it() -> None:
    """Two since January, one since April; the first month of the other: 200 of what it sold before
    January, 350 of what it sold before April."""
    january, april = (Subject(n, "Ketap", JANUARY, 1_000, 9) for n in (3, 4)), date(2026, 4, 1)
    found = effect(
        [*january, Subject(5, "Ketap", april, 1_000, 9), NOT_YET],
        sales(
            **dict.fromkeys(("v3", "v4", "v5"), months(JANUARY, *[1_000] * 10)),
            v2=months(date(2025, 3, 1), *[400] * 10) | months(JANUARY, 800, 0, 0, 1_200),
        ),
        date(2025, 3, 1),
        TODAY,
    )
    first = found.points[0]
    assert (first.own, first.own_villages) == (100, 3)
    assert (first.other, first.other_villages) == (250, 1)
    assert [each.beside.households for each in found.villages] == [4, 4, 4]


def test_months_without_records_are_not_zeros() -> None:
    """Designated long before the website: its months begin with the records."""
    old = Subject(1, "Belo Laut", date(2016, 1, 1), 1_000, 7)
    found = effect([old], sales(v1=months(date(2025, 1, 1), *[500] * 20)), date(2025, 1, 1), TODAY)
    (own,) = found.villages
    assert own.months[0] == date(2025, 1, 1) and len(own.months) == 12
    assert (own.late, own.index) == (108, 50)


def test_months_without_sales_are_zeros() -> None:
    found = effect([DESIGNATED], sales(v1=months(JANUARY, 10_000)), date(2025, 1, 1), TODAY)
    assert found.villages[0].index == 100 and found.points[1].own == 0


@pytest.mark.parametrize("start", [date(2026, 9, 1), date(2026, 12, 1), date(2016, 1, 1)])
def test_who_was_designated_meanwhile_is_no_comparison(start: date) -> None:
    other = Subject(2, "Dendang", start, 100, 4)
    known = months(date(2025, 3, 1), *[400] * 20)
    found = effect(
        [DESIGNATED, other],
        sales(v1=months(JANUARY, *[1_000] * 10), v2=known),
        date(2025, 3, 1),
        TODAY,
    )
    own = next(each for each in found.villages if each.village is DESIGNATED)
    assert own.beside.villages == (1 if start > date(2026, 10, 1) else 0)


def test_what_is_withheld_is_not_told() -> None:
    sold = months(JANUARY, *[1_000] * 9, None)
    found = effect([DESIGNATED], sales(v1=sold), JANUARY, TODAY)
    assert found.villages[0].index is None and found.villages[0].average == 0
    assert found.index is None and not found.points


def test_what_follows_from_the_year_is_told() -> None:
    """Two months are withheld, the year is not: all months together follow, neither of the two."""
    sold = months(JANUARY, *[1_000] * 8, None, None)
    year = {(1, 2026): Sums(90, 90, 12_000)}
    found = effect([DESIGNATED], sales(year, v1=sold), JANUARY, TODAY)
    assert found.index == 120
    assert [point.own for point in found.points] == [100] * 8 + [None] * 2
    assert [point.own_villages for point in found.points] == [1] * 8 + [0] * 2


def test_few_months_or_households() -> None:
    late = Subject(1, "A", date(2026, 8, 1), 1_000, 7)
    small = Subject(2, "B", JANUARY, 1_000, 4)
    sold = sales(v1=months(JANUARY, *[1_000] * 10), v2=months(JANUARY, *[1_000] * 10))
    found = effect([late, small], sold, JANUARY, TODAY)
    assert [(len(each.months), each.few) for each in found.villages] == [(3, True), (10, True)]


def test_from_the_rollup(client, session: Session, clock_at) -> None:
    clock_at(NOW)
    village = make_village(session)
    old = village.designations[0]
    old.baseline_sales = 1_000
    step = {"designation_id": old.id, "noted_at": NOW}
    session.add(DesignationStep(stage=Stage.DESIGNATION, day=date(2026, 2, 9), **step))
    # Only proposed, and earlier: it is not designated by that.
    village.designations.append(Designation(year=2015, flagship="teri", stage=Stage.PROPOSAL))
    product = craft(session, make_producer(session, village))
    roll(session, product, date(2026, 2, 1), 9, 90_000)
    roll(session, product, date(2026, 3, 5), 6, 6_000)
    roll(session, product, date(2026, 3, 6), 7, 2_000, region="19.71")
    roll(session, product, date(2026, 3, 6), 90, 90_000, channel=Channel.FAIR)
    session.flush()
    operator = make_user(session, Role.OPERATOR)
    found = queries.effect(session, operator, TODAY)
    (own,) = found.villages
    assert own.months[0] == date(2026, 3, 1) and len(own.months) == 8
    assert (own.average, own.index, own.village.households) == (1_000, 100, 1)
    assert targets.reached(session, [village.id, 0], 2026) == {
        village.id: Reached(22, 2, 98_000),
        0: Reached(),
    }
    roll(session, product, date(2024, 3, 6), 4, 4_000)
    assert targets.reached(session, [village.id], 2024) == {village.id: Reached(withheld=True)}
    session.expunge(operator)
    session.commit()
    sign_in(client, operator)
    body = client.get("/programme/effect").get_data(as_text=True)
    assert "Terlalu sedikit untuk menarik kesimpulan" in body and "bukan sebab" in body
    assert 'data-index="own">100<' in body and "<svg" in body


def test_an_official_of_elsewhere_reads_nothing_of_it(client, session: Session) -> None:
    make_village(session).designations[0].baseline_sales = 1_000
    user = make_user(session, Role.OFFICIAL, area="16")
    session.expunge(user)
    session.commit()
    sign_in(client, user)
    body = client.get("/programme/effect").get_data(as_text=True)
    assert "Belo Laut" not in body and "Belum ada yang bisa dibandingkan" in body
