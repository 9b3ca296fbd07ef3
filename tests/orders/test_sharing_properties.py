"""Whatever households, coordinators, buyers and the clock do, no pack is lost or made twice."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue.models import CapacityWeek, Product, StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.catalogue.shop_services import set_means
from ovop_market.core.errors import MarketError
from ovop_market.orders import queries
from ovop_market.orders.models import Allocation, Order
from ovop_market.orders.services import coordinating, lifecycle, membership, shares
from ovop_market.orders.services.allocating import missing, shares_of
from ovop_market.orders.services.holds import held
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import LIVE, ShareState
from ovop_market.orders.states import FINAL, Action, Actor, OrderState
from tests.factories import NOW, make_group, make_purchase, make_user, pay

PEOPLE = By(Actor.PRODUCER)
CAPACITIES = (12, 7, 5, 3)
MOST = max(CAPACITIES)
STEPS = (
    *("take", "take", "take", "take part", "decline", "lapse", "hand in", "hand in less"),
    *("share out", "accept", "counter", "agree", "pay", "start", "finish", "ship", "receive"),
    *("cancel", "revoke", "order", "lapse order", "offer on", "leave", "join", "close"),
)
steps = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 30), st.integers(0, 12)), max_size=18
)


def act(session: Session, product: Product, step: str, which: int, packs: int) -> None:
    orders = list(session.scalars(select(Order).order_by(Order.id)))
    if step == "order":
        make_purchase(session, [(product, packs + 1)])
        return
    order = orders[which % len(orders)]
    found = list(shares_of(order))
    share = found[which % len(found)] if found else None
    if step in ("take", "take part", "decline", "lapse", "hand in", "hand in less"):
        if share is not None:
            _with_share(session, share, step, packs)
    elif step == "share out":
        line = order.lines[0]
        offers = [offer.id for offer in product.variants[0].offers]
        wanted = {(line.id, offers[which % len(offers)]): packs}
        coordinating.share_out(session, order, PEOPLE, NOW, packs=wanted, reason="dibagi lain")
    elif step in ("leave", "join", "close"):
        _with_household(session, product, step, which)
    elif step == "offer on":
        coordinating.offer_on(session, order, PEOPLE, NOW)
    else:
        _with_order(session, order, step, packs)


def _with_household(session: Session, product: Product, step: str, which: int) -> None:
    offers = product.variants[0].offers
    household = offers[which % len(offers)].producer
    person = session.scalars(select(User.id).limit(1)).one()
    if step == "leave":
        membership.leave(session, household, by=By(Actor.PRODUCER, person), now=NOW)
    elif step == "close":
        membership.close_for_good(session, household, actor_id=person, now=NOW)
    else:
        group = product.producer
        membership.ask_to_join(session, household, group, actor_id=person, now=NOW)
        membership.answer(session, group, household, welcome=True, actor_id=person, now=NOW)
        offer = next(offer for offer in offers if offer.producer is household)
        set_means(session, offer, weekly_capacity=6, lead_days=1, actor_id=person, now=NOW)


def _with_share(session: Session, share: Allocation, step: str, packs: int) -> None:
    if step == "take":
        shares.take(session, share, PEOPLE, NOW)
    elif step == "take part":
        shares.take(session, share, PEOPLE, NOW, packs=packs)
    elif step == "decline":
        shares.decline(session, share, PEOPLE, NOW, reason="tidak bisa")
    elif step == "lapse":
        shares.lapse(session, share.line.order_id, NOW + timedelta(hours=21))
    elif step == "hand in":
        shares.hand_in(session, share, PEOPLE, NOW)
    else:
        shares.hand_in(session, share, PEOPLE, NOW, packs=packs)


def _with_order(session: Session, order: Order, step: str, packs: int) -> None:
    buyer = By(Actor.BUYER)
    if step == "pay":
        pay(session, order, NOW)
    elif step == "counter":
        offered = {line.id: min(packs, line.quantity) for line in order.lines}
        later = order.ready_by + timedelta(days=packs)
        lifecycle.counter(session, order, PEOPLE, NOW, quantities=offered, ready_by=later)
    elif step == "agree":
        lifecycle.agree(session, order, buyer, NOW)
    elif step == "ship":
        lifecycle.ship(session, order, PEOPLE, NOW, courier="JNE", tracking_number="1")
    elif step == "receive":
        lifecycle.receive(session, order, buyer, NOW)
    else:
        action, by = {
            "accept": (Action.ACCEPT, PEOPLE),
            "start": (Action.START, PEOPLE),
            "finish": (Action.FINISH, PEOPLE),
            "cancel": (Action.CANCEL, buyer),
            "revoke": (Action.REVOKE, By(Actor.OPERATOR)),
            "lapse order": (Action.LAPSE, By(Actor.CLOCK)),
        }[step]
        lifecycle.act(session, order, action, by, NOW, reason="alasan")


def check(session: Session) -> None:
    session.flush()
    session.expire_all()
    assert not list(queries.stock_differences(session))
    for week in session.scalars(select(CapacityWeek)):
        # Capacities only fall here: when somebody leaves, what it had promised stays promised.
        assert 0 <= week.held <= MOST
    for order in session.scalars(select(Order)):
        live = [share for share in shares_of(order) if share.state in LIVE]
        for line in order.lines:
            shared = sum(s.packs for s in live if s.line_id == line.id)
            assert shared == held(line) <= line.agreed_quantity, "doubled"
        if order.state in FINAL:
            assert not live, "a share of what is over"
        if order.state is OrderState.ACCEPTED and order.events[-1].action is Action.ACCEPT:
            assert not any(missing(line) for line in order.lines), "accepted without cover"
        if order.state in (OrderState.READY, OrderState.SHIPPED, OrderState.RECEIVED):
            assert all(s.state in (ShareState.MADE, ShareState.SETTLED) for s in live)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(0, 6), st.integers(1, 26), steps)
def test_no_pack_is_lost_or_doubled(
    session: Session, ready: int, first: int, taken: list[tuple[str, int, int]]
) -> None:
    try:
        product, _people = make_group(session, CAPACITIES, staffed=False, batch=2)
        make_user(session)
        offer = product.variants[0].offers[0]
        change_ready(session, offer.id, ready, Cause(StockReason.OPENING, NOW))
        make_purchase(session, [(product, first)])
        check(session)
        for step, which, packs in taken:
            with_room = session.begin_nested()
            try:
                act(session, product, step, which, packs)
                with_room.commit()
            except MarketError:
                with_room.rollback()
            check(session)
    finally:
        session.rollback()
