"""Placing: what is held, what is refused, and what happens when it comes twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Offer, Product, StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.catalogue.supply import HORIZON_WEEKS
from ovop_market.core.errors import Unusable
from ovop_market.delivery.models import Service, Tariff
from ovop_market.orders import queries
from ovop_market.orders.models import Cart, CartLine, Order, OrderEvent, PaymentMethod, Purchase
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout, quotes
from ovop_market.orders.services.checkout import CheckoutRefused, Details
from ovop_market.orders.states import Action, OrderState
from tests.factories import (
    BANDUNG,
    NOW,
    make_delivery,
    make_producer,
    make_product,
    make_purchase,
)


def ready(session: Session, product: Product) -> int:
    session.flush()
    return (
        session.scalar(
            select(func.sum(Offer.ready)).where(Offer.variant_id == product.variants[0].id)
        )
        or 0
    )


def fill(session: Session, *wanted: tuple[Product, int]) -> Cart:
    make_delivery(session)
    cart = carts.create(session, "token", NOW)
    for product, quantity in wanted:
        carts.add(session, cart, product.variants[0], quantity, NOW)
    return cart


def details(*products: Product, **values: object) -> Details:
    return Details(
        **{
            "name": "Sari",
            "phone": "+6281234567890",
            "email": None,
            "region_code": BANDUNG,
            "street": "Jalan 1",
            "postal_code": "40131",
            "note": "",
            "payment_method": PaymentMethod.TRANSFER,
            "delivery": {product.producer.slug: "jne-reg" for product in products},
            **values,
        }  # type: ignore[arg-type]
    )


def place(
    session: Session, cart: Cart, what: Details, key: str = "k", **values: object
) -> Purchase:
    return checkout.place(
        session,
        cart,
        what,
        submission=key,
        buyer_id=None,
        now=NOW,
        **values,  # type: ignore[arg-type]
    )


def test_ready_stock_is_accepted_at_once_and_held(session: Session) -> None:
    product = make_product(session, ready=5)
    purchase = make_purchase(session, [(product, 3)])
    (order,) = purchase.orders
    assert order.state is OrderState.ACCEPTED
    assert (order.goods, order.shipping) == (3 * 45_000, 2 * 38_000)  # 1.8 kg, billed as 2
    assert order.total == order.goods + order.shipping
    assert ready(session, product) == 2
    assert order.due_at == NOW + timedelta(hours=72)
    assert [event.action for event in order.events] == [Action.PLACE]
    assert not list(queries.stock_differences(session))


def test_what_must_be_made_asks_the_producer_first(session: Session) -> None:
    product = make_product(session, ready=2, capacity=10)
    (order,) = make_purchase(session, [(product, 4)]).orders
    assert order.state is OrderState.PLACED
    assert ready(session, product) == 2, "made to order as a whole: the ready packs stay on sale"
    assert order.due_at == NOW + timedelta(hours=24)
    assert not list(queries.stock_differences(session))


def test_a_cart_over_two_producers_becomes_two_orders(session: Session) -> None:
    first, second = make_product(session, ready=1), make_product(session, capacity=9)
    purchase = make_purchase(session, [(first, 1), (second, 2)])
    assert [order.state for order in purchase.orders] == [OrderState.ACCEPTED, OrderState.PLACED]
    assert {order.producer_id for order in purchase.orders} == {
        first.producer_id,
        second.producer_id,
    }


def test_the_cart_is_empty_afterwards(session: Session) -> None:
    product = make_product(session, ready=1)
    cart = fill(session, (product, 1))
    place(session, cart, details(product))
    assert not session.scalar(select(func.count(CartLine.id)))


def test_too_few_are_left(session: Session) -> None:
    product = make_product(session, ready=3)
    cart = fill(session, (product, 4))
    with pytest.raises(CheckoutRefused, match="Stok tinggal 3 bungkus"):
        place(session, cart, details(product))
    session.rollback()
    assert not session.scalar(select(func.count(Order.id)))


def test_more_than_can_be_made_within_the_horizon(session: Session) -> None:
    product = make_product(session, capacity=2)
    cart = fill(session, (product, 2 * HORIZON_WEEKS + 1))
    with pytest.raises(CheckoutRefused, match="Paling banyak"):
        place(session, cart, details(product))


def test_one_missing_product_refuses_the_whole_purchase(session: Session) -> None:
    there, gone = make_product(session, ready=5), make_product(session, ready=0)
    cart = fill(session, (there, 1), (gone, 1))
    session.commit()
    with pytest.raises(CheckoutRefused, match="Stok habis"):
        place(session, cart, details(there, gone))
    session.rollback()
    assert ready(session, there) == 5
    assert session.scalar(select(func.count(Purchase.id))) == 0


def test_the_same_submission_gives_the_same_purchase(session: Session) -> None:
    product = make_product(session, ready=5)
    cart = fill(session, (product, 1))
    first = place(session, cart, details(product), "one")
    again = place(session, cart, details(product), "one")
    assert again.id == first.id
    assert ready(session, product) == 4
    assert session.scalar(select(func.count(Order.id))) == 1


def test_a_price_that_changed_meanwhile_is_shown_first(session: Session) -> None:
    product = make_product(session, ready=5)
    cart = fill(session, (product, 1))
    seen = quotes.fingerprint(quotes.make(session, cart, BANDUNG, NOW))
    product.variants[0].price += 1
    session.flush()
    with pytest.raises(CheckoutRefused, match="baru saja berubah"):
        place(session, cart, details(product), seen=seen)


def test_ready_stock_that_sold_out_is_not_silently_made_to_order(session: Session) -> None:
    product = make_product(session, ready=1, capacity=10)
    cart = fill(session, (product, 1))
    seen = quotes.fingerprint(quotes.make(session, cart, BANDUNG, NOW))
    make_purchase(session, [(product, 1)])
    with pytest.raises(CheckoutRefused):
        place(session, cart, details(product), seen=seen)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"delivery": {}}, "delivery-"),
        ({"delivery": {"toko": "pos-kargo"}}, "delivery-"),  # too slow for frozen food
        ({"delivery": {"toko": "ekspres-palsu"}}, "delivery-"),
        ({"payment_method": PaymentMethod.COD}, "payment_method"),
        ({"payment_method": PaymentMethod.GATEWAY}, "payment_method"),
    ],
)
def test_what_is_not_on_offer_is_refused(
    session: Session, values: dict[str, object], field: str
) -> None:
    product = make_product(session, make_producer(session, slug="toko"), ready=5)
    cart = fill(session, (product, 1))
    with pytest.raises(Unusable) as refusal:
        place(session, cart, details(product, **values))
    assert str(refusal.value.details["field"]).startswith(field)


def test_the_collection_point_costs_nothing(session: Session) -> None:
    product = make_product(session, ready=5)
    (order,) = make_purchase(session, [(product, 1)], way="pickup").orders
    assert (order.shipping, order.service_id) == (0, None)
    assert order.collection_point is not None


def test_cash_on_delivery_does_not_wait_for_money(session: Session) -> None:
    producer = make_producer(session, cash_on_delivery=True)
    product = make_product(session, producer, ready=5)
    (order,) = make_purchase(session, [(product, 1)], method=PaymentMethod.COD).orders
    assert order.due_at is None


def test_a_closed_producer_takes_no_orders(session: Session) -> None:
    product = make_product(session, ready=5)
    cart = fill(session, (product, 1))
    product.producer.closed_from = NOW.date()
    session.flush()
    with pytest.raises(CheckoutRefused, match="sedang tutup"):
        place(session, cart, details(product))


def test_a_variant_that_is_sold_no_more(session: Session) -> None:
    product = make_product(session, ready=5)
    cart = fill(session, (product, 1))
    product.variants[0].sold = False
    session.flush()
    with pytest.raises(CheckoutRefused, match="sudah tidak dijual"):
        place(session, cart, details(product))


def test_every_order_has_an_event_that_says_who(session: Session) -> None:
    product = make_product(session, ready=5)
    make_purchase(session, [(product, 1)])
    orders = session.scalar(select(func.count(Order.id)))
    assert orders == session.scalar(select(func.count(OrderEvent.id)))


def test_a_closed_member_does_not_supply(session: Session) -> None:
    product = make_product(session, ready=4)
    member = make_producer(session, closed_from=NOW.date())
    offer = Offer(variant=product.variants[0], producer=member)
    session.add(offer)
    session.flush()
    change_ready(session, offer.id, 7, Cause(StockReason.OPENING, NOW))
    with pytest.raises(CheckoutRefused, match="tinggal 4"):
        place(session, fill(session, (product, 5)), details(product))
    session.rollback()


def test_another_price_of_delivery_is_shown_first(session: Session) -> None:
    product = make_product(session, ready=5, storage="ambient", max_transit_days=None)
    cart = fill(session, (product, 1))
    near = "19.05.01"
    session.add(
        Tariff(
            service=session.scalars(select(Service).where(Service.code == "jne-reg")).one(),
            origin="19.05",
            destination="19",
            price_per_kg=9_000,
            days_from=1,
            days_to=1,
        )
    )
    session.flush()
    seen = quotes.fingerprint(quotes.make(session, cart, near, NOW))
    with pytest.raises(CheckoutRefused, match="berubah"):
        place(session, cart, details(product), seen=seen)
    session.rollback()
    nothing = quotes.fingerprint([])
    assert nothing.endswith(".")


def test_whoever_saw_no_address_yet_is_asked_for_the_goods_alone(session: Session) -> None:
    product = make_product(session, ready=5)
    cart = fill(session, (product, 1))
    seen = quotes.fingerprint(quotes.make(session, cart, None, NOW))
    assert place(session, cart, details(product), seen=seen).orders
