"""What a producer sees of orders. Every read starts from the account: the orders of the producers
that it is on the staff of, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts import trail
from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.inbox import share_queries
from ovop_market.inbox.labels import due_text, step_text
from ovop_market.inbox.scope import seen_orders
from ovop_market.inbox.share_queries import ShareRow
from ovop_market.inbox.tabs import SHELVES, Shelf, Tab
from ovop_market.orders.labels import BADGES, STATES
from ovop_market.orders.models import Order, OrderEvent, OrderLine, PaymentMethod, Purchase
from ovop_market.orders.policy import duty_of
from ovop_market.orders.queries import order_numbered
from ovop_market.orders.states import Action, Actor, OrderState, moves_open_to
from ovop_market.payments.queries.desk import payment_text
from ovop_market.villages.acting import Acting, acting, refuse_unless
from ovop_market.villages.models import Producer
from ovop_market.villages.policy import Duty
from ovop_market.villages.queries import own_producers

# Work is shown together as far as a phone can carry it; what is over, in pages.
OPEN_PER_PAGE, CLOSED_PER_PAGE = 100, 30

# The usual next step from a state: the first of these that is open.
USUAL = (Action.ACCEPT, Action.START, Action.FINISH, Action.SHIP, Action.HAND_OVER)
# Of what was ready when it was ordered, nothing is made first.
USUAL_FROM_STOCK = tuple(action for action in USUAL if action is not Action.START)
# How people are addressed; a title alone is not a name.
TITLES = frozenset(
    {"pak", "bapak", "bu", "ibu", "mas", "mbak", "kak", "bang", "abang", "cik", "h", "hj"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """An order as a line of the inbox. `amount` is rupiah."""

    number: str
    state: OrderState
    state_text: str
    badge_kind: str
    who: str
    city: str
    producer: str
    lines: tuple[str, ...]
    due_text: str
    payment_text: str
    # Null for whoever packs: what it costs is the owner's, and cash stands on the label.
    amount: int | None
    step: Action | None
    step_text: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """One tab of the inbox. `cursor` is the id of the latest event that it knows of."""

    tab: Tab
    counts: Mapping[Tab, int]
    rows: Sequence[Row]
    page: int
    pages: int
    cursor: int
    several: bool
    # A member household's shares of its group's orders.
    shares: Sequence[ShareRow] = ()
    several_households: bool = False
    # Whether the account owns a producer (or has none yet); and whether it has any.
    owns: bool = True
    acts: bool = True


def inbox(session: Session, user: User, tab: Tab, page: int, now: datetime) -> Inbox:
    """A tab with its orders and the counts of all tabs; four statements, one for the
    lines and one for what they hold."""
    acts = acting(session, user)
    # The cursor first: an event between two statements is shown again rather than missed.
    cursor = latest_event(session, user)
    counts = _counts(session, user)
    shared = share_queries.counts(session, user)
    shares = share_queries.in_tab(session, user, tab, acts) if shared.get(tab) else []
    size = CLOSED_PER_PAGE if SHELVES[tab].closed else OPEN_PER_PAGE
    pages = max(1, -(-counts[tab] // size))
    page = min(max(page, 1), pages)
    orders = _orders(session, user, tab, (page - 1) * size, size)
    trail.viewed("inbox", {order.purchase_id: order.producer_id for order in orders})
    return Inbox(
        tab=tab,
        counts={each: count + shared.get(each, 0) for each, count in counts.items()},
        rows=[_row(order, now, acts) for order in orders],
        page=page,
        pages=pages,
        cursor=cursor,
        several=len({order.producer_id for order in orders}) > 1,
        shares=shares,
        several_households=len({share.household for share in shares}) > 1,
        owns=acts.owns,
        acts=bool(acts.roles),
    )


def latest_event(session: Session, user: User) -> int:
    """The id of the latest event of the account's orders; 0 without any."""
    return (
        session.scalar(
            select(func.coalesce(func.max(OrderEvent.id), 0)).where(
                OrderEvent.producer_id.in_(_watched(user))
            )
        )
        or 0
    )


def has_news(session: Session, user: User, since: int) -> bool:
    """Whether something happened after this event: one read of the index (producer, id)."""
    newer = select(OrderEvent.id).where(
        OrderEvent.producer_id.in_(_watched(user)), OrderEvent.id > since
    )
    return session.scalar(newer.limit(1)) is not None


def _watched(user: User) -> Select[int]:
    """The producers whose orders concern the account: its own, and the groups that those belong to:
    their orders are shared out."""
    mine = own_producers(user, Duty.SEE)
    groups = select(Producer.group_id).where(Producer.id.in_(mine), Producer.group_id.is_not(None))
    return mine.union(groups)  # type: ignore[return-value]


def not_there() -> NotFound:
    """There is no such order in this inbox."""
    return NotFound(_("Pesanan ini tidak ada."))


def order_of(session: Session, user: User, number: str, duty: Duty = Duty.SEE) -> Order:
    """An order of the account's producers with all that its page shows. Raises NotFound, and
    NotAllowed for what is not the account's to do there."""
    order = order_numbered(session, number, seen_orders(user))
    refuse_unless(session, user.id, [order.producer_id], duty)
    return order


def usual_step(order: Order, now: datetime, acts: Acting) -> Action | None:
    """The account's usual next step, or None when it is somebody else's turn."""
    possible = {
        action
        for action in moves_open_to(Actor.PRODUCER, order.state, order.facts(now))
        if acts.may(order.producer_id, duty_of(action))
    }
    # What the order holds is looked up only where it makes a difference.
    stocked = Action.START in possible and order.from_stock
    return next((a for a in (USUAL_FROM_STOCK if stocked else USUAL) if a in possible), None)


def regency(path: str) -> str:
    """The regency or city in an area's path ("…, Kota Bandung, Jawa Barat"), shortened."""
    parts = path.split(", ")
    name = parts[-2] if len(parts) > 1 else path
    name = name.replace("Administrasi ", "", 1)
    return name.replace("Kabupaten ", "Kab. ", 1).removeprefix("Kota ")


def _gate_open() -> ColumnElement[bool]:
    """The same as states.Condition.PAID_OR_CASH, for the database."""
    return or_(Order.paid >= Order.total, Purchase.payment_method == PaymentMethod.COD)


def on_shelf(shelf: Shelf) -> ColumnElement[bool]:
    """The orders of a tab; the purchase must be joined."""
    found: ColumnElement[bool] = Order.state.in_(shelf.states)
    if shelf.accepted is None:
        return found
    gate = _gate_open() if shelf.accepted else ~_gate_open()
    return or_(found, and_(Order.state == OrderState.ACCEPTED, gate))


def _counts(session: Session, user: User) -> dict[Tab, int]:
    """How many orders each tab has, in one grouped statement.

    Only accepted orders need the purchase (for the gate), so only they are joined with it.
    """
    accepted = Order.state == OrderState.ACCEPTED
    gate = case((and_(accepted, _gate_open()), 1), else_=0).label("gate")
    rows = session.execute(
        select(Order.state, gate, func.count())
        .outerjoin(Purchase, and_(Purchase.id == Order.purchase_id, accepted))
        .where(seen_orders(user))
        .group_by(Order.state, gate)
    ).all()
    return {
        tab: sum(n for state, gate, n in rows if shelf.holds(OrderState(state), bool(gate)))
        for tab, shelf in SHELVES.items()
    }


def _orders(session: Session, user: User, tab: Tab, offset: int, limit: int) -> Sequence[Order]:
    return session.scalars(
        select(Order)
        .join(Order.purchase)
        .where(seen_orders(user), on_shelf(SHELVES[tab]))
        .order_by(*_urgency(tab))
        .offset(offset)
        .limit(limit)
        .options(
            joinedload(Order.purchase).joinedload(Purchase.region),
            joinedload(Order.producer),
            selectinload(Order.lines).selectinload(OrderLine.holds),
        )
        .execution_options(populate_existing=True)
    ).all()


def _urgency(tab: Tab) -> tuple[Any, ...]:
    """What must be answered before what must be made; then what is due first. Of what is over,
    the latest first."""
    if SHELVES[tab].closed:
        return (Order.id.desc(),)
    rank = case(
        (Order.state == OrderState.PLACED, 0), (Order.state == OrderState.DISPUTED, 1), else_=2
    )
    waiting = tab in (Tab.NEW, Tab.UNPAID)
    due = Order.due_at if waiting else case((Order.state == OrderState.PLACED, Order.due_at))
    return (rank, due, Order.ready_by, Order.id)


def _row(order: Order, now: datetime, acts: Acting) -> Row:
    step = usual_step(order, now, acts)
    return Row(
        number=order.number,
        state=order.state,
        state_text=str(STATES[order.state]),
        badge_kind=BADGES[order.state],
        who=first_name(order.purchase.name),
        city=regency(order.purchase.region.path),
        producer=order.producer.name,
        lines=tuple(line_text(line) for line in order.lines),
        due_text=due_text(order),
        payment_text=payment_text(order),
        amount=order.total if acts.may(order.producer_id, Duty.OWN) else None,
        step=step,
        step_text=step_text(order, step) if step else "",
    )


def first_name(name: str) -> str:
    """What a person is called by, with a title if it stands before: `Siti`, `Ibu Siti`."""
    words = name.split() or [name]
    count = 2 if words[0].lower().rstrip(".") in TITLES else 1
    return " ".join(words[:count])


def line_text(line: OrderLine) -> str:
    """`2 × Pempek udang 1 kg`."""
    return f"{line.quantity} × {line.product_name} {line.variant_name}"
