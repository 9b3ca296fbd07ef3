"""A group with a household, both with accounts, and what they sell."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Offer, Product, StockReason, Variant
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.villages.models import Producer
from tests.factories import NOW, make_producer, make_product, make_user, sign_in


@dataclass(frozen=True, slots=True)
class World:
    """`group` lists `product`, of which `member` has 5 packs ready and `other` 3."""

    coordinator: User
    household: User
    group: Producer
    member: Producer
    other: Producer
    product: Product

    @property
    def variant(self) -> Variant:
        return self.product.variants[0]

    def offer(self, producer: Producer) -> Offer:
        return next(o for o in self.variant.offers if o.producer_id == producer.id)


@pytest.fixture
def world(session: Session) -> World:
    coordinator = make_user(session, Role.PRODUCER, login="produsen@ovop.example")
    household = make_user(session, Role.PRODUCER, login="anggota@ovop.example", name="Bu Contoh")
    group = make_producer(session, staff=coordinator, kind="group", name="Kelompok Laut")
    member = make_producer(session, staff=household, group_id=group.id, name="Rumah Anggota")
    other = make_producer(session, group_id=group.id, name="Rumah Lain")
    product = make_product(session, group, name="Pempek lenjer", price=40_000)
    variant = product.variants[0]
    # A group's product has an offer of each member, and none of the group.
    session.delete(variant.offers[0])
    session.flush()
    for producer, ready in ((member, 5), (other, 3)):
        offer = Offer(variant_id=variant.id, producer_id=producer.id)
        session.add(offer)
        session.flush()
        change_ready(session, offer.id, ready, Cause(StockReason.OPENING, NOW))
    session.expire_all()
    session.commit()
    return World(coordinator, household, group, member, other, product)


@pytest.fixture
def seller(client: FlaskClient, world: World) -> FlaskClient:
    """The household's account, signed in."""
    sign_in(client, world.household)
    return client
