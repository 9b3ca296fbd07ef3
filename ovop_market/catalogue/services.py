"""The only writers of ready stock and of held capacity.

Each change is one conditional UPDATE that cannot go below zero or above capacity, with a line in
the append-only movement table beside it. Whoever changes several offers locks them first, in the
order of their ids, so that two orders never wait for each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session

from ovop_market.catalogue.calendar import Closure
from ovop_market.catalogue.models import (
    CapacityWeek,
    Offer,
    Product,
    StockKind,
    StockMovement,
    StockReason,
    Variant,
)
from ovop_market.catalogue.supply import Share, Supply
from ovop_market.core import clock
from ovop_market.core.clock import monday, wib_date
from ovop_market.core.errors import Conflict, OutOfStock, Unusable
from ovop_market.extensions.database import insert_into, write_rows
from ovop_market.villages.models import Producer, open_on
from ovop_market.villages.producer_states import ProducerState

# More packs than any household or group keeps or makes.
MOST_PACKS = 99_999
# More packs than any week ever holds.
MOST_HELD = 2**31 - 1
# As far back as fairness looks.
LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why stock changes, by whom (None: the market itself), when, and for which order."""

    reason: StockReason
    at: datetime
    actor_id: int | None = None
    order_number: str | None = None
    # The key of the tap that asked for it (web.forms.tap_key).
    key: str | None = None


def supplies(
    session: Session, variant_ids: Collection[int], today: date, *, lock: bool = False
) -> dict[int, list[Supply]]:
    """Who can supply each variant from this day (WIB) on: its producer, or the group's members of
    today. A member household that is closed for some days is planned for those after, and none of
    its ready packs leave meanwhile; one that is closed without an end supplies nothing.

    With `lock`, the offers stay locked until the transaction ends.
    """
    found: dict[int, list[Supply]] = defaultdict(list)
    for offer, supply in _supplies(session, Offer.variant_id.in_(variant_ids), today, lock=lock):
        found[offer.variant_id].append(supply)
    return found


def _supplies(
    session: Session,
    which: ColumnElement[bool],
    today: date,
    *,
    lock: bool,
    fairly: bool = True,
) -> list[tuple[Offer, Supply]]:
    """`fairly`: with what each had lately, to share packs out; not needed to count them."""
    statement = (
        select(Offer, Producer.closed_from, Producer.closed_to)
        .join(Offer.producer)
        .join(Offer.variant)
        .join(Variant.product)
        .where(which, supplying(today), still_supplies())
        .order_by(Offer.id)
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update(of=Offer)
    rows = session.execute(statement).all()
    offers = [offer for offer, *_closed in rows]
    several = fairly and len(offers) > len({offer.variant_id for offer in offers})
    had = had_lately(session, [offer.id for offer in offers], today) if several else {}
    # Read after the offers are locked: whoever says a number for a week locks its offer as well.
    _held, plans = weeks_of(session, [offer.id for offer in offers], today)
    return [
        (
            offer,
            supply_of(
                offer, closures_of(*closed), plans.get(offer.id, ()), today, had.get(offer.id, 0)
            ),
        )
        for offer, *closed in rows
    ]


def supplying(today: date) -> ColumnElement[bool]:
    """Whether the producer of an offer is open on this day or will be open again."""
    again = and_(Producer.state == ProducerState.APPROVED, Producer.closed_to.is_not(None))
    return or_(open_on(Producer, today), again)


def still_supplies() -> ColumnElement[bool]:
    """Whether the Producer of an offer lists the Product, or is a member of the group that does."""
    lister = Product.producer_id
    return or_(Producer.id == lister, Producer.group_id == lister)


def had_lately(session: Session, offer_ids: Collection[int], today: date) -> Mapping[int, int]:
    """Packs that orders took of each offer in the last 90 days, less those that were released."""
    ready = StockMovement.kind == StockKind.READY
    packs = func.sum(case((ready, -StockMovement.change), else_=StockMovement.change))
    since = clock.start_of_day(today - LATELY)
    held = func.max(case((StockMovement.reason == StockReason.HELD, 1), else_=0))
    # Of an order from before, only the release falls into these days: it counts for nothing.
    orders = (
        select(StockMovement.offer_id, packs.label("packs"))
        .where(
            StockMovement.offer_id.in_(offer_ids),
            StockMovement.at >= since,
            StockMovement.reason.in_((StockReason.HELD, StockReason.RELEASED)),
        )
        .group_by(StockMovement.offer_id, StockMovement.order_number)
        .having(held == 1)
        .subquery()
    )
    rows = session.execute(
        select(orders.c.offer_id, func.sum(orders.c.packs)).group_by(orders.c.offer_id)
    )
    return {offer_id: max(int(found), 0) for offer_id, found in rows}


def supply_of(
    offer: Offer,
    closures: tuple[Closure, ...],
    plans: Sequence[tuple[date, int]],
    today: date,
    lately: int = 0,
) -> Supply:
    """An offer's means, for the arithmetic of catalogue.supply."""
    shut = any(closure.covers(today) for closure in closures)
    return Supply(
        offer_id=offer.id,
        ready=0 if shut else offer.ready,
        weekly_capacity=offer.weekly_capacity,
        lead_days=offer.lead_days,
        closures=closures,
        plans=tuple(plans),
        lately=lately,
        batch=offer.smallest_batch,
    )


def closures_of(closed_from: date | None, closed_to: date | None) -> tuple[Closure, ...]:
    """The days on which a producer is closed, as the calendar takes them."""
    return () if closed_from is None else (Closure(closed_from, closed_to),)


def weeks_of(
    session: Session, offer_ids: Collection[int], today: date
) -> tuple[Mapping[tuple[int, date], int], Mapping[int, Sequence[tuple[date, int]]]]:
    """From this week on: packs of capacity already taken, by offer and week (its Monday), and the
    weeks for which an offer's maker said a number of packs."""
    held: dict[tuple[int, date], int] = {}
    plans: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for row in session.execute(
        select(CapacityWeek.offer_id, CapacityWeek.week, CapacityWeek.held, CapacityWeek.planned)
        .where(CapacityWeek.offer_id.in_(offer_ids), CapacityWeek.week >= monday(today))
        .order_by(CapacityWeek.week)
    ):
        held[row.offer_id, row.week] = row.held
        if row.planned is not None:
            plans[row.offer_id].append((row.week, row.planned))
    return held, plans


def held_weeks(
    session: Session, offer_ids: Collection[int], today: date
) -> Mapping[tuple[int, date], int]:
    """Packs of capacity already taken, by offer and week (its Monday), from this week on."""
    return weeks_of(session, offer_ids, today)[0]


def hold(session: Session, shares: Sequence[Share], cause: Cause) -> None:
    """Takes the shares away from what others can be promised.

    Each week's bound is what the offer can make in it as of now, by the same arithmetic as the
    plan, read again under the lock of the offers: nobody can lower it in between.

    Raises OutOfStock when one of them is gone; nothing of the transaction may be kept then.
    """
    today = wib_date(cause.at)
    which = Offer.id.in_({share.offer_id for share in shares})
    found = _supplies(session, which, today, lock=True, fairly=False)
    means = {offer.id: supply for offer, supply in found}
    for share in shares:
        if share.week is None:
            change_ready(session, share.offer_id, -share.quantity, cause)
    weeks = [share for share in shares if share.week is not None]
    most: dict[tuple[int, date | None], int] = {
        (share.offer_id, share.week): means[share.offer_id].capacity_in(share.week, today)
        for share in weeks
        if share.week is not None and share.offer_id in means
    }
    _change_weeks(session, weeks, 1, cause, most)


def release(session: Session, shares: Sequence[Share], cause: Cause) -> None:
    """Gives the shares back.

    Their offers are locked first, as a checkout does: a movement's row locks its offer as well, and
    coming to it last would make two wait for each other.
    """
    offers = select(Offer.id).where(Offer.id.in_({share.offer_id for share in shares}))
    session.execute(offers.order_by(Offer.id).with_for_update(key_share=True)).all()
    for share in shares:
        if share.week is None:
            change_ready(session, share.offer_id, share.quantity, cause)
    _change_weeks(session, [share for share in shares if share.week is not None], -1, cause, None)


def change_ready(session: Session, offer_id: int, change: int, cause: Cause) -> None:
    """Changes an offer's ready packs. Raises OutOfStock rather than going below zero."""
    if not change:
        return
    changed = session.execute(
        update(Offer)
        .where(Offer.id == offer_id, Offer.ready + change >= 0)
        .values(ready=Offer.ready + change)
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise OutOfStock(_("Stok baru saja habis. Muat ulang halaman untuk melihat sisanya."))
    session.add(StockMovement(**_movement(offer_id, StockKind.READY, None, change, cause)))


def note_packs(session: Session, offer: Offer, change: int, cause: Cause) -> bool:
    """Adds packs that were made, or takes away what was sold elsewhere, spoiled or used up.

    The same tap (`cause.key`) counts once, however often it comes; returns whether it counted now.
    Raises Unusable for more packs to take away than there are, or more in all than MOST_PACKS.
    """
    session.refresh(offer, with_for_update=True)
    if cause.key and session.scalar(
        select(StockMovement.id).where(
            StockMovement.offer_id == offer.id, StockMovement.idempotency_key == cause.key
        )
    ):
        return False
    if offer.ready + change < 0:
        raise Unusable(_("Stok siap hanya %(left)d bungkus.", left=offer.ready), field="packs")
    if offer.ready + change > MOST_PACKS:
        raise Unusable(_("Stok paling banyak %(most)d bungkus.", most=MOST_PACKS), field="packs")
    change_ready(session, offer.id, change, cause)
    session.flush()
    session.expire(offer)
    return True


def count_ready(session: Session, offer: Offer, *, counted: int, seen: int, cause: Cause) -> None:
    """Sets an offer's ready packs to what somebody counted, who saw `seen` on the screen.

    Raises Conflict when the number has changed since it was shown: packs may have been sold in
    between, and an old count would bring them back.
    """
    if counted == seen:
        return
    changed = session.execute(
        update(Offer)
        .where(Offer.id == offer.id, Offer.ready == seen)
        .values(ready=counted)
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise Conflict(_("Stok baru saja berubah. Periksa angkanya, lalu simpan lagi."))
    change = counted - seen
    session.add(StockMovement(**_movement(offer.id, StockKind.READY, None, change, cause)))
    session.expire(offer)


def _change_weeks(
    session: Session,
    shares: Sequence[Share],
    sign: int,
    cause: Cause,
    most: Mapping[tuple[int, date | None], int] | None,
) -> None:
    """Takes packs of weeks (`sign` 1) or gives them back (-1): three statements for any number.

    `most` is how many packs may be held in each week; None for giving back.
    """
    changes: Counter[tuple[int, date | None]] = Counter()
    for share in shares:
        changes[share.offer_id, share.week] += sign * share.quantity
    if not changes:
        return
    session.flush()
    keys = [{"offer_id": offer_id, "week": week, "held": 0} for offer_id, week in changes]
    connection = session.connection()
    connection.execute(insert_into(session, CapacityWeek).on_conflict_do_nothing(), keys)
    table = CapacityWeek.__table__.c
    after = table.held + bindparam("change")
    changed = connection.execute(
        update(CapacityWeek.__table__)  # type: ignore[arg-type]
        .where(table.offer_id == bindparam("of"), table.week == bindparam("in_week"))
        .where(after >= 0, after <= bindparam("most"))
        .values(held=after),
        [
            {
                "of": offer_id,
                "in_week": week,
                "change": change,
                "most": MOST_HELD if most is None else most.get((offer_id, week), 0),
            }
            for (offer_id, week), change in changes.items()
        ],
    )
    if changed.rowcount != len(changes):
        raise OutOfStock(_("Jadwal membuat baru saja penuh. Muat ulang halaman."))
    write_rows(
        session,
        StockMovement,
        [
            _movement(offer_id, StockKind.CAPACITY, week, change, cause)
            for (offer_id, week), change in changes.items()
        ],
    )


def _movement(
    offer_id: int, kind: StockKind, week: date | None, change: int, cause: Cause
) -> dict[str, Any]:
    """A line of the history of stock, as the database keeps it."""
    return {
        "offer_id": offer_id,
        "kind": kind,
        "week": week,
        "change": change,
        "reason": cause.reason,
        "order_number": cause.order_number,
        "actor_id": cause.actor_id,
        "at": cause.at,
        "idempotency_key": cause.key,
    }
