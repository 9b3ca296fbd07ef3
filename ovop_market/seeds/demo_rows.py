"""Writes drafts into the database: a few statements for hundreds of orders."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from random import Random
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import CapacityWeek, Offer, StockKind, StockMovement
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Allocation, Hold, Order, OrderEvent, OrderLine, Purchase
from ovop_market.orders.services import buyers
from ovop_market.orders.services.checkout import CONSENT_VERSION
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import (
    MOST_UNIQUE_DIGITS,
    Payment,
    PaymentEvent,
    PaymentPart,
    Refund,
)
from ovop_market.payments.states import AWAITED, RefundKind, RefundState
from ovop_market.seeds import books, bulk
from ovop_market.seeds.demo_drafts import Draft, Movement
from ovop_market.seeds.demo_producers import invented_phone
from ovop_market.seeds.demo_shelves import Shelves
from ovop_market.villages.models import ProducerKind

Line = dict[str, Any]


class Writer:
    """Collects the rows of each table, then writes the tables in the order of their references."""

    def __init__(self, session: Session, rng: Random) -> None:
        self.session = session
        self.rng = rng
        self.moment: Callable[[datetime], str] = bulk.moment_writer(session)
        self.rows: dict[type[Model], list[Line]] = {}
        self.next_ids: dict[type[Model], int] = {}
        self.awaited: set[int] = set()
        # Who has ordered so far (by the number of the phone), and from which villages.
        self.bought: dict[int, set[int]] = defaultdict(set)

    def add(self, model: type[Model], **values: Any) -> int:
        """Adds a row and returns its id."""
        if model not in self.rows:
            self.rows[model] = []
            self.next_ids[model] = bulk.next_id(self.session, model)
        new_id = self.next_ids[model]
        self.next_ids[model] += 1
        plain = {name: self._plain(value) for name, value in values.items()}
        self.rows[model].append({"id": new_id, **plain})
        return new_id

    def unique_digits(self, total: int) -> int:
        """Digits that make the amount of an awaited transfer like no other of these."""
        free = [n for n in range(1, MOST_UNIQUE_DIGITS + 1) if total + n not in self.awaited]
        digits = self.rng.choice(free)
        self.awaited.add(total + digits)
        return digits

    def write(self, models: Iterable[type[Model]]) -> None:
        """Writes the rows of these tables; parents come before children."""
        written = [model for model in models if self.rows.get(model)]
        for model in written:
            rows = self.rows[model]
            columns = list(rows[0])
            values = ([row[name] for name in columns] for row in rows)
            bulk.insert(self.session, model, columns, values)
        bulk.settle(self.session, written)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, dict):
            return json.dumps(value)
        return str(value) if isinstance(value, str) else value


TABLES: Sequence[type[Model]] = (
    Purchase,
    Order,
    OrderLine,
    Allocation,
    Hold,
    OrderEvent,
    Payment,
    PaymentPart,
    PaymentEvent,
    Refund,
    StockMovement,
)


def write(session: Session, drafts: Sequence[Draft], shelves: Shelves, rng: Random) -> None:
    """Writes the drafts with everything that belongs to them, and the shelves as they are left. The
    earliest draft comes first: who bought before is counted on the way."""
    writer = Writer(session, rng)
    order_ids = {draft.number: _order(writer, draft) for draft in drafts}
    _events(writer, drafts, order_ids)
    for draft in drafts:
        _payment(writer, draft, order_ids[draft.number])
    _movements(writer, [m for d in drafts for m in d.movements] + shelves.movements)
    writer.write(TABLES)
    books.write(session, first_order=min(order_ids.values(), default=0))
    _settle_supply(session, shelves)
    session.expire_all()


def _order(writer: Writer, draft: Draft) -> int:
    token = base64.urlsafe_b64encode(writer.rng.randbytes(24)).decode()
    phone, village_id = invented_phone(draft.buyer.phone_number), draft.product.producer.village_id
    bought = writer.bought[draft.buyer.phone_number]
    repeat, repeat_here = bool(bought), village_id in bought
    bought.add(village_id)
    purchase_id = writer.add(
        Purchase,
        token=token,
        token_digest=digest(token),
        submission_digest=digest(f"demo {draft.number}"),
        placed_at=draft.placed_at,
        buyer_id=draft.buyer_id,
        name=draft.buyer.name,
        phone=phone,
        region_code=draft.address.code,
        street=draft.buyer.street,
        postal_code=draft.address.postal_code,
        note=draft.note,
        payment_method=draft.method,
        language="id",
        consent_at=draft.placed_at,
        consent_version=CONSENT_VERSION,
        buyer_key=buyers.key_of(phone),
        repeat=repeat,
    )
    left = draft.state in (OrderState.SHIPPED, OrderState.RECEIVED) and draft.service_id is not None
    order_id = writer.add(
        Order,
        number=draft.number,
        purchase_id=purchase_id,
        producer_id=draft.product.producer_id,
        state=draft.state,
        due_at=draft.due_at,
        ready_by=draft.ready_by,
        offered_ready_by=draft.offered_ready_by,
        service_id=draft.service_id,
        collection_point_id=draft.collection_point_id,
        goods=draft.goods,
        shipping=draft.shipping,
        total=draft.total,
        paid=draft.paid,
        courier=draft.courier if left else None,
        tracking_number=draft.tracking_number if left else None,
        fulfilled_from=draft.fulfilled_from,
        received_at=draft.received_at,
        repeat=repeat_here,
    )
    _line(writer, draft, order_id)
    return order_id


def _line(writer: Writer, draft: Draft, order_id: int) -> None:
    countered = draft.offered_ready_by is not None
    line_id = writer.add(
        OrderLine,
        order_id=order_id,
        variant_id=draft.variant.id,
        product_name=draft.product.name,
        variant_name=draft.variant.name,
        unit_price=draft.variant.price,
        weight_grams=draft.variant.weight_grams,
        volume_cm3=draft.variant.volume,
        quantity=draft.quantity,
        offered_quantity=draft.quantity if countered else None,
    )
    grouped = draft.product.producer.kind is ProducerKind.GROUP
    owners = _shares(writer, draft, line_id) if grouped else {}
    for share in draft.plan.shares:
        writer.add(
            Hold,
            line_id=line_id,
            offer_id=share.offer_id,
            kind=share.kind,
            week=share.week,
            quantity=0 if draft.released else share.quantity,
            allocation_id=owners.get((share.offer_id, share.kind)),
        )


# How far a member's share is when its order is in a state.
_SHARES = {
    OrderState.PLACED: ShareState.OFFERED,
    OrderState.COUNTERED: ShareState.TAKEN,
    OrderState.ACCEPTED: ShareState.TAKEN,
    OrderState.PREPARING: ShareState.TAKEN,
    OrderState.RECEIVED: ShareState.SETTLED,
}


def _shares(writer: Writer, draft: Draft, line_id: int) -> dict[tuple[int, StockKind], int]:
    """What the households of a group were asked for, and how far they are; their ids."""
    found: dict[tuple[int, StockKind], int] = {}
    packs: Counter[tuple[int, StockKind]] = Counter()
    for share in draft.plan.shares:
        packs[share.offer_id, share.kind] += share.quantity
    state = _SHARES.get(draft.state, ShareState.MADE)
    if draft.released:
        state = ShareState.WITHDRAWN
    for (offer_id, kind), quantity in packs.items():
        ready = kind is StockKind.READY
        now = ShareState.TAKEN if ready and state is ShareState.OFFERED else state
        found[offer_id, kind] = writer.add(
            Allocation,
            line_id=line_id,
            offer_id=offer_id,
            state=now,
            offered=quantity,
            taken=quantity if now not in (ShareState.OFFERED, ShareState.WITHDRAWN) else None,
            made=quantity if now in (ShareState.MADE, ShareState.SETTLED) else None,
            ready_by=draft.ready_by,
            offered_at=draft.placed_at,
            why={"rule": "ready" if ready else "fair"},
        )
    return found


def _events(writer: Writer, drafts: Sequence[Draft], order_ids: dict[str, int]) -> None:
    # In the order of time: the id of an event orders all events of the market.
    lines = [
        (event.at, n, draft, event) for draft in drafts for n, event in enumerate(draft.events)
    ]
    lines.sort(key=lambda line: (line[0], order_ids[line[2].number], line[1]))
    for _at, _n, draft, event in lines:
        writer.add(
            OrderEvent,
            order_id=order_ids[draft.number],
            producer_id=draft.product.producer_id,
            at=event.at,
            actor=event.actor,
            actor_id=event.actor_id,
            action=event.action,
            state=event.state,
            reason=event.reason,
            details=None if event.details is None else dict(event.details),
        )


def _payment(writer: Writer, draft: Draft, order_id: int) -> None:
    bill = draft.bill
    if bill is None:
        return
    purchase_id = writer.rows[Order][order_id - writer.rows[Order][0]["id"]]["purchase_id"]
    digits = writer.unique_digits(draft.total) if bill.state in AWAITED else 0
    payment_id = writer.add(
        Payment,
        purchase_id=purchase_id,
        code=draft.number.replace("-", ""),
        method=draft.method,
        amount=draft.total + digits,
        unique_digits=digits,
        state=bill.state,
        asked_at=bill.asked_at,
        claimed_at=bill.claimed_at,
        reference=bill.reference,
        confirmed_by_id=bill.confirmed_by,
    )
    writer.add(PaymentPart, payment_id=payment_id, order_id=order_id, amount=draft.total)
    for note in bill.notes:
        writer.add(
            PaymentEvent,
            payment_id=payment_id,
            at=note.at,
            actor=note.actor,
            actor_id=note.actor_id,
            action=note.action,
            state=note.state,
            amount=draft.total + digits,
        )
    if draft.refund_due_at is not None:
        _refund(writer, draft, purchase_id, order_id, draft.refund_due_at)


def _refund(
    writer: Writer, draft: Draft, purchase_id: int, order_id: int, due_at: datetime
) -> None:
    assert draft.bill is not None
    writer.add(
        Refund,
        purchase_id=purchase_id,
        order_id=order_id,
        kind=RefundKind.ORDER,
        amount=draft.paid,
        state=RefundState.SENT,
        due_at=due_at,
        sent_at=due_at,
        sent_by_id=draft.bill.confirmed_by,
        reference=f"Dikembalikan untuk pesanan {draft.number}",
    )


def _movements(writer: Writer, movements: list[Movement]) -> None:
    for movement in sorted(movements, key=lambda m: m.at):
        writer.add(
            StockMovement,
            offer_id=movement.offer_id,
            kind=movement.kind,
            week=movement.week,
            change=movement.change,
            reason=movement.reason,
            order_number=movement.order_number,
            at=movement.at,
        )


def _settle_supply(session: Session, shelves: Shelves) -> None:
    ready = [{"id": shelf.offer_id, "ready": shelf.ready} for shelf in shelves.shelves()]
    session.execute(update(Offer), ready)
    weeks = [(offer_id, week.isoformat(), held) for (offer_id, week), held in shelves.held.items()]
    bulk.insert(session, CapacityWeek, ("offer_id", "week", "held"), weeks)
