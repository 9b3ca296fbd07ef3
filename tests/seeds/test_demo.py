"""The demo of CONTRACT.md is all there, once, and agrees with itself."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ovop_market.accounts import services as accounts
from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Offer, Product, ProductPhoto, Storage, Variant
from ovop_market.delivery.queries import Freshness
from ovop_market.orders import queries as orders
from ovop_market.orders.models import Order, OrderEvent, OrderLine, PaymentMethod, Purchase
from ovop_market.orders.states import Action, OrderState
from ovop_market.payments.models import (
    Payment,
    PaymentEvent,
    PaymentPart,
    PayoutAccount,
    PayoutBatch,
    Refund,
    StatementLine,
)
from ovop_market.payments.queries import books, payouts
from ovop_market.payments.states import (
    AWAITED,
    BatchState,
    LineState,
    PaymentState,
    RefundKind,
    RefundState,
)
from ovop_market.reach import services as reach
from ovop_market.reach.models import ReachDay
from ovop_market.regions.models import Region
from ovop_market.seeds import demo, demo_pictures
from ovop_market.seeds.demo_products import PRODUCTS
from ovop_market.villages.models import Producer, ProducerKind, ProducerStaff, Village, VillagePhoto
from tests.factories import NOW
from tests.seeds.returning import returns

VILLAGES = {
    "belo-laut": "19.05.01.2006",
    "dendang": "19.05.04.2005",
    "air-nyatoh": "19.05.02.2005",
    "tanjung-niur": "19.05.05.2002",
    "terentang": "19.05.04.2010",
    "pangkal-beras": "19.05.04.2014",
    "teluk-limau": "19.05.06.2010",
    "ketap": "19.05.03.2009",
    "air-kuang": "19.05.03.2021",
}
ACCOUNTS = {
    "pembeli": Role.BUYER,
    "produsen": Role.PRODUCER,
    "anggota": Role.PRODUCER,
    "perajin": Role.PRODUCER,
    "pejabat": Role.OFFICIAL,
    "operator": Role.OPERATOR,
}


def _everything_the_contract_names(planted: Session) -> None:
    villages = planted.execute(select(Village.slug, Village.region_code))
    assert dict(villages.all()) == VILLAGES
    for login, role in ACCOUNTS.items():
        user = accounts.authenticate(planted, f"{login}@ovop.example", "ovop-demo-2016")
        assert user is not None and user.role is role
    # What waits for an operator's look is beside them.
    known = select(Product.slug).where(Product.review.is_(None))
    assert set(planted.scalars(known)) == {seed.slug for seed in PRODUCTS}
    for slug, count in _products_by_village(planted).items():
        assert count >= 3, slug


def _products_by_village(session: Session) -> Counter[str]:
    rows = session.scalars(select(Village.slug).join(Producer).join(Product))
    return Counter(rows.all())


def _the_group_and_its_households(planted: Session) -> None:
    product = planted.scalars(select(Product).where(Product.slug == "pempek-udang-belo-laut")).one()
    group = product.producer
    assert group.kind is ProducerKind.GROUP
    assert len(group.members) == 12
    assert product.storage is Storage.FROZEN and product.made_to_order
    assert [variant.name for variant in product.variants] == ["500 g", "1 kg"]
    for variant in product.variants:
        assert {offer.producer_id for offer in variant.offers} == {m.id for m in group.members}
        assert sum(offer.ready for offer in variant.offers) > 0
    basket = planted.scalars(select(Product).where(Product.slug == "keranjang-rotan-dendang")).one()
    assert basket.made_to_order and basket.producer.kind is ProducerKind.HOUSEHOLD
    assert all(offer.ready == 0 for variant in basket.variants for offer in variant.offers)
    staff = set(planted.scalars(select(Producer.slug).join(ProducerStaff)))
    assert staff == {group.slug, "rumah-ibu-melati", basket.producer.slug}


def _twice_is_once(planted: Session) -> None:
    assert demo.is_present(planted)
    before = planted.scalar(select(func.count(Order.id)))
    with pytest.raises(ValueError, match="already"):
        demo.plant(planted, NOW, pictures=False)
    planted.rollback()
    assert planted.scalar(select(func.count(Order.id))) == before


def _every_state_is_there(planted: Session) -> None:
    states = select(Order.state).join(Producer)
    group = planted.scalars(states.where(Producer.slug == "kelompok-pempek-belo-laut"))
    assert set(group) == set(OrderState)
    for slug in ("rumah-anyam-pak-bayan", "rumah-ibu-melati"):
        assert OrderState.ACCEPTED in set(planted.scalars(states.where(Producer.slug == slug)))
    assert set(planted.scalars(select(Payment.state))) == set(PaymentState)
    assert set(planted.scalars(select(Refund.state))) == set(RefundState)
    buyer = accounts.authenticate(planted, "pembeli@ovop.example", "ovop-demo-2016")
    assert buyer is not None
    assert planted.scalar(select(func.count(Purchase.id)).where(Purchase.buyer_id == buyer.id))


def _orders_over_two_years(planted: Session) -> None:
    count, first, last = planted.execute(
        select(
            func.count(Order.id), func.min(Purchase.placed_at), func.max(Purchase.placed_at)
        ).join(Purchase)
    ).one()
    assert 1_000 <= count <= 1_400
    assert NOW - timedelta(days=731) <= first < NOW - timedelta(days=600)
    assert NOW - timedelta(days=2) < last <= NOW
    assert planted.scalar(select(func.count(ReachDay.orders.distinct())))
    regencies = set(planted.scalars(select(ReachDay.region_code)))
    assert {"19.05", "19.71", "31.74", "32.73", "16.71"} <= regencies


def _the_verifications_agree(planted: Session) -> None:
    assert list(orders.stock_differences(planted)) == []
    assert list(reach.differences(planted)) == []
    assert list(books.differences(planted)) == []
    assert planted.scalar(select(func.count(Offer.id)).where(Offer.ready < 0)) == 0


def _each_history_is_coherent(planted: Session) -> None:
    events: dict[int, list[OrderEvent]] = {}
    for event in planted.scalars(select(OrderEvent).order_by(OrderEvent.id)):
        events.setdefault(event.order_id, []).append(event)
    for order in planted.scalars(select(Order)):
        history = events[order.id]
        assert history[0].action is Action.PLACE
        assert history[-1].state is order.state
        assert [e.at for e in history] == sorted(e.at for e in history)
        assert all(event.at <= NOW for event in history)
        assert (order.received_at is None) or order.received_at <= NOW
        if order.state is OrderState.RECEIVED:
            assert order.paid == order.total and order.received_at and order.fulfilled_from


def _payments_agree_with_orders(planted: Session) -> None:
    paid: Counter[int] = Counter()
    rows = planted.execute(
        select(PaymentPart.order_id, PaymentPart.amount)
        .join(Payment)
        .where(Payment.state == PaymentState.CONFIRMED)
    )
    for order_id, amount in rows:
        paid[order_id] += amount
    orders_of = planted.execute(
        select(Order.id, Order.paid, Order.state, Purchase.payment_method).join(Purchase)
    )
    for order_id, amount, state, method in orders_of:
        if method is PaymentMethod.TRANSFER:
            assert paid[order_id] == amount
        else:
            assert not amount or state is OrderState.RECEIVED
    last = select(func.max(PaymentEvent.id)).group_by(PaymentEvent.payment_id)
    wrong = (
        select(Payment.id)
        .join(PaymentEvent)
        .where(PaymentEvent.id.in_(last), PaymentEvent.state != Payment.state)
    )
    assert planted.scalars(wrong).all() == []


def _producers_were_paid(planted: Session) -> None:
    states = Counter(planted.scalars(select(PayoutBatch.state)))
    assert states[BatchState.SENT] > 24 and states[BatchState.MADE] == 1
    latest = planted.scalars(select(PayoutBatch).order_by(PayoutBatch.id.desc()).limit(1)).one()
    assert latest.state is BatchState.MADE and NOW - timedelta(days=3) < latest.made_at < NOW
    selling = set(planted.scalars(select(Order.producer_id)))
    assert selling <= set(planted.scalars(select(PayoutAccount.producer_id)))
    assert set(planted.scalars(select(PayoutAccount.bank))) == {"Bank Contoh"}
    due = payouts.due(planted, NOW)
    assert due.payable and due.total < sum(payout.amount for payout in latest.payouts)
    assert not due.waiting and not due.carried
    # Of the cash that producers took long ago nothing is left in the books.
    long_ago = select(Order.id).where(Order.received_at < NOW - timedelta(days=30))
    old = set(planted.scalars(long_ago))
    assert old.isdisjoint(left.order_id for left in payouts.remainders(planted, NOW))


def _the_operator_has_something_to_do(planted: Session) -> None:
    kinds = Counter(planted.scalars(select(Refund.kind).where(Refund.state == RefundState.DUE)))
    assert kinds[RefundKind.SURPLUS] == kinds[RefundKind.GOODS] == 1
    of_surplus = select(Refund).where(Refund.kind == RefundKind.SURPLUS)
    surplus = planted.scalars(of_surplus.where(Refund.state == RefundState.DUE)).one()
    assert surplus.amount == 100_000 and "Bank Contoh" in (surplus.destination or "")
    lines = Counter(planted.scalars(select(StatementLine.state)))
    # Two of the same amount on one day are told apart by a person.
    assert 4 <= lines[LineState.OPEN] <= 6 and lines[LineState.MATCHED] >= 3
    assert lines[LineState.SET_ASIDE] == 1
    awaited = select(Payment).where(
        Payment.state.in_(AWAITED), Payment.method == PaymentMethod.TRANSFER
    )
    for payment in planted.scalars(awaited):
        assert payment.unique_digits and len(payment.code) == 8
        if payment.state is PaymentState.CLAIMED:
            assert all(part.order.due_at is None for part in payment.parts)


def _nothing_frozen_was_sent_where_it_arrives_spoiled(planted: Session) -> None:
    rows = planted.execute(
        select(Product, Order)
        .join(Variant, Variant.product_id == Product.id)
        .join(OrderLine, OrderLine.variant_id == Variant.id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Product.storage == Storage.FROZEN, Order.service_id.is_not(None))
    )
    for product, order in rows:
        assert order.service is not None
        limit = Freshness.of([product])
        assert limit.allows(2, order.service.cold_chain)
        assert order.service.code not in ("pos-kargo",)


def _some_buyers_come_back(planted: Session) -> None:
    assert 0.1 < returns(planted) < 0.4
    buyer = select(User.id).where(User.email == "pembeli@ovop.example").scalar_subquery()
    mine = planted.scalars(select(Purchase.repeat).where(Purchase.buyer_id == buyer)).all()
    assert sorted(mine) == [False] + [True] * (len(mine) - 1) and len(mine) > 1


# Planting takes seconds, looking does not: one planting for all of them.
CHECKS = (
    _everything_the_contract_names,
    _the_group_and_its_households,
    _every_state_is_there,
    _orders_over_two_years,
    _the_verifications_agree,
    _each_history_is_coherent,
    _payments_agree_with_orders,
    _producers_were_paid,
    _the_operator_has_something_to_do,
    _nothing_frozen_was_sent_where_it_arrives_spoiled,
    _some_buyers_come_back,
    _twice_is_once,
)


def test_the_demo(session: Session) -> None:
    demo.plant(session, NOW, pictures=False)
    for check in CHECKS:
        check(session)


@pytest.mark.parametrize("days", [19.3, 40.6, 117.8])
def test_any_day_will_do(session: Session, days: float) -> None:
    demo.plant(session, NOW + timedelta(days=days), pictures=False)
    assert list(orders.stock_differences(session)) == []
    assert list(books.differences(session)) == []


@pytest.mark.rebuilds
def test_without_regions_it_says_what_to_do(session: Session) -> None:
    session.execute(
        update(Region).where(Region.code == VILLAGES["ketap"]).values(code="19.05.03.9")
    )
    session.commit()
    with pytest.raises(LookupError, match="load the regions"):
        demo.plant(session, NOW, pictures=False)


def test_pictures_are_hung_once(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two drawings are enough to see it; what has a picture is left alone."""
    for name in ("pempek-udang-belo-laut", "village-dendang"):
        Image.new("RGB", (1200, 900), "#8A4F1D").save(tmp_path / f"{name}.webp")
    monkeypatch.setattr(demo_pictures, "DRAWINGS", tmp_path)
    demo.plant(session, NOW)
    photo = session.scalars(
        select(ProductPhoto).join(Product, Product.id == ProductPhoto.product_id)
    ).one()
    assert (photo.width, photo.height) == (1200, 900)
    assert "pempek" in photo.alt.lower()
    assert session.scalars(select(Village.slug).join(VillagePhoto)).all() == ["dendang"]
    assert demo.hang_pictures(session) == 0


def test_every_drawing_is_there_and_has_no_text() -> None:
    names = {f"village-{slug}" for slug in VILLAGES} | {seed.slug for seed in PRODUCTS}
    drawings = {path.stem: path.read_text() for path in demo_pictures.DRAWINGS.glob("*.svg")}
    assert set(drawings) == names
    for name, drawing in drawings.items():
        assert "<text" not in drawing, name
        assert "<image" not in drawing, name
