"""The producers that need a visit: six statements, however many there are; and a producer's line
of sales. Sales are what the website has verified."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    and_,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.catalogue.permits import needs
from ovop_market.core import clock
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.states import Action, OrderState
from ovop_market.reach import due_rules as rules
from ovop_market.reach import shown
from ovop_market.reach.due_rules import Due, Known, LineMonth, Reason, Sold
from ovop_market.reach.filters import Period, add_months
from ovop_market.reach.models import ReachProductMonth
from ovop_market.reach.parts import through
from ovop_market.reach.recount import REGENCY_LENGTH
from ovop_market.reach.shown import Chosen
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Designation, Permit, PermitKind, Producer, Village
from ovop_market.villages.visit_models import Visit

PER_PAGE = 25
# An order that nobody answers lapses on the day after it was placed; the clock may come late.
_LATE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class DueRow:
    """A producer that needs a visit, with all its reasons."""

    slug: str
    name: str
    group: str | None
    village: str
    last_visit: date | None
    reasons: Sequence[Due]

    def has(self, reason: Reason) -> bool:
        """Whether this is one of its reasons."""
        return any(due.reason is reason for due in self.reasons)


@dataclass(frozen=True, slots=True)
class DueList:
    """A page of those who need a visit for a reason, or any; how many there are for each; and the
    villages of the area (slug and name)."""

    rows: Sequence[DueRow]
    page: int
    pages: int
    total: int
    counts: dict[Reason, int]
    producers: int
    villages: Sequence[tuple[str, str]]


def due_list(
    session: Session,
    user: User,
    now: datetime,
    *,
    village: str = "",
    reason: Reason | None = None,
    page: int = 1,
) -> DueList:
    """Those of the person's area, or of one village in it, who need a visit: most reasons first,
    then those whom nobody has visited for longest."""
    producers = _producers(session, user)
    names = {p.id: p.name for p in producers}
    visited = {p.id: p.last_visit for p in producers}
    villages = sorted({(p.village_slug, p.village) for p in producers}, key=lambda v: v[1])
    inside = [in_area(user), *([Village.slug == village] if village else [])]
    asked = [p for p in producers if not village or p.village_slug == village]
    known = _known(session, inside, now)
    today = clock.wib_date(now)
    rows = []
    for p in asked:
        # Whoever visits a group has visited its members.
        days = [day for day in (p.last_visit, visited.get(p.group_id)) if day]
        last = max(days, default=None)
        found = rules.reasons(known(p.id, p.village_id, last), today)
        if found:
            group = names.get(p.group_id) if p.group_id else None
            rows.append(DueRow(p.slug, p.name, group, p.village, last, found))
    rows.sort(key=lambda row: (-len(row.reasons), row.last_visit or date.min, row.name, row.slug))
    counts = {each: sum(row.has(each) for row in rows) for each in Reason}
    shown = [row for row in rows if reason is None or row.has(reason)]
    pages = max(1, -(-len(shown) // PER_PAGE))
    page = min(page, pages)
    return DueList(
        rows=shown[(page - 1) * PER_PAGE : page * PER_PAGE],
        page=page,
        pages=pages,
        total=len(rows),
        counts=counts,
        producers=len(asked),
        villages=villages,
    )


def sales_line(session: Session, producer_id: int, today: date) -> list[LineMonth]:
    """A producer's verified orders of the last 24 months, as far as they may be told."""
    period = Period.of_months(add_months(today.replace(day=1), 1 - rules.LINE_MONTHS), today)
    rows = session.execute(
        select(Village.id, Village.region_code, Product.id)
        .join(Producer, Producer.village_id == Village.id)
        .join(Product, Product.producer_id == Producer.id)
        .where(Producer.id == producer_id)
    ).all()
    villages = {row[0]: row[1][:REGENCY_LENGTH] for row in rows}
    chosen = Chosen((), villages, frozenset(row[2] for row in rows))
    found = shown.read(session, chosen, [period])[period, False] if rows else None
    return rules.line(found.by_month() if found else {}, today)


def _producers(session: Session, user: User) -> Sequence[Any]:
    last = (
        select(Visit.producer_id, func.max(Visit.day).label("day"))
        .where(Visit.withdrawn_at.is_(None))
        .group_by(Visit.producer_id)
        .subquery()
    )
    return session.execute(
        select(
            Producer.id,
            Producer.slug,
            Producer.name,
            Producer.group_id,
            Village.id.label("village_id"),
            Village.slug.label("village_slug"),
            Village.name.label("village"),
            last.c.day.label("last_visit"),
        )
        .join(Producer.village)
        .outerjoin(last, last.c.producer_id == Producer.id)
        .where(in_area(user), Producer.ended_at.is_(None))
    ).all()


def _known(
    session: Session, inside: Sequence[ColumnElement[bool]], now: datetime
) -> Callable[[int, int, date | None], Known]:
    """What is known of the producers of some villages."""
    today = clock.wib_date(now)
    permits: dict[int, dict[PermitKind, date | None]] = defaultdict(dict)
    rows = session.execute(
        select(Permit.producer_id, Permit.kind, Permit.expires_on)
        .join(Producer, Permit.producer_id == Producer.id)
        .join(Producer.village)
        .where(*inside)
    )
    for producer_id, kind, until in rows:
        permits[producer_id][kind] = until
    stars = _stars(session, inside)
    needed = needs(session, *inside)
    months = _sold(session, inside, today)
    open_orders = _unanswered(session, inside, now)

    def known(producer_id: int, village_id: int, last_visit: date | None) -> Known:
        return Known(
            last_visit=last_visit,
            permits=permits.get(producer_id, {}),
            needed=needed.get(producer_id, frozenset()),
            stars=stars.get(village_id),
            months=months.get(producer_id, {}),
            waiting=(producer_id, True) in open_orders,
            lapsed=(producer_id, False) in open_orders,
        )

    return known


def _stars(session: Session, inside: Iterable[ColumnElement[bool]]) -> dict[int, int | None]:
    """Of each village, the stars of its latest programme year."""
    rows = session.execute(
        select(Designation.village_id, Designation.stars)
        .join(Designation.village)
        .where(*inside)
        .order_by(Designation.year)
    )
    return {row.village_id: row.stars for row in rows}


def _months(start: date, end: date) -> Any:
    """Verified sums by producer and month."""
    month = ReachProductMonth.month
    return (
        select(
            Product.producer_id,
            month,
            cast(func.sum(ReachProductMonth.orders), Integer),
            cast(func.sum(ReachProductMonth.revenue), BigInteger),
        )
        .join(Product, ReachProductMonth.product_id == Product.id)
        .where(through(False, ReachProductMonth), month.between(start, end))
        .group_by(Product.producer_id, month)
    )


def _sold(
    session: Session, inside: Iterable[ColumnElement[bool]], today: date
) -> dict[int, dict[date, Sold]]:
    this = today.replace(day=1)
    start, end = add_months(this, -rules.MONTHS_NEEDED), this - timedelta(days=1)
    villages = select(Village.id).where(*inside)
    found: dict[int, dict[date, Sold]] = defaultdict(dict)
    rows = session.execute(_months(start, end).where(ReachProductMonth.village_id.in_(villages)))
    for producer_id, month, orders, revenue in rows:
        found[producer_id][month] = Sold(orders, revenue)
    return found


def _unanswered(
    session: Session, inside: Sequence[ColumnElement[bool]], now: datetime
) -> set[tuple[int, bool]]:
    """Producers with an order that waits (True), or that lapsed without an answer (False)."""
    since = now - timedelta(days=rules.LAPSED_DAYS)
    answered = select(OrderEvent.id).where(
        OrderEvent.order_id == Order.id,
        OrderEvent.state.in_((OrderState.ACCEPTED, OrderState.COUNTERED)),
    )
    lapse = select(OrderEvent.id).where(
        OrderEvent.order_id == Order.id, OrderEvent.action == Action.LAPSE, OrderEvent.at >= since
    )
    sides = (
        (
            1,
            and_(
                Order.state == OrderState.PLACED,
                Purchase.placed_at <= now - timedelta(hours=rules.UNANSWERED_HOURS),
            ),
        ),
        (
            0,
            and_(
                Order.state == OrderState.EXPIRED,
                Purchase.placed_at >= since - _LATE,
                lapse.exists(),
                ~answered.exists(),
            ),
        ),
    )
    rows = session.execute(
        union_all(
            *(
                select(Order.producer_id, literal(waiting))
                .join(Order.purchase)
                .join(Order.producer)
                .join(Producer.village)
                .where(*inside, condition)
                .distinct()
                for waiting, condition in sides
            )
        )
    )
    return {(producer_id, bool(waiting)) for producer_id, waiting in rows}
