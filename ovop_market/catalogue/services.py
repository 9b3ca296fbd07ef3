"""The only writers of ready stock and of held capacity.

Each change is one conditional UPDATE that cannot go below zero or above capacity, with a line in
the append-only movement table beside it. Whoever changes several offers locks them first, in the
order of their ids, so that two orders never wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import Session

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
from ovop_market.core.clock import monday
from ovop_market.core.errors import Conflict, OutOfStock
from ovop_market.extensions.database import insert_into
from ovop_market.villages.models import Producer, open_on

# As far back as fairness looks.
LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why stock changes, by whom (None: the market itself), when, and for which order."""

    reason: StockReason
    at: datetime
    actor_id: int | None = None
    order_number: str | None = None


def supplies(
    session: Session, variant_ids: Collection[int], today: date, *, lock: bool = False
) -> dict[int, list[Supply]]:
    """Who can supply each variant on this day (WIB): its producer, or the group's members of today;
    a household that is closed cannot.

    With `lock`, the offers stay locked until the transaction ends.
    """
    statement = (
        select(Offer)
        .join(Offer.producer)
        .join(Offer.variant)
        .join(Variant.product)
        .where(Offer.variant_id.in_(variant_ids), open_on(Producer, today), still_supplies())
        .order_by(Offer.id)
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update(of=Offer)
    offers = session.scalars(statement).all()
    several = len(offers) > len({offer.variant_id for offer in offers})
    had = had_lately(session, [offer.id for offer in offers], today) if several else {}
    found: dict[int, list[Supply]] = defaultdict(list)
    for offer in offers:
        found[offer.variant_id].append(supply_of(offer, had.get(offer.id, 0)))
    return found


def still_supplies() -> ColumnElement[bool]:
    """Whether the Producer of an offer lists the Product, or is a member of the group that does."""
    lister = Product.producer_id
    return or_(Producer.id == lister, Producer.group_id == lister)


def supply_of(offer: Offer, lately: int = 0) -> Supply:
    """An offer's means, for the arithmetic of catalogue.supply."""
    return Supply(
        offer.id,
        offer.ready,
        offer.weekly_capacity,
        offer.lead_days,
        lately=lately,
        batch=offer.smallest_batch,
    )


def had_lately(session: Session, offer_ids: Collection[int], today: date) -> Mapping[int, int]:
    """Packs that orders took of each offer in the last 90 days, less those that were released."""
    ready = StockMovement.kind == StockKind.READY
    packs = func.sum(case((ready, -StockMovement.change), else_=StockMovement.change))
    since = clock.start_of_day(today - LATELY)
    rows = session.execute(
        select(StockMovement.offer_id, packs)
        .where(
            StockMovement.offer_id.in_(offer_ids),
            StockMovement.at >= since,
            StockMovement.reason.in_((StockReason.HELD, StockReason.RELEASED)),
        )
        .group_by(StockMovement.offer_id)
    )
    # What was released of an order from before may be more than what was held since.
    return {offer_id: max(int(found), 0) for offer_id, found in rows}


def held_weeks(
    session: Session, offer_ids: Collection[int], today: date
) -> Mapping[tuple[int, date], int]:
    """Packs of capacity already taken, by offer and week (its Monday), from this week on."""
    rows = session.execute(
        select(CapacityWeek.offer_id, CapacityWeek.week, CapacityWeek.held).where(
            CapacityWeek.offer_id.in_(offer_ids), CapacityWeek.week >= monday(today)
        )
    )
    return {(offer_id, week): held for offer_id, week, held in rows}


def hold(session: Session, shares: Sequence[Share], cause: Cause) -> None:
    """Takes the shares away from what others can be promised.

    Raises OutOfStock when one of them is gone; nothing of the transaction may be kept then.
    """
    for share in _in_order(shares):
        if share.week is None:
            change_ready(session, share.offer_id, -share.quantity, cause)
        else:
            _change_capacity(session, share.offer_id, share.week, share.quantity, cause)


def release(session: Session, shares: Sequence[Share], cause: Cause) -> None:
    """Gives the shares back.

    Their offers are locked first, as a checkout does: a movement's row locks its offer as well, and
    coming to it last would make two wait for each other.
    """
    offers = select(Offer.id).where(Offer.id.in_({share.offer_id for share in shares}))
    session.execute(offers.order_by(Offer.id).with_for_update(key_share=True)).all()
    for share in _in_order(shares):
        if share.week is None:
            change_ready(session, share.offer_id, share.quantity, cause)
        else:
            _change_capacity(session, share.offer_id, share.week, -share.quantity, cause)


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
    session.add(_movement(offer_id, StockKind.READY, None, change, cause))


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
    session.add(_movement(offer.id, StockKind.READY, None, counted - seen, cause))
    session.expire(offer)


def _change_capacity(
    session: Session, offer_id: int, week: date, change: int, cause: Cause
) -> None:
    session.execute(
        insert_into(session, CapacityWeek)
        .values(offer_id=offer_id, week=week, held=0)
        .on_conflict_do_nothing()
    )
    row = (CapacityWeek.offer_id == offer_id, CapacityWeek.week == week)
    capacity = select(Offer.weekly_capacity).where(Offer.id == offer_id).scalar_subquery()
    bounds = [CapacityWeek.held + change >= 0]
    if change > 0:
        bounds.append(CapacityWeek.held + change <= capacity)
    changed = session.execute(
        update(CapacityWeek)
        .where(*row, *bounds)
        .values(held=CapacityWeek.held + change)
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise OutOfStock(_("Jadwal membuat baru saja penuh. Muat ulang halaman."))
    session.add(_movement(offer_id, StockKind.CAPACITY, week, change, cause))


def _in_order(shares: Sequence[Share]) -> list[Share]:
    return sorted(shares, key=lambda share: (share.offer_id, share.week or date.min))


def _movement(
    offer_id: int, kind: StockKind, week: date | None, change: int, cause: Cause
) -> StockMovement:
    return StockMovement(
        offer_id=offer_id,
        kind=kind,
        week=week,
        change=change,
        reason=cause.reason,
        order_number=cause.order_number,
        actor_id=cause.actor_id,
        at=cause.at,
    )
