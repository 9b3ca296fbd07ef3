"""What a household sees of its shares of a group's orders, and a coordinator of the whole.

A share says what is to be made by when, and never who buys it or where it goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import LoaderOption

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import Offer
from ovop_market.core import whatsapp
from ovop_market.core.errors import NotFound
from ovop_market.inbox.scope import seen_orders, seen_shares
from ovop_market.inbox.tabs import SHARE_SHELVES, ShareShelf, Tab
from ovop_market.orders.models import Allocation, Order, OrderLine, PaymentMethod, Purchase
from ovop_market.orders.policy import share_duty_of
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.services.allocating import missing
from ovop_market.orders.share_labels import SHARE_BADGES, SHARE_STATES, reason
from ovop_market.orders.share_states import (
    ANSWERABLE,
    LIVE,
    OPEN,
    ShareAction,
    ShareState,
    allows,
    next_step,
)
from ovop_market.orders.states import FINAL, OrderState
from ovop_market.villages.acting import Acting, refuse_unless
from ovop_market.villages.models import Producer
from ovop_market.villages.policy import Duty
from ovop_market.web import filters

# Work is shown together; what is over, only the latest of it.
MOST_OPEN, MOST_CLOSED = 100, 30


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share as a line of a household's inbox. `step`: what the household does next, if it is its
    turn; `less`: whether it may also say that it cannot."""

    id: int
    number: str
    state: ShareState
    state_text: str
    badge_kind: str
    goods: str
    packs: int
    group: str
    group_slug: str
    household: str
    due_text: str
    # Rupiah; null for whoever packs, as in queries.Row.
    value: int | None
    why: str
    step: ShareAction | None
    may_decline: bool


@dataclass(frozen=True, slots=True)
class Household:
    """A household's part in a line: what it was asked for, and where that stands."""

    share: ShareRow
    offer_id: int
    chat: str


@dataclass(frozen=True, slots=True)
class LineCover:
    """How far a line of a group's order is covered, in packs."""

    line_id: int
    goods: str
    wanted: int
    taken: int
    offered: int
    made: int
    missing: int
    households: Sequence[Household]


def counts(session: Session, user: User) -> Mapping[Tab, int]:
    """How many shares each tab has."""
    gate = _gate_open().label("gate")
    rows = session.execute(
        _shares(user)
        .with_only_columns(Allocation.state, Order.state, gate, func.count())
        .group_by(Allocation.state, Order.state, gate)
    )
    found: Counter[Tab] = Counter()
    for state, order_state, open_, many in rows:
        for tab, shelf in SHARE_SHELVES.items():
            if shelf.holds(state, order_state, bool(open_)):
                found[tab] += many
    return found


def in_tab(session: Session, user: User, tab: Tab, acts: Acting) -> list[ShareRow]:
    """The shares of a tab: what is open, what is due first; of what is over, the latest."""
    shelf = SHARE_SHELVES.get(tab)
    if shelf is None:
        return []
    latest = (Allocation.id.desc(),) if shelf.closed else (Allocation.ready_by, Allocation.id)
    rows = session.scalars(
        _shares(user)
        .where(_on(shelf))
        .order_by(*latest)
        .limit(MOST_CLOSED if shelf.closed else MOST_OPEN)
        .options(*_loaded())
        .execution_options(populate_existing=True)
    ).all()
    return [share_row(share, acts) for share in rows]


def share_of(session: Session, user: User, share_id: int, duty: Duty = Duty.SEE) -> Allocation:
    """A share of the account's own household, or of an order of its own group. Raises NotFound,
    and NotAllowed for what is not the account's to do there."""
    share = session.scalar(
        select(Allocation)
        .join(Allocation.offer)
        .join(Allocation.line)
        .join(OrderLine.order)
        .where(
            Allocation.id == share_id,
            or_(seen_shares(user), seen_orders(user)),
        )
        .options(*_loaded())
        .execution_options(populate_existing=True)
    )
    if share is None:
        raise NotFound(_("Bagian ini tidak ada di akun Anda."))
    refuse_unless(session, user.id, sides_of(share), duty)
    return share


def sides_of(share: Allocation) -> tuple[int, int]:
    """The producers whose people answer for a share: the household, and its group."""
    return share.offer.producer_id, share.line.order.producer_id


def share_row(share: Allocation, acts: Acting) -> ShareRow:
    """A share as it is shown to an account that may do what `acts` says."""

    def may(duty: Duty) -> bool:
        return any(acts.may(side, duty) for side in sides_of(share))

    step = step_of(share)
    line, order = share.line, share.line.order
    packs = share.packs if share.state in LIVE else share.offered
    return ShareRow(
        id=share.id,
        number=order.number,
        state=share.state,
        state_text=str(SHARE_STATES[share.state]),
        badge_kind=SHARE_BADGES[share.state],
        goods=f"{packs} × {line.product_name} {line.variant_name}",
        packs=packs,
        group=order.producer.name,
        group_slug=order.producer.slug,
        household=share.offer.producer.name,
        due_text=_due(share),
        value=packs * line.unit_price if may(Duty.OWN) else None,
        why=reason(share),
        step=step if step and may(share_duty_of(step)) else None,
        may_decline=may(share_duty_of(ShareAction.DECLINE))
        and order.state in ANSWERABLE
        and allows(share.state, ShareAction.DECLINE),
    )


def step_of(share: Allocation) -> ShareAction | None:
    """What the household does next with the share."""
    order = share.line.order
    return next_step(share.state, order.state, may_be_made(order))


def advice(share: Allocation) -> str:
    """What the household does next with its share, in one sentence."""
    by = filters.day(share.ready_by)
    step = step_of(share)
    if step is ShareAction.TAKE and share.due_at is not None:
        until = filters.moment(share.due_at)
        return _(
            "Jawab paling lambat %(until)s. Sesudah itu ditawarkan ke anggota lain.", until=until
        )
    if step is ShareAction.TAKE:
        return _("Sanggup membuat sampai %(day)s?", day=by)
    if step is ShareAction.HAND_IN:
        return _("Buat, lalu setor ke koordinator paling lambat %(day)s.", day=by)
    sentences = {
        ShareState.TAKEN: _("Jangan dibuat dulu: kami kabari kalau pembelinya sudah membayar."),
        ShareState.MADE: _("Sudah disetor. Terima kasih."),
        ShareState.SETTLED: _("Selesai. Pembagian uangnya ada di halaman pendapatan."),
        ShareState.DECLINED: _("Anda tidak sanggup; bagian ini ditawarkan ke anggota lain."),
        ShareState.LAPSED: _("Waktunya habis; bagian ini ditawarkan ke anggota lain."),
        ShareState.WITHDRAWN: _("Pesanannya tidak jadi, atau dibagi dengan cara lain."),
    }
    return sentences.get(share.state, _("Pesanannya sudah selesai dibagi."))


def coverage(session: Session, order: Order, acts: Acting) -> list[LineCover]:
    """How far each line of a group's order is covered, with everybody who was asked."""
    lines = session.scalars(
        select(OrderLine)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.id)
        .options(
            selectinload(OrderLine.holds),
            selectinload(OrderLine.allocations)
            .joinedload(Allocation.offer)
            .joinedload(Offer.producer),
        )
        .execution_options(populate_existing=True)
    ).all()
    return [_line_cover(line, acts) for line in lines if line.quantity]


def _line_cover(line: OrderLine, acts: Acting) -> LineCover:
    def packs(*states: ShareState) -> int:
        return sum(share.packs for share in line.allocations if share.state in states)

    made = packs(ShareState.MADE, ShareState.SETTLED)
    return LineCover(
        line_id=line.id,
        goods=f"{line.quantity} × {line.product_name} {line.variant_name}",
        wanted=line.agreed_quantity,
        taken=packs(ShareState.TAKEN),
        offered=packs(ShareState.OFFERED),
        made=made,
        # Of an order that came to nothing nobody makes anything.
        missing=0 if line.order.state in FINAL else missing(line),
        households=[
            Household(share_row(share, acts), share.offer_id, _chat(share))
            for share in sorted(line.allocations, key=_live_first)
        ],
    )


def _chat(share: Allocation) -> str:
    """A chat with the household about its share: for those who do not look into their inbox."""
    line = share.line
    text = _(
        "Bagian %(household)s: %(n)d × %(goods)s, disetor paling lambat %(day)s. Sanggup?",
        household=share.offer.producer.name,
        n=share.packs if share.state in LIVE else share.offered,
        goods=f"{line.product_name} {line.variant_name}",
        day=filters.day(share.ready_by),
    )
    return whatsapp.address(share.offer.producer.phone, text)


def _live_first(share: Allocation) -> tuple[bool, bool, str, int]:
    return (
        share.state not in OPEN,
        share.state not in LIVE,
        share.offer.producer.name,
        share.id,
    )


def members_offers(session: Session, order: Order) -> Mapping[int, Sequence[Offer]]:
    """By line: the offers of the group's households, to share it out among them."""
    offers = session.scalars(
        select(Offer)
        .join(Offer.producer)
        .where(
            Offer.variant_id.in_([line.variant_id for line in order.lines]),
            Producer.group_id == order.producer_id,
        )
        .order_by(Producer.name, Offer.id)
        .options(joinedload(Offer.producer))
    ).all()
    return {
        line.id: [offer for offer in offers if offer.variant_id == line.variant_id]
        for line in order.lines
    }


def _shares(user: User) -> Select[Allocation]:
    return (
        select(Allocation)
        .join(Allocation.offer)
        .join(Allocation.line)
        .join(OrderLine.order)
        .join(Order.purchase)
        .where(seen_shares(user))
    )


def _on(shelf: ShareShelf) -> ColumnElement[bool]:
    """The same as ShareShelf.holds, for the database; order and purchase must be joined."""
    over = and_(Allocation.state.in_(OPEN), Order.state.not_in(ANSWERABLE))
    found = and_(Allocation.state.in_(shelf.states), ~over)
    if shelf.taken is None:
        return found
    begun = or_(
        Order.state == OrderState.PREPARING,
        and_(Order.state == OrderState.ACCEPTED, _gate_open()),
    )
    gate = begun if shelf.taken else ~begun
    return and_(found, or_(Allocation.state != ShareState.TAKEN, gate))


def _gate_open() -> ColumnElement[bool]:
    return or_(Order.paid >= Order.total, Purchase.payment_method == PaymentMethod.COD)


def _loaded() -> tuple[LoaderOption, ...]:
    return (
        joinedload(Allocation.offer).joinedload(Offer.producer),
        joinedload(Allocation.line).joinedload(OrderLine.order).joinedload(Order.producer),
        joinedload(Allocation.line).joinedload(OrderLine.order).joinedload(Order.purchase),
    )


def _due(share: Allocation) -> str:
    hand_in = _("Setor %(day)s", day=filters.short_day(share.ready_by))
    if share.state is ShareState.OFFERED and share.due_at is not None:
        until = _(
            "Jawab sebelum %(day)s, %(time)s",
            day=filters.short_day(share.due_at),
            time=filters.clock_time(share.due_at),
        )
        return f"{hand_in} · {until}"
    return hand_in if share.state in OPEN else ""
