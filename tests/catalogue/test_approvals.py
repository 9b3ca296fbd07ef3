"""What is not what was approved is looked at, however it came about; and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue import services as stock
from ovop_market.catalogue.listings import (
    desk_queries,
    pack_services,
    photo_services,
    reviews,
    services,
    values,
)
from ovop_market.catalogue.listings.approvals import Change, Part
from ovop_market.catalogue.listings.desk_queries import Tab
from ovop_market.catalogue.listings.models import ListingApproval
from ovop_market.catalogue.listings.states import ListingAction, ListingState, state_of
from ovop_market.catalogue.models import (
    Category,
    Product,
    ProductPhoto,
    Review,
    StockReason,
    Variant,
)
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.web.pictures import StoredPicture
from tests.factories import NOW, make_product, make_user, sign_in

A, S = ListingAction, ListingState
FIRST, SECOND = "a" * 32, "b" * 32


class Shop:
    """A listing and its staff, an hour later with everything that is done."""

    def __init__(self, session: Session, product: Product, owner: User, operator: User) -> None:
        self.session, self.product = session, product
        self.owner, self.operator, self.at = owner, operator, NOW

    def word(self) -> dict[str, Any]:
        self.at += timedelta(hours=1)
        return {"actor_id": self.owner.id, "now": self.at}

    def say(self, **changed: Any) -> None:
        said = replace(values.listing_of(self.product), **changed)
        services.revise(self.session, self.product, said, seen=None, **self.word())

    def say_of_pack(self, pack: Variant | None = None, **changed: Any) -> None:
        pack = pack or self.product.variants[0]
        said = replace(values.pack_of(pack), **changed)
        pack_services.revise(self.session, pack, said, seen=None, **self.word())

    def add_pack(self, name: str = "1 kg", price: int = 9_500_000) -> Variant:
        pack = values.Pack(name, price, 1_100, None, None, None)
        return pack_services.add(self.session, self.product, pack, **self.word())

    def sell(self, pack: Variant, sold: bool) -> None:
        pack_services.sell(self.session, pack, sold, **self.word())

    def add_photo(self, key: str = SECOND) -> None:
        photo_services.add(self.session, self.product, [StoredPicture(key, 90, 60)], **self.word())

    def photo(self, key: str = FIRST) -> int:
        found = photo_services.photos_of(self.session, self.product)
        return next(photo.id for photo in found if photo.key == key)

    def withdraw(self) -> None:
        services.withdraw(self.session, self.product, **self.word())

    def publish(self) -> None:
        services.publish(self.session, self.product, **self.word())

    def approve(self) -> None:
        word = {**self.word(), "actor_id": self.operator.id}
        reviews.decide(self.session, self.product, A.APPROVE, **word)
        assert self.product.review_since is None

    @property
    def due(self) -> bool:
        """Whether a look is due; buyers see it meanwhile."""
        self.session.commit()
        self.session.refresh(self.product)
        assert state_of(self.product) is S.SHOWN
        return self.product.review_since is not None

    def changes(self) -> Any:
        self.session.commit()
        rows = desk_queries.queue(self.session, Tab.UNSEEN, 1, self.at).rows
        return next(row.changes for row in rows if row.id == self.product.id)


@pytest.fixture(params=["approved", "from before approvals were kept"])
def shop(session: Session, request: pytest.FixtureRequest) -> Shop:
    """A listing that was found to be in order."""
    owner, operator = (make_user(session, role) for role in (Role.PRODUCER, Role.OPERATOR))
    product = make_product(session, price=120_000, ready=3, name="Madu teran")
    session.add(
        ProductPhoto(product_id=product.id, key=FIRST, alt="Madu", width=9, height=9, position=0)
    )
    session.commit()
    made = Shop(session, product, owner, operator)
    if request.param == "approved":
        made.approve()
    return made


# What makes it another thing, and how the desk tells of it.
OTHERWISE: dict[str, tuple[Callable[[Shop], Any], Change]] = {
    "name": (lambda s: s.say(name="Obat kuat impor"), Change(Part.NAME, was="Madu teran")),
    "kind": (lambda s: s.say(category=Category.SNACK), Change(Part.KIND, was="frozen")),
    "summary": (lambda s: s.say(summary="Manjur."), Change(Part.TEXT)),
    "description": (lambda s: s.say(description="Hubungi 0812."), Change(Part.TEXT)),
    "ingredients": (lambda s: s.say(ingredients="Sildenafil."), Change(Part.TEXT)),
    "storage note": (lambda s: s.say(storage_note="Hubungi 0812."), Change(Part.TEXT)),
    "price": (lambda s: s.say_of_pack(price=240_000), Change(Part.PRICE, "500 g", 120_000)),
    "low price": (lambda s: s.say_of_pack(price=60_000), Change(Part.PRICE, "500 g", 120_000)),
    "pack renamed": (lambda s: s.say_of_pack(name="250 g"), Change(Part.PACK, "250 g", "500 g")),
    "pack": (lambda s: s.add_pack(), Change(Part.PACK, "1 kg")),
    "cheap pack": (lambda s: s.add_pack(price=119_000), Change(Part.PACK, "1 kg")),
    "picture": (lambda s: s.add_photo(), Change(Part.PICTURE)),
    "words of a picture": (
        lambda s: photo_services.describe(
            s.session, s.product, s.photo(), "Hubungi 0812", **s.word()
        ),
        Change(Part.PICTURE),
    ),
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_what_becomes_another_thing_is_looked_at(shop: Shop, what: str) -> None:
    """Afterwards: buyers see it meanwhile."""
    do, change = OTHERWISE[what]
    do(shop)
    assert shop.due
    assert shop.changes() == [change]
    shop.approve()
    # What was approved now is what counts from here on.
    shop.withdraw()
    shop.publish()
    assert not shop.due


@pytest.mark.parametrize("what", OTHERWISE)
def test_nor_does_it_become_another_thing_while_nobody_sees_it(shop: Shop, what: str) -> None:
    do, change = OTHERWISE[what]
    shop.withdraw()
    do(shop)
    assert shop.product.review_since is None
    shop.publish()
    assert shop.due
    assert shop.changes() == [change]


# What the shop's work of every day is.
THE_SAME: dict[str, Callable[[Shop], Any]] = {
    "nothing": lambda s: s.say(),
    "days and season": lambda s: s.say(shelf_life_days=30, season_from=3, season_to=9),
    "weight": lambda s: s.say_of_pack(weight_grams=650),
    "a price a little higher": lambda s: s.say_of_pack(price=239_000),
    "a price a little lower": lambda s: s.say_of_pack(price=61_000),
    "stock": lambda s: stock.change_ready(
        s.session,
        s.product.variants[0].offers[0].id,
        7,
        stock.Cause(StockReason.MADE, NOW),
    ),
    "capacity": lambda s: setattr(s.product.variants[0].offers[0], "weekly_capacity", 40),
    "a picture gone": lambda s: photo_services.remove(s.session, s.product, s.photo(), **s.word()),
}


@pytest.mark.parametrize("what", THE_SAME)
def test_what_stays_the_same_thing_needs_no_look(shop: Shop, what: str) -> None:
    THE_SAME[what](shop)
    assert not shop.due
    shop.withdraw()
    shop.publish()
    assert not shop.due


def test_order_and_what_comes_back_need_no_look(shop: Shop) -> None:
    second = shop.add_pack()
    shop.add_photo()
    shop.approve()
    word = shop.word()
    photo_services.place(shop.session, shop.product, shop.photo(SECOND), 0, **word)
    pack_services.place(shop.session, second, 0, **word)
    assert not shop.due
    shop.sell(second, False)
    photo_services.remove(shop.session, shop.product, shop.photo(SECOND), **word)
    assert not shop.due
    shop.sell(second, True)
    photo = StoredPicture(SECOND, 90, 60)
    photo_services.add(shop.session, shop.product, [photo], **word)
    assert not shop.due


def test_a_pack_that_was_not_sold_was_not_approved(shop: Shop) -> None:
    """It was on no operator's screen."""
    second = shop.add_pack()
    shop.sell(second, False)
    shop.approve()
    assert not shop.due
    shop.sell(second, True)
    assert shop.due and shop.changes() == [Change(Part.PACK, "1 kg")]


def test_a_pack_in_the_place_of_another(shop: Shop) -> None:
    """The rule of the price does not end where the old pack does."""
    shop.add_pack()
    shop.sell(shop.product.variants[0], False)
    assert shop.due and shop.changes() == [Change(Part.PACK, "1 kg")]


def test_a_price_that_creeps_is_looked_at(shop: Shop) -> None:
    """By steps that are no jumps: counted from what was approved last."""
    for price, due in ((180_000, False), (239_000, False), (241_000, True)):
        shop.say_of_pack(price=price)
        assert shop.due is due
    shop.approve()
    for price, due in ((400_000, False), (125_000, False), (120_000, True)):
        shop.say_of_pack(price=price)
        assert shop.due is due


def test_what_was_there_for_a_while_is_looked_at(shop: Shop, app: Flask) -> None:
    """Changed and changed back: a look is due all the same, since then."""
    shop.say(name="Obat kuat impor")
    since = shop.product.review_since
    shop.say(name="Madu teran")
    shop.withdraw()
    shop.publish()
    assert shop.due and shop.changes() == [] and shop.product.review_since == since
    client = app.test_client()
    sign_in(client, shop.operator)
    for path in ("/desk/listings?tab=unseen", f"/desk/listings/{shop.product.slug}"):
        assert "Sudah kembali seperti waktu diperiksa" in client.get(path).text


def test_a_draft_is_nobodys_business(shop: Shop) -> None:
    shop.withdraw()
    shop.say(name="Obat kuat impor")
    shop.add_pack()
    assert state_of(shop.product) is S.DRAFT and shop.product.review_since is None


def test_what_is_refused_is_not_looked_at(shop: Shop) -> None:
    with pytest.raises(Unusable):
        shop.add_pack("500 g", 9_500_000)
    assert not shop.due


def test_the_first_time_it_is_shown(session: Session) -> None:
    """Nothing was approved yet: all of it is looked at, also once it was withdrawn and shown."""
    owner, operator = (make_user(session, role) for role in (Role.PRODUCER, Role.OPERATOR))
    product = make_product(session, listed=False)
    shop = Shop(session, product, owner, operator)
    shop.publish()
    since = shop.product.review_since
    assert shop.due and shop.changes() is None
    shop.withdraw()
    shop.publish()
    assert shop.due and shop.product.review_since == since


def test_the_desk_says_what_has_changed(shop: Shop, client: FlaskClient, session: Session) -> None:
    shop.say(name="Obat kuat impor", category=Category.SNACK, summary="Manjur.")
    shop.say_of_pack(name="Botol", price=9_500_000)
    shop.add_pack("Peti", 900_000)
    shop.add_photo()
    session.commit()
    sign_in(client, shop.operator)
    told = (
        "Nama, dulu “Madu teran”",
        "Jenis, dulu Makanan beku",
        "Keterangan",
        "Kemasan Botol, dulu “500 g”",
        "Harga Botol, dulu Rp120.000",
        "Kemasan baru: Peti",
        "Foto atau keterangan foto",
    )
    queue = client.get("/desk/listings?tab=unseen").text
    assert "Berubah sejak diperiksa: " + "; ".join(told) in queue
    page = client.get(f"/desk/listings/{shop.product.slug}").text
    assert all(f"<li>{words}</li>" in page for words in told)


@pytest.mark.rebuilds
def test_approvals_come_and_go(app: Flask, session: Session) -> None:
    """Without them, what is shown and waits for no look is approved as it is, and nothing else."""
    owner, operator = (make_user(session, role) for role in (Role.PRODUCER, Role.OPERATOR))
    kept = make_product(session)
    reviews.decide(session, kept, A.APPROVE, actor_id=operator.id, now=NOW)
    waits = make_product(session, review_since=NOW)
    draft = make_product(session, listed=False)
    first = make_product(session, listed=False, review=Review.SUBMITTED, review_since=NOW)
    ids = [product.id for product in (kept, waits, draft, first)]
    who = owner.id
    session.commit()
    db.session.remove()
    downgrade(revision="0033")
    db.session.remove()
    upgrade()
    check()
    assert session.scalar(select(func.count()).select_from(ListingApproval)) == 0
    for product_id in ids:
        product = session.get_one(Product, product_id)
        word: dict[str, Any] = {"actor_id": who, "now": NOW + timedelta(days=1)}
        services.withdraw(session, product, **word)
        services.publish(session, product, **word)
    found = [session.get_one(Product, product_id).review_since for product_id in ids]
    assert found == [None, NOW, NOW + timedelta(days=1), NOW]
