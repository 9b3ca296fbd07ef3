"""What leaves the house: the list to pack by, and the labels that are stuck on parcels.

A label shows where somebody lives, so it is there only while the parcel needs it: from when the
order may be made until it is under way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import segno
from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts import trail
from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Storage, Variant
from ovop_market.core.errors import Conflict, NotFound, Unusable
from ovop_market.inbox.queries import first_name, line_text, on_shelf, regency
from ovop_market.inbox.scope import seen_orders
from ovop_market.inbox.tabs import Shelf
from ovop_market.orders.labels import STATES
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.maker_queries import shown_code
from ovop_market.orders.models import Order, OrderLine, Purchase
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.states import OrderState
from ovop_market.regions.models import Region
from ovop_market.villages.models import Producer, Village
from ovop_market.web import language
from ovop_market.web.hosts import public_root

S = OrderState
# What is ready, or is to be ready.
TO_PACK = Shelf(frozenset({S.PREPARING, S.READY}), accepted=True)
# Orders on one list, and labels on one print.
MOST = 200
MOST_LABELS = 100
# Lines of contents on a label; the packing list has them all.
MOST_LINES = 6
_NUMBER = re.compile(r"[0-9A-Z-]{1,20}")
_LABELLED = frozenset({S.ACCEPTED, S.PREPARING, S.READY, S.SHIPPED})
_COLDEST = (Storage.FROZEN, Storage.CHILLED, Storage.AMBIENT)
# Of an A6, what the parts of a label leave that vary from one to the next, in millimetres.
_ROOM = 66
_QUIET = 4  # modules around a QR code (ISO/IEC 18004)


@dataclass(frozen=True, slots=True)
class Packing:
    """An order on the packing list. `ready`: nothing of it is to be made any more."""

    number: str
    ready: bool
    who: str
    city: str
    producer: str
    lines: Sequence[str]
    way: str
    storage: Storage
    ready_by: date
    note: str


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on a parcel. `cash` is what is to be taken in on delivery, in rupiah; 0: nothing.

    `code`, `page` and `qr` lead to the maker page, in letters and to be scanned. `left_out` counts
    the lines that have no room.
    """

    number: str
    producer: str
    place: str
    producer_phone: str
    name: str
    phone: str
    address: Sequence[str]
    lines: Sequence[str]
    left_out: int
    weight_grams: int
    storage: Storage
    way: str
    fetched: bool
    tracking_number: str
    cash: int
    code: str
    page: str
    qr: Markup

    @property
    def long(self) -> bool:
        """Whether it needs the smaller type: a guess, on the safe side, at what the larger one
        would take of an A6, in millimetres."""
        address = sum(_rows(line, 38) for line in self.address)
        contents = len(self.lines) + bool(self.left_out)
        way = _rows(self.way, 17) + bool(self.tracking_number)
        taken = 7 * _rows(self.name, 27) + 6 * address + 5 * contents + 6 * way
        return taken + (11 if self.cash else 0) > _ROOM


def _rows(text: str, letters: int) -> int:
    """Rows that a text fills, of so many letters each."""
    return -(-len(text) // letters)


def printable(order: Order) -> bool:
    """Whether the order has a label now."""
    return order.state in _LABELLED and may_be_made(order)


def packing(session: Session, user: User) -> list[Packing]:
    """Orders that are ready or to be ready, those first that must leave first; two statements."""
    found = session.scalars(
        _own(user)
        .join(Order.purchase)
        .where(on_shelf(TO_PACK))
        .order_by(Order.state != S.READY, Order.ready_by, Order.id)
        .limit(MOST)
    ).all()
    trail.viewed("packing", {order.purchase_id: order.producer_id for order in found})
    return [
        Packing(
            number=order.number,
            ready=order.state is S.READY,
            who=first_name(order.purchase.name),
            city=regency(order.purchase.region.path),
            producer=order.producer.name,
            lines=[line_text(line) for line in order.lines if line.quantity],
            way=way_text(order),
            storage=_storage(order),
            ready_by=order.ready_by,
            note=order.purchase.note,
        )
        for order in found
    ]


def label(session: Session, user: User, number: str) -> list[Label]:
    """The label of one order. Raises NotFound when it is not the account's, and Conflict when it
    has no label now."""
    return labels(session, user, [number])


def labels(session: Session, user: User, numbers: Iterable[str]) -> list[Label]:
    """The labels of these orders, or of all that are ready when none is named; three statements.

    Raises NotFound when one of them is not the account's, Conflict when one has no label now, and
    Unusable when there are too many for one print.
    """
    wanted = {number.upper() for number in numbers}
    if len(wanted) > MOST_LABELS:
        raise Unusable(_("Pilih paling banyak %(most)d label sekali cetak.", most=MOST_LABELS))
    if not all(map(_NUMBER.fullmatch, wanted)):
        raise _unknown()
    which = Order.number.in_(wanted) if wanted else Order.state == S.READY
    rows = session.execute(
        _own(user)
        .add_columns(MakerPage.code, Region.path)
        .outerjoin(MakerPage, MakerPage.order_id == Order.id)
        .join(Producer, Producer.id == Order.producer_id)
        .join(Village, Village.id == Producer.village_id)
        .join(Region, Region.code == Village.region_code)
        .where(which)
        .order_by(Order.ready_by, Order.id)
        .limit(MOST_LABELS)
    ).all()
    if wanted and len(rows) < len(wanted):
        raise _unknown()
    for order, _code, _path in rows:
        _refuse_unless_printable(order)
    trail.viewed("labels", {order.purchase_id: order.producer_id for order, _c, _p in rows})
    return [_label(order, code, path) for order, code, path in rows]


def way_text(order: Order) -> str:
    """How it travels: `JNE REG`, or where it is fetched."""
    if order.service:
        return f"{order.service.courier} {order.service.name}"
    assert order.collection_point is not None
    return _("Diambil di %(place)s", place=order.collection_point.name)


def qr_code(text: str) -> Markup:
    """The text as a QR code, black on white in the dark scheme as well."""
    code = segno.make_qr(text, error="m")
    # Drawn from numbers alone.
    svg = code.svg_inline(border=_QUIET, dark="#000", light="#fff", omitsize=True)
    return Markup(svg)  # noqa: S704


def maker_address(code: str) -> str:
    """The address that a label carries: in Indonesian, whoever prints it, and the same for all."""
    path = url_for("orders.made", code=code)
    root = url_for("catalogue.front").rstrip("/")
    if root.endswith(language.PREFIX):
        path = root.removesuffix(language.PREFIX) + path.removeprefix(root)
    return public_root() + path


def _own(user: User) -> Select[Order]:
    return (
        select(Order)
        .where(seen_orders(user))
        .options(
            joinedload(Order.purchase).joinedload(Purchase.region),
            joinedload(Order.producer),
            joinedload(Order.service),
            joinedload(Order.collection_point),
            selectinload(Order.lines).joinedload(OrderLine.variant).joinedload(Variant.product),
        )
    )


def _unknown() -> NotFound:
    return NotFound(_("Pesanan ini tidak ada."))


def _refuse_unless_printable(order: Order) -> None:
    if printable(order):
        return
    if order.state is S.ACCEPTED:
        raise Conflict(
            _(
                "Pesanan %(number)s belum dibayar. Labelnya bisa dicetak sesudah dibayar.",
                number=order.number,
            )
        )
    raise Conflict(
        _(
            "Label pesanan %(number)s tidak bisa dicetak: %(state)s. Label hanya untuk pesanan "
            "yang sedang disiapkan atau dikirim.",
            number=order.number,
            state=STATES[order.state],
        )
    )


def _storage(order: Order) -> Storage:
    """How the whole parcel must be kept: as the coldest thing in it."""
    kept = {line.variant.product.storage for line in order.lines if line.quantity}
    return next((each for each in _COLDEST if each in kept), Storage.AMBIENT)


def _label(order: Order, code: str | None, path: str) -> Label:
    # Whatever may be printed has a page (orders.services.maker_pages).
    assert code is not None
    bought = order.purchase
    lines = [line_text(line) for line in order.lines if line.quantity]
    shown = lines if len(lines) <= MOST_LINES else lines[: MOST_LINES - 1]
    village, _district, home, *_rest = path.split(", ")
    return Label(
        number=order.number,
        producer=order.producer.name,
        place=f"{village}, {home}",
        producer_phone=order.producer.phone,
        name=bought.name,
        phone=bought.phone,
        address=_address(order),
        lines=shown,
        left_out=len(lines) - len(shown),
        weight_grams=sum(line.weight_grams * line.quantity for line in order.lines),
        storage=_storage(order),
        way=way_text(order),
        fetched=order.service is None,
        tracking_number=order.tracking_number or "",
        cash=order.outstanding if order.cash else 0,
        code=shown_code(code),
        page=maker_address(shown_code(code)).partition("://")[2],
        qr=qr_code(maker_address(code)),
    )


def _address(order: Order) -> list[str]:
    """Street, village, district, regency, province and postal code. Where it is fetched nobody
    needs to know where the buyer lives."""
    if order.collection_point is not None:
        point = order.collection_point
        return [point.name, point.address]
    bought = order.purchase
    *within, district, town, province = bought.region.path.split(", ")
    near = [_("Desa/Kel. %(name)s", name=name) for name in within]
    near.append(_("Kec. %(name)s", name=district))
    return [bought.street, ", ".join(near), town, f"{province} {bought.postal_code}"]
