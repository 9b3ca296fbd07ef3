"""The producers that need a visit: seven statements, however many there are; and a producer's line
of sales. Sales are what the website has verified."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Product
from ovop_market.catalogue.permits import needs
from ovop_market.core import clock
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.states import Action, OrderState
from ovop_market.reach import due_rules as rules
from ovop_market.reach import shown
from ovop_market.reach.due_rules import Due, Known, LineMonth, Reason, Sales, Sold
from ovop_market.reach.filters import Period, add_months
from ovop_market.reach.models import ReachProducerMonth
from ovop_market.reach.parts import through, total
from ovop_market.reach.recount import REGENCY_LENGTH
from ovop_market.reach.shown import Chosen
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Designation, Permit, PermitKind, Producer, Village
from ovop_market.villages.producer_states import IN_PROGRAMME
from ovop_market.villages.visit_models import Visit

PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class DueRow:
    """A producer that needs a visit, with all its reasons."""

    slug: str
    name: str
    group: str | None
    village: str
    last_visit: date | None
    reasons: Sequence[Due]


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
    by_id = {p.id: p for p in producers}
    villages = sorted({(p.village_slug, p.village) for p in producers}, key=lambda v: v[::-1])
    inside = [in_area(user), *([Village.slug == village] if village else [])]
    asked = [p for p in producers if not village or p.village_slug == village]
    known = _known(session, inside, now)
    today = clock.wib_date(now)
    found = []
    for p in asked:
        last = p.last_visit
        # Whoever visits a group has visited its members.
        if p.group_id in by_id:
            last = max(filter(None, (last, by_id[p.group_id].last_visit)), default=None)
        why = rules.reasons(known(p.id, p.village_id, last), today)
        if why:
            found.append(_Found(-len(why), last or date.min, p.name, p.slug, p.id, why))
    kinds = [{each.reason for each in row.why} for row in found]
    counts = Counter(chain.from_iterable(kinds))
    shown = [row for row, of in zip(found, kinds, strict=True) if reason is None or reason in of]
    pages = max(1, -(-len(shown) // PER_PAGE))
    page = min(page, pages)
    shown.sort()
    return DueList(
        rows=[_row(by_id, row) for row in shown[(page - 1) * PER_PAGE : page * PER_PAGE]],
        page=page,
        pages=pages,
        total=len(found),
        counts={each: counts[each] for each in Reason},
        producers=len(asked),
        villages=villages,
    )


class _Found(NamedTuple):
    """Who needs a visit. They sort as they are listed; no two have the same slug."""

    fewer: int
    last_visit: date
    name: str
    slug: str
    id: int
    why: tuple[Due, ...]


def _row(producers: Mapping[int, Any], found: _Found) -> DueRow:
    producer = producers[found.id]
    group = producers.get(producer.group_id)
    last = None if found.last_visit == date.min else found.last_visit
    name = group.name if group else None
    return DueRow(found.slug, found.name, name, producer.village, last, found.why)


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
        .where(in_area(user), Producer.state.in_(IN_PROGRAMME))
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
    # Which permits they need is asked of those alone who have some.
    some = select(Permit.producer_id).where(Permit.producer_id.in_(_ids(inside)))
    needed = needs(session, Producer.id.in_(some))
    sales = _sales(session, inside, today)
    waiting, lapsed = _waiting(session, now), _lapsed(session, inside, now)

    def known(producer_id: int, village_id: int, last_visit: date | None) -> Known:
        return Known(
            last_visit=last_visit,
            permits=permits.get(producer_id, {}),
            needed=needed.get(producer_id, frozenset()),
            stars=stars.get(village_id),
            sales=sales.get(producer_id, rules.NONE),
            waiting=producer_id in waiting,
            lapsed=producer_id in lapsed,
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


def _sales(
    session: Session, inside: Sequence[ColumnElement[bool]], today: date
) -> dict[int, Sales]:
    """What is verified of each producer: one row, however many months and products."""
    sold, spans = ReachProducerMonth, rules.spans(today)
    orders, revenue = sold.orders, sold.revenue
    asked = [(spans.now, revenue)]
    asked += [
        (span, what) for span in (spans.before, spans.year_before) for what in (orders, revenue)
    ]
    sums = [total(case((sold.month.between(*span), what), else_=0)) for span, what in asked]
    months = func.count(case((and_(sold.month.between(*spans.star), orders > 0), 1)))
    rows = session.execute(
        select(sold.producer_id, *sums, months)
        .where(
            through(False, sold),
            sold.month.between(*spans.all),
            sold.producer_id.in_(_ids(inside)),
        )
        .group_by(sold.producer_id)
    )
    return {row[0]: Sales(row[1], Sold(*row[2:4]), Sold(*row[4:6]), row[6]) for row in rows}


def _waiting(session: Session, now: datetime) -> frozenset[int]:
    """Producers of anywhere with an order that waits: no order does for longer than a day."""
    rows = session.scalars(
        select(Order.producer_id)
        .join(Order.purchase)
        .where(
            Order.state == OrderState.PLACED,
            Purchase.placed_at <= now - timedelta(hours=rules.UNANSWERED_HOURS),
        )
    )
    return frozenset(rows)


def _lapsed(
    session: Session, inside: Sequence[ColumnElement[bool]], now: datetime
) -> frozenset[int]:
    """Producers with an order that lapsed without an answer: so it stays."""
    other = aliased(OrderEvent)
    answered = select(other.id).where(
        other.order_id == OrderEvent.order_id,
        other.state.in_((OrderState.ACCEPTED, OrderState.COUNTERED)),
    )
    # Said in full: of a parameter SQLite cannot know that the index of what has lapsed serves.
    lapse = bindparam("lapse", Action.LAPSE, OrderEvent.action.type, literal_execute=True)
    rows = session.scalars(
        select(OrderEvent.producer_id).where(
            OrderEvent.producer_id.in_(_ids(inside)),
            OrderEvent.action == lapse,
            OrderEvent.at >= now - timedelta(days=rules.LAPSED_DAYS),
            ~answered.exists(),
        )
    )
    return frozenset(rows)


def _ids(inside: Iterable[ColumnElement[bool]]) -> Select[Any]:
    return select(Producer.id).join(Producer.village).where(*inside)
