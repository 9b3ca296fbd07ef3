"""Cash: where and up to what each producer allows, at checkout and in the producer's shop."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core.errors import Unusable
from ovop_market.orders.models import Purchase
from ovop_market.villages.models import Producer
from tests.factories import (
    BANDUNG,
    BELO_LAUT,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    sign_in,
)
from tests.pages import token_in, value_of
from tests.payments.buying import (
    COURIER,
    HTMX,
    PICKUP,
    M,
    begin,
    casher,
    payments,
)

# (to the courier, at the collection point, limit) and a way → what is said; "" is accepted.
CASH = [
    ((True, True, None), COURIER, ""),
    ((True, True, None), PICKUP, ""),
    ((True, False, None), COURIER, ""),
    ((True, False, None), PICKUP, "hanya lewat kurir"),
    ((False, True, None), PICKUP, ""),
    ((False, True, None), COURIER, "hanya kalau pesanan diambil sendiri"),
    ((False, False, None), COURIER, "tidak menerima bayar di tempat"),
    ((False, False, None), PICKUP, "tidak menerima bayar di tempat"),
    # Two packs of Rp45.000, and Rp76.000 for the courier.
    ((True, True, 166_000), COURIER, ""),
    ((True, True, 165_999), COURIER, "hanya sampai Rp165.999"),
    ((True, True, 90_000), PICKUP, ""),
    ((True, True, 89_999), PICKUP, "hanya sampai Rp89.999"),
]


@pytest.mark.parametrize(("terms", "way", "refusal"), CASH)
def test_cash_where_and_up_to_what_the_producer_allows(
    session: Session, terms: tuple[bool, bool, int | None], way: str, refusal: str
) -> None:
    producer = casher(session, terms, name="Rumah Mawar")
    product = make_product(session, producer, ready=5)
    region = BELO_LAUT if way == PICKUP else BANDUNG
    wanted = {"method": M.COD, "way": way, "region": region}
    if refusal:
        with pytest.raises(Unusable, match=refusal) as refused:
            make_purchase(session, [(product, 2)], **wanted)
        assert "Rumah Mawar" in refused.value.message
        assert refused.value.details["field"] == "payment_method"
    else:
        purchase = make_purchase(session, [(product, 2)], **wanted)
        assert not payments(session, purchase)


def test_one_producer_without_cash_is_enough(session: Session) -> None:
    takes = make_product(session, casher(session, (True, True, None)), ready=5)
    refuses = make_product(session, casher(session, (False, False, None), name="Ibu X"), ready=5)
    with pytest.raises(Unusable, match=r"^Ibu X tidak menerima"):
        make_purchase(session, [(takes, 1), (refuses, 1)], method=M.COD)


def option(body: str, method: M) -> str:
    """The tag of the radio button of a method."""
    (tag,) = re.findall(rf'<input type="radio" name="payment_method" value="{method}"[^>]*>', body)
    return str(tag)


@pytest.mark.parametrize(("terms", "way", "refusal"), CASH)
def test_the_page_says_so_before_anything_is_sent(
    client: FlaskClient,
    session: Session,
    terms: tuple[bool, bool, int | None],
    way: str,
    refusal: str,
) -> None:
    # Belo Laut has a courier and a collection point; as chosen with HTMX.
    page = begin(client, session, terms)
    chosen = f"{page}&payment_method=cod&delivery-toko={way}"
    body = client.get(chosen, headers=HTMX).text
    tag = option(body, M.COD)
    assert ("disabled" in tag) is bool(refusal)
    assert ("checked" in tag) is not bool(refusal)
    assert refusal in body
    if refusal:
        assert "checked" in option(body, M.TRANSFER)


@pytest.mark.parametrize(
    ("terms", "way", "refusal"), [case for case in CASH if case[2] and case[1] == COURIER]
)
def test_a_refused_post_says_why_beside_the_field(
    client: FlaskClient,
    session: Session,
    terms: tuple[bool, bool, int | None],
    way: str,
    refusal: str,
) -> None:
    page = client.get(begin(client, session, terms)).text
    before = session.scalar(select(func.count(Purchase.id)))
    form = {
        "csrf_token": token_in(page),
        "idempotency_key": value_of(page, "idempotency_key"),
        "seen": value_of(page, "seen"),
        "name": "Sari Contoh",
        "phone": "0812-3456-7890",
        "region_code": BELO_LAUT,
        "street": "Jalan Contoh 2",
        "payment_method": "cod",
        "delivery-toko": way,
        "consent": "1",
    }
    answer = client.post("/checkout", data=form)
    assert answer.status_code == 422
    (said,) = re.findall(r'id="payment_method-error">([^<]*)<', answer.text)
    assert refusal in said
    assert value_of(answer.text, "name") == "Sari Contoh"
    assert session.scalar(select(func.count(Purchase.id))) == before


# The producer's own settings.


@pytest.fixture
def maker(client: FlaskClient, session: Session) -> User:
    user = make_user(session, Role.PRODUCER)
    session.commit()
    sign_in(client, user)
    return user


def set_cash(client: FlaskClient, producer: Producer, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    data = {"csrf_token": client.csrf("/shop/offers"), **fields}
    return client.post(f"/shop/producers/{producer.slug}/cash", data=data, headers=headers)


def cash_of(session: Session, producer: Producer) -> tuple[bool, bool, int | None]:
    session.refresh(producer)
    return producer.cash_on_delivery, producer.cash_at_pickup, producer.cash_limit


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_producer_says_where_it_takes_cash(
    client: FlaskClient, session: Session, maker: User, headers: dict[str, str]
) -> None:
    producer = make_producer(session, staff=maker)
    for _repeat in range(2):
        answer = set_cash(
            client, producer, cash_at_pickup="1", cash_limit="Rp500.000", headers=headers
        )
        assert answer.status_code == (200 if headers else 303)
    assert cash_of(session, producer) == (False, True, 500_000)
    changes = session.scalars(select(AuditEvent).where(AuditEvent.action == "cash changed")).all()
    assert [change.details for change in changes] == [
        {"at_pickup": [False, True], "limit": [None, 500_000]}
    ]
    body = client.get("/shop/offers").text
    assert "di tempat ambil, sampai Rp500.000" in body
    set_cash(client, producer, cash_on_delivery="1", cash_at_pickup="1", cash_limit="")
    assert cash_of(session, producer) == (True, True, None)


@pytest.mark.parametrize("limit", ["0", "-5", "seratus", "1000000001", "1e5", "9" * 13])
def test_a_limit_that_cannot_be(
    client: FlaskClient, session: Session, maker: User, limit: str
) -> None:
    producer = make_producer(session, staff=maker, cash_on_delivery=True)
    answer = set_cash(client, producer, cash_at_pickup="1", cash_limit=limit)
    assert answer.status_code == 422
    assert f"producer-{producer.slug}-cash_limit-error" in answer.text
    assert f'value="{limit}"' in answer.text
    assert cash_of(session, producer) == (True, True, None)


def test_nobody_sets_the_cash_of_others(client: FlaskClient, session: Session, maker: User) -> None:
    make_producer(session, staff=maker)
    other = make_producer(session)
    assert set_cash(client, other, cash_on_delivery="1").status_code == 404
    assert cash_of(session, other) == (False, False, None)


def test_the_product_page_tells_of_cash(client: FlaskClient, session: Session) -> None:
    for terms, said in (
        ((True, False, 250_000), "Bisa juga bayar di tempat (COD), sampai Rp250.000"),
        ((False, True, None), "Bisa juga tunai saat diambil"),
    ):
        product = make_product(session, casher(session, terms), ready=1)
        session.commit()
        assert said in client.get(f"/products/{product.slug}").text
    product = make_product(session, ready=1)
    session.commit()
    assert "Bisa juga" not in client.get(f"/products/{product.slug}").text
