"""Orders in bulk. Speed is the point: rows are plain tuples, made in one pass over the orders.

Each history is one that the state tables allow, in as few steps as they allow. All is sold from
ready stock, which is made anew for every part, so that stock agrees with its movements after each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import StockMovement
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Hold, Order, OrderEvent, OrderLine, Purchase
from ovop_market.orders.services.checkout import CONSENT_VERSION
from ovop_market.orders.states import OrderState, timer_of
from ovop_market.payments.models import Payment, PaymentEvent, PaymentPart
from ovop_market.regions.models import Region
from ovop_market.seeds import books, bulk
from ovop_market.seeds.scale_buyers import Address, Buyer, Buyers
from ovop_market.seeds.scale_market import Goods, ScaleMarket
from ovop_market.seeds.scale_rows import COLUMNS, DAY, TABLES, Clock

SPAN_DAYS = 3 * 365
_HOUR = 3_600
# How many addresses of the country orders go to; a few get most of them.
_ADDRESSES = 4_000
_SHIPPING = 25_000  # rupiah for each started kilogram: the tariff of scale_market
_TIMERS = {
    state.value: int(timer.due.total_seconds())
    for state in OrderState
    if (timer := timer_of(state))
}


class Step(NamedTuple):
    """A line of an order's history, so many seconds after its placing."""

    after: int
    actor: str
    action: str
    state: str


_PLACE = Step(0, "buyer", "place", "ACCEPTED")
_FULFIL = (
    Step(26 * _HOUR, "producer", "finish", "READY"),
    Step(32 * _HOUR, "producer", "ship", "SHIPPED"),
    Step(5 * DAY, "buyer", "receive", "RECEIVED"),
)
_PAID = (_PLACE, Step(5 * _HOUR, "operator", "pay", "ACCEPTED"), *_FULFIL)
_CASH = (_PLACE, *_FULFIL)
_CANCELLED = (_PLACE, Step(6 * _HOUR, "buyer", "cancel", "CANCELLED"))
_EXPIRED = (_PLACE, Step(3 * DAY, "clock", "lapse", "EXPIRED"))
_LONGEST = 5 * DAY


@dataclass(slots=True)
class _Ids:
    """The next free id of each table."""

    purchase: int
    order: int
    line: int
    hold: int
    event: int
    payment: int
    part: int
    payment_event: int
    movement: int


class _Order(NamedTuple):
    """An order on its way into the rows; `at` is when it was placed, in seconds since 1970."""

    id: int
    number: str
    purchase_id: int
    goods: Goods
    at: int
    steps: Sequence[Step]
    cash: bool


class Orders:
    """Writes `count` orders, the earliest first, in parts."""

    def __init__(
        self, session: Session, market: ScaleMarket, now: datetime, rng: Random, count: int
    ) -> None:
        self.session, self.market, self.rng, self.count = session, market, rng, count
        self.now = int(now.timestamp())
        first = self.now - SPAN_DAYS * DAY
        self.clock = Clock(session, first - DAY, self.now + 15 * DAY)
        # An exponent below one puts more orders into later months.
        span = self.now - first - 60
        self.moments = sorted(first + int(span * rng.random() ** 0.6) for _ in range(count))
        self.ids = _Ids(*(bulk.next_id(session, model) for model in TABLES))
        self.first_order = self.ids.order
        self.addresses = _addresses(session, rng)
        self.buyers = Buyers(rng, self.ids.purchase)
        self.homes = _home_addresses(session, market)
        self.rows: dict[type[Model], list[tuple[Any, ...]]] = {}

    def write(self, first: int, last: int) -> int:
        """Writes the orders of these positions; returns their number."""
        self.rows = {model: [] for model in TABLES}
        sold: Counter[int] = Counter()
        for at in self.moments[first:last]:
            self._order(at, sold)
        self._made(sold, self.moments[first])
        first_order = self.rows[Order][0][0]
        for model, columns in COLUMNS.items():
            bulk.insert(self.session, model, columns, self.rows[model])
        books.write(self.session, first_order=first_order)
        return last - first

    def _order(self, at: int, sold: Counter[int]) -> None:
        rng, ids = self.rng, self.ids
        goods = self.market.goods[int(len(self.market.goods) * rng.random() ** 1.6)]
        cash = rng.random() < 0.4
        steps = _history(rng.random(), self.now - at, cash=cash)
        order = _Order(
            ids.order, bulk.order_number(ids.order), ids.purchase, goods, at, steps, cash
        )
        ids.purchase += 1
        ids.order += 1
        buyer = self._purchase(order)
        price, grams = self._lines(order, sold)
        shipping = _SHIPPING * max(1, -(-grams // 1_000))
        self._head(order, price, shipping, buyer)
        self._events(order)
        if not cash:
            self._payment(order, price + shipping)

    def _purchase(self, order: _Order) -> Buyer:
        buyer, (region, postal_code) = self._buyer(order.goods)
        id_, placed = order.purchase_id, self.clock(order.at)
        token = f"{self.rng.getrandbits(192):048x}"
        self.rows[Purchase].append(
            (id_, token, sha256(token.encode()).hexdigest(), f"{id_:064x}", placed,
             "Pembeli Contoh", buyer.phone, region, "Jalan Contoh 1",
             postal_code, "", "cod" if order.cash else "transfer", "id", placed, CONSENT_VERSION,
             buyer.key, buyer.repeat)
        )  # fmt: skip
        return buyer

    def _buyer(self, goods: Goods) -> tuple[Buyer, Address]:
        back = self.buyers.back(goods.home)
        if back is not None:
            return back
        address = self._address(goods)
        return self.buyers.new(goods.home, address), address

    def _address(self, goods: Goods) -> Address:
        """One order in six stays in the village; a few places get most of the others."""
        luck = self.rng.random()
        if luck < 0.16:
            return goods.home, self.homes[goods.home]
        return self.addresses[int(len(self.addresses) * ((luck - 0.16) / 0.84) ** 2.5)]

    def _lines(self, order: _Order, sold: Counter[int]) -> tuple[int, int]:
        """Adds lines, holds and movements; returns rupiah and grams of the goods."""
        rng, ids, rows, goods, last = self.rng, self.ids, self.rows, order.goods, order.steps[-1]
        price = grams = 0
        released = last.state in ("EXPIRED", "CANCELLED")
        for pack in goods.packs if rng.random() < 0.2 else (rng.choice(goods.packs),):
            quantity = 1 + int(4 * rng.random() ** 2)
            price += pack.price * quantity
            grams += pack.grams * quantity
            rows[OrderLine].append(
                (ids.line, order.id, pack.variant_id, goods.name, pack.name, pack.price,
                 pack.grams, quantity)
            )  # fmt: skip
            kept = 0 if released else quantity
            rows[Hold].append((ids.hold, ids.line, pack.offer_id, "ready", kept))
            self._move(pack.offer_id, -quantity, "held", order.number, order.at)
            if released:
                at = order.at + last.after
                self._move(pack.offer_id, quantity, "released", order.number, at)
            sold[pack.offer_id] += kept
            ids.line += 1
            ids.hold += 1
        return price, grams

    def _move(self, offer_id: int, change: int, reason: str, number: str | None, at: int) -> None:
        self.rows[StockMovement].append(
            (self.ids.movement, offer_id, "ready", change, reason, number, self.clock(at))
        )
        self.ids.movement += 1

    def _made(self, sold: Counter[int], at: int) -> None:
        """What these orders took had been made before."""
        for offer_id, packs in sorted(sold.items()):
            if packs:
                self._move(offer_id, packs, "made", None, at - _HOUR)

    def _head(self, order: _Order, price: int, shipping: int, buyer: Buyer) -> None:
        clock, at, steps = self.clock, order.at, order.steps
        state, total = steps[-1].state, price + shipping
        shipped, received = _after(steps, "ship"), _after(steps, "receive")
        paid = received is not None if order.cash else _after(steps, "pay") is not None
        waits = state in _TIMERS and (state != "ACCEPTED" or not (paid or order.cash))
        self.rows[Order].append(
            (
                order.id, order.number, order.purchase_id, order.goods.producer_id, state,
                clock(at + steps[-1].after + _TIMERS[state]) if waits else None,
                clock.day(at), self.market.service_id, price, shipping, total,
                total if paid else 0,
                None if shipped is None else "Kurir Contoh",
                None if shipped is None else f"CONTOH{order.id}",
                None if shipped is None else clock(at + shipped),
                None if received is None else clock(at + received),
                buyer.repeat_here,
            )
        )  # fmt: skip

    def _events(self, order: _Order) -> None:
        ids, rows, clock = self.ids, self.rows[OrderEvent], self.clock
        for after, actor, action, state in order.steps:
            by = self.market.operator_id if actor == "operator" else None
            reason = "Tidak jadi." if action == "cancel" else None
            rows.append(
                (ids.event, order.id, order.goods.producer_id, clock(order.at + after), actor, by,
                 action, state, reason)
            )  # fmt: skip
            ids.event += 1

    def _payment(self, order: _Order, amount: int) -> None:
        ids, rows, clock, operator = self.ids, self.rows, self.clock, self.market.operator_id
        at, steps = order.at, order.steps
        state, by = "ASKED", None
        notes: list[tuple[int, str, int | None, str, str]] = [(0, "clock", None, "ask", state)]
        if len(steps) > 1 and steps[1].action == "pay":
            state, by = "CONFIRMED", operator
            notes.append((steps[1].after, "operator", operator, "confirm", state))
        elif len(steps) > 1:
            state = "LAPSED"
            notes.append((steps[1].after, "clock", None, "lapse", state))
        rows[Payment].append(
            (ids.payment, order.purchase_id, f"S{ids.payment}", "transfer", amount, 0, state,
             clock(at), by)
        )  # fmt: skip
        rows[PaymentPart].append((ids.part, ids.payment, order.id, amount))
        for after, actor, actor_id, action, result in notes:
            rows[PaymentEvent].append(
                (ids.payment_event, ids.payment, clock(at + after), actor, actor_id, action,
                 result, amount)
            )  # fmt: skip
            ids.payment_event += 1
        ids.payment += 1
        ids.part += 1


def _history(luck: float, age: int, *, cash: bool) -> Sequence[Step]:
    """What has happened to an order so many seconds after its placing."""
    steps: Sequence[Step]
    if luck < 0.03:
        steps = _CANCELLED
    elif luck < 0.07 and not cash:
        steps = _EXPIRED
    else:
        steps = _CASH if cash else _PAID
    return steps if age >= _LONGEST else [step for step in steps if step.after <= age]


def _after(steps: Sequence[Step], action: str) -> int | None:
    for step in steps:
        if step.action == action:
            return step.after
    return None


def _addresses(session: Session, rng: Random) -> list[Address]:
    """Codes and postal codes of villages all over the country, in an order of chance."""
    rows = session.execute(
        select(Region.code, Region.postal_code).where(Region.level == 4).order_by(Region.code)
    ).all()
    chosen = rng.sample(rows, min(len(rows), _ADDRESSES))
    return [(code, postal_code or "00000") for code, postal_code in chosen]


def _home_addresses(session: Session, market: ScaleMarket) -> dict[str, str]:
    homes = sorted({goods.home for goods in market.goods})
    found: dict[str, str] = {}
    for first in range(0, len(homes), 500):
        rows = session.execute(
            select(Region.code, Region.postal_code).where(
                Region.code.in_(homes[first : first + 500])
            )
        )
        found.update((code, postal_code or "00000") for code, postal_code in rows)
    return found
