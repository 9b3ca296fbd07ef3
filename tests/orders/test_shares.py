"""A group's order among its households: shared out, answered, offered on, handed in, settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import CapacityWeek, StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.core.errors import Conflict, MoveRefused, OutOfStock, Unusable
from ovop_market.orders.models import Allocation, OrderEvent, PaymentMethod
from ovop_market.orders.services import lifecycle, shares
from ovop_market.orders.services.allocating import missing
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ANSWER, MARGIN, ShareState
from ovop_market.orders.states import Action, Actor, OrderState
from tests.factories import NOW, make_group, make_producer, make_purchase, pay
from tests.orders.sharing import COORDINATOR, DAY, agrees, by, of, ordered, shares_of


def test_an_order_is_shared_out_when_it_is_placed(session: Session) -> None:
    product, _people = make_group(session, (120, 120, 60))
    order = ordered(session, product, 50)
    assert [(s.offered, s.state) for s in shares_of(order)] == [
        (20, ShareState.OFFERED),
        (20, ShareState.OFFERED),
        (10, ShareState.OFFERED),
    ]
    # Twelve hours would end at night: by the next morning.
    assert {s.due_at for s in shares_of(order)} == {datetime(2026, 11, 25, 0, 0, tzinfo=UTC)}
    assert shares_of(order)[0].why == {"rule": "fair", "capacity": 120, "lately": 0}
    (note,) = [event for event in order.events if event.action is Action.SHARE]
    assert note.details is not None
    assert [share["packs"] for share in note.details["shares"]] == [20, 20, 10]  # type: ignore[index]
    agrees(session)


def test_when_all_is_taken_the_group_has_accepted(session: Session) -> None:
    product, people = make_group(session, (120, 120, 60))
    order = ordered(session, product, 50)
    for person in people[:2]:
        shares.take(session, of(order, person, session), by(person), NOW)
        assert order.state is OrderState.PLACED
    shares.take(session, of(order, people[2], session), by(people[2]), NOW)
    assert order.state is OrderState.ACCEPTED
    accepted = next(event for event in order.events if event.action is Action.ACCEPT)
    assert accepted.actor_id == people[2].id
    agrees(session)


def test_what_is_declined_is_offered_to_the_others(session: Session) -> None:
    product, people = make_group(session, (120, 120, 60))
    order = ordered(session, product, 50)
    share = of(order, people[0], session)
    shares.decline(session, share, by(people[0]), NOW, reason="Anak sakit")
    assert share.state is ShareState.DECLINED
    # They are being asked already: for more now, not twice.
    assert sorted(s.packs for s in shares_of(order)) == [0, 17, 33]
    assert not missing(order.lines[0])
    agrees(session)


def test_who_takes_a_part_is_not_asked_for_the_rest(session: Session) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 40)
    share = of(order, people[0], session)
    shares.take(session, share, by(people[0]), NOW, packs=5)
    assert (share.state, share.taken, share.offered) == (ShareState.TAKEN, 5, 20)
    rest = [s for s in shares_of(order) if s.state is ShareState.OFFERED]
    assert [s.offered for s in rest] == [35]
    assert rest[0].offer_id != share.offer_id
    agrees(session)


def test_what_nobody_can_make_soon_stays_uncovered_and_is_said(session: Session) -> None:
    """The other household is asked for what it can make in the days after, too."""
    product, people = make_group(session, (60, 12))
    order = ordered(session, product, 60)
    shares.decline(session, of(order, people[0], session), by(people[0]), NOW)
    covered = sum(s.packs for s in shares_of(order))
    assert 10 <= covered <= 25
    assert missing(order.lines[0]) == 60 - covered
    said = [e.details for e in order.events if (e.details or {}).get("action") == "uncovered"]
    assert said == [{"action": "uncovered", "packs": 60 - covered}]
    with pytest.raises(OutOfStock, match=f"{60 - covered} bungkus"):
        lifecycle.accept(session, order, COORDINATOR, NOW)
    session.rollback()


def test_a_share_that_is_ready_too_late_is_for_the_coordinator_to_say(session: Session) -> None:
    product, people = make_group(session, (60, 60))
    order = ordered(session, product, 60)
    promised = order.ready_by
    shares.decline(session, of(order, people[0], session), by(people[0]), NOW)
    session.expire_all()
    for share in shares_of(order):
        if share.state is ShareState.OFFERED:
            shares.take(session, share, by(people[1]), NOW)
    late = max(s.ready_by for s in shares_of(order))
    assert late > promised
    assert not missing(order.lines[0])
    assert order.state is OrderState.PLACED
    session.commit()
    with pytest.raises(Conflict, match="baru siap"):
        lifecycle.accept(session, order, COORDINATOR, NOW)
    session.rollback()
    lifecycle.accept(session, order, COORDINATOR, NOW, ready_by=late)
    assert (order.state, order.ready_by) == (OrderState.ACCEPTED, late)
    agrees(session)


def test_the_coordinator_counters_what_is_covered(session: Session) -> None:
    product, people = make_group(session, (40, 10))
    order = ordered(session, product, 50)
    shares.decline(session, of(order, people[0], session), by(people[0]), NOW)
    (line,) = order.lines
    lifecycle.counter(session, order, COORDINATOR, NOW, quantities={line.id: 10}, ready_by=None)
    lifecycle.agree(session, order, By(Actor.BUYER), NOW)
    assert order.state is OrderState.ACCEPTED
    assert sum(s.packs for s in shares_of(order)) == 10
    agrees(session)


def test_a_later_day_is_held_before_it_is_offered_to_the_buyer(session: Session) -> None:
    """In the week of the counteroffer the household has room: it is kept while the buyer thinks."""
    product, people = make_group(session, (40, 10))
    order = ordered(session, product, 50)
    shares.decline(session, of(order, people[0], session), by(people[0]), NOW)
    later = order.ready_by + timedelta(weeks=5)
    lifecycle.counter(session, order, COORDINATOR, NOW, quantities={}, ready_by=later)
    assert not missing(order.lines[0])
    assert all(s.state is not ShareState.OFFERED for s in shares_of(order))
    lifecycle.agree(session, order, By(Actor.BUYER), NOW)
    assert order.ready_by == later
    agrees(session)


def test_a_day_that_is_too_early_is_not_offered_to_the_buyer(session: Session) -> None:
    product, people = make_group(session, (40, 10))
    order = ordered(session, product, 50)
    shares.decline(session, of(order, people[0], session), by(people[0]), NOW)
    with pytest.raises(OutOfStock):
        lifecycle.counter(
            session,
            order,
            COORDINATOR,
            NOW,
            quantities={},
            ready_by=order.ready_by + timedelta(days=1),
        )
    session.rollback()


def test_what_is_not_answered_is_offered_on(session: Session) -> None:
    product, people = make_group(session, (40, 40, 40))
    order = ordered(session, product, 60)
    shares.take(session, of(order, people[0], session), by(people[0]), NOW)
    (asleep, other) = [s for s in shares_of(order) if s.state is ShareState.OFFERED]
    other.due_at = NOW + 2 * ANSWER  # asked later
    due = asleep.due_at
    assert due is not None
    assert shares.lapse(session, order.id, due - timedelta(seconds=1)) is None
    assert shares.lapse(session, order.id, due) is not None
    assert asleep.state is ShareState.LAPSED
    assert shares.lapse(session, order.id, due) is None
    again = [s for s in shares_of(order) if s.why["rule"] == "again"]
    assert asleep.offer_id not in {s.offer_id for s in again}
    assert not missing(order.lines[0])
    assert {s.due_at for s in again} == {order.due_at - MARGIN}  # type: ignore[operator]
    agrees(session)


def test_a_household_without_an_account_waits_for_the_coordinator(session: Session) -> None:
    product, _nobody = make_group(session, (40, 40), staffed=False)
    order = ordered(session, product, 60)
    assert {s.due_at for s in shares_of(order)} == {None}


def test_a_group_with_one_phone_does_it_all_alone(session: Session) -> None:
    product, _nobody = make_group(session, (40, 40), staffed=False)
    order = ordered(session, product, 60)
    lifecycle.accept(session, order, COORDINATOR, NOW)
    assert {s.state for s in shares_of(order)} == {ShareState.TAKEN}
    pay(session, order)
    lifecycle.act(session, order, Action.FINISH, COORDINATOR, NOW)
    assert {(s.state, s.made) for s in shares_of(order)} == {(ShareState.MADE, 30)}
    lifecycle.ship(session, order, COORDINATOR, NOW, courier="JNE", tracking_number="1")
    lifecycle.receive(session, order, By(Actor.BUYER), NOW)
    assert {s.state for s in shares_of(order)} == {ShareState.SETTLED}
    agrees(session)


def test_the_coordinator_may_accept_before_everybody_has_answered(session: Session) -> None:
    product, people = make_group(session, (40, 40))
    order = ordered(session, product, 60)
    lifecycle.accept(session, order, COORDINATOR, NOW)
    assert {s.state for s in shares_of(order)} == {ShareState.TAKEN}
    with pytest.raises(MoveRefused, match="Disanggupi"):
        shares.take(session, of(order, people[0], session), by(people[0]), NOW)
    agrees(session)


def test_handing_in_is_counted_and_the_shortfall_is_offered_on(session: Session) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 40)
    lifecycle.accept(session, order, COORDINATOR, NOW)
    share = of(order, people[0], session)
    with pytest.raises(MoveRefused, match="belum dibayar"):
        shares.hand_in(session, share, by(people[0]), NOW)
    session.commit()
    pay(session, order)
    shares.hand_in(session, share, by(people[0]), NOW, packs=18)
    assert order.state is OrderState.PREPARING
    assert (share.state, share.made) == (ShareState.MADE, 18)
    rest = [s for s in shares_of(order) if s.why["rule"] == "again"]
    assert [(s.offered, s.state) for s in rest] == [(2, ShareState.OFFERED)]
    agrees(session)
    shares.take(session, rest[0], by(people[1]), NOW)
    lifecycle.act(session, order, Action.FINISH, COORDINATOR, NOW)
    assert sorted(s.made for s in shares_of(order)) == [2, 18, 20]
    agrees(session)


@pytest.mark.parametrize("packs", [-1, 0, 21, 10**9])
def test_no_more_is_taken_than_was_offered(session: Session, packs: int) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 40)
    with pytest.raises(Unusable):
        shares.take(session, of(order, people[0], session), by(people[0]), NOW, packs=packs)
    session.rollback()


def test_one_tap_is_one_answer(session: Session) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 40)
    share = of(order, people[0], session)
    first = shares.take(session, share, by(people[0], "k1"), NOW, packs=15)
    again = shares.take(session, share, by(people[0], "k1"), NOW, packs=15)
    # The same said once more without a key, as a form sent twice does.
    third = shares.take(session, share, by(people[0]), NOW, packs=15)
    assert first.id == again.id == third.id
    with pytest.raises(Conflict):
        shares.take(session, share, by(people[0], "k1"), NOW, packs=14)
    with pytest.raises(MoveRefused):
        shares.take(session, share, by(people[0]), NOW, packs=14)
    agrees(session)


def test_what_was_taken_can_be_given_back_until_it_is_handed_in(session: Session) -> None:
    product, people = make_group(session, (40, 40, 40))
    order = ordered(session, product, 60)
    lifecycle.accept(session, order, COORDINATOR, NOW)
    share = of(order, people[0], session)
    shares.decline(session, share, by(people[0]), NOW, reason="Kompor rusak")
    assert order.state is OrderState.ACCEPTED
    assert not missing(order.lines[0])
    agrees(session)


@pytest.mark.parametrize(
    ("action", "actor"),
    [
        (Action.DECLINE, Actor.PRODUCER),
        (Action.CANCEL, Actor.BUYER),
        (Action.LAPSE, Actor.CLOCK),
        (Action.REVOKE, Actor.OPERATOR),
    ],
)
def test_when_the_order_ends_no_share_stands(
    session: Session, action: Action, actor: Actor
) -> None:
    product, people = make_group(session, (40, 40))
    order = ordered(session, product, 60)
    shares.take(session, of(order, people[0], session), by(people[0]), NOW)
    lifecycle.act(session, order, action, By(actor), NOW, reason="alasan")
    assert {s.state for s in shares_of(order)} == {ShareState.WITHDRAWN}
    assert set(session.scalars(select(CapacityWeek.held))) == {0}
    with pytest.raises(MoveRefused):
        shares.take(session, shares_of(order)[1], by(people[1]), NOW)
    agrees(session)


def test_when_a_buyer_for_cash_does_not_come_no_share_stands(session: Session) -> None:
    """Made or still to be made: all of it is free again."""
    product, people = make_group(session, (40, 40))
    product.producer.cash_on_delivery = True
    for packs in (None, 12):
        order = make_purchase(session, [(product, 60)], method=PaymentMethod.COD).orders[0]
        lifecycle.accept(session, order, COORDINATOR, NOW)
        if packs:
            share = of(order, people[0], session)
            shares.hand_in(session, share, by(people[0]), NOW, packs=packs)
            lifecycle.act(session, order, Action.FINISH, COORDINATOR, NOW)
        lifecycle.act(session, order, Action.GIVE_UP, COORDINATOR, NOW, reason="tidak datang")
        assert {s.state for s in shares_of(order)} <= {ShareState.WITHDRAWN, ShareState.DECLINED}
        assert set(session.scalars(select(CapacityWeek.held))) == {0}
        agrees(session)


def test_ready_packs_are_nobodys_question(session: Session) -> None:
    product, _people = make_group(session, (0, 0))
    for offer, ready in zip(product.variants[0].offers, (8, 5), strict=True):
        change_ready(session, offer.id, ready, Cause(StockReason.OPENING, NOW))
    order = ordered(session, product, 10)
    assert order.state is OrderState.ACCEPTED
    assert [(s.state, s.packs) for s in shares_of(order)] == [
        (ShareState.TAKEN, 8),
        (ShareState.TAKEN, 2),
    ]
    assert {s.why["rule"] for s in shares_of(order)} == {"ready"}
    agrees(session)


def test_a_household_order_has_no_shares(session: Session) -> None:
    from tests.factories import make_product

    order = ordered(session, make_product(session, make_producer(session), capacity=20), 5)
    assert not shares_of(order)


def test_twelve_households_share_five_hundred_packs(session: Session) -> None:
    """More than a week's work: exact, and in no week above what a household can make."""
    product, _nobody = make_group(session, [20 + 7 * n for n in range(12)], staffed=False, batch=5)
    capacity = {o.id: o.weekly_capacity for o in product.variants[0].offers}
    for packs in (500, 500, 37):
        order = ordered(session, product, packs)
        assert sum(s.packs for s in shares_of(order)) == packs
    for week in session.scalars(select(CapacityWeek)):
        assert week.held <= capacity[week.offer_id]
    agrees(session)


def test_twenty_orders_leave_no_household_behind(session: Session) -> None:
    capacities = [20, 35, 50, 50, 60, 80, 80, 90, 100, 110, 120, 140]
    product, _nobody = make_group(session, capacities, staffed=False, batch=5)
    offers = product.variants[0].offers
    for number in range(20):
        moment = NOW + number * timedelta(days=4)
        order = make_purchase(session, [(product, 40 + number * 13 % 90)], now=moment).orders[0]
        lifecycle.accept(session, order, COORDINATOR, moment)
    had = dict.fromkeys((o.id for o in offers), 0)
    for share in session.scalars(select(Allocation)):
        had[share.offer_id] += share.packs
    relative = [had[o.id] / o.weekly_capacity for o in offers]
    assert max(relative) / min(relative) <= 1.2
    agrees(session)


def test_every_change_says_who(session: Session) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 40)
    shares.take(session, of(order, people[0], session), by(people[0]), NOW)
    shares.decline(session, of(order, people[1], session), by(people[1]), NOW)
    said = session.execute(
        select(OrderEvent.actor_id, OrderEvent.details).where(
            OrderEvent.order_id == order.id, OrderEvent.action == Action.SHARE
        )
    ).all()
    told = [(actor, details["action"]) for actor, details in said]
    assert (people[0].id, "take") in told
    assert (people[1].id, "decline") in told


def test_a_tap_that_does_two_things_has_one_key(session: Session) -> None:
    """Accepting may ask further households: only the tap itself carries its key."""
    product, people = make_group(session, (400, 400))
    order = ordered(session, product, 60)
    shares.decline(session, of(order, people[0], session), by(people[0], "k1"), NOW)
    (asleep,) = [s for s in shares_of(order) if s.state is ShareState.OFFERED]
    due = asleep.due_at
    assert due is not None
    shares.lapse(session, order.id, due)
    session.expire_all()
    assert missing(order.lines[0]) == 60
    key = By(Actor.PRODUCER, people[1].id, "k2")
    first = lifecycle.accept(session, order, key, NOW, ready_by=order.ready_by + 3 * DAY)
    again = lifecycle.accept(session, order, key, NOW, ready_by=order.ready_by)
    assert (first.id, order.state) == (again.id, OrderState.ACCEPTED)
    agrees(session)


def test_the_packs_of_the_very_share_are_freed(session: Session) -> None:
    """A household that declines its ready packs keeps the week in which it makes the others."""
    product, people = make_group(session, (400, 400))
    offer = product.variants[0].offers[0]
    change_ready(session, offer.id, 10, Cause(StockReason.OPENING, NOW))
    session.expire(offer)
    order = ordered(session, product, 10)
    (ready,) = list(shares_of(order))
    assert ready.why["rule"] == "ready"
    pay(session, order)
    shares.hand_in(session, ready, by(people[0]), NOW, packs=6)
    session.expire_all()
    # Four were counted and are not there: nobody else is promised them.
    assert offer.ready == 0
    agrees(session)


def test_several_that_sleep_are_asked_for_once(session: Session) -> None:
    product, people = make_group(session, (400,) * 12)
    order = ordered(session, product, 60)
    shares.take(session, of(order, people[0], session), by(people[0]), NOW)
    due = min(s.due_at for s in shares_of(order) if s.due_at)
    shares.lapse(session, order.id, due)
    session.expire_all()
    lapsed = [s for s in shares_of(order) if s.state is ShareState.LAPSED]
    assert len(lapsed) == 11
    # Nobody is left but the one who answered: asked once more, for all of it.
    assert len([s for s in shares_of(order) if s.state is ShareState.OFFERED]) <= 2
    agrees(session)


def test_the_buyer_does_not_agree_to_what_nobody_makes(session: Session) -> None:
    product, people = make_group(session, (120, 120))
    order = ordered(session, product, 100)
    (line,) = order.lines
    lifecycle.counter(session, order, COORDINATOR, NOW, quantities={line.id: 90}, ready_by=None)
    for share in list(shares_of(order)):
        shares.decline(session, share, by(people[0]), NOW)
    session.commit()
    with pytest.raises(OutOfStock, match="mencari"):
        lifecycle.agree(session, order, By(Actor.BUYER), NOW)
    session.rollback()


def test_who_never_answered_has_made_nothing(session: Session) -> None:
    product, people = make_group(session, (400, 400))
    order = ordered(session, product, 40)
    lifecycle.accept(session, order, COORDINATOR, NOW)
    pay(session, order)
    shares.hand_in(session, of(order, people[0], session), by(people[0]), NOW, packs=12)
    (asked,) = [s for s in shares_of(order) if s.state is ShareState.OFFERED]
    lifecycle.act(session, order, Action.FINISH, COORDINATOR, NOW)
    assert asked.state is ShareState.WITHDRAWN
    assert sorted(s.made or 0 for s in shares_of(order)) == [0, 12, 20]
    agrees(session)
