"""Households come and go, producers close for good: what becomes of shares, stock and listings."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent
from ovop_market.catalogue.models import CapacityWeek, Offer, StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.catalogue.shop_services import plan_week
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.orders import queries
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle, membership, shares
from ovop_market.orders.services.allocating import missing, shares_of
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import Actor, OrderState
from ovop_market.villages.models import Producer
from tests.factories import (
    NOW,
    make_group,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    make_village,
    pay,
)

TODAY = clock.wib_date(NOW)


@pytest.fixture
def by(session: Session) -> By:
    return By(Actor.PRODUCER, make_user(session).id)


def actor(by: By) -> int:
    assert by.user_id is not None
    return by.user_id


def agrees(session: Session) -> None:
    session.flush()
    session.expire_all()
    assert not list(queries.stock_differences(session))


def ordered(session: Session, product, packs: int) -> Order:
    return make_purchase(session, [(product, packs)]).orders[0]


def test_who_leaves_supplies_nothing_any_more(session: Session, by: By) -> None:
    product, _people = make_group(session, (120, 120))
    offer, _other = product.variants[0].offers
    change_ready(session, offer.id, 5, Cause(StockReason.MADE, NOW))
    session.expire(offer)
    monday = clock.monday(TODAY)
    plan_week(session, offer, monday, 77, actor_id=actor(by), now=NOW, today=TODAY)
    household = offer.producer
    membership.leave(session, household, by=by, now=NOW)
    session.expire_all()
    assert household.group_id is None
    assert (offer.ready, offer.weekly_capacity) == (0, 0)
    assert set(session.scalars(select(CapacityWeek.planned))) == {None}
    order = ordered(session, product, 20)
    assert {share.offer.producer_id for share in shares_of(order)} == {_other.producer_id}
    agrees(session)


def test_its_unanswered_shares_are_offered_to_the_others(session: Session, by: By) -> None:
    product, _people = make_group(session, (120, 120, 120))
    order = ordered(session, product, 30)
    leaving = next(iter(shares_of(order))).offer.producer
    membership.leave(session, leaving, by=by, now=NOW, reason="Pindah")
    session.expire_all()
    live = {s.offer.producer_id for s in shares_of(order) if s.packs}
    assert leaving.id not in live
    assert not missing(order.lines[0])
    agrees(session)


def test_what_it_has_taken_it_finishes_first(session: Session, by: By) -> None:
    product, _people = make_group(session, (120, 120))
    order = ordered(session, product, 20)
    lifecycle.accept(session, order, By(Actor.PRODUCER), NOW)
    share = next(iter(shares_of(order)))
    household = share.offer.producer
    session.commit()
    with pytest.raises(Conflict, match="1 bagian"):
        membership.leave(session, household, by=by, now=NOW)
    session.rollback()
    pay(session, order)
    shares.hand_in(session, share, By(Actor.PRODUCER), NOW)
    membership.leave(session, household, by=by, now=NOW)
    session.expire_all()
    # Its part of the order, and with it of the money, stays its own.
    assert (share.state, share.made) == (ShareState.MADE, 10)
    agrees(session)


def test_a_household_joins_when_the_coordinator_agrees(session: Session, by: By) -> None:
    product, _people = make_group(session, (120,))
    group = product.producer
    household = make_producer(session, group.village)
    membership.ask_to_join(session, household, group, actor_id=actor(by), now=NOW)
    membership.ask_to_join(session, household, group, actor_id=actor(by), now=NOW)
    membership.answer(session, group, household, welcome=True, actor_id=actor(by), now=NOW)
    assert (household.group_id, household.member_since) == (group.id, TODAY)
    offer = session.scalars(select(Offer).where(Offer.producer_id == household.id)).one()
    assert (offer.ready, offer.weekly_capacity) == (0, 0)
    with pytest.raises(Conflict):
        membership.answer(session, group, household, welcome=True, actor_id=actor(by), now=NOW)


def test_a_household_of_elsewhere_is_not_taken_in(session: Session, by: By) -> None:
    product, _people = make_group(session, (120,))
    elsewhere = make_producer(session, make_village(session, "19.05.04.2005", name="Dendang"))
    with pytest.raises(Unusable):
        membership.ask_to_join(session, elsewhere, product.producer, actor_id=actor(by), now=NOW)
    household = make_producer(session)
    with pytest.raises(Unusable):
        membership.ask_to_join(session, household, elsewhere, actor_id=actor(by), now=NOW)


def test_a_refusal_leaves_it_as_it_was(session: Session, by: By) -> None:
    product, _people = make_group(session, (120,))
    household = make_producer(session)
    membership.ask_to_join(session, household, product.producer, actor_id=actor(by), now=NOW)
    membership.answer(
        session, product.producer, household, welcome=False, actor_id=actor(by), now=NOW
    )
    assert (household.group_id, household.wanted_group_id) == (None, None)


def test_who_comes_back_has_its_old_place(session: Session, by: By) -> None:
    product, _people = make_group(session, (120, 120))
    household = product.variants[0].offers[0].producer
    membership.leave(session, household, by=by, now=NOW)
    membership.ask_to_join(session, household, product.producer, actor_id=actor(by), now=NOW)
    membership.answer(
        session, product.producer, household, welcome=True, actor_id=actor(by), now=NOW
    )
    count = select(func.count(Offer.id)).where(Offer.producer_id == household.id)
    assert session.scalar(count) == 1


def test_a_household_without_an_account_is_added(session: Session, by: By) -> None:
    product, _people = make_group(session, (120,))
    added = membership.add_household(
        session,
        product.producer,
        name="Rumah Ibu Baru",
        phone="+6281200000001",
        actor_id=actor(by),
        now=NOW,
    )
    assert added.group_id == product.producer_id
    assert len(product.variants[0].offers) == 2 or session.scalar(
        select(func.count(Offer.id)).where(Offer.producer_id == added.id)
    )


def test_a_producer_closes_for_good(session: Session, by: By) -> None:
    product = make_product(session, ready=5, capacity=20)
    producer = product.producer
    order = make_order(session, OrderState.RECEIVED, product=product)
    membership.close_for_good(session, producer, actor_id=actor(by), now=NOW)
    session.expire_all()
    assert producer.ended_at == NOW
    assert producer.closed_on(TODAY)
    assert not product.listed
    assert (product.variants[0].offers[0].ready, order.state) == (0, OrderState.RECEIVED)
    assert not any(m.slug == producer.slug for m in _makers(session, producer))
    agrees(session)


def _makers(session: Session, producer: Producer):
    from ovop_market.villages.queries import page

    return page(session, producer.village.slug, TODAY).makers


def test_not_while_orders_are_running(session: Session, by: By) -> None:
    product = make_product(session, capacity=20)
    make_order(session, OrderState.PREPARING, product=product)
    with pytest.raises(Conflict, match="1 pesanan"):
        membership.close_for_good(session, product.producer, actor_id=actor(by), now=NOW)
    session.rollback()


def test_a_group_goes_last(session: Session, by: By) -> None:
    product, _people = make_group(session, (120,))
    with pytest.raises(Conflict, match="anggota"):
        membership.close_for_good(session, product.producer, actor_id=actor(by), now=NOW)
    session.rollback()


def test_everything_is_in_the_audit(session: Session, by: By) -> None:
    product, _people = make_group(session, (120, 120))
    household = product.variants[0].offers[0].producer
    membership.leave(session, household, by=by, now=NOW)
    membership.close_for_good(session, household, actor_id=actor(by), now=NOW)
    session.flush()
    said = session.execute(
        select(AuditEvent.action, AuditEvent.actor_id).where(
            AuditEvent.subject == f"producer {household.id}"
        )
    ).all()
    assert {(action, who) for action, who in said} >= {
        ("member left", by.user_id),
        ("producer ended", by.user_id),
    }
