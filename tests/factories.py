"""Things for tests, each with sensible values that a test may replace by name.

Everything is added and flushed; the test commits before it asks the client.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import services as accounts
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import (
    Category,
    Offer,
    Product,
    StockReason,
    Storage,
    Variant,
)
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.core import clock
from ovop_market.core.tokens import secret_token
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout, lifecycle
from ovop_market.orders.services.checkout import Details
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.services import receiving
from ovop_market.payments.states import AWAITED
from ovop_market.sales import services as sales
from ovop_market.sales.models import ReportedSale, SaleChannel
from ovop_market.villages import staff_services, visit_services
from ovop_market.villages.models import (
    Designation,
    Producer,
    ProducerKind,
    ProducerStaff,
    Stage,
    Village,
)
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.visit_models import Topic, Visit

NOW = datetime(2026, 11, 24, 3, 5, tzinfo=UTC)  # 10.05 WIB
PASSWORD = "kata-sandi-contoh"
BELO_LAUT = "19.05.01.2006"
BANDUNG = "32.73.02.1001"  # Cipaganti, Coblong, Kota Bandung (40131)
_numbers = itertools.count(1)


def make_user(session: Session, role: Role = Role.BUYER, **values: Any) -> User:
    number = next(_numbers)
    return accounts.register(
        session,
        login=values.pop("login", f"orang{number}@ovop.example"),
        password=PASSWORD,
        name=values.pop("name", f"Orang {number}"),
        role=role,
        now=NOW,
        region_code=values.pop("area", "19.05" if role is Role.OFFICIAL else None),
    )


def sign_in(client: FlaskClient, user: User) -> None:
    """Signs in over HTTP, as a person does."""
    page = client.get("/sign-in").get_data(as_text=True)
    from tests.pages import token_in

    answer = client.post(
        "/sign-in",
        data={"csrf_token": token_in(page), "login": user.email, "password": PASSWORD},
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)


def make_village(session: Session, code: str = BELO_LAUT, **values: Any) -> Village:
    found = session.scalar(select(Village).where(Village.region_code == code))
    if found is not None:
        return found
    name = values.pop("name", "Belo Laut")
    village = Village(
        region_code=code,
        slug=values.pop("slug", name.lower().replace(" ", "-")),
        name=name,
        story="Desa di tepi laut.\n\nUdangnya dibuat pempek.",
        also_known_as=values.pop("also_known_as", "belolaut muntok"),
        **values,
    )
    village.designations.append(
        Designation(year=2016, flagship="pempek udang", stage=Stage.MENTORING, stars=2)
    )
    session.add(village)
    session.flush()
    return village


def make_producer(session: Session, village: Village | None = None, **values: Any) -> Producer:
    number = next(_numbers)
    staff: User | None = values.pop("staff", None)
    values.setdefault("cash_at_pickup", values.get("cash_on_delivery", False))
    producer = Producer(
        village=village or make_village(session),
        kind=ProducerKind(values.pop("kind", "household")),
        slug=values.pop("slug", f"rumah-{number}"),
        name=values.pop("name", f"Rumah {number}"),
        phone="+6281200000000",
        created_at=NOW,
        **values,
    )
    session.add(producer)
    session.flush()
    if staff is not None:
        session.add(ProducerStaff(user_id=staff.id, producer_id=producer.id))
        session.flush()
    return producer


def make_packer(session: Session, owner: User, **values: Any) -> User:
    """Somebody who packs for all of the owner's producers."""
    packer = make_user(session, Role.PRODUCER, **values)
    own = select(ProducerStaff.producer_id).where(ProducerStaff.user_id == owner.id)
    for producer_id in session.scalars(own).all():
        session.add(
            ProducerStaff(
                user_id=packer.id,
                producer_id=producer_id,
                role=StaffRole.PACKER,
                since=NOW,
                invited_by_id=owner.id,
            )
        )
    session.flush()
    return packer


def make_invitation(
    session: Session, producer: Producer, owner: User, **values: Any
) -> tuple[Invitation, str]:
    """An open invitation to work for a producer, and the secret of its link."""
    asked, token = staff_services.invite(
        session,
        producer,
        login=values.get("login", f"diundang{next(_numbers)}@ovop.example"),
        role=values.get("role", StaffRole.PACKER),
        actor_id=owner.id,
        now=values.get("now", clock.now()),
    )
    return asked.invitation, token


def make_product(
    session: Session,
    producer: Producer | None = None,
    *,
    ready: int = 0,
    capacity: int = 0,
    price: int = 45_000,
    **values: Any,
) -> Product:
    """A product with one variant ("500 g") and one offer of its producer."""
    number = next(_numbers)
    producer = producer or make_producer(session)
    product = Product(
        producer=producer,
        slug=values.pop("slug", f"pempek-{number}"),
        name=values.pop("name", f"Pempek udang {number}"),
        category=values.pop("category", Category.FROZEN),
        storage=values.pop("storage", Storage.FROZEN),
        max_transit_days=values.pop("max_transit_days", 3),
        shelf_life_days=values.pop("shelf_life_days", 90),
        made_to_order=values.pop("made_to_order", capacity > 0),
        summary="Dari udang segar.",
        created_at=values.pop("created_at", NOW),
        **values,
    )
    variant = Variant(name="500 g", price=price, weight_grams=600)
    variant.offers.append(Offer(producer=producer, weekly_capacity=capacity, lead_days=2))
    product.variants.append(variant)
    session.add(product)
    session.flush()
    change_ready(session, variant.offers[0].id, ready, Cause(StockReason.OPENING, NOW))
    session.expire(variant.offers[0])
    return product


def make_group(
    session: Session,
    capacities: Sequence[int] = (40, 40, 20),
    *,
    staffed: bool = True,
    batch: int = 1,
    **values: Any,
) -> tuple[Product, list[User | None]]:
    """A group's product with an offer of each member household, and the members' accounts.

    Without `staffed`, the group has one phone: no member has an account.
    """
    group = make_producer(session, kind="group", staff=values.pop("staff", None))
    product = make_product(session, group, made_to_order=True, **values)
    variant = product.variants[0]
    session.delete(variant.offers[0])
    people: list[User | None] = []
    for capacity in capacities:
        person = make_user(session, Role.PRODUCER) if staffed else None
        household = make_producer(session, group=group, staff=person)
        session.add(
            Offer(
                variant=variant,
                producer=household,
                weekly_capacity=capacity,
                lead_days=2,
                smallest_batch=batch,
            )
        )
        people.append(person)
    session.flush()
    session.expire(variant, ["offers"])
    return product, people


def make_sale(session: Session, product: Product, staff: User, **values: Any) -> ReportedSale:
    """A sale beyond the website, of the product's first variant, as the staff reports it."""
    day = clock.wib_date(values.pop("now", NOW))
    told = {"quantity": 2, "total": None, "channel": SaleChannel.FAIR, "region_code": "31.74"}
    return sales.note(
        session,
        values.pop("seller", product.producer),
        product.variants[0],
        sales.Sold(**{**told, "day": day, **values}),
        key=secret_token(),
        actor_id=staff.id,
        now=clock.start_of_day(day),
    )


def make_visit(
    session: Session, producer: Producer, by: User | None = None, **values: Any
) -> Visit:
    """A visit to a producer, as an official of its regency notes it."""
    by = by or make_user(session, Role.OFFICIAL)
    told = {"day": clock.wib_date(NOW), "topic": Topic.QUALITY, "advice": "Timbang garamnya."}
    told |= {"next_step": "Beli timbangan."}
    return visit_services.note(
        session,
        producer,
        visit_services.Said(**{**told, **values}),
        key=secret_token(),
        actor_id=by.id,
        now=NOW,
    )


def make_delivery(session: Session) -> None:
    """A courier to everywhere (2–3 days), one too slow for frozen food, and a collection point."""
    if session.scalar(select(Service).limit(1)) is not None:
        return
    reg = Service(code="jne-reg", courier="JNE", name="REG")
    cargo = Service(code="pos-kargo", courier="Pos", name="Kargo")
    session.add_all(
        [
            reg,
            cargo,
            Tariff(
                service=reg,
                origin="19.05",
                destination="",
                price_per_kg=38_000,
                days_from=2,
                days_to=3,
            ),
            Tariff(
                service=cargo,
                origin="",
                destination="",
                price_per_kg=15_000,
                days_from=7,
                days_to=12,
            ),
            CollectionPoint(
                slug="mentok",
                name="Galeri OVOP Mentok",
                region_code="19.05.01",
                address="Jalan Contoh 1, Mentok",
                hours="Senin–Sabtu 08.00–16.00",
                serves="19.05",
            ),
        ]
    )
    session.flush()


def make_purchase(
    session: Session,
    wanted: Sequence[tuple[Product, int]],
    *,
    region: str = BANDUNG,
    method: PaymentMethod = PaymentMethod.TRANSFER,
    way: str = "jne-reg",
    buyer: User | None = None,
    now: datetime = NOW,
    **values: Any,
) -> Purchase:
    """A purchase placed through the services, as a guest or as `buyer`."""
    make_delivery(session)
    cart = carts.create(session, secret_token(), now)
    for product, quantity in wanted:
        carts.add(session, cart, product.variants[0], quantity, now)
    details = Details(
        name=values.get("name", "Sari Contoh"),
        phone=values.get("phone", "+6281234567890"),
        email=values.get("email"),
        region_code=region,
        street="Jalan Contoh 2",
        postal_code="40131",
        note="",
        payment_method=method,
        delivery={product.producer.slug: way for product, _ in wanted},
    )
    return checkout.place(
        session,
        cart,
        details,
        submission=secret_token(),
        buyer_id=buyer.id if buyer else None,
        now=now,
    )


def pay(session: Session, order: Order, now: datetime = NOW) -> None:
    """The operator confirms what the purchase is asked for."""
    operator = session.scalar(select(User).where(User.role == Role.OPERATOR))
    operator = operator or make_user(session, Role.OPERATOR)
    for payment in session.scalars(
        select(Payment).where(Payment.purchase_id == order.purchase_id)
    ).all():
        if payment.state in AWAITED:
            receiving.confirm(session, payment, By(Actor.OPERATOR, operator.id), now)


# How an order gets to a state: the actions of the way there, from PLACED.
_WAYS: Mapping[OrderState, Sequence[str]] = {
    OrderState.PLACED: (),
    OrderState.COUNTERED: ("counter",),
    OrderState.DECLINED: ("decline",),
    OrderState.EXPIRED: ("lapse",),
    OrderState.CANCELLED: ("cancel",),
    OrderState.ACCEPTED: ("accept",),
    OrderState.PREPARING: ("accept", "pay", "start"),
    OrderState.READY: ("accept", "pay", "finish"),
    OrderState.SHIPPED: ("accept", "pay", "finish", "ship"),
    OrderState.RECEIVED: ("accept", "pay", "finish", "ship", "receive"),
    OrderState.DISPUTED: ("accept", "pay", "finish", "ship", "dispute"),
}


def make_order(
    session: Session,
    state: OrderState = OrderState.PLACED,
    *,
    producer: Producer | None = None,
    product: Product | None = None,
    quantity: int = 2,
    now: datetime = NOW,
    **values: Any,
) -> Order:
    """An order made to order, brought to a state by the services."""
    product = product or make_product(session, producer, capacity=100)
    order = make_purchase(session, [(product, quantity)], now=now, **values).orders[0]
    advance(session, order, state, now)
    return order


def advance(session: Session, order: Order, state: OrderState, now: datetime = NOW) -> None:
    """Brings a placed order to a state."""
    for step in _WAYS[state]:
        _take(session, order, step, now)


def _take(session: Session, order: Order, step: str, now: datetime) -> None:
    producer, buyer, timer = By(Actor.PRODUCER), By(Actor.BUYER), By(Actor.CLOCK)
    if step == "accept" and order.state is OrderState.ACCEPTED:
        return
    if step == "pay":
        pay(session, order, now)
    elif step == "counter":
        later = order.ready_by + timedelta(days=3)
        lifecycle.counter(session, order, producer, now, quantities={}, ready_by=later)
    elif step == "ship":
        lifecycle.ship(session, order, producer, now, courier="JNE", tracking_number="JP123")
    elif step == "receive":
        lifecycle.receive(session, order, buyer, now)
    else:
        action = Action(step)
        actor = {"cancel": buyer, "dispute": buyer, "lapse": timer}.get(step, producer)
        lifecycle.act(session, order, action, actor, now, reason="alasan contoh")
