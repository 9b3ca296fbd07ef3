"""The only writer of what is stored of decided years (`stored`): the worker decides a year once it
has changed, so that hardly any page has to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, delete, insert, select, text, update
from sqlalchemy.orm import Session

from ovop_market.extensions.database import insert_into
from ovop_market.reach import published, raw, returning, stored
from ovop_market.reach.models import ReachShown, ReachShownYear
from ovop_market.reach.published import Published, Tree
from ovop_market.reach.read_once import Kept, Memo

MOST_MEMOS = 16  # years, at a million orders some four megabytes each
_memos: WeakKeyDictionary[Engine, OrderedDict[Tree, Memo]] = WeakKeyDictionary()
_lock = Lock()


class Settled(NamedTuple):
    """All that is decided of a year, as text by the name of each part; and of which stamp it is."""

    tree: Tree
    stamp: tuple[int, ...]
    parts: Mapping[str, str]


def due(session: Session) -> list[Tree]:
    """The years that have changed since they were stored."""
    years = raw.with_stored(session)
    return [tree for tree, stamp, there in years if there != stored.said(stamp)]


def decided(session: Session, tree: Tree) -> Settled | None:
    """Decides all of a year, in a transaction that has read nothing yet: it only reads, and takes a
    second where much was sold. None if another worker has stored it meanwhile."""
    if session.get_bind().dialect.name == "postgresql":
        # All tables are of one moment, whatever is received meanwhile.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    years = raw.with_stored(session, [tree.area], [tree.year])
    stamps = {each: stamp for each, stamp, there in years if there != stored.said(stamp)}
    if tree not in stamps:
        return None
    return _all_of(Published(session, tree, Kept(stamps[tree], memo=_memo(session, tree))))


def _memo(session: Session, tree: Tree) -> Memo:
    """What was decided of a year last, of those that were decided last."""
    with _lock:
        memos = _memos.setdefault(session.get_bind().engine, OrderedDict())
        memo = memos.setdefault(tree, {})
        memos.move_to_end(tree)
        while len(memos) > MOST_MEMOS:
            memos.popitem(last=False)
        return memo


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
    here = _of(ReachShown, tree)
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


def tidy(session: Session) -> int:
    """Throws away what is stored of years that hold nothing any more; returns how many."""
    header, there = ReachShownYear, raw.stamps(session)
    rows = session.execute(select(header.year, header.area_code, header.reported))
    gone = [tree for tree in (Tree(*row) for row in rows) if tree not in there]
    for tree in gone:
        session.execute(delete(header).where(*_of(header, tree)))
    return len(gone)


def forget(session: Session) -> None:
    """Throws everything away that is stored."""
    # Their tables go with them.
    session.execute(delete(ReachShownYear).execution_options(synchronize_session=False))


def differences(session: Session) -> Iterator[str]:
    """A line for each table that is stored, said to hold still, and is not what would be decided
    now; and for each year that holds nothing and is stored. What is to be decided again anyway is
    left out."""
    header, years = ReachShownYear, list(raw.with_stored(session))
    for tree, stamp, there in sorted(years, key=lambda each: str(each[0])):
        if there != stored.said(stamp):
            continue
        right = _all_of(Published(session, tree, Kept(stamp))).parts
        said = _texts(session, tree)
        if raw.stamps(session, [tree.area], [tree.year]).get(tree) != stamp:
            continue  # something was received meanwhile
        for part in sorted(right.keys() | said.keys()):
            if right.get(part) != said.get(part):
                yield _told(tree, f"part {part}: what is stored is not what would be decided")
    there_still = {tree for tree, *_ in years}
    for row in session.execute(select(header.year, header.area_code, header.reported)):
        if (tree := Tree(*row)) not in there_still:
            yield _told(tree, "it is stored, and there is nothing of it")


def _told(tree: Tree, what: str) -> str:
    kind = "reported" if tree.reported else "verified"
    return f"reach_shown, year {tree.year}, area {tree.area}, {kind}, {what}"


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
    parts["products"] = found.all_products()
    texts = {part: stored.encoded(part, what) for part, what in parts.items()}
    return Settled(tree, found.kept.stamp, texts)


def _texts(session: Session, tree: Tree) -> dict[str, str]:
    rows = session.execute(select(ReachShown.part, ReachShown.data).where(*_of(ReachShown, tree)))
    return {row.part: row.data for row in rows}


def _of(
    model: type[ReachShown] | type[ReachShownYear], tree: Tree
) -> tuple[ColumnElement[bool], ...]:
    return (
        model.year == tree.year,
        model.area_code == tree.area,
        model.reported == tree.reported,
    )
