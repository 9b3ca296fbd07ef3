"""From a cart to a purchase: one transaction that holds the stock or changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ovop_market.catalogue.supply import Share, Supply
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import digest, order_number, secret_token
from ovop_market.delivery.queries import Way
from ovop_market.extensions.database import insert_into
from ovop_market.orders import methods
from ovop_market.orders.methods import Choice
from ovop_market.orders.models import (
    Cart,
    CartLine,
    Order,
    OrderEvent,
    OrderLine,
    PaymentMethod,
    Purchase,
)
from ovop_market.orders.services import allocating, buyers, quotes
from ovop_market.orders.services.asking_households import offer_shares
from ovop_market.orders.services.history import CLOCK
from ovop_market.orders.services.holds import hold_for
from ovop_market.orders.services.lifecycle import due_at
from ovop_market.orders.services.locks import lock_producers
from ovop_market.orders.services.quotes import LineQuote, Quote
from ovop_market.orders.signals import order_moved
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_states import ProducerState

# Of the privacy notice that stands beside the consent (ovop_market/privacy/versions.py).
CONSENT_VERSION = "2026-12"


class CheckoutRefused(Conflict):
    """The cart cannot be ordered as the buyer saw it; the page is shown again as things are."""


@dataclass(frozen=True, slots=True)
class Details:
    """What the buyer says at checkout. `delivery` maps producer slugs to codes of ways."""

    name: str
    phone: str
    email: str | None
    region_code: str
    street: str
    postal_code: str
    note: str
    payment_method: PaymentMethod
    delivery: Mapping[str, str]
    language: str = "id"


def submission_digest(cart_token: str, key: str) -> str:
    """What makes a submit the same submit: the visitor's own cart and the form's key."""
    return digest(f"{cart_token}\n{key}")


def already_placed(session: Session, submission: str) -> Purchase | None:
    """The purchase of this very submit, if it has come before."""
    return session.scalar(select(Purchase).where(Purchase.submission_digest == submission))


def place(
    session: Session,
    cart: Cart,
    details: Details,
    *,
    submission: str,
    buyer_id: int | None,
    now: datetime,
    seen: str | None = None,
) -> Purchase:
    """Turns the cart into a purchase with one order for each producer.

    The same submission gives the same purchase, however often and however simultaneously it
    comes; the caller has locked the cart. `seen` is the fingerprint of what the buyer was shown;
    None accepts things as they are.

    Raises CheckoutRefused when something cannot be supplied or is not what was shown, and Unusable
    for a way of delivery or payment that is not on offer. The caller must then roll back.
    """
    purchase = _insert(session, details, submission, buyer_id, now)
    if purchase is None:
        return session.scalars(
            select(Purchase).where(Purchase.submission_digest == submission)
        ).one()
    found = quotes.make(session, cart, details.region_code, now, lock=True)
    if not found:
        raise CheckoutRefused(_("Keranjang Anda kosong. Pilih produk dulu."))
    _refuse_what_is_impossible(found, details, seen)
    # In the order of producers, so that two purchases lock the same things in the same order.
    lock_producers(session, [quote.producer.id for quote in found])
    _refuse_unless_selling(session, found)
    # After the locks: of two checkouts at one producer, the second sees the first.
    known_in = buyers.villages_before(session, purchase)
    purchase.repeat = bool(known_in)
    events = [
        _order(session, purchase, quote, _chosen(quote, details.delivery), known_in, buyer_id, now)
        for quote in sorted(found, key=lambda quote: quote.producer.id)
    ]
    _hold_all(session, [event.order for event in events], found, now)
    session.execute(delete(CartLine).where(CartLine.cart_id == cart.id))
    session.expire(cart, ["lines"])
    session.flush()
    for event in events:
        order_moved.send(event.order, session=session, event=event, before=None, move=None)
    return purchase


def _insert(
    session: Session, details: Details, submission: str, buyer_id: int | None, now: datetime
) -> Purchase | None:
    """The new purchase, or None when the same submission was quicker (and has committed)."""
    token = secret_token()
    new_id = session.scalar(
        insert_into(session, Purchase)
        .values(
            token=token,
            token_digest=digest(token),
            submission_digest=submission,
            placed_at=now,
            buyer_id=buyer_id,
            name=details.name,
            phone=details.phone,
            email=details.email,
            region_code=details.region_code,
            street=details.street,
            postal_code=details.postal_code,
            note=details.note,
            payment_method=details.payment_method,
            language=details.language,
            consent_at=now,
            consent_version=CONSENT_VERSION,
            buyer_key=buyers.key_of(details.phone),
        )
        .on_conflict_do_nothing(index_elements=["submission_digest"])
        .returning(Purchase.id)
    )
    return None if new_id is None else session.get_one(Purchase, new_id)


def _refuse_what_is_impossible(found: Sequence[Quote], details: Details, seen: str | None) -> None:
    problems = [line.problem for quote in found for line in quote.lines if line.problem]
    if problems:
        raise CheckoutRefused(" ".join(dict.fromkeys(problems)), quotes=found)
    if seen is not None and not quotes.is_what_was_seen(found, seen):
        raise CheckoutRefused(
            _("Harga, stok, atau isi keranjang baru saja berubah. Periksa lagi, lalu pesan."),
            quotes=found,
        )
    _refuse_method(found, details)


def _refuse_unless_selling(session: Session, found: Sequence[Quote]) -> None:
    """Asked once more now that the producers are locked: an operator may have been quicker."""
    names = session.scalars(
        select(Producer.name)
        .where(
            Producer.id.in_([quote.producer.id for quote in found]),
            Producer.state != ProducerState.APPROVED,
        )
        .order_by(Producer.name)
    ).all()
    if names:
        raise CheckoutRefused(
            _("%(producer)s tidak berjualan lagi. Pilih produk lain.", producer=", ".join(names)),
            quotes=found,
        )


def _refuse_method(found: Sequence[Quote], details: Details) -> None:
    """The same question as on the page: can these orders be paid so, with the ways chosen now?"""
    ways = details.delivery
    choices = [Choice(quote, quote.way(ways.get(quote.producer.slug, ""))) for quote in found]
    options = {option.method: option for option in methods.options(choices)}
    option = options.get(details.payment_method)
    if option is None:
        raise Unusable(_("Pilih cara bayar yang tersedia."), field="payment_method")
    if not option.possible:
        raise Unusable(option.refusal, field="payment_method")


def _chosen(quote: Quote, delivery: Mapping[str, str]) -> Way:
    way = quote.way(delivery.get(quote.producer.slug, ""))
    if way is None:
        raise Unusable(
            _("Pilih cara kirim dari %(producer)s.", producer=quote.producer.name),
            field=f"delivery-{quote.producer.slug}",
        )
    return way


def _order(
    session: Session,
    purchase: Purchase,
    quote: Quote,
    way: Way,
    known_in: Collection[int],
    buyer_id: int | None,
    now: datetime,
) -> OrderEvent:
    """The order of a quote, with its lines and its first event. `known_in`: the villages (ids) that
    this buyer had ordered from before."""
    state = OrderState.ACCEPTED if quote.from_stock else OrderState.PLACED
    assert quote.ready_by is not None  # every line has a plan, or we would not be here
    order = Order(
        number=order_number(),
        purchase=purchase,
        producer=quote.producer,
        state=state,
        ready_by=quote.ready_by,
        service_id=way.service_id,
        collection_point_id=way.collection_point_id,
        goods=quote.goods,
        shipping=way.price,
        total=quote.goods + way.price,
        paid=0,
        repeat=quote.producer.village_id in known_in,
        lines=[_order_line(line) for line in quote.lines],
    )
    order.due_at = due_at(order, now)
    event = OrderEvent(
        order=order,
        producer_id=quote.producer.id,
        at=now,
        actor=Actor.BUYER,
        actor_id=buyer_id,
        action=Action.PLACE,
        state=state,
        details={"from_stock": quote.from_stock},
    )
    session.add_all([order, event])
    session.flush()
    return event


def _order_line(quote: LineQuote) -> OrderLine:
    variant = quote.variant
    return OrderLine(
        variant_id=variant.id,
        product_name=quote.product.name,
        variant_name=variant.name,
        unit_price=variant.price,
        weight_grams=variant.weight_grams,
        volume_cm3=variant.volume,
        quantity=quote.quantity,
    )


def _hold_all(
    session: Session, orders: Sequence[Order], found: Sequence[Quote], now: datetime
) -> None:
    """Keeps what the quotes planned, and asks a group's households for their shares of it."""
    lines = {line.variant.id: line for quote in found for line in quote.lines}
    for order in orders:
        plans: dict[OrderLine, Sequence[Share]] = {}
        means: dict[int, Supply] = {}
        for line in order.lines:
            quote = lines[line.variant_id]
            assert quote.plan is not None
            plans[line] = quote.plan.shares
            means |= {supply.offer_id: supply for supply in quote.means}
        holds = hold_for(session, plans, order, now)
        if allocating.is_shared(order):
            offer_shares(session, order, holds, plans, means, CLOCK, now)
