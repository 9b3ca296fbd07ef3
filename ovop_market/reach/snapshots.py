"""Tables that have been decided, kept until the rollups say something else.

To decide takes longer than to read, and years that are over hardly change. A process keeps what it
has decided, numbers and decisions together, so that neither is ever shown without the other.
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

from ovop_market.reach import raw
from ovop_market.reach.raw import Tree

# Trees: at a million orders some five megabytes each. Never fewer than one page asks for.
MOST = 100
MOST_PAGES = 40  # made of them, some megabytes each at most
LONGEST = 600  # seconds that something is kept whose stamp has not changed

Made = TypeVar("Made")
Kept = dict[Hashable, Any]
_Stamp = tuple[int, ...]
_Shelf = OrderedDict[Tree, tuple[_Stamp, float, Kept]]

_Pages = OrderedDict[Hashable, tuple[Hashable, float, Any]]

_shelves: WeakKeyDictionary[Engine, _Shelf] = WeakKeyDictionary()
_pages: WeakKeyDictionary[Engine, _Pages] = WeakKeyDictionary()
_lock = Lock()


def fresh(session: Session, trees: Sequence[Tree]) -> Mapping[Tree, Kept]:
    """What is kept of some trees, empty where something has changed: one statement."""
    if not trees:
        return {}
    stamps = raw.stamps(
        session, sorted({tree.area for tree in trees}), {tree.year for tree in trees}
    )
    engine = session.get_bind().engine
    now = monotonic()
    with _lock:
        shelf = _shelves.setdefault(engine, OrderedDict())
        found = {tree: _take(shelf, tree, stamps.get(tree, ()), now) for tree in trees}
        while len(shelf) > max(MOST, len(trees)):
            shelf.popitem(last=False)
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


def _take(shelf: _Shelf, tree: Tree, stamp: _Stamp, now: float) -> Kept:
    found = shelf.pop(tree, None)
    if found is None or found[0] != stamp or now - found[1] > LONGEST:
        found = (stamp, now, {})
    shelf[tree] = found
    return found[2]
