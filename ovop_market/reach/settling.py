"""The only writer of what is stored of decided years (`stored`): the worker decides a year once it
has changed, so that hardly any page has to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from ovop_market.extensions.database import insert_into
from ovop_market.reach import published, raw, returning, stored
from ovop_market.reach.models import ReachShown, ReachShownYear
from ovop_market.reach.published import Published, Tree
from ovop_market.reach.read_once import Kept


class Settled(NamedTuple):
    """All that is decided of a year, as text by the name of each part; and of which stamp it is."""

    tree: Tree
    stamp: tuple[int, ...]
    parts: Mapping[str, str]


def due(session: Session) -> list[Tree]:
    """The years that have changed since they were stored."""
    years = raw.with_stored(session)
    return [tree for tree, stamp, there in years if there != stored.said(stamp)]


def decided(session: Session, tree: Tree) -> Settled:
    """Decides all of a year. It only reads, and takes a second where much was sold."""
    found = published.of(session, tree)
    settled = _all_of(found)
    found.kept.let_go()
    return settled


def store(session: Session, settled: Settled) -> bool:
    """Stores it, unless the year has changed meanwhile: then nothing is written."""
    tree = settled.tree
    if raw.stamps(session, [tree.area], [tree.year]).get(tree) != settled.stamp:
        return False
    key = {"year": tree.year, "area_code": tree.area, "reported": tree.reported}
    stamp = stored.said(settled.stamp)
    session.execute(
        insert_into(session, ReachShownYear)
        .values(**key, stamp=stamp)
        .on_conflict_do_update(index_elements=list(key), set_={"stamp": stamp})
    )
    here = _here(tree)
    before = _texts(session, tree)
    gone = before.keys() - settled.parts.keys()
    new = settled.parts.keys() - before.keys()
    if gone:
        session.execute(delete(ReachShown).where(*here, ReachShown.part.in_(gone)))
    if new:
        rows = [{**key, "part": part, "data": settled.parts[part]} for part in sorted(new)]
        session.execute(insert(ReachShown), rows)
    for part, data in before.items():
        if part not in gone and settled.parts[part] != data:
            session.execute(
                update(ReachShown)
                .where(*here, ReachShown.part == part)
                .values(data=settled.parts[part])
                .execution_options(synchronize_session=False)
            )
    return True


def forget(session: Session) -> None:
    """Throws everything away that is stored."""
    for model in (ReachShown, ReachShownYear):
        session.execute(delete(model).execution_options(synchronize_session=False))


def differences(session: Session) -> Iterator[str]:
    """A line for each table that is stored, said to hold still, and is not what would be decided
    now."""
    for tree, stamp, there in sorted(raw.with_stored(session), key=lambda each: str(each[0])):
        if there != stored.said(stamp):
            continue
        right = _all_of(Published(session, tree, Kept(stamp))).parts
        said = _texts(session, tree)
        for part in sorted(right.keys() | said.keys()):
            if right.get(part) != said.get(part):
                kind = "reported" if tree.reported else "verified"
                yield (
                    f"reach_shown, year {tree.year}, area {tree.area}, {kind}, part {part}: "
                    "what is stored is not what would be decided"
                )


def _all_of(found: Published) -> Settled:
    tree = found.tree
    parts: dict[str, object] = {
        "months": found.month_grid(),
        "provinces": found.province_grid(),
        "places": found.place_grid(),
        "villages": found.village_grid(),
        "sold": found.sold(),
        "reached": found.reached(),
        "reserves": found.reserves(),
    }
    if tree.reported:
        parts["channels"] = found.channel_grid()
    else:
        parts["returning"] = returning.over(found.session, [tree], {tree: found})
    found.raw_village_places()
    provinces = found.village_provinces()
    parts["village provinces"] = provinces
    for code in {*provinces.columns, published.province_of(tree.area)}:
        parts[f"villages in:{code}"] = found.village_regencies(code)
    parts["stayed"] = found.all_stayed()
    villages = list(found.villages())
    found.read_products(villages)
    for village in villages:
        parts[f"products:{village}"] = found.product_grid(village)
    texts = {part: stored.encoded(part, what) for part, what in parts.items()}
    return Settled(tree, found.kept.stamp, texts)


def _texts(session: Session, tree: Tree) -> dict[str, str]:
    rows = session.execute(select(ReachShown.part, ReachShown.data).where(*_here(tree)))
    return {row.part: row.data for row in rows}


def _here(tree: Tree) -> tuple[ColumnElement[bool], ...]:
    model = ReachShown
    return (
        model.year == tree.year,
        model.area_code == tree.area,
        model.reported == tree.reported,
    )
