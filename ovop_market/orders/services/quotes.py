"""What a cart would become if it were ordered now: one quote for each producer.

The checkout page shows quotes; placing makes them once more, on locked supplies, and turns them
into orders. So what is shown and what is ordered come from the same code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ovop_market.catalogue import promises
from ovop_market.catalogue.models import Product, Variant
from ovop_market.catalogue.services import held_weeks, supplies
from ovop_market.catalogue.supply import (
    Milestone,
    Plan,
    Supply,
    from_stock,
    ready_now,
    timetable,
    to_be_made,
)
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.core.money import Rupiah, total
from ovop_market.core.quantity import CubicCentimetres, Grams
from ovop_market.core.tokens import digest
from ovop_market.delivery.queries import Freshness, Parcel, Way, ways
from ovop_market.orders.models import Cart, CartLine
from ovop_market.orders.services.cart import refuse_unless_orderable
from ovop_market.villages.models import Producer
from ovop_market.web.filters import day


@dataclass(frozen=True, slots=True)
class LineQuote:
    """A line of the cart: what it costs (rupiah), how it would be supplied, or what is wrong.

    `means` are those of all who can supply it: what the plan was made of.
    `sooner` is how many of the packs could be had earlier, if more are wanted than the first week
    with capacity can make.
    """

    line_id: int
    variant: Variant
    quantity: int
    plan: Plan | None
    problem: str
    sooner: Milestone | None = None
    means: tuple[Supply, ...] = ()

    @property
    def product(self) -> Product:
        return self.variant.product

    @property
    def amount(self) -> Rupiah:
        return Rupiah(self.variant.price * self.quantity)

    @property
    def weight(self) -> Grams:
        return Grams(self.variant.weight_grams * self.quantity)

    @property
    def volume(self) -> CubicCentimetres:
        return CubicCentimetres(self.variant.volume * self.quantity)


@dataclass(frozen=True, slots=True)
class Quote:
    """What one producer would be asked to deliver. `ways` is empty until the address is known."""

    producer: Producer
    lines: tuple[LineQuote, ...]
    ways: tuple[Way, ...]

    @property
    def goods(self) -> Rupiah:
        return total(*(line.amount for line in self.lines))

    @property
    def plans(self) -> list[Plan]:
        return [line.plan for line in self.lines if line.plan is not None]

    @property
    def from_stock(self) -> bool:
        """Whether everything is ready, so that the order is accepted at once."""
        return len(self.plans) == len(self.lines) and all(p.from_stock for p in self.plans)

    @property
    def ready_by(self) -> date | None:
        return _ready_by(self.lines)

    def way(self, code: str | None) -> Way | None:
        """The chosen way; when nothing was chosen, the first courier that is possible. Fetching it
        oneself is preset only where no courier goes at all: it may be a thousand kilometres away.
        """
        if code is None:
            couriers = [way for way in self.ways if way.service_id is not None]
            return next((way for way in couriers or self.ways if way.possible), None)
        return next((way for way in self.ways if way.code == code and way.possible), None)


def make(
    session: Session, cart: Cart, destination: str | None, now: datetime, *, lock: bool = False
) -> list[Quote]:
    """A quote for each producer of the cart, in the order of the cart's lines.

    `destination` is the region code of the address, if known. With `lock`, the supplies stay
    locked until the transaction ends.
    """
    lines = _load(session, cart)
    today = clock.wib_date(now)
    means = supplies(session, [line.variant_id for line in lines], today, lock=lock)
    held = held_weeks(session, [s.offer_id for many in means.values() for s in many], today)
    by_producer: dict[Producer, list[LineQuote]] = defaultdict(list)
    for line in lines:
        quote = _line(line, means.get(line.variant_id, []), held, now)
        by_producer[line.variant.product.producer].append(quote)
    options = _ways(session, by_producer, destination)
    return [
        Quote(producer, tuple(quotes), tuple(options.get(producer.id, ())))
        for producer, quotes in by_producer.items()
    ]


def parcels(quotes: Iterable[Quote], destination: str) -> list[Parcel]:
    """What would be sent to an address, one parcel from each producer."""
    return [_parcel(quote.producer, quote.lines, destination) for quote in quotes]


def fingerprint(quotes: Iterable[Quote]) -> str:
    """A digest of what the buyer was shown: packs, prices, when they are ready, and what each
    way to the address costs. The form sends it back, so that nobody gets another deal than the
    one on the screen. The second half is empty as long as no address was chosen."""
    goods, journeys = [], []
    for quote in quotes:
        for line in quote.lines:
            made = line.plan is not None and not line.plan.from_stock
            ready = line.plan.ready_by if made and line.plan else bool(line.plan)
            goods.append((line.variant.id, line.quantity, line.variant.price, str(ready)))
        journeys += [
            (quote.producer.id, w.code, w.price, w.possible, w.collection_point_id or 0, w.note)
            for w in quote.ways
        ]
    shown = digest(repr(sorted(journeys)))[:24] if journeys else ""
    return f"{digest(repr(sorted(goods)))[:24]}.{shown}"


def is_what_was_seen(quotes: Iterable[Quote], seen: str) -> bool:
    """Whether a fingerprint from a form is that of these quotes. Where no way was on the screen,
    only the goods are compared: without one the order is refused anyway, and the ways are shown."""
    now = fingerprint(quotes)
    return seen == now or (seen.endswith(".") and now.startswith(seen))


def _load(session: Session, cart: Cart) -> list[CartLine]:
    to_producer = joinedload(CartLine.variant).joinedload(Variant.product)
    return list(
        session.scalars(
            select(CartLine)
            .where(CartLine.cart_id == cart.id)
            .order_by(CartLine.id)
            .options(
                to_producer.joinedload(Product.producer).joinedload(Producer.village),
            )
        )
    )


def _line(
    line: CartLine,
    means: list[Supply],
    held: Mapping[tuple[int, date], int],
    now: datetime,
) -> LineQuote:
    variant, today = line.variant, clock.wib_date(now)
    plan, problem, sooner = None, "", None
    try:
        refuse_unless_orderable(variant, now)
    except Unusable as refusal:
        problem = refusal.message
    else:
        plan = from_stock(means, line.quantity, today)
        if plan is None and variant.product.made_to_order:
            plan = to_be_made(means, held, line.quantity, today)
            sooner = promises.sooner(means, held, plan, today)
        if plan is None:
            problem = _shortage(means, held, variant, today)
    return LineQuote(line.id, variant, line.quantity, plan, problem, sooner, tuple(means))


def _shortage(
    means: list[Supply], held: Mapping[tuple[int, date], int], variant: Variant, today: date
) -> str:
    """What can be had instead: the most that is ready, or that can be promised at all."""
    left = ready_now(means)
    stages = timetable(means, held, today) if variant.product.made_to_order else []
    if stages and stages[-1].packs >= left:
        return _(
            "Paling banyak %(most)d bungkus, siap %(day)s. Ubah jumlahnya atau hubungi penjual.",
            most=stages[-1].packs,
            day=day(stages[-1].ready_by),
        )
    if left:
        return _("Stok tinggal %(left)d bungkus. Ubah jumlahnya.", left=left)
    return _("Stok habis. Keluarkan dari keranjang, atau tunggu sampai ada lagi.")


def _ready_by(lines: Iterable[LineQuote]) -> date | None:
    """The day on which the last of it is ready, as far as that is known."""
    return max((line.plan.ready_by for line in lines if line.plan), default=None)


def _parcel(producer: Producer, lines: Sequence[LineQuote], destination: str) -> Parcel:
    return Parcel(
        origin=producer.village.region_code,
        destination=destination,
        weight=Grams(sum(line.weight for line in lines)),
        volume=CubicCentimetres(sum(line.volume for line in lines)),
        freshness=Freshness.of([line.product for line in lines]),
        ready_by=_ready_by(lines),
    )


def _ways(
    session: Session, by_producer: Mapping[Producer, list[LineQuote]], destination: str | None
) -> dict[int, list[Way]]:
    if destination is None or not by_producer:
        return {}
    found = ways(session, [_parcel(p, lines, destination) for p, lines in by_producer.items()])
    return {producer.id: way for producer, way in zip(by_producer, found, strict=True)}
