"""How fairly a group shares its orders out: a figure, what it is made of, and how it went.

Every household's share is measured by what it can make: rupiah of the packs that it was given, in
weeks of its own capacity at today's prices. The figure is the smallest of these over the largest:
100 % means that all had as many weeks of work; a household without capacity is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.fairness import relative
from ovop_market.catalogue.models import Offer, Product, Variant
from ovop_market.catalogue.services import LATELY
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Allocation, Order, OrderLine
from ovop_market.orders.share_states import LIVE
from ovop_market.villages.areas import in_area
from ovop_market.villages.models import Producer, ProducerKind, Village
from ovop_market.villages.queries import own_producers

MONTHS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A household's part in the last 90 days: packs, their price in rupiah, and how many weeks of
    its own capacity (in tenths) that is. `capacity` is rupiah a week; 0: it makes nothing now."""

    household: str
    member: bool
    packs: int
    value: int
    capacity: int

    @property
    def tenths(self) -> int:
        return round(Fraction(10 * self.value, self.capacity)) if self.capacity else 0


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month (WIB) by its first day; `percent` is None when nothing was shared out."""

    first: date
    percent: int | None


@dataclass(frozen=True, slots=True)
class Fairness:
    """How fairly a group shared out its orders."""

    group: Producer
    percent: int | None
    parts: Sequence[Part]
    months: Sequence[Month]

    @property
    def most(self) -> int:
        """The length of the longest bar, in tenths of a week."""
        return max((part.tenths for part in self.parts), default=0)


def fairness_of(session: Session, user: User, slug: str, now: datetime) -> Fairness:
    """The fairness of a group, for its members, its coordinator, and those who watch over groups.

    Raises NotFound for everybody else's. Four statements.
    """
    group = _group(session, user, slug)
    today = clock.wib_date(now)
    capacity, since = _capacity(session, group)
    # Who came lately could have had as much as falls on its days.
    days = {key: _days(since[key], today) for key in capacity}
    spans = [
        (clock.start_of_day(today - LATELY), None),
        *((clock.start_of_day(a), clock.start_of_day(b)) for a, b in _months(today)),
    ]
    found = _had(session, group, spans)
    names = _names(session, {*capacity, *found})
    return Fairness(
        group=group,
        percent=_percent(
            {key: had.values[0] for key, had in found.items()},
            {key: value * days[key] for key, value in capacity.items()},
        ),
        parts=sorted(
            (
                Part(
                    household=name,
                    member=member,
                    packs=found[key].packs if key in found else 0,
                    value=found[key].values[0] if key in found else 0,
                    capacity=capacity.get(key, 0),
                )
                for key, (name, member) in names.items()
            ),
            key=lambda part: (-part.tenths, part.household),
        ),
        months=[
            Month(
                first,
                _percent(
                    {key: had.values[n] for key, had in found.items()},
                    {key: value for key, value in capacity.items() if _was_in(since[key], first)},
                ),
            )
            for n, (first, _next) in enumerate(_months(today), start=1)
        ],
    )


@dataclass(frozen=True, slots=True)
class _Had:
    packs: int
    values: Sequence[int]


def _group(session: Session, user: User, slug: str) -> Producer:
    mine = own_producers(user)
    own = or_(
        Producer.id.in_(mine),
        Producer.id.in_(select(Producer.group_id).where(Producer.id.in_(mine))),
    )
    wanted = [Producer.slug == slug.replace("\x00", ""), Producer.kind == ProducerKind.GROUP]
    # Whoever watches over groups sees those of the area; everybody the own.
    group = session.scalar(
        select(Producer)
        .join(Village, Producer.village_id == Village.id)
        .where(*wanted, or_(own, in_area(user)))
    )
    if group is None:
        raise NotFound(_("Kelompok ini tidak ada."))
    return group


def groups(session: Session, user: User) -> Sequence[Producer]:
    """The groups with members in the area of somebody who watches over them."""
    has_members = Producer.members.any()
    return session.scalars(
        select(Producer)
        .join(Village, Producer.village_id == Village.id)
        .where(Producer.kind == ProducerKind.GROUP, has_members, in_area(user))
        .order_by(Producer.name, Producer.id)
    ).all()


def _months(today: date) -> list[tuple[date, date]]:
    """The last months, the first first: their first days, and those of the next."""
    firsts = [today.replace(day=1)]
    for _n in range(MONTHS - 1):
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    nexts = [(today.replace(day=28) + timedelta(days=4)).replace(day=1), *firsts]
    return list(zip(reversed(firsts), reversed(nexts[:MONTHS]), strict=True))


def _days(member_since: date | None, today: date) -> int:
    """On how many of the last 90 days somebody was a member, today included."""
    if member_since is None:
        return LATELY.days
    return min((today - member_since).days + 1, LATELY.days)


def _was_in(member_since: date | None, first: date) -> bool:
    """Whether somebody was a member in a whole month."""
    return member_since is None or member_since <= first


def _capacity(
    session: Session, group: Producer
) -> tuple[Mapping[int, int], Mapping[int, date | None]]:
    """What each member can make in a week of the group's products, in rupiah; and since when it
    belongs to the group."""
    value = func.sum(cast(Offer.weekly_capacity, BigInteger) * Variant.price)
    rows = session.execute(
        select(Offer.producer_id, Producer.member_since, value)
        .join(Offer.variant)
        .join(Variant.product)
        .join(Producer, Producer.id == Offer.producer_id)
        .where(Product.producer_id == group.id, Producer.group_id == group.id, Variant.sold)
        .group_by(Offer.producer_id, Producer.member_since)
    ).all()
    return (
        {producer_id: int(found) for producer_id, _since, found in rows},
        {producer_id: since for producer_id, since, _found in rows},
    )


def _had(
    session: Session, group: Producer, spans: Sequence[tuple[datetime, datetime | None]]
) -> Mapping[int, _Had]:
    """Packs of the first span, and rupiah of each, by household."""
    packs = func.coalesce(Allocation.made, Allocation.taken, Allocation.offered)
    value = cast(packs, BigInteger) * OrderLine.unit_price
    within = [_within(*span) for span in spans]
    sums = [func.sum(case((span, value), else_=0)) for span in within]
    rows = session.execute(
        select(Offer.producer_id, func.sum(case((within[0], packs), else_=0)), *sums)
        .join_from(Allocation, Offer, Offer.id == Allocation.offer_id)
        .join(OrderLine, OrderLine.id == Allocation.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(
            Order.producer_id == group.id,
            Allocation.state.in_(LIVE),
            Allocation.offered_at >= min(begin for begin, _end in spans),
        )
        .group_by(Offer.producer_id)
    )
    return {row[0]: _Had(int(row[1]), [int(each) for each in row[2:]]) for row in rows}


def _within(begin: datetime, end: datetime | None) -> ColumnElement[bool]:
    after = Allocation.offered_at >= begin
    return after if end is None else and_(after, Allocation.offered_at < end)


def _names(session: Session, producer_ids: set[int]) -> Mapping[int, tuple[str, bool]]:
    rows = session.execute(
        select(Producer.id, Producer.name, Producer.group_id).where(Producer.id.in_(producer_ids))
    )
    return {row.id: (row.name, row.group_id is not None) for row in rows}


def _percent(had: Mapping[int, int], capacity: Mapping[int, int]) -> int | None:
    found = relative(had, capacity)
    return None if found is None else int(100 * found)
