"""One list of five histories: what was done to accounts and things, orders, payments, stock by
hand, and who looked at whose data. The latest first, page by page from a cursor.

Each history is asked for a page of its own by its index on the moment, and the pages are merged:
so a page costs the same among a million lines as among a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.actions import DETAILS, page_text, sentence, subject_text
from ovop_market.accounts.models import AuditEvent, PersonalDataView, Role, User
from ovop_market.catalogue.labels import STOCK_REASONS
from ovop_market.catalogue.models import Offer, Product, StockMovement, Variant
from ovop_market.core.money import format_rupiah
from ovop_market.orders.labels import ACTORS, EVENTS
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.payments.labels import PAYMENT_EVENTS
from ovop_market.payments.models import Payment, PaymentEvent
from ovop_market.privacy.audit_search import Kind, Wanted, meant, people
from ovop_market.villages.models import Producer

PAGE = 50
MOST_IN_FILE = 50_000
LONGEST_DETAIL = 300  # characters of what a line says besides
_CURSOR = re.compile(r"(\d{1,18})-([0-4])-(\d{1,18})")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the audit. `who` is a name, or what somebody is; `address`: where it can be looked
    at, or empty."""

    at: datetime
    kind: Kind
    id: int
    who: str
    what: str
    about: str = ""
    detail: str = ""
    address: str = ""

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Where it stands among all lines: the first in time has the smallest."""
        return (self.at, _RANKS[self.kind], self.id)


Place = tuple[datetime, int, int]


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
        found = _lines(session, wanted, after, min(500, left))
        if not found:
            return
        yield from found
        after, left = found[-1].place, left - len(found)


def _lines(session: Session, wanted: Wanted, after: Place | None, size: int) -> list[Line]:
    actors = people(session, wanted.who) if wanted.who else None
    about = meant(session, wanted.about).conditions() if wanted.about else None
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
        # What is about something is little among very much: it is found by that, and only then put
        # in order; an index on the moment would tempt the database to read all that is newer.
        moment = model.at if about is None else func.coalesce(model.at, model.at)
        rows = session.scalars(
            select(model).where(*conditions).order_by(moment.desc(), model.id.desc()).limit(size)
        ).all()
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
        mine = _RANKS[source.kind]
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


def _names(session: Session, ids: Iterator[int | None]) -> Mapping[int, str]:
    """Accounts by name. A buyer's is not told: the number of the account is."""
    wanted = {own for own in ids if own is not None}
    rows = session.execute(
        select(User.id, User.name, User.role, User.erased_at).where(User.id.in_(wanted))
    )
    return {row.id: _name(row) for row in rows}


def _name(row: Any) -> str:
    if row.erased_at is not None:
        return _("akun %(id)s (sudah dihapus)", id=row.id)
    if row.role is Role.BUYER:
        return _("pembeli, akun %(id)s", id=row.id)
    return str(row.name)


def _actions(session: Session, rows: Sequence[AuditEvent]) -> list[Line]:
    names = _names(session, (row.actor_id for row in rows))
    about = _about(session, [row.subject for row in rows])
    return [
        Line(
            row.at,
            Kind.ACTIONS,
            row.id,
            names.get(row.actor_id or 0) or _("sistem"),
            sentence(row.action),
            about[row.subject][0],
            _told(row.details),
            about[row.subject][1],
        )
        for row in rows
    ]


def _about(session: Session, subjects: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """What subjects are called, and where they can be looked at. A purchase is called by its first
    order: that is what people know it by."""
    found = {subject: (subject_text(subject), _address(subject)) for subject in subjects}
    wanted = {
        int(number): subject
        for subject in found
        for words, _space, number in (subject.rpartition(" "),)
        if words == "purchase" and number.isdecimal() and len(number) < 16
    }
    first = select(func.min(Order.id)).where(Order.purchase_id.in_(wanted))
    orders = session.execute(
        select(Order.purchase_id, Order.number).where(
            Order.id.in_(first.group_by(Order.purchase_id))
        )
    )
    for purchase, number in orders:
        address = url_for("payments.order", number=number)
        found[wanted[purchase]] = (_("pesanan %(number)s", number=number), address)
    return found


def _told(details: Mapping[str, Any] | None) -> str:
    """What an action was about, as it was noted: `mode: change, added: 3`."""
    parts = (
        f"{DETAILS.get(key, key)}: {_value(value)}"
        for key, value in (details or {}).items()
        if value
    )
    return ", ".join(parts)[:LONGEST_DETAIL]


def _value(value: Any) -> str:
    if isinstance(value, list):
        # [before, after] of what was changed; else a list.
        return " → ".join(map(_value, value)) if len(value) == 2 else ", ".join(map(_value, value))
    if isinstance(value, dict):
        return "; ".join(f"{key} {_value(of)}" for key, of in value.items())
    return "–" if value is None else str(value)


def _address(subject: str) -> str:
    """Where a subject can be looked at, if an operator has a page for it."""
    words, _space, number = subject.rpartition(" ")
    if not number.isdecimal():
        return ""
    own_id = int(number[:15])
    match words:
        case "payment":
            return url_for("payments.payment", payment_id=own_id)
        case "refund":
            return url_for("payments.refund", refund_id=own_id)
        case "payout batch":
            return url_for("payments.payout", batch_id=own_id)
        case "statement":
            return url_for("payments.statement", statement_id=own_id)
        case "line":
            return url_for("payments.statement_line", line_id=own_id)
    return ""


def _orders(session: Session, rows: Sequence[OrderEvent]) -> list[Line]:
    names = _names(session, (row.actor_id for row in rows))
    wanted = {row.order_id for row in rows}
    numbers: dict[int, str] = dict(
        session.execute(select(Order.id, Order.number).where(Order.id.in_(wanted))).all()
    )
    return [
        Line(
            row.at,
            Kind.ORDERS,
            row.id,
            names.get(row.actor_id or 0) or str(ACTORS[row.actor]),
            str(EVENTS[row.action]),
            _("pesanan %(number)s", number=numbers[row.order_id]),
            address=url_for("payments.order", number=numbers[row.order_id]),
        )
        for row in rows
    ]


def _payments(session: Session, rows: Sequence[PaymentEvent]) -> list[Line]:
    names = _names(session, (row.actor_id for row in rows))
    wanted = {row.payment_id for row in rows}
    codes: dict[int, str] = dict(
        session.execute(select(Payment.id, Payment.code).where(Payment.id.in_(wanted))).all()
    )
    return [
        Line(
            row.at,
            Kind.PAYMENTS,
            row.id,
            names.get(row.actor_id or 0) or str(ACTORS[row.actor]),
            str(PAYMENT_EVENTS[row.action]),
            _("pembayaran %(code)s", code=codes[row.payment_id]),
            format_rupiah(row.amount),
            url_for("payments.payment", payment_id=row.payment_id),
        )
        for row in rows
    ]


def _stock(session: Session, rows: Sequence[StockMovement]) -> list[Line]:
    names = _names(session, (row.actor_id for row in rows))
    offers = {
        row.id: row
        for row in session.execute(
            select(
                Offer.id,
                Product.name.label("product"),
                Variant.name.label("variant"),
                Producer.name.label("producer"),
            )
            .join(Variant, Variant.id == Offer.variant_id)
            .join(Product, Product.id == Variant.product_id)
            .join(Producer, Producer.id == Offer.producer_id)
            .where(Offer.id.in_({row.offer_id for row in rows}))
        )
    }
    return [
        Line(
            row.at,
            Kind.STOCK,
            row.id,
            names.get(row.actor_id or 0) or _("sistem"),
            _("Stok: %(reason)s", reason=STOCK_REASONS[row.reason]),
            f"{offers[row.offer_id].product} {offers[row.offer_id].variant},"
            f" {offers[row.offer_id].producer}",
            f"{row.change:+d}",
        )
        for row in rows
    ]


def _views(session: Session, rows: Sequence[PersonalDataView]) -> list[Line]:
    names = _names(session, (row.actor_id for row in rows))
    about = _about(session, [row.subject for row in rows])
    wanted = {row.producer_id for row in rows}
    producers: dict[int, str] = dict(
        session.execute(select(Producer.id, Producer.name).where(Producer.id.in_(wanted))).all()
    )
    return [
        Line(
            row.at,
            Kind.VIEWS,
            row.id,
            names.get(row.actor_id, ""),
            _("Melihat data pribadi: %(page)s", page=page_text(row.page)),
            about[row.subject][0],
            producers.get(row.producer_id or 0, ""),
            about[row.subject][1],
        )
        for row in rows
    ]


_SOURCES: tuple[_Source, ...] = (
    _Source(Kind.ACTIONS, AuditEvent, _actions),
    _Source(Kind.ORDERS, OrderEvent, _orders),
    _Source(Kind.PAYMENTS, PaymentEvent, _payments),
    _Source(Kind.STOCK, StockMovement, _stock, StockMovement.order_number.is_(None)),
    _Source(Kind.VIEWS, PersonalDataView, _views),
)
_RANKS = {source.kind: rank for rank, source in enumerate(_SOURCES)}
