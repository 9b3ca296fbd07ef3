"""Who comes back is known by a keyed hash, which nobody sees."""

from __future__ import annotations

import hashlib
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from ovop_market.catalogue.models import Product
from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.core.tokens import digest, keyed_digest
from ovop_market.extensions import db
from ovop_market.orders.models import KEY_LENGTH, Order, Purchase
from ovop_market.orders.services import buyers
from ovop_market.orders.services.checkout import CheckoutRefused
from ovop_market.orders.states import OrderState
from tests.counting import counted
from tests.factories import (
    advance,
    make_delivery,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    make_village,
    sign_in,
)
from tests.orders.test_checkout import details, fill, place
from tests.orders.test_checkout_pages import begin

DENDANG = "19.05.04.2005"
PHONE, OTHER = "+6281234567890", "+6281234567891"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def product(session: Session) -> Product:
    return make_product(session, ready=50)


@pytest.fixture
def elsewhere(session: Session) -> Product:
    village = make_village(session, DENDANG, name="Dendang")
    return make_product(session, make_producer(session, village), ready=50)


def told(purchase: Purchase) -> tuple[bool, list[bool]]:
    return purchase.repeat, [order.repeat for order in purchase.orders]


def keys(session: Session) -> set[str | None]:
    return set(session.scalars(select(Purchase.buyer_key)))


# Who comes back


def test_the_second_time_is_a_return(session: Session, product: Product) -> None:
    assert told(make_purchase(session, [(product, 1)])) == (False, [False])
    assert told(make_purchase(session, [(product, 1)])) == (True, [True])
    assert told(make_purchase(session, [(product, 1)], phone=OTHER)) == (False, [False])
    assert len(keys(session)) == 2


def test_each_village_has_its_own(session: Session, product: Product, elsewhere: Product) -> None:
    make_purchase(session, [(product, 1)])
    both = make_purchase(session, [(product, 1), (elsewhere, 1)])
    assert both.repeat
    assert {order.producer_id: order.repeat for order in both.orders} == {
        product.producer_id: True,
        elsewhere.producer_id: False,
    }
    assert told(make_purchase(session, [(elsewhere, 1)])) == (True, [True])


def test_another_producer_of_the_village_is_the_same_village(
    session: Session, product: Product
) -> None:
    make_purchase(session, [(product, 1)])
    assert told(make_purchase(session, [(make_product(session, ready=5), 1)])) == (True, [True])


@pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.EXPIRED, OrderState.DECLINED])
def test_whatever_became_of_the_first(session: Session, state: OrderState) -> None:
    product = make_product(session, capacity=50)
    advance(session, make_purchase(session, [(product, 1)]).orders[0], state)
    assert told(make_purchase(session, [(product, 1)])) == (True, [True])


@pytest.mark.parametrize("spelt", ["0812-3456-7890", "62 812 3456 7890", " +62 812-3456-7890 "])
def test_however_the_number_is_written(session: Session, product: Product, spelt: str) -> None:
    make_purchase(session, [(product, 1)], phone=spelt)
    assert told(make_purchase(session, [(product, 1)])) == (True, [True])


def test_a_form_that_is_sent_again_is_no_return(
    client: FlaskClient, session: Session, product: Product
) -> None:
    product.producer.slug = "toko"
    make_delivery(session)
    session.commit()
    form = begin(client, product)
    for _ in range(3):
        assert client.post("/checkout", data=form).status_code == 303
    purchase = session.scalars(select(Purchase)).one()
    assert told(purchase) == (False, [False])
    # Another day's form is one, with the number written otherwise.
    again = begin(client, product) | {"phone": "+62 812 34567890"}
    assert client.post("/checkout", data=again).status_code == 303
    assert told(session.scalars(select(Purchase).order_by(Purchase.id.desc())).first()) == (
        True,
        [True],
    )


def test_what_was_refused_was_never_bought(session: Session, product: Product) -> None:
    cart = fill(session, (product, 51))
    session.commit()
    with pytest.raises(CheckoutRefused):
        place(session, cart, details(product))
    session.rollback()
    assert told(make_purchase(session, [(product, 1)])) == (False, [False])


def test_who_has_no_key_comes_back_to_nobody(session: Session, product: Product) -> None:
    """Purchases of before, and those whose personal data have been erased."""
    for _ in range(2):
        make_purchase(session, [(product, 1)]).buyer_key = None
    assert told(make_purchase(session, [(product, 1)])) == (False, [False])
    for _ in range(2):
        assert told(make_purchase(session, [(product, 1)], phone=" ")) == (False, [False])


def test_it_stays_as_it_was_decided(session: Session, product: Product) -> None:
    first, second = (make_purchase(session, [(product, 1)]) for _ in range(2))
    first.buyer_key = second.buyer_key = None
    session.flush()
    session.expire_all()
    assert told(second) == (True, [True])


def test_it_costs_one_statement_by_the_index(session: Session, product: Product) -> None:
    purchase = make_purchase(session, [(product, 1)])
    session.commit()
    purchase = session.get_one(Purchase, purchase.id)
    with counted() as statements:
        buyers.villages_before(session, purchase)
    assert len(statements) == 1
    indexes = inspect(session.connection()).get_indexes("purchase")
    assert ["buyer_key"] in [index["column_names"] for index in indexes]


def test_of_two_at_once_at_one_producer_the_second_comes_back(
    app: Flask, session: Session, product: Product
) -> None:
    """Its producer is locked; who has no producer in common may be new twice."""
    make_delivery(session)
    session.commit()
    number, failed = product.id, []
    session.rollback()
    gate = threading.Barrier(2)

    def buy() -> None:
        with app.app_context():
            mine = db.session()
            try:
                gate.wait(10)
                make_purchase(mine, [(mine.get_one(Product, number), 1)])
                mine.commit()
            except BaseException as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=buy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(session.scalars(select(Purchase.repeat))) == [False, True]
    assert sorted(session.scalars(select(Order.repeat))) == [False, True]


# The key


def test_the_key_is_no_plain_hash(app: Flask, session: Session, product: Product) -> None:
    make_purchase(session, [(product, 1)])
    (key,) = keys(session)
    assert key is not None and len(key) == KEY_LENGTH
    secret = app.config["OVOP"].secret_key
    assert key not in (digest(PHONE), hashlib.sha256((secret + PHONE).encode()).hexdigest())
    # Nor what the same secret makes of the same text for another purpose.
    assert key != keyed_digest(secret, "ovop buyer key 2", PHONE)


def test_another_secret_makes_everybody_new(
    app: Flask, session: Session, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_purchase(session, [(product, 1)])
    config = app.config["OVOP"]
    # As long as it has a key of its own, the secret of sessions may change.
    monkeypatch.setitem(app.config, "OVOP", replace(config, secret_key="x" * 40))
    assert make_purchase(session, [(product, 1)]).repeat
    monkeypatch.setitem(app.config, "OVOP", replace(config, hash_key="y" * 40))
    assert not make_purchase(session, [(product, 1)]).repeat


def test_its_setting() -> None:
    secret = {"OVOP_ENV": "testing", "SECRET_KEY": "s" * 32}
    assert from_environment(secret).hash_key == "s" * 32
    assert from_environment({**secret, "OVOP_HASH_KEY": "h" * 32}).hash_key == "h" * 32
    with pytest.raises(ConfigurationError, match="OVOP_HASH_KEY"):
        from_environment({**secret, "OVOP_HASH_KEY": "h" * 31})


# Nobody sees it (what each page and file answers: tests/guards/test_who_sees_what.py)

MAY_NAME_IT = {
    "ovop_market/orders/models.py",
    "ovop_market/orders/services/buyers.py",
    "ovop_market/orders/services/checkout.py",
    # Who takes it away, who asks how many of one buyer's purchases are unpaid, and the register.
    "ovop_market/orders/services/erasure.py",
    "ovop_market/orders/services/hoarding.py",
    "ovop_market/privacy/inventory.py",
    "ovop_market/seeds/demo_rows.py",
    "ovop_market/seeds/scale_rows.py",
}


def test_only_what_makes_it_names_it() -> None:
    files = [
        *(ROOT / "ovop_market").rglob("*.py"),
        *(path for path in (ROOT / "templates").rglob("*") if path.is_file()),
    ]
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if "buyer_key" in path.read_text("utf-8", "replace")
    }
    assert naming <= MAY_NAME_IT


def test_it_is_not_even_loaded_with_a_purchase(session: Session, product: Product) -> None:
    make_purchase(session, [(product, 1)])
    session.commit()
    with counted() as statements:
        session.scalars(select(Purchase)).one()
    assert "buyer_key" not in statements[0]


def heard_anew() -> None:
    """Loggers keep what they were first used with, which another application may have set."""
    for module in list(sys.modules.values()):
        log = vars(module).get("log")
        if type(log).__name__ == "BoundLoggerLazyProxy":
            vars(log).pop("bind", None)


def test_it_is_in_no_log(
    app: Flask,
    client: FlaskClient,
    session: Session,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product.producer.slug = "toko"
    make_delivery(session)
    session.commit()
    heard_anew()
    with capture_logs() as logged:
        assert client.post("/checkout", data=begin(client, product)).status_code == 303
        (key,) = keys(session)
        session.rollback()
        # Nor when the database refuses it, and says so with all that it was given.
        form = begin(client, product)
        monkeypatch.setattr(buyers, "key_of", lambda _phone: "f1e2d3c4")
        monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
        assert client.post("/checkout", data=form).status_code == 500
    assert "IntegrityError" in str(logged)
    assert key and key not in str(logged) and "f1e2d3c4" not in str(logged)


def test_who_may_sign_in_sees_purchases_without_it(
    client: FlaskClient, session: Session, product: Product
) -> None:
    buyer = make_user(session)
    order = make_order(session, product=make_product(session, capacity=9), buyer=buyer)
    session.commit()
    sign_in(client, buyer)
    (key,) = keys(session)
    for url in ("/account", "/account/purchases", f"/purchases/{order.purchase.token}"):
        assert key and key not in client.get(url).text
    assert session.scalar(select(func.count(Purchase.id))) == 1
