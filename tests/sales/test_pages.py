"""The page of the two taps: what it offers, what it refuses, and whose notes are whose."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.reach import services as reach
from ovop_market.sales.models import ReportedSale
from tests.counting import counted
from tests.factories import make_producer, make_product, make_user, sign_in
from tests.pages import value_of
from tests.sales.conftest import World

HTMX = {"HX-Request": "true"}
PAGE = "/shop/sales"


def form_of(client: FlaskClient, world: World, seller: str = "") -> str:
    slug = seller or world.member.slug
    answer = client.get(f"{PAGE}?variant={world.variant.id}&producer={slug}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def fields(world: World, **changed: Any) -> dict[str, Any]:
    return {
        "variant_id": world.variant.id,
        "producer": world.member.slug,
        "quantity": "2",
        "total": "90.000",
        "channel": "whatsapp",
        "region_code": "31.74",
        "day": clock.wib_date(clock.now()).isoformat(),
        "idempotency_key": "a tap",
        **changed,
    }


def send(client: FlaskClient, values: dict[str, Any], **more: Any) -> TestResponse:
    return client.post(PAGE, data={"csrf_token": client.csrf(PAGE_WITH_FORM), **values}, **more)


PAGE_WITH_FORM = "/register"


def noted(session: Session) -> list[ReportedSale]:
    session.expire_all()
    return list(session.scalars(select(ReportedSale).order_by(ReportedSale.id)))


def day(days: int) -> str:
    return (clock.wib_date(clock.now()) + timedelta(days=days)).isoformat()


def test_two_taps_by_hand(seller: FlaskClient, session: Session, world: World) -> None:
    body = seller.get(PAGE).get_data(as_text=True)
    (address,) = re.findall(r'href="(/shop/sales\?[^"]+)"', body)
    body = seller.get(address.replace("&amp;", "&")).get_data(as_text=True)
    names = ("variant_id", "producer", "quantity", "day", "idempotency_key", "csrf_token")
    # What stands in the form is sent as it is; the empty total is the list price.
    values = {name: value_of(body, name) for name in names}
    checked = re.findall(r'name="(\w+)" value="([^"]+)" checked', body)
    assert dict(checked) == {"channel": "whatsapp", "region_code": "19.05"}
    answer = seller.post(PAGE, data={**values, **dict(checked)})
    assert (answer.status_code, answer.location) == (303, PAGE)
    (sale,) = noted(session)
    assert (sale.quantity, sale.total, sale.region_code) == (1, 40_000, "19.05")
    assert sale.noted_by_id == world.household.id
    body = seller.get(PAGE).get_data(as_text=True)
    assert "Tercatat: 1 × Pempek lenjer 500 g, Kabupaten Bangka Barat." in body
    assert f'data-note="{sale.id}"' in body


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_noting_is_answered_with_the_page_or_the_panel(
    seller: FlaskClient, session: Session, world: World, headers: dict[str, str]
) -> None:
    answer = send(seller, fields(world), headers=headers)
    if headers:
        body = answer.get_data(as_text=True)
        assert answer.status_code == 200 and body.lstrip().startswith('<div id="sales"')
        assert "Tercatat" in body and 'data-total="units" data-value="2"' in body
    else:
        assert answer.status_code == 303
    (sale,) = noted(session)
    assert (sale.total, sale.channel, sale.region_code) == (90_000, "whatsapp", "31.74")


def test_a_double_tap_notes_one(seller: FlaskClient, session: Session, world: World) -> None:
    for _ in range(3):
        assert send(seller, fields(world)).status_code == 303
    key = {"headers": {"Idempotency-Key": "a tap"}}
    assert send(seller, fields(world, idempotency_key="other"), **key).status_code == 303
    assert len(noted(session)) == 1
    # An old form with other numbers is not taken for a repeated tap, nor in silence.
    answer = send(seller, fields(world, quantity="5"))
    body = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "sudah dipakai" in body
    assert value_of(body, "quantity") == "5"
    assert value_of(body, "idempotency_key") != "a tap"


def test_the_form_remembers(seller: FlaskClient, world: World) -> None:
    send(seller, fields(world, quantity="7", channel="fair", region_code="32.73"))
    body = form_of(seller, world)
    assert value_of(body, "quantity") == "7"
    checked = dict(re.findall(r'name="(\w+)" value="([^"]+)" checked', body))
    assert checked == {"channel": "fair", "region_code": "32.73"}
    places = re.findall(r'name="region_code" value="([^"]+)"', body)
    assert places == ["19.05", "32.73"], "the own regency first, then the latest"


def test_what_sells_most_comes_first(seller: FlaskClient, session: Session, world: World) -> None:
    make_product(session, world.group, name="Aneka kerupuk")
    session.commit()
    body = seller.get(PAGE).get_data(as_text=True)
    assert body.index("Aneka kerupuk") < body.index("Pempek lenjer")
    send(seller, fields(world))
    body = seller.get(PAGE).get_data(as_text=True)
    assert body.index("Pempek lenjer") < body.index("Aneka kerupuk")


def test_any_place_is_found_without_script(
    seller: FlaskClient, session: Session, world: World
) -> None:
    asked = fields(world, region_code="", region_q="bandung", find_region="1", quantity="6")
    answer = send(seller, asked)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200 and noted(session) == []
    assert 'value="32.73"' in body and value_of(body, "quantity") == "6"
    assert send(seller, fields(world, region_code="32.73.02")).status_code == 303
    assert noted(session)[0].region_code == "32.73"


def test_places_are_searched_as_one_types(client: FlaskClient) -> None:
    found = client.get("/regions?level=regency&region_q=bandung", headers=HTMX)
    assert 'value="32.73"' in found.get_data(as_text=True)
    found = client.get("/regions?region_q=bandung", headers=HTMX)
    assert 'value="32.73"' not in found.get_data(as_text=True)


HOSTILE = ("", "-1", "0", "1.5", "x", "9" * 400, "10000000000", "\x00", "٣", "' OR 1=1--", "<u>")
WRONG = {
    "quantity": (*HOSTILE, "10000"),
    "total": [value for value in HOSTILE if value not in ("", "1.5")] + ["Rp0", "1000000001"],
    "channel": ("", "web", "reported", "WHATSAPP", "\x00", "x" * 5_000, "' OR 1=1--"),
    "region_code": (*HOSTILE, "31", "99.99", "31.74.", "19.05.01.2006.1", "../.."),
    "day": ("", "besok", "0001-01-01", "9999-12-31", "2026-13-01", day(1), day(-91), "\x00"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values(seller: FlaskClient, session: Session, world: World, name: str) -> None:
    for value in WRONG[name]:
        for headers in ({}, HTMX):
            answer = send(seller, fields(world, **{name: value}), headers=headers)
            assert answer.status_code == 422, (name, value)
            body = answer.get_data(as_text=True)
            assert f'id="{name}-error"' in body, (name, value)
            assert "<u>" not in body, (name, value)
    assert noted(session) == []


@pytest.mark.parametrize("value", ["", "0", "x", "9" * 400, "-1", "\x00", "٣", "2147483648"])
def test_a_variant_that_is_none(
    seller: FlaskClient, session: Session, world: World, value: str
) -> None:
    answer = send(seller, fields(world, variant_id=value))
    assert answer.status_code in ((422,) if not value else (404,))
    for producer in ("", "\x00", "x" * 5_000, "' OR 1=1--"):
        assert send(seller, fields(world, producer=producer)).status_code == 404
    assert noted(session) == []


def test_free_text_is_kept_nowhere(seller: FlaskClient, session: Session, world: World) -> None:
    send(seller, fields(world, name="Sari", phone="0812", note="untuk Sari", buyer="Sari"))
    (sale,) = noted(session)
    kept = {name: getattr(sale, name) for name in list(ReportedSale.__table__.columns.keys())}
    assert "Sari" not in str(kept)


def test_ready_stock_is_taken_only_when_ticked(
    seller: FlaskClient, session: Session, world: World
) -> None:
    send(seller, fields(world))
    session.expire_all()
    assert world.offer(world.member).ready == 5
    answer = send(seller, fields(world, from_stock="1", quantity="9", idempotency_key="2"))
    body = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Stok siap tinggal 5 bungkus" in body and 'id="from_stock-error"' in body
    assert len(noted(session)) == 1
    answer = send(seller, fields(world, from_stock="1", quantity="4", idempotency_key="3"))
    assert answer.status_code == 303
    session.expire_all()
    assert world.offer(world.member).ready == 1
    sale = noted(session)[-1]
    for _ in range(2):
        assert send_withdrawal(seller, sale.id).status_code == 303
    session.expire_all()
    assert world.offer(world.member).ready == 5


def send_withdrawal(client: FlaskClient, sale_id: int, **more: Any) -> TestResponse:
    return client.post(
        f"{PAGE}/{sale_id}/withdrawal", data={"csrf_token": client.csrf("/register")}, **more
    )


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_withdrawing(
    seller: FlaskClient, session: Session, world: World, headers: dict[str, str]
) -> None:
    send(seller, fields(world))
    (sale,) = noted(session)
    for _ in range(2):
        answer = send_withdrawal(seller, sale.id, headers=headers)
        assert answer.status_code == (200 if headers else 303)
    body = seller.get(PAGE).get_data(as_text=True)
    assert "Dibatalkan" in body and "Bu Contoh" in body
    assert 'data-total="units" data-value="0"' in body
    assert list(reach.differences(session)) == []


def test_other_peoples_products_and_notes_are_not_there(
    seller: FlaskClient, session: Session, world: World
) -> None:
    stranger = make_product(session, make_producer(session), name="Madu asing")
    session.commit()
    assert "Madu asing" not in seller.get(PAGE).get_data(as_text=True)
    theirs = {"variant_id": stranger.variants[0].id, "producer": stranger.producer.slug}
    for wrong in (theirs, {**theirs, "producer": world.member.slug}, {"producer": world.other.slug},
                  {"producer": world.group.slug}):  # fmt: skip
        assert send(seller, fields(world, **wrong)).status_code == 404
        asked = fields(world, **wrong)
        address = f"{PAGE}?variant={asked['variant_id']}&producer={asked['producer']}"
        assert seller.get(address).status_code == 404
    assert noted(session) == []


def test_a_note_is_withdrawn_by_its_seller_alone(
    client: FlaskClient, session: Session, world: World
) -> None:
    sign_in(client, world.household)
    send(client, fields(world))
    (sale,) = noted(session)
    other = make_user(session, Role.PRODUCER)
    make_producer(session, staff=other)
    session.commit()
    for user in (other, world.coordinator):
        client.post("/sign-out", data={"csrf_token": client.csrf("/account")})
        sign_in(client, user)
        assert send_withdrawal(client, sale.id).status_code == 404
        assert f'data-note="{sale.id}"' not in client.get(PAGE).get_data(as_text=True)
    assert send_withdrawal(client, 2**31 - 1).status_code == 404
    assert send_withdrawal(client, 10**12).status_code == 404


def test_a_coordinator_sells_for_the_group(
    client: FlaskClient, session: Session, world: World
) -> None:
    sign_in(client, world.coordinator)
    send(client, fields(world, producer=world.group.slug, quantity="7", from_stock="1"))
    (sale,) = noted(session)
    assert sale.producer_id == world.group.id
    session.expire_all()
    assert [world.offer(p).ready for p in (world.member, world.other)] == [0, 1]


@pytest.mark.parametrize("role", [None, Role.BUYER, Role.OFFICIAL, Role.OPERATOR])
def test_nobody_else_comes_in(
    client: FlaskClient, session: Session, world: World, role: Role | None
) -> None:
    if role is not None:
        sign_in(client, make_user(session, role))
    expected = 303 if role is None else 403
    assert client.get(PAGE).status_code == expected
    assert send(client, fields(world)).status_code == expected
    assert send_withdrawal(client, 1).status_code == expected
    assert session.scalar(select(func.count(ReportedSale.id))) == 0


def test_many_notes_have_pages(seller: FlaskClient, session: Session, world: World) -> None:
    for number in range(23):
        send(seller, fields(world, idempotency_key=f"tap {number}"))
    body = seller.get(PAGE).get_data(as_text=True)
    assert body.count("data-note=") == 20 and f"{PAGE}?page=2" in body
    assert 'data-total="notes" data-value="23"' in body
    assert seller.get(f"{PAGE}?page=2").get_data(as_text=True).count("data-note=") == 3
    assert seller.get(f"{PAGE}?page=99999999999").status_code == 200


def test_statements_do_not_grow(seller: FlaskClient, session: Session, world: World) -> None:
    address = f"{PAGE}?variant={world.variant.id}&producer={world.member.slug}"
    send(seller, fields(world))
    with counted() as few:
        seller.get(address)
    for number in range(5):
        make_product(session, world.group)
        send(seller, fields(world, idempotency_key=f"tap {number}", region_code="32.73"))
    with counted() as many:
        seller.get(address)
    assert len(many) == len(few) <= 12
