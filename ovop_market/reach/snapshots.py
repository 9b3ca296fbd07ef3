"""Tables that have been decided, kept until the rollups say something else.

To decide takes longer than to read, and years that are over hardly change. What has been decided is
kept by the process, numbers and decisions together, so that neither is ever shown without the
other; what it does not have it takes from the database (`stored`), if that still holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ovop_market.reach import raw, stored
from ovop_market.reach.raw import Tree
from ovop_market.reach.read_once import Kept

# Trees: at a million orders some two megabytes each. Never fewer than one page asks for.
MOST = 100
MOST_PAGES = 40  # made of them, some megabytes each at most
LONGEST = 600  # seconds that something is kept whose stamp has not changed

Made = TypeVar("Made")
_Shelf = OrderedDict[Tree, tuple[float, Kept]]
_Pages = OrderedDict[Hashable, tuple[Hashable, float, Any]]

_shelves: WeakKeyDictionary[Engine, _Shelf] = WeakKeyDictionary()
_pages: WeakKeyDictionary[Engine, _Pages] = WeakKeyDictionary()
_lock = Lock()


def fresh(session: Session, trees: Sequence[Tree]) -> Mapping[Tree, Kept]:
    """What is kept of some trees, with nothing of what has changed: one statement, and one for what
    is not here but stored."""
    if not trees:
        return {}
    areas, years = sorted({tree.area for tree in trees}), {tree.year for tree in trees}
    stamps = {tree: rest for tree, *rest in raw.with_stored(session, areas, years)}
    engine = session.get_bind().engine
    now = monotonic()
    with _lock:
        shelf = _shelves.setdefault(engine, OrderedDict())
        found = {tree: _take(shelf, tree, now, *stamps.get(tree, ((), None))) for tree in trees}
        while len(shelf) > max(MOST, len(trees)):
            shelf.popitem(last=False)
    stored.read(session, {tree: kept for tree, kept in found.items() if kept.new}, stored.basic)
    return found


def remembered(
    session: Session, areas: Sequence[str], what: Hashable, make: Callable[[], Made]
) -> Made:
    """What was made of the trees of some regencies for the same question, or is made now, if any of
    them has changed since: one statement, and those of `make`."""
    stamp = frozenset(raw.stamps(session, areas).items())
    engine = session.get_bind().engine
    now = monotonic()
    with _lock:
        pages = _pages.setdefault(engine, OrderedDict())
        found = pages.get(what)
    if found is None or found[0] != stamp or now - found[1] > LONGEST:
        found = (stamp, now, make())
        with _lock:
            pages[what] = found
            pages.move_to_end(what)
            while len(pages) > MOST_PAGES:
                pages.popitem(last=False)
    return found[2]  # type: ignore[no-any-return]


def forget() -> None:
    """Keeps nothing: for tests, whose databases resemble each other."""
    with _lock:
        _shelves.clear()
        _pages.clear()


def _take(shelf: _Shelf, tree: Tree, now: float, stamp: tuple[int, ...], there: str | None) -> Kept:
    since, kept = shelf.pop(tree, (now, None))
    if kept is None or kept.stamp != stamp or now - since > LONGEST:
        since = now
        # Of a year that changes, what is decided is remembered: most of it will be the same again.
        memo = (kept.memo or {}) if kept and kept.stamp != stamp else None
        kept = Kept(stamp, {} if stamp else stored.nothing(tree), memo=memo)
        kept.stored = kept.new = there == stored.said(stamp)
    shelf[tree] = since, kept
    return kept
