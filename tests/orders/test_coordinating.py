"""What a coordinator decides about the shares of a group's order."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer
from ovop_market.core.errors import Conflict, OutOfStock, Unusable
from ovop_market.orders.services import coordinating, lifecycle, shares
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import Actor
from tests.factories import NOW, make_group, pay
from tests.orders.sharing import COORDINATOR, agrees, by, of, ordered, shares_of


def test_the_coordinator_shares_it_out_otherwise_with_a_reason(session: Session) -> None:
    product, _people = make_group(session, (40, 40, 40))
    order = ordered(session, product, 60)
    (line,) = order.lines
    first, second, third = (o.id for o in product.variants[0].offers)
    wanted = {(line.id, first): 30, (line.id, second): 30, (line.id, third): 0}
    with pytest.raises(Unusable, match="alasan"):
        coordinating.share_out(session, order, COORDINATOR, NOW, packs=wanted, reason=" ")
    coordinating.share_out(session, order, COORDINATOR, NOW, packs=wanted, reason="Rumah 3 libur")
    live = {(s.offer_id, s.packs) for s in shares_of(order) if s.packs}
    assert {o: sum(n for of_, n in live if of_ == o) for o, _n in live} == {first: 30, second: 30}
    decided = [e for e in order.events if (e.details or {}).get("action") == "share out"]
    assert [e.reason for e in decided] == ["Rumah 3 libur"]
    agrees(session)


def test_nobody_is_given_more_than_it_can_make(session: Session) -> None:
    product, _people = make_group(session, (40, 40))
    order = ordered(session, product, 60)
    (line,) = order.lines
    first, _second = (o.id for o in product.variants[0].offers)
    with pytest.raises(Unusable, match="lebih dari yang dipesan"):
        coordinating.share_out(
            session, order, COORDINATOR, NOW, packs={(line.id, first): 61}, reason="coba"
        )
    session.rollback()


def test_nobody_is_given_what_its_weeks_cannot_hold(session: Session) -> None:
    product, _people = make_group(session, (40, 40))
    first, second = (o.id for o in product.variants[0].offers)
    session.execute(update(Offer).where(Offer.id == first).values(weekly_capacity=0))
    order = ordered(session, product, 20)
    (line,) = order.lines
    with pytest.raises(OutOfStock, match="hanya sanggup 0"):
        coordinating.share_out(
            session,
            order,
            COORDINATOR,
            NOW,
            packs={(line.id, first): 20, (line.id, second): 0},
            reason="coba",
        )
    session.rollback()


def test_what_was_handed_in_stays_when_it_is_shared_out_anew(session: Session) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 40)
    lifecycle.accept(session, order, COORDINATOR, NOW)
    pay(session, order)
    shares.hand_in(session, of(order, people[0], session), by(people[0]), NOW)
    (line,) = order.lines
    first, second = (o.id for o in product.variants[0].offers)
    coordinating.share_out(
        session,
        order,
        COORDINATOR,
        NOW,
        packs={(line.id, first): 0, (line.id, second): 10},
        reason="sisanya dibuat sendiri",
    )
    assert sorted((s.packs, s.state) for s in shares_of(order) if s.packs) == [
        (10, ShareState.TAKEN),
        (20, ShareState.MADE),
    ]
    agrees(session)


def test_one_share_out_is_one(session: Session) -> None:
    product, people = make_group(session, (400, 400, 400))
    order = ordered(session, product, 60)
    (line,) = order.lines
    first, second, _third = (o.id for o in product.variants[0].offers)
    key = By(Actor.PRODUCER, people[0].id, "k")
    wanted = {(line.id, first): 30, (line.id, second): 10}
    done = coordinating.share_out(session, order, key, NOW, packs=wanted, reason="hajatan")
    again = coordinating.share_out(session, order, key, NOW, packs=wanted, reason="hajatan")
    assert done.id == again.id
    with pytest.raises(Conflict):
        coordinating.share_out(
            session, order, key, NOW, packs={(line.id, first): 1}, reason="hajatan"
        )
    agrees(session)


def test_who_said_no_meanwhile_is_not_overruled_by_an_old_page(session: Session) -> None:
    product, people = make_group(session, (400, 400))
    order = ordered(session, product, 40)
    (line,) = order.lines
    first, second = (o.id for o in product.variants[0].offers)
    seen = {(line.id, first): 20, (line.id, second): 20}
    shares.decline(session, of(order, people[0], session), by(people[0]), NOW)
    # Nothing was changed about the household that declined: nothing is decided about it.
    wanted = {(line.id, first): 20, (line.id, second): 15}
    with pytest.raises(Conflict, match="baru saja berubah"):
        coordinating.share_out(
            session, order, COORDINATOR, NOW, packs=wanted, reason="ya", seen=seen
        )
    session.rollback()
