"""Households come and go, and a producer closes for good: listings, history and money stay right.

Whoever leaves supplies nothing to the group any more: what it had ready and what it could make are
taken out, shares that it has not answered are offered to the others. What it has taken it finishes,
or gives back, before it goes. Its shares of the past, and the money for them, stay its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.models import CapacityWeek, Offer, Product, StockReason, Variant
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.catalogue.shop_services import set_means
from ovop_market.core import clock
from ovop_market.core.clock import monday
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.orders.models import Allocation, Order, OrderLine
from ovop_market.orders.services import shares
from ovop_market.orders.services.history import By
from ovop_market.orders.services.locks import lock_producers, lock_purchases
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import FINAL, Actor, OrderState
from ovop_market.villages import producer_services
from ovop_market.villages.acting import refuse_unless
from ovop_market.villages.models import Producer, ProducerKind
from ovop_market.villages.policy import Duty
from ovop_market.villages.producer_states import ProducerAction, ProducerState


def add_household(
    session: Session, group: Producer, *, name: str, phone: str, actor_id: int, now: datetime
) -> Producer:
    """A household without an account becomes a member; the coordinator answers for it."""
    _refuse_unless_group(group)
    household = Producer(
        village_id=group.village_id,
        kind=ProducerKind.HOUSEHOLD,
        slug=f"rumah-{secret_token()[:12].lower().replace('_', '-').strip('-')}",
        name=name,
        phone=phone,
        created_at=now,
    )
    session.add(household)
    session.flush()
    _admit(session, group, household, actor_id=actor_id, now=now)
    return household


def ask_to_join(
    session: Session, household: Producer, group: Producer, *, actor_id: int, now: datetime
) -> None:
    """A household that sells by itself asks a group of its village to take it in. Raises Conflict
    for one that belongs to a group, Unusable for a group elsewhere."""
    session.refresh(household, with_for_update=True)
    if household.kind is not ProducerKind.HOUSEHOLD:
        raise Unusable(_("Pilih kelompok dari desa yang sama."), field="group")
    if household.group_id is not None:
        raise Conflict(_("Rumah ini sudah menjadi anggota kelompok."))
    if not household.selling:
        raise Conflict(
            _("%(producer)s belum boleh berjualan. Tunggu disetujui dulu.", producer=household.name)
        )
    _refuse_unless_group(group)
    if group.village_id != household.village_id:
        raise Unusable(_("Pilih kelompok dari desa yang sama."), field="group")
    if household.wanted_group_id == group.id:
        return
    household.wanted_group_id = group.id
    record(
        session,
        "membership asked",
        f"producer {household.id}",
        now,
        actor_id,
        {"group": group.id},
    )
    session.flush()


def answer(
    session: Session,
    group: Producer,
    household: Producer,
    *,
    welcome: bool,
    actor_id: int,
    now: datetime,
) -> None:
    """The coordinator takes in a household that has asked, or says no. Raises Conflict when it does
    not ask (any more)."""
    session.refresh(household, with_for_update=True)
    if household.wanted_group_id != group.id:
        raise Conflict(_("Rumah ini tidak sedang minta bergabung. Muat ulang halamannya."))
    household.wanted_group_id = None
    if welcome:
        _refuse_unless_group(group)
        _admit(session, group, household, actor_id=actor_id, now=now)
        return
    subject = f"producer {household.id}"
    record(session, "membership refused", subject, now, actor_id, {"group": group.id})
    session.flush()


def leave(
    session: Session, household: Producer, *, by: By, now: datetime, reason: str = ""
) -> None:
    """A household leaves its group, by its own or the coordinator's word.

    Raises Conflict as long as it has taken shares that are not handed in.
    """
    group_id = household.group_id
    if group_id is None:
        return
    assert by.user_id is not None  # a person's word
    for share in _locked_offers_and_shares(session, household, group_id):
        shares.decline(session, share, By(Actor.PRODUCER, by.user_id), now, reason=reason)
    session.refresh(household, with_for_update=True)
    taken = len(_open_shares(session, household, ShareState.TAKEN))
    if taken:
        raise Conflict(
            ngettext(
                "Masih ada %(num)d bagian yang disanggupi. Setor atau lepas dulu.",
                "Masih ada %(num)d bagian yang disanggupi. Setor atau lepas dulu.",
                taken,
            )
        )
    _take_out(session, household, group_id, by.user_id, now)
    household.group_id = household.member_since = None
    subject = f"producer {household.id}"
    record(session, "member left", subject, now, by.user_id, {"group": group_id})
    session.flush()


def close_for_good(
    session: Session,
    producer: Producer,
    *,
    actor_id: int,
    now: datetime,
    reason: str = "",
    seen: str | None = None,
) -> None:
    """A producer stops, by its own word or an operator's, who says why: its products are listed no
    more, its history stays, it is paid what is due. `seen` is the mark of what was on the screen;
    None: whatever it was.

    Raises Conflict when it is not as it was seen, and as long as orders or shares are open, or, of
    a group, as long as it has members;
    NotAllowed to whoever is not an owner.
    """
    refuse_unless(session, actor_id, [producer.id], Duty.OWN)
    if producer.state is ProducerState.CLOSED:
        return
    leave(session, producer, by=By(Actor.PRODUCER, actor_id), now=now)
    _lock_offers_of(session, producer.id)
    session.refresh(producer, with_for_update=True)
    producer_services.refuse_unless_seen(producer, seen)
    members = session.scalar(
        select(func.count()).select_from(Producer).where(Producer.group_id == producer.id)
    )
    if members:
        raise Conflict(_("Kelompok ini masih punya anggota. Keluarkan anggotanya dulu."))
    running = session.scalar(
        select(func.count())
        .select_from(Order)
        .where(
            Order.producer_id == producer.id,
            Order.state.not_in([*FINAL, OrderState.RECEIVED]),
        )
    )
    if running:
        raise Conflict(
            ngettext(
                "Masih ada %(num)d pesanan yang berjalan. Selesaikan dulu.",
                "Masih ada %(num)d pesanan yang berjalan. Selesaikan dulu.",
                running,
            )
        )
    _take_out(session, producer, producer.id, actor_id, now)
    session.execute(
        update(Product)
        .where(Product.producer_id == producer.id)
        .values(listed=False, review=None, review_since=None)
    )
    session.execute(
        update(Producer).where(Producer.wanted_group_id == producer.id).values(wanted_group_id=None)
    )
    producer.wanted_group_id = None
    producer.closed_from, producer.closed_to = clock.wib_date(now), None
    session.flush()
    producer_services.move(
        session, producer, ProducerAction.CLOSE, actor_id=actor_id, now=now, reason=reason
    )


def _admit(
    session: Session, group: Producer, household: Producer, *, actor_id: int, now: datetime
) -> None:
    """From now on the household can make what the group lists; how much, it says itself."""
    household.group_id, household.member_since = group.id, clock.wib_date(now)
    session.flush()
    has = select(Offer.variant_id).where(Offer.producer_id == household.id)
    missing = session.scalars(
        select(Variant.id)
        .join(Variant.product)
        .where(Product.producer_id == group.id, Variant.id.not_in(has))
        .order_by(Variant.id)
    ).all()
    session.add_all(Offer(variant_id=id_, producer_id=household.id) for id_ in missing)
    subject = f"producer {household.id}"
    record(session, "member joined", subject, now, actor_id, {"group": group.id})
    session.flush()


def _locked_offers_and_shares(
    session: Session, household: Producer, group_id: int
) -> Sequence[Allocation]:
    """Its shares that wait for an answer, with all that answering them locks, in the order in which
    everybody locks: purchases, then offers (locks.py), so that nobody waits in a circle."""
    asked = _open_shares(session, household, ShareState.OFFERED)
    known = {share.line.order.purchase_id for share in asked}
    lock_purchases(session, known)
    _lock_offers_of(session, group_id)
    # Nobody is asked for anything while the offers are locked.
    asked = _open_shares(session, household, ShareState.OFFERED)
    if not {share.line.order.purchase_id for share in asked} <= known:
        raise Conflict(_("Baru saja ada bagian baru. Muat ulang halamannya, lalu coba lagi."))
    sellers = session.scalars(select(Order.producer_id).where(Order.purchase_id.in_(known))).all()
    lock_producers(session, {household.id, group_id, *sellers})
    return asked


def _lock_offers_of(session: Session, lister_id: int) -> None:
    """Nobody holds or frees packs of what a producer lists until the transaction ends. Before its
    row is locked, as everybody does."""
    session.execute(
        select(Offer.id)
        .join(Offer.variant)
        .join(Variant.product)
        .where(Product.producer_id == lister_id)
        .order_by(Offer.id)
        .with_for_update(of=Offer)
    ).all()


def _open_shares(session: Session, household: Producer, state: ShareState) -> Sequence[Allocation]:
    return session.scalars(
        select(Allocation)
        .join(Allocation.offer)
        .join(Allocation.line)
        .join(OrderLine.order)
        .where(Offer.producer_id == household.id, Allocation.state == state)
        # In the order of purchases, as everybody locks them.
        .order_by(Order.purchase_id, Allocation.id)
    ).all()


def _take_out(
    session: Session, producer: Producer, lister_id: int, actor_id: int, now: datetime
) -> None:
    """The producer's supply of what somebody lists is no more: nothing ready, nothing a week."""
    offers = session.scalars(
        select(Offer)
        .join(Offer.variant)
        .join(Variant.product)
        .where(Offer.producer_id == producer.id, Product.producer_id == lister_id)
        .order_by(Offer.id)
        .with_for_update(of=Offer)
        .execution_options(populate_existing=True)
    ).all()
    for offer in offers:
        change_ready(session, offer.id, -offer.ready, Cause(StockReason.COUNTED, now, actor_id))
        session.expire(offer)
        set_means(
            session,
            offer,
            weekly_capacity=0,
            lead_days=offer.lead_days,
            actor_id=actor_id,
            now=now,
        )
    session.execute(
        update(CapacityWeek)
        .where(
            CapacityWeek.offer_id.in_([offer.id for offer in offers]),
            CapacityWeek.week >= monday(clock.wib_date(now)),
        )
        .values(planned=None)
        .execution_options(synchronize_session=False)
    )


def _refuse_unless_group(group: Producer) -> None:
    if group.kind is not ProducerKind.GROUP or not group.selling:
        raise Unusable(_("Pilih kelompok yang masih buka."), field="group")
