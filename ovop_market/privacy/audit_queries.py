"""One list of five histories: what was done to accounts and things, orders, payments, stock by
hand, and who looked at whose data. The latest first, page by page from a cursor.

Each history is asked for a page of its own by its index on the moment, and the pages are merged:
so a page costs the same among a million lines as among a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, PersonalDataView
from ovop_market.catalogue.models import StockMovement
from ovop_market.orders.models import OrderEvent
from ovop_market.payments.models import PaymentEvent
from ovop_market.privacy import audit_lines, looks
from ovop_market.privacy.audit_lines import RANKS, Line, Place
from ovop_market.privacy.audit_search import Kind, Wanted, meant, people

PAGE = 50
MOST_IN_FILE = 50_000
_CURSOR = re.compile(r"(\d{1,18})-([0-4])-(\d{1,18})")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the cursor of those that follow; empty when there are none."""

    lines: Sequence[Line]
    following: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A history: its table, and how its rows are read. `fixed`: which rows count at all."""

    kind: Kind
    model: Any
    read: Callable[[Session, Sequence[Any]], list[Line]]
    fixed: ColumnElement[bool] | None = None


def page(session: Session, wanted: Wanted, after: str, size: int = PAGE) -> Page:
    """Lines that are wanted, the latest first, after a cursor."""
    found = _lines(session, wanted, place_of(after), size + 1)
    following = _cursor(found[size - 1].place) if len(found) > size else ""
    return Page(found[:size], following)


def every(session: Session, wanted: Wanted) -> Iterator[Line]:
    """All lines that are wanted, as many as a file may have, read in pages."""
    after: Place | None = None
    left = MOST_IN_FILE
    while left > 0:
        found = _lines(session, wanted, after, min(500, left), grouped=False)
        if not found:
            return
        yield from found
        after, left = found[-1].place, left - len(found)


def _lines(
    session: Session, wanted: Wanted, after: Place | None, size: int, *, grouped: bool = True
) -> list[Line]:
    """`grouped`: a look at many is one line."""
    actors = people(session, wanted.who) if wanted.who else None
    things = meant(session, wanted.about) if wanted.about else None
    about = things.conditions() if things else None
    only = things.of_views if things else None
    pages = []
    for source in _SOURCES:
        if wanted.kind not in (None, source.kind):
            continue
        conditions = _conditions(source, wanted, after, actors)
        model = source.model
        if about is not None:
            if source.kind not in about:
                continue
            conditions.append(about[source.kind])
        if source.kind is Kind.VIEWS and grouped:
            conditions.append(looks.last_of_look(only))
        # What is about something is little among very much: it is found by that, and only then put
        # in order; an index on the moment would tempt the database to read all that is newer.
        moment = model.at if about is None else func.coalesce(model.at, model.at)
        rows = session.scalars(
            select(model).where(*conditions).order_by(moment.desc(), model.id.desc()).limit(size)
        ).all()
        if source.kind is Kind.VIEWS and grouped:
            pages.append(looks.read(session, rows, only))
        else:
            pages.append(source.read(session, rows))
    return list(islice(merge(*pages, key=lambda line: line.place, reverse=True), size))


def _conditions(
    source: _Source, wanted: Wanted, after: Place | None, actors: Sequence[int] | None
) -> list[ColumnElement[bool]]:
    model, found = source.model, []
    if source.fixed is not None:
        found.append(source.fixed)
    if actors is not None:
        found.append(model.actor_id.in_(actors))
    if wanted.since is not None:
        found.append(model.at >= wanted.since)
    if wanted.until is not None:
        found.append(model.at < wanted.until)
    if after is not None:
        at, rank, own_id = after
        mine = RANKS[source.kind]
        if mine < rank:
            found.append(model.at <= at)
        elif mine > rank:
            found.append(model.at < at)
        else:
            # The first half is what the index is read by.
            found.append(model.at <= at)
            found.append(or_(model.at < at, and_(model.at == at, model.id < own_id)))
    return found


def _cursor(place: Place) -> str:
    at, rank, own_id = place
    moment = at.astimezone(UTC)
    microseconds = int(moment.timestamp()) * _MILLION + moment.microsecond
    return f"{microseconds}-{rank}-{own_id}"


def place_of(text: str) -> Place | None:
    """Where a cursor points; None for what is none."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        return None
    seconds, microsecond = divmod(int(found[1]), _MILLION)
    try:
        at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond)
    except (OverflowError, OSError, ValueError):
        return None
    return (at, int(found[2]), min(int(found[3]), 2**62))


_SOURCES: tuple[_Source, ...] = (
    _Source(Kind.ACTIONS, AuditEvent, audit_lines.actions),
    _Source(Kind.ORDERS, OrderEvent, audit_lines.orders),
    _Source(Kind.PAYMENTS, PaymentEvent, audit_lines.payments),
    _Source(Kind.STOCK, StockMovement, audit_lines.stock, StockMovement.order_number.is_(None)),
    _Source(Kind.VIEWS, PersonalDataView, looks.read_each),
)
