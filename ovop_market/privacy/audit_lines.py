"""How the rows of each history read as lines of the audit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.actions import DETAILS, MONEY, sentence, subject_text
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.catalogue.labels import STOCK_REASONS
from ovop_market.catalogue.models import Offer, Product, StockMovement, Variant
from ovop_market.core.money import format_rupiah
from ovop_market.orders.labels import ACTORS, EVENTS
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.payments.labels import PAYMENT_EVENTS
from ovop_market.payments.models import Payment, PaymentEvent
from ovop_market.privacy.audit_search import Kind
from ovop_market.villages.models import Designation, Producer, Village

LONGEST_DETAIL = 300  # characters of what a line says besides
# Of lines of the same moment, those of the history that comes first in Kind come first.
RANKS = {kind: rank for rank, kind in enumerate(Kind)}


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
    # Of a look at several: each by what it is called, with its address; `about` says how many.
    each: Sequence[tuple[str, str]] = ()

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Where it stands among all lines: the first in time has the smallest."""
        return (self.at, RANKS[self.kind], self.id)


Place = tuple[datetime, int, int]


def names(session: Session, ids: Iterator[int | None]) -> Mapping[int, str]:
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


def actions(session: Session, rows: Sequence[AuditEvent]) -> list[Line]:
    who = names(session, (row.actor_id for row in rows))
    things = about(session, [row.subject for row in rows])
    return [
        Line(
            row.at,
            Kind.ACTIONS,
            row.id,
            who.get(row.actor_id or 0) or _("sistem"),
            sentence(row.action),
            things[row.subject][0],
            _told(row.details),
            things[row.subject][1],
        )
        for row in rows
    ]


def about(session: Session, subjects: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """What subjects are called, and where they can be looked at: by the name that people know, as
    far as it is nobody's own."""
    found = {subject: (subject_text(subject), _address(subject)) for subject in subjects}
    of_kind: dict[str, dict[int, str]] = defaultdict(dict)
    for subject in found:
        words, _space, number = subject.rpartition(" ")
        if words in _NAMED and number.isdecimal() and len(number) < 10:
            of_kind[words][int(number)] = subject
    for words, wanted in of_kind.items():
        for own_id, text, address in _NAMED[words](session, wanted):
            found[wanted[own_id]] = (text, address)
    return found


_Named = Iterator[tuple[int, str, str]]


def _purchases(session: Session, ids: Collection[int]) -> _Named:
    """By their first order: that is what people know a purchase by."""
    first = select(func.min(Order.id)).where(Order.purchase_id.in_(ids))
    rows = session.execute(
        select(Order.purchase_id, Order.number).where(
            Order.id.in_(first.group_by(Order.purchase_id))
        )
    )
    for purchase_id, number in rows:
        address = url_for("payments.order", number=number)
        yield purchase_id, _("pesanan %(number)s", number=number), address


def _producers(session: Session, ids: Collection[int]) -> _Named:
    rows = session.execute(
        select(Producer.id, Producer.name, Producer.slug).where(Producer.id.in_(ids))
    )
    for own_id, name, slug in rows:
        yield own_id, name, url_for("producers.producer", slug=slug)


def _products(session: Session, ids: Collection[int]) -> _Named:
    rows = session.execute(
        select(Product.id, Product.name, Product.slug).where(Product.id.in_(ids))
    )
    for own_id, name, slug in rows:
        yield own_id, name, url_for("reviews.listing", slug=slug)


def _villages(session: Session, ids: Collection[int]) -> _Named:
    rows = session.execute(
        select(Village.id, Village.name, Village.slug).where(Village.id.in_(ids))
    )
    for own_id, name, slug in rows:
        yield own_id, _("desa %(name)s", name=name), url_for("villages.village", slug=slug)


def _designations(session: Session, ids: Collection[int]) -> _Named:
    rows = session.execute(
        select(Designation.id, Designation.year, Village.name)
        .join(Village, Village.id == Designation.village_id)
        .where(Designation.id.in_(ids))
    )
    for own_id, year, name in rows:
        yield own_id, _("penetapan %(name)s %(year)s", name=name, year=year), ""


_NAMED: Mapping[str, Callable[[Session, Collection[int]], _Named]] = {
    "purchase": _purchases,
    "producer": _producers,
    "product": _products,
    "village": _villages,
    "designation": _designations,
}


def _told(details: Mapping[str, Any] | None) -> str:
    """What an action was about, as it was noted: `cara: change, ditambah: 3`; of what was changed
    only that which differs."""
    parts = (
        f"{DETAILS.get(key, key)}: {_value(value, key in MONEY)}"
        for key, value in (details or {}).items()
        if value and not (isinstance(value, list) and len(value) == 2 and value[0] == value[1])
    )
    return ", ".join(parts)[:LONGEST_DETAIL]


def _value(value: Any, money: bool = False) -> str:
    if isinstance(value, list):
        # [before, after] of what was changed; else a list.
        said = [_value(each, money) for each in value]
        return " → ".join(said) if len(value) == 2 else ", ".join(said)
    if isinstance(value, dict):
        return "; ".join(f"{key} {_value(of)}" for key, of in value.items())
    if isinstance(value, bool):
        return _("ya") if value else _("tidak")
    if money and isinstance(value, int):
        return format_rupiah(value)
    return "–" if value is None else str(value)


def _address(subject: str) -> str:
    """Where a subject can be looked at, if an operator has a page for it."""
    words, _space, number = subject.rpartition(" ")
    if not number.isdecimal():
        return ""
    own_id = int(number[:15])
    match words:
        case "user":
            return url_for("users.user", user_id=own_id)
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


def orders(session: Session, rows: Sequence[OrderEvent]) -> list[Line]:
    who = names(session, (row.actor_id for row in rows))
    wanted = {row.order_id for row in rows}
    numbers: dict[int, str] = dict(
        session.execute(select(Order.id, Order.number).where(Order.id.in_(wanted))).all()
    )
    return [
        Line(
            row.at,
            Kind.ORDERS,
            row.id,
            who.get(row.actor_id or 0) or str(ACTORS[row.actor]),
            str(EVENTS[row.action]),
            _("pesanan %(number)s", number=numbers[row.order_id]),
            address=url_for("payments.order", number=numbers[row.order_id]),
        )
        for row in rows
    ]


def payments(session: Session, rows: Sequence[PaymentEvent]) -> list[Line]:
    who = names(session, (row.actor_id for row in rows))
    wanted = {row.payment_id for row in rows}
    codes: dict[int, str] = dict(
        session.execute(select(Payment.id, Payment.code).where(Payment.id.in_(wanted))).all()
    )
    return [
        Line(
            row.at,
            Kind.PAYMENTS,
            row.id,
            who.get(row.actor_id or 0) or str(ACTORS[row.actor]),
            str(PAYMENT_EVENTS[row.action]),
            _("pembayaran %(code)s", code=codes[row.payment_id]),
            format_rupiah(row.amount),
            url_for("payments.payment", payment_id=row.payment_id),
        )
        for row in rows
    ]


def stock(session: Session, rows: Sequence[StockMovement]) -> list[Line]:
    who = names(session, (row.actor_id for row in rows))
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
            who.get(row.actor_id or 0) or _("sistem"),
            _("Stok: %(reason)s", reason=STOCK_REASONS[row.reason]),
            f"{offers[row.offer_id].product} {offers[row.offer_id].variant},"
            f" {offers[row.offer_id].producer}",
            f"{row.change:+d}",
        )
        for row in rows
    ]
