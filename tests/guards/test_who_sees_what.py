"""Role × URL → status, for every URL: one table, and a test that no URL is missing from it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import Payment, Refund
from tests.factories import NOW, make_order, make_producer, make_product, make_user, sign_in

WHO = ("nobody", "buyer", "stranger", "producer", "official", "operator")
ALL = dict.fromkeys(WHO, 200)
SIGN_IN = 303
# `stranger` is a producer as well, of another household.
ONLY_PRODUCERS = {**dict.fromkeys(WHO, 403), "nobody": SIGN_IN, "producer": 200, "stranger": 200}
ONLY_THE_PRODUCER = {**ONLY_PRODUCERS, "stranger": 404}
ONLY_OPERATORS = {**dict.fromkeys(WHO, 403), "nobody": SIGN_IN, "operator": 200}
OFFICIALS = {**ONLY_OPERATORS, "official": 200}
SIGNED_IN = {**ALL, "nobody": SIGN_IN}

# URL → what each gets. {…} is filled in from the thing that belongs to `producer`'s order.
TABLE: dict[str, dict[str, int]] = {
    "/": ALL,
    "/products": ALL,
    "/products/{product}": ALL,
    "/products/{product}/delivery": ALL,
    "/villages": ALL,
    "/villages/{village}": ALL,
    "/regions": ALL,
    "/robots.txt": ALL,
    "/sitemap.xml": ALL,
    "/assets/{asset}": ALL,
    "/healthz": ALL,
    "/readyz": ALL,
    "/media/nothing": dict.fromkeys(WHO, 404),
    "/cart": ALL,
    "/cart/badge": dict.fromkeys(WHO, 303),
    "/checkout": dict.fromkeys(WHO, 303),
    "/purchases/{token}": ALL,
    "/sign-in": {**dict.fromkeys(WHO, 303), "nobody": 200},
    "/register": ALL,
    "/account": SIGNED_IN,
    "/account/purchases": SIGNED_IN,
    "/inbox": ONLY_PRODUCERS,
    "/inbox/poll": {**dict.fromkeys(WHO, 403), "nobody": 303, "producer": 303, "stranger": 303},
    "/inbox/{order}": ONLY_THE_PRODUCER,
    "/shop": {**dict.fromkeys(WHO, 403), "nobody": 303, "producer": 303, "stranger": 303},
    "/shop/offers": ONLY_PRODUCERS,
    "/reach": OFFICIALS,
    "/reach/export.csv": OFFICIALS,
    "/desk": ONLY_OPERATORS,
    "/desk/orders/{order}": ONLY_OPERATORS,
    "/desk/payments": ONLY_OPERATORS,
    "/desk/payments/{payment}": ONLY_OPERATORS,
    "/desk/payments/{payment}/proof": {**ONLY_OPERATORS, "operator": 404},
}


@pytest.mark.parametrize("who", WHO)
def test_who_gets_what(app: Flask, client: FlaskClient, session: Session, who: str) -> None:
    owner = make_user(session, Role.PRODUCER)
    product = make_product(session, make_producer(session, staff=owner), capacity=99)
    order = make_order(session, OrderState.PREPARING, product=product)
    other = make_user(session, Role.PRODUCER)
    make_producer(session, staff=other)
    payment = session.query(Payment).one()
    names = {
        "product": product.slug,
        "village": product.producer.village.slug,
        "token": order.purchase.token,
        "order": order.number,
        "payment": payment.id,
        "asset": app.extensions["assets"]["css/site.css"].address,
    }
    if who != "nobody":
        users = {"producer": owner, "stranger": other}
        sign_in(client, users.get(who) or make_user(session, Role(who)))
    got = {url: client.get(url.format(**names)).status_code for url in TABLE}
    assert got == {url: row[who] for url, row in TABLE.items()}


def test_no_url_is_missing_from_the_table(app: Flask) -> None:
    def shape(url: str) -> str:
        parts = ["*" if part.startswith(("{", "<")) else part for part in url.split("/")]
        return "/".join(parts).replace("/media/nothing", "/media/*")

    known = {shape(url) for url in TABLE}
    asked = {shape(rule.rule) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert asked == known


# POST URL → who is not turned away at the door (303 to sign-in, 403) or by the query (404).
ORDER_VERBS = (
    "acceptance",
    "counteroffer",
    "decline",
    "preparation",
    "readiness",
    "shipment",
    "handover",
)
BUYER_VERBS = ("cancellation", "agreement", "receipt", "dispute")
POSTS: dict[str, set[str]] = {
    **{f"/inbox/{{order}}/{verb}": {"producer"} for verb in ORDER_VERBS},
    **{f"/purchases/{{token}}/orders/{{order}}/{verb}": set(WHO) for verb in BUYER_VERBS},
    "/purchases/{token}/payments/{payment}/claim": set(WHO),
    "/desk/payments/{payment}/confirmation": {"operator"},
    "/desk/payments/{payment}/rejection": {"operator"},
    "/desk/orders/{order}/cancellation": {"operator"},
    "/desk/orders/{order}/settlement": {"operator"},
    "/desk/refunds/{refund}/sending": {"operator"},
    "/shop/offers/{offer}/count": {"producer"},
    "/shop/offers/{offer}/capacity": {"producer"},
    "/shop/producers/{maker}/closure": {"producer"},
    "/shop/producers/{maker}/reopening": {"producer"},
    # A cart belongs to a session; nobody's line is found in another's (tests/orders).
    "/cart/lines": set(WHO),
    "/cart/lines/{line}": set(),
    "/cart/lines/{line}/removal": set(),
    "/checkout": set(WHO),
    "/sign-in": set(WHO),
    "/sign-out": set(WHO),
    "/register": set(WHO),
}
TURNED_AWAY = (303, 403, 404)


@pytest.mark.parametrize("who", WHO)
def test_who_may_do_what(app: Flask, client: FlaskClient, session: Session, who: str) -> None:
    owner = make_user(session, Role.PRODUCER)
    product = make_product(session, make_producer(session, staff=owner), capacity=99)
    order = make_order(session, OrderState.DISPUTED, product=product)
    cancelled = make_order(session, OrderState.DISPUTED, product=product)
    lifecycle.settle(session, cancelled, By(Actor.OPERATOR), NOW, for_buyer=True, reason="rusak")
    other = make_user(session, Role.PRODUCER)
    make_producer(session, staff=other)
    names = {
        "token": order.purchase.token,
        "order": order.number,
        "payment": session.query(Payment).filter_by(purchase_id=order.purchase_id).one().id,
        "refund": session.query(Refund).one().id,
        "offer": product.variants[0].offers[0].id,
        "maker": product.producer.slug,
        "line": 1,
    }
    if who != "nobody":
        users = {"producer": owner, "stranger": other}
        sign_in(client, users.get(who) or make_user(session, Role(who)))
    token = client.csrf("/register")
    let_in = set()
    # Signing in, out and registering change who asks: they are tried elsewhere (tests/accounts).
    for url in [url for url in POSTS if not url.startswith(("/sign", "/register"))]:
        # Nothing is filled in: whoever is let in is told so (409, 422), and nothing changes.
        answer = client.post(url.format(**names), data={"csrf_token": token})
        at_home = answer.status_code == 303 and "/sign-in" not in answer.headers["Location"]
        if answer.status_code not in TURNED_AWAY or at_home:
            let_in.add(url)
    expected = {url for url, row in POSTS.items() if who in row}
    expected -= {"/cart/lines", "/sign-in", "/sign-out", "/register"}
    assert let_in == expected


def test_no_post_is_missing_from_the_table(app: Flask) -> None:
    def shape(url: str) -> str:
        return "/".join("*" if part.startswith(("{", "<")) else part for part in url.split("/"))

    known = {shape(url) for url in POSTS}
    buyers = {"/purchases/*/orders/*/*"}
    asked = {
        shape(rule.rule) for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())
    }
    assert asked - buyers <= known
    assert len(asked) == len(known) - len(BUYER_VERBS) + len(buyers)
