"""What is decided of a year is stored, says the same when it is read again, and is used for as long
as the year is the same, and no longer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.orm import Session

from ovop_market import jobs
from ovop_market.accounts.models import User
from ovop_market.reach import (
    deciding,
    published,
    raw,
    returning,
    services,
    settling,
    snapshots,
    stored,
)
from ovop_market.reach.models import Channel, ReachShown, ReachShownYear, ReachYear
from ovop_market.reach.published import Published, Tree
from ovop_market.reach.read_once import Kept, Memo
from tests.factories import make_producer, make_village
from tests.reach.dense import World as Dense
from tests.reach.rolled import roll
from tests.reach.test_published import DENDANG, TREE, World, month
from tests.reach.test_rollup import craft, village_in

TELLS: dict[str, Callable[[Published], Any]] = {
    "months": lambda year: (dict(year.months()), year.whole()),
    "places": lambda year: (dict(year.places()), dict(year.place_months())),
    "villages": lambda year: (dict(year.villages()), dict(year.village_months())),
    "products": lambda year: {
        village: (dict(year.products(village)), dict(year.product_months(village)))
        for village in year.villages()
    },
    "village places": lambda year: {v: dict(year.village_places(v)) for v in year.villages()},
    "product places": lambda year: {v: dict(year.product_places(v)) for v in year.villages()},
    "stayed": lambda year: dict(year.all_stayed()),
    "sold": lambda year: dict(year.sold()),
    "reached": lambda year: year.reached(),
    "reserves": lambda year: year.reserves(),
    "over": lambda year: dict(year.place_grid().over(frozenset([month(1), month(12)]))),
}


def settle(session: Session) -> int:
    """What the worker does."""
    trees = settling.due(session)
    session.commit()
    return sum(jobs._settle_one(session, tree) == "settled" for tree in trees)


def decided_anew(session: Session, tree: Tree, memo: Memo | None = None) -> Published:
    """Without anything that is kept or stored."""
    stamp = raw.stamps(session, [tree.area], [tree.year]).get(tree, ())
    return Published(session, tree, Kept(stamp, memo=memo))


@contextmanager
def nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever reads a rollup to decide anew fails."""

    def refuse(*_args: object, **_named: object) -> None:
        raise AssertionError("it is decided anew")

    with monkeypatch.context() as patch:
        for name in (
            "places",
            "villages",
            "sold",
            "products",
            "village_places",
            "village_provinces",
        ):
            patch.setattr(raw, name, refuse)
        yield


@pytest.mark.parametrize("seed", range(4))
def test_stored_it_says_the_same(
    session: Session, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    World(session, seed)
    assert settle(session) == 1
    expected = {name: told(decided_anew(session, TREE)) for name, told in TELLS.items()}
    shares = returning.shown(session, TREE)
    snapshots.forget()
    for name, told in TELLS.items():
        assert told(published.of(session, TREE)) == expected[name], name
    snapshots.forget()
    with nothing_is_counted(monkeypatch):
        year = published.of(session, TREE)
        for name in expected.keys() - {"product places"}:
            assert TELLS[name](year) == expected[name], name
        assert returning.shown(session, TREE) == shares


def test_so_do_the_notes_of_sellers(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    product, tree = craft(session), Tree(2026, "19.05", reported=True)
    for number, channel in ((3, Channel.FAIR), (4, Channel.OFFICE), (5, Channel.FAIR)):
        roll(session, product, month(number), 4 + number, 9_000, channel=channel)
    assert settle(session) == 1
    anew = decided_anew(session, tree).channel_grid()
    snapshots.forget()
    with nothing_is_counted(monkeypatch):
        assert published.of(session, tree).channel_grid().cells == anew.cells
    assert anew.cells


def test_only_what_has_changed_is_due(session: Session) -> None:
    product = craft(session)
    assert settling.due(session) == []
    roll(session, product, month(3), 9, 9_000)
    roll(session, product, month(3).replace(year=2025), 9, 9_000)
    assert settle(session) == 2
    assert settling.due(session) == []
    roll(session, product, month(4), 9, 9_000)
    assert settling.due(session) == [TREE]


def test_what_is_stored_is_not_used_when_it_no_longer_holds(session: Session) -> None:
    product = craft(session)
    roll(session, product, month(3), 9, 9_000)
    settle(session)
    roll(session, product, month(4), 7, 7_000, "32.73")
    snapshots.forget()
    year = published.of(session, TREE)
    assert (year.whole().orders, year.places()["32.73"].orders) == (16, 7)
    settle(session)
    snapshots.forget()
    assert published.of(session, TREE).places()["32.73"].orders == 7


def test_what_changed_while_it_was_decided_is_not_stored(session: Session) -> None:
    product = craft(session)
    roll(session, product, month(3), 9, 9_000)
    session.commit()
    settled = settling.decided(session, TREE)
    session.commit()
    assert settled is not None
    # There and back: the same numbers, and it is not known which of them the tables say.
    roll(session, product, month(4), 7, 7_000)
    roll(session, product, month(4), -7, -7_000)
    assert not settling.store(session, settled)
    assert session.scalar(select(func.count()).select_from(ReachShownYear)) == 0
    assert settling.due(session) == [TREE]


def test_only_tables_that_say_something_else_are_written(session: Session) -> None:
    product, other = craft(session), craft(session)
    for each in (product, other):
        roll(session, each, month(3), 9, 9_000)
    neighbour = make_village(session, DENDANG, name="Dendang", slug="dendang")
    far = craft(session, make_producer(session, neighbour))
    roll(session, far, month(3), 9, 9_000, "32.73")
    settle(session)
    roll(session, product, month(3), 6, 6_000)
    session.commit()
    settled = settling.decided(session, TREE)
    session.commit()
    assert settled is not None
    written: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith(("UPDATE reach_shown ", "INSERT INTO reach_shown ", "DELETE")):
            written.append(str(parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert settling.store(session, settled)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    said = " ".join(written)
    assert "'products'" in said
    # All of it is withheld, as before.
    assert "'villages in:31'" not in said


def test_what_is_gone_is_taken_away(session: Session) -> None:
    product = craft(session)
    neighbour = make_village(session, DENDANG, name="Dendang", slug="dendang")
    far = craft(session, make_producer(session, neighbour))
    roll(session, product, month(3), 9, 9_000)
    roll(session, far, month(3), 9, 9_000, "32.73")
    settle(session)
    parts = select(ReachShown.part)
    assert "villages in:32" in session.scalars(parts).all()
    roll(session, far, month(3), -9, -9_000, "32.73")
    settle(session)
    assert "villages in:32" not in session.scalars(parts).all()
    assert list(settling.differences(session)) == []


def test_a_single_altered_table_is_found(session: Session) -> None:
    World(session, 1)
    settle(session)
    assert list(settling.differences(session)) == []
    data = session.scalars(select(ReachShown.data).where(ReachShown.part == "places")).one()
    session.execute(
        update(ReachShown).where(ReachShown.part == "places").values(data=data.replace("1", "2", 1))
    )
    assert list(settling.differences(session)) == [
        "reach_shown, year 2026, area 19.05, verified, part places: "
        "what is stored is not what would be decided"
    ]
    session.execute(delete(ReachShown).where(ReachShown.part == "months"))
    assert len(list(settling.differences(session))) == 2


def test_counting_anew_throws_it_away(session: Session) -> None:
    roll(session, craft(session), month(3), 9, 9_000)
    settle(session)
    roll(session, craft(session), month(3).replace(year=2025), 9, 9_000)
    session.commit()
    late = settling.decided(session, Tree(2025, "19.05"))
    session.commit()
    services.rebuild(session)
    for model in (ReachShown, ReachShownYear):
        assert session.scalar(select(func.count()).select_from(model)) == 0
    # What was decided before it is not stored after it.
    assert late is not None and not settling.store(session, late)


def test_numbers_that_trade_places_are_a_change(session: Session) -> None:
    """Each adds up to the same: by their sums alone nobody would know."""
    product = craft(session)
    for number, region in ((3, "31.74"), (4, "32.73")):
        roll(session, product, month(number), 20, 20_000, region)
    settle(session)
    for number, region, orders in (
        (3, "31.74", -6),
        (4, "32.73", -6),
        (3, "32.73", 6),
        (4, "31.74", 6),
    ):
        roll(session, product, month(number), orders, orders * 1_000, region)
    assert settling.due(session) == [TREE]
    assert published.of(session, TREE).place_months()["32.73", month(3)].orders == 6


def test_years_of_which_nothing_is_left_are_swept(session: Session) -> None:
    roll(session, craft(session), month(3), 9, 9_000)
    settle(session)
    session.execute(delete(ReachYear))
    assert list(settling.differences(session)) == [
        "reach_shown, year 2026, area 19.05, verified, it is stored, and there is nothing of it"
    ]
    assert settling.tidy(session) == 1
    assert list(settling.differences(session)) == []


# A digest of what is decided of one world, by the version of the rules.
DECIDED = {1: "f77a627abee30c53"}


def test_another_rule_is_another_version(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes what is withheld, or how it is stored, raises stored.VERSION: else years that
    are over would stay as they were decided before. Then the new digest is written here."""
    World(session, 1)
    parts = settling._all_of(decided_anew(session, TREE)).parts
    digest = hashlib.sha256(repr(sorted(parts.items())).encode()).hexdigest()[:16]
    assert {stored.VERSION: digest} == DECIDED
    settle(session)
    assert settling.due(session) == []
    monkeypatch.setattr(stored, "VERSION", stored.VERSION + 1)
    assert settling.due(session) == [TREE]


# Deciding again


def test_only_tables_that_have_changed_are_decided_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    World(session, 3)
    memo: Memo = {}
    settling._all_of(decided_anew(session, TREE, memo))
    asked: list[str] = []
    withhold = deciding.withhold

    def noted(numbers: Any, **limits: Any) -> Any:
        asked.append(str(numbers))
        return withhold(numbers, **limits)

    monkeypatch.setattr(deciding, "withhold", noted)
    settling._all_of(decided_anew(session, TREE))
    all_tables = len(asked)
    asked.clear()
    village = make_village(session, village_in(session, "19.05.02"), name="Baru", slug="baru")
    roll(session, craft(session, make_producer(session, village)), month(4), 9, 9, "32.76")
    after = settling._all_of(decided_anew(session, TREE, memo)).parts
    assert 0 < len(asked) < all_tables
    assert after == settling._all_of(decided_anew(session, TREE)).parts


# The worker


def test_the_worker_settles_what_is_due(app: Flask, session: Session) -> None:
    product = craft(session)
    roll(session, product, month(3), 9, 9_000)
    roll(session, product, month(3).replace(year=2025), 9, 9_000)
    session.commit()
    assert jobs.run(app, jobs.REACH).counts == {"settled": 2}
    assert jobs.run(app, jobs.REACH).counts == {}
    roll(session, product, month(3), 1, 1_000)
    session.commit()
    assert jobs.run(app, jobs.REACH, lambda: True).counts == {}
    assert jobs.run(app, jobs.REACH).counts == {"settled": 1}


def test_by_hand_as_well(app: Flask, session: Session) -> None:
    roll(session, craft(session), month(3), 9, 9_000)
    session.commit()
    settled = app.test_cli_runner().invoke(args=["reach", "settle"])
    assert (settled.exit_code, settled.output.strip()) == (0, "1 years")


def test_a_year_that_fails_holds_nobody_up(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = craft(session)
    for year in (2024, 2025, 2026):
        roll(session, product, month(3).replace(year=year), 9, 9_000)
    session.commit()
    decided = settling.decided

    def fail(session: Session, tree: Tree) -> settling.Settled | None:
        if tree.year == 2025:
            raise ValueError("cannot be decided")
        return decided(session, tree)

    monkeypatch.setattr(settling, "decided", fail)
    assert jobs.run(app, jobs.REACH).counts == {"settled": 2, "failed": 1}


def test_two_workers_do_it_once(session: Session) -> None:
    roll(session, craft(session), month(3), 9, 9_000)
    settle(session)
    session.commit()
    assert settling.decided(session, TREE) is None


# The pages


def test_pages_do_not_care_where_it_comes_from(
    client: FlaskClient, session: Session, official: User, thin: Dense
) -> None:
    addresses = [
        "/reach",
        "/reach?from=2026-03-01&to=2026-10-31",
        "/reach?from=2025-01-01&to=2026-12-31",
        "/reach?village=belo-laut",
        "/reach?measure=first",
        "/reach?channel=reported",
        "/reach/export.csv",
        "/programme/effect",
    ]
    session.commit()
    before = [client.get(address).get_data(as_text=True) for address in addresses]
    assert settle(session) > 0
    session.commit()
    snapshots.forget()
    for address, body in zip(addresses, before, strict=True):
        assert client.get(address).get_data(as_text=True) == body, address
