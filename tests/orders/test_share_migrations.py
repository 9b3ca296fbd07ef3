"""Back and forth over group orders: every share keeps the packs that it stands for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.extensions import db
from ovop_market.orders.models import Allocation, Hold, Order
from ovop_market.orders.queries import stock_differences
from ovop_market.orders.services import lifecycle, shares
from ovop_market.orders.share_states import ShareState
from ovop_market.orders.states import Action
from tests.factories import NOW, make_group
from tests.orders.sharing import COORDINATOR, ordered, shares_of

pytestmark = pytest.mark.rebuilds


def back_and_forth(session: Session, target: str) -> None:
    session.commit()
    db.session.remove()
    downgrade(revision=target)
    upgrade()
    check()


def held_by_share(session: Session) -> dict[int, int]:
    rows = session.execute(
        select(Hold.allocation_id, func.sum(Hold.quantity))
        .where(Hold.allocation_id.is_not(None), Hold.quantity > 0)
        .group_by(Hold.allocation_id)
    )
    return {share: int(packs) for share, packs in rows}


def test_what_is_held_for_a_share_is_found_again(app: Flask, session: Session) -> None:
    """One answered in part, one declined, the rest offered on; and an order that is over."""
    product, _people = make_group(session, (40, 40, 20))
    order, over = ordered(session, product, 60), ordered(session, product, 5)
    first, second, _third = shares_of(order)
    shares.take(session, first, COORDINATOR, NOW, packs=3)
    shares.decline(session, second, COORDINATOR, NOW)
    lifecycle.act(session, over, Action.DECLINE, COORDINATOR, NOW, reason="tutup")
    before = held_by_share(session)
    assert len(before) >= 2
    back_and_forth(session, "0016")
    assert held_by_share(session) == before
    assert list(stock_differences(session)) == []


def test_several_shares_of_one_household_are_served_in_turn(app: Flask, session: Session) -> None:
    """As one could have them where the household was asked a second time."""
    product, _people = make_group(session, (90,))
    order = ordered(session, product, 70)
    (share,) = shares_of(order)
    again = Allocation(
        line_id=share.line_id,
        offer_id=share.offer_id,
        state=share.state,
        offered=25,
        due_at=share.due_at,
        ready_by=share.ready_by,
        offered_at=share.offered_at,
        why=share.why,
    )
    share.offered -= 25
    session.add(again)
    session.flush()
    ids = {share.id: 45, again.id: 25}
    back_and_forth(session, "0016")
    assert held_by_share(session) == ids
    assert session.scalar(select(func.sum(Hold.quantity))) == 70
    assert list(stock_differences(session)) == []


@pytest.mark.parametrize("countered", [False, True])
def test_orders_from_before_there_were_shares(
    app: Flask, session: Session, countered: bool
) -> None:
    """0010 makes the shares, 0017 says which packs are theirs, and that a counteroffer is a word
    given by the whole group."""
    product, _people = make_group(session, (40, 40))
    order = ordered(session, product, 50)
    if countered:
        lifecycle.counter(
            session,
            order,
            COORDINATOR,
            NOW,
            quantities={line.id: 40 for line in order.lines},
            ready_by=order.ready_by + timedelta(days=1),
        )
    number = order.number
    back_and_forth(session, "0009")
    order = session.scalars(select(Order).where(Order.number == number)).one()
    wanted = ShareState.TAKEN if countered else ShareState.OFFERED
    assert {share.state for share in shares_of(order)} == {wanted}
    assert held_by_share(session) == {share.id: share.packs for share in shares_of(order)}
    assert list(stock_differences(session)) == []
