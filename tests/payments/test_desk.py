"""The operator's desk: what is stuck, payments confirmed or refused, orders decided, money back."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market import jobs
from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Product
from ovop_market.core import clock
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.services import claims, receiving
from ovop_market.payments.states import PaymentState, RefundState
from ovop_market.web import pictures
from tests.counting import counted
from tests.factories import make_order, make_producer, make_product, make_user, sign_in
from tests.payments.earned import LONG_AGO, payable, shipped_for_cash

S, P = OrderState, PaymentState
HTMX = {"HX-Request": "true"}
BUYER = By(Actor.BUYER)


def send(client: FlaskClient, action: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    fields["csrf_token"] = client.csrf("/register")
    return client.post(action, data=fields, headers=headers)


def payment_of(session: Session, order: Order) -> Payment:
    statement = select(Payment).where(Payment.purchase_id == order.purchase_id)
    return session.scalars(statement.execution_options(populate_existing=True)).one()


def claimed(session: Session, **values: Any) -> tuple[Order, Payment]:
    """An accepted order whose buyer says that it is paid."""
    order = make_order(session, S.ACCEPTED, now=clock.now(), **values)
    payment = payment_of(session, order)
    claims.claim(
        session, payment, clock.now(), reference="Sari, Bank Contoh", proof_key=None, by=BUYER
    )
    session.commit()
    return order, payment


def stuck(body: str) -> list[str]:
    return re.findall(r'data-stuck="([^"]+)"', body)


def test_what_is_stuck_oldest_first(desk: FlaskClient, session: Session) -> None:
    now = clock.now()
    claimed(session)
    make_order(session, S.DISPUTED, now=now - timedelta(hours=1))
    make_order(session, now=now - timedelta(hours=13))
    make_order(session, now=now - timedelta(hours=11))  # not silent for long enough
    make_order(session, S.ACCEPTED, now=now - timedelta(hours=50))
    make_order(session, S.ACCEPTED, now=now - timedelta(hours=40))  # has time yet
    returned = make_order(session, S.READY, now=now - timedelta(hours=30))
    lifecycle.act(
        session,
        returned,
        Action.REVOKE,
        By(Actor.OPERATOR),
        now - timedelta(hours=20),
        reason="Mati listrik",
    )
    session.commit()
    body = desk.get("/desk").get_data(as_text=True)
    assert stuck(body) == ["unpaid", "refunds", "unanswered", "disputes", "claims"]
    # Five things in all, and one of each.
    assert re.findall(r'class="count">(\d+)<', body)[:1] == ["5"]
    for kind in stuck(body):
        assert stuck(desk.get(f"/desk?kind={kind}").get_data(as_text=True)) == [kind]
    assert desk.get("/desk?kind=nothing").status_code == 200


def test_cash_orders_that_nobody_comes_for(desk: FlaskClient, session: Session) -> None:
    now = clock.now()
    producer = make_producer(session, cash_on_delivery=True, name="Rumah Mawar")
    product = make_product(session, producer, ready=9, capacity=900)

    def kept(state: S, days: int, **values: Any) -> Order:
        order = make_order(session, state, product=product, quantity=1, **values)
        order.ready_by = clock.wib_date(now) - timedelta(days=days)
        return order

    cash = {"method": PaymentMethod.COD}
    forgotten = [kept(state, 4, **cash) for state in (S.ACCEPTED, S.PREPARING, S.READY)]
    kept(S.READY, 3, **cash)  # the third day has not passed
    kept(S.SHIPPED, 9, **cash)
    kept(S.READY, 9)  # paid by transfer
    session.commit()
    body = desk.get("/desk?kind=cash").get_data(as_text=True)
    assert re.findall(r'data-stuck="cash" data-order="([^"]+)"', body) == [
        order.number for order in forgotten
    ]
    assert "Rumah Mawar" in body
    path = f"/desk/orders/{forgotten[2].number}"
    assert f'action="{path}#cancellation"' in body
    assert 'id="cancellation"' in desk.get(path).get_data(as_text=True)
    answer = send(desk, f"{path}/cancellation", reason="Penjual tidak menjawab")
    assert answer.status_code == 303
    assert len(stuck(desk.get("/desk?kind=cash").get_data(as_text=True))) == 2


def test_an_empty_desk(desk: FlaskClient) -> None:
    assert "Tidak ada yang tersendat" in desk.get("/desk").get_data(as_text=True)


def test_a_claimed_order_is_not_unpaid(desk: FlaskClient, session: Session) -> None:
    order, _payment = claimed(session)
    order.due_at = clock.now() + timedelta(hours=2)
    session.commit()
    assert stuck(desk.get("/desk").get_data(as_text=True)) == ["claims"]


def forgotten(session: Session, product: Product) -> Order:
    """An order for cash that was to be ready a month ago."""
    order = make_order(session, S.ACCEPTED, product=product, method=PaymentMethod.COD)
    order.ready_by = clock.wib_date(clock.now()) - timedelta(days=30)
    return order


def test_statements_do_not_grow(desk: FlaskClient, session: Session) -> None:
    producer = make_producer(session, cash_on_delivery=True)
    product = make_product(session, producer, capacity=900)
    for pages in ("/desk", "/desk/payments"):
        claimed(session, product=product)
        make_order(session, S.DISPUTED, product=product)
        forgotten(session, product)
        session.commit()
        with counted() as few:
            desk.get(pages)
        for _ in range(4):
            claimed(session, product=product)
            make_order(session, S.DISPUTED, product=product)
            make_order(session, product=product)
        session.commit()
        with counted() as many:
            desk.get(pages)
        assert len(many) == len(few)


@pytest.mark.parametrize("back", ["", "desk"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_confirming(
    desk: FlaskClient,
    session: Session,
    operator: User,
    back: str,
    headers: dict[str, str],
) -> None:
    order, payment = claimed(session)
    path = f"/desk/payments/{payment.id}"
    assert "Sari, Bank Contoh" in desk.get(path).get_data(as_text=True)
    for _ in range(2):
        answer = send(desk, f"{path}/confirmation", back=back, headers=headers)
        if headers:
            root = '<div id="desk"' if back else '<div id="payment"'
            assert answer.get_data(as_text=True).lstrip().startswith(root)
        else:
            assert (answer.status_code, answer.location) == (303, "/desk" if back else path)
    session.expire_all()
    assert (payment.state, payment.confirmed_by_id) == (P.CONFIRMED, operator.id)
    assert order.paid == order.total
    assert [event.action for event in order.events].count(Action.PAY) == 1
    assert "Ibu Pengelola" in desk.get(path).get_data(as_text=True)


def test_rejecting_says_why(desk: FlaskClient, session: Session) -> None:
    _order, payment = claimed(session)
    path = f"/desk/payments/{payment.id}"
    for reason in ("", "x" * 501):
        answer = send(desk, f"{path}/rejection", reason=reason)
        assert answer.status_code == 422
        assert 'id="reason-error"' in answer.get_data(as_text=True)
    session.expire_all()
    assert payment.state is P.CLAIMED
    for _ in range(2):
        answer = send(desk, f"{path}/rejection", reason="Belum ada uang masuk")
        assert answer.status_code == 303
    session.expire_all()
    assert payment.state is P.REJECTED
    assert "Belum ada uang masuk" in desk.get(path).get_data(as_text=True)


def test_deciding_too_late(desk: FlaskClient, session: Session, operator: User) -> None:
    _order, payment = claimed(session)
    receiving.confirm(session, payment, By(Actor.OPERATOR, operator.id), clock.now())
    session.commit()
    path = f"/desk/payments/{payment.id}/rejection"
    for headers in ({}, HTMX):
        answer = send(desk, path, reason="Terlambat", headers=headers)
        body = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "sudah berubah: Sudah dibayar" in body
        assert 'data-state="CONFIRMED"' in body


def test_payments_by_state_and_page(
    desk: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovop_market.payments.queries.search.PER_PAGE", 2)
    payments = [claimed(session)[1].id for _ in range(3)]
    make_order(session, S.ACCEPTED)
    session.commit()
    body = desk.get("/desk/payments?state=CLAIMED").get_data(as_text=True)
    assert re.findall(r'data-payment="(\d+)"', body) == [str(n) for n in payments[:2]]
    body = desk.get("/desk/payments?state=CLAIMED&page=2").get_data(as_text=True)
    assert re.findall(r'data-payment="(\d+)"', body) == [str(payments[2])]
    for query in ("state=no", "page=x", "page=-4", "page=" + "9" * 40, "state=LAPSED"):
        assert desk.get(f"/desk/payments?{query}").status_code == 200


def test_cancelling_an_order_owes_the_money_back(desk: FlaskClient, session: Session) -> None:
    order = make_order(session, S.PREPARING, now=clock.now())
    session.commit()
    path = f"/desk/orders/{order.number}"
    assert send(desk, f"{path}/cancellation").status_code == 422
    for _ in range(2):
        answer = send(desk, f"{path}/cancellation", reason="Penjual sakit")
        assert (answer.status_code, answer.location) == (303, path)
    session.expire_all()
    assert order.state is S.CANCELLED
    refund = session.scalars(select(Refund)).one()
    assert (refund.amount, refund.state) == (order.total, RefundState.DUE)
    body = desk.get(path).get_data(as_text=True)
    assert f'id="refund-{refund.id}"' in body
    sending = f"/desk/refunds/{refund.id}/sending"
    answer = send(desk, sending, reference="")
    assert answer.status_code == 422
    assert f'id="refund-reference-{refund.id}-error"' in answer.get_data(as_text=True)
    for _ in range(2):
        answer = send(desk, sending, reference="TRX-1")
        assert answer.status_code == 303
    assert send(desk, sending, reference="TRX-2").status_code == 409
    session.expire_all()
    assert (refund.state, refund.reference) == (RefundState.SENT, "TRX-1")
    assert "TRX-1" in desk.get(path).get_data(as_text=True)


@pytest.mark.parametrize(("side", "state"), [("buyer", S.CANCELLED), ("producer", S.RECEIVED)])
def test_settling_a_dispute(
    desk: FlaskClient, session: Session, side: str, state: OrderState
) -> None:
    order = make_order(session, S.DISPUTED, now=clock.now())
    session.commit()
    path = f"/desk/orders/{order.number}"
    assert "alasan contoh" in desk.get(path).get_data(as_text=True)
    for fields in ({"for": side}, {"reason": "Tanpa pihak"}, {"for": "x", "reason": "Salah"}):
        assert send(desk, f"{path}/settlement", **fields).status_code == 422
    fields = {"for": side, "reason": "Sudah diperiksa"}
    assert send(desk, f"{path}/settlement", **fields).status_code == 303
    session.expire_all()
    assert order.state is state
    assert session.scalar(select(func.count(Refund.id))) == (1 if side == "buyer" else 0)
    other = {"for": "buyer" if side == "producer" else "producer", "reason": "Berubah pikiran"}
    assert send(desk, f"{path}/settlement", **other).status_code == 409


def test_a_complaint_about_a_parcel_that_was_paid_at_the_door(
    desk: FlaskClient, session: Session
) -> None:
    order = shipped_for_cash(session, payable(session))
    lifecycle.act(session, order, Action.DISPUTE, By(Actor.BUYER), LONG_AGO, reason="pecah")
    session.commit()
    path = f"/desk/orders/{order.number}"
    body = desk.get(path).get_data(as_text=True)
    assert "ia belum membayar tunai" in body and "ia sudah membayar tunai" in body
    fields = {"for": "buyer-who-paid", "reason": "Sudah bayar kurir"}
    assert send(desk, f"{path}/settlement", **fields).status_code == 303
    session.expire_all()
    assert session.scalars(select(Refund.amount)).all() == [order.total]
    assert f'data-refund="{session.scalar(select(Refund.id))}"' in desk.get(path).get_data(
        as_text=True
    )


def test_cancelling_what_has_left(desk: FlaskClient, session: Session) -> None:
    order = make_order(session, S.SHIPPED)
    session.commit()
    path = f"/desk/orders/{order.number}"
    assert "/cancellation" not in desk.get(path).get_data(as_text=True)
    answer = send(desk, f"{path}/cancellation", reason="Coba", headers=HTMX)
    assert answer.status_code == 409
    assert answer.get_data(as_text=True).lstrip().startswith('<div id="order"')


@pytest.mark.parametrize(
    "path",
    [
        "/desk/payments/999",
        "/desk/payments/99999999999999999999",
        "/desk/payments/999/proof",
        "/desk/orders/AAAA-BBBB",
        "/desk/orders/" + "x" * 300,
    ],
)
def test_what_is_not_there(desk: FlaskClient, path: str) -> None:
    assert desk.get(path).status_code == 404


@pytest.mark.parametrize("role", [Role.BUYER, Role.PRODUCER, Role.OFFICIAL])
def test_only_operators_come_in(client: FlaskClient, session: Session, role: Role) -> None:
    order, payment = claimed(session)
    user = make_user(session, role)
    session.commit()
    pages = (
        "/desk",
        "/desk/payments",
        f"/desk/payments/{payment.id}",
        f"/desk/payments/{payment.id}/proof",
        f"/desk/orders/{order.number}",
    )
    for page in pages:
        assert client.get(page).status_code == 303
    sign_in(client, user)
    for page in pages:
        assert client.get(page).status_code == 403


def test_names_are_text(desk: FlaskClient, session: Session) -> None:
    order, payment = claimed(session, name="<script>alert(1)</script>")
    for page in (
        "/desk",
        "/desk/payments",
        f"/desk/payments/{payment.id}",
        f"/desk/orders/{order.number}",
    ):
        body = desk.get(page).get_data(as_text=True)
        assert "<script>alert" not in body
        assert "&lt;script&gt;alert" in body


# The buyer's claim


def picture(kind: str = "JPEG") -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (60, 40), "#0b5563").save(data, kind)
    data.seek(0)
    return data


def claim(client: FlaskClient, order: Order, payment_id: int, **fields: Any) -> TestResponse:
    page = f"/purchases/{order.purchase.token}"
    return client.send(page, f"{page}/payments/{payment_id}/claim", **fields)


def test_claiming_with_a_picture_that_only_operators_see(
    client: FlaskClient, session: Session, operator: User
) -> None:
    order = make_order(session, S.ACCEPTED, now=clock.now())
    session.commit()
    payment = payment_of(session, order)
    answer = claim(
        client, order, payment.id, reference="Sari, Bank Contoh", proof=(picture(), "bukti.jpg")
    )
    assert answer.status_code == 303
    assert answer.location.endswith(f"/purchases/{order.purchase.token}")
    session.expire_all()
    assert (payment.state, payment.reference) == (P.CLAIMED, "Sari, Bank Contoh")
    proof = f"/desk/payments/{payment.id}/proof"
    assert client.get(proof).status_code == 303
    sign_in(client, operator)
    seen = client.get(proof)
    assert (seen.status_code, seen.mimetype) == (200, "image/webp")
    assert seen.headers["Cache-Control"] == "private, no-store"
    assert proof in client.get(f"/desk/payments/{payment.id}").get_data(as_text=True)
    assert client.get(f"/media/{payment.proof_key}-400.webp").status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reference": "  "},
        {"reference": "x" * 201},
        {"reference": "Sari", "proof": (io.BytesIO(b"not a picture"), "bukti.jpg")},
    ],
)
def test_a_claim_that_cannot_be_taken(
    client: FlaskClient, session: Session, fields: dict[str, Any]
) -> None:
    order = make_order(session, S.ACCEPTED, now=clock.now())
    session.commit()
    payment = payment_of(session, order)
    if "proof" in fields:
        fields = {**fields, "proof": (io.BytesIO(b"not a picture"), "bukti.jpg")}
    answer = claim(client, order, payment.id, **fields)
    assert answer.status_code == 422
    session.expire_all()
    assert payment.state is P.ASKED


def test_a_claim_of_somebody_elses_payment(client: FlaskClient, session: Session) -> None:
    mine, other = (make_order(session, S.ACCEPTED, now=clock.now()) for _ in range(2))
    session.commit()
    payment = payment_of(session, other)
    for payment_id in (payment.id, 999, 2**31 - 1, 2**40):
        assert claim(client, mine, payment_id, reference="Sari").status_code == 404
    session.expire_all()
    assert payment.state is P.ASKED


def test_claiming_twice_and_too_late(client: FlaskClient, session: Session, operator: User) -> None:
    order = make_order(session, S.ACCEPTED, now=clock.now())
    session.commit()
    payment = payment_of(session, order)
    page = f"/purchases/{order.purchase.token}"
    fields = {"csrf_token": client.csrf(page), "reference": "Sari"}
    for _ in range(2):
        assert client.post(f"{page}/payments/{payment.id}/claim", data=fields).status_code == 303
    session.expire_all()
    assert len(payment.events) == 2
    receiving.confirm(session, payment, By(Actor.OPERATOR, operator.id), clock.now())
    session.commit()
    fields["reference"] = "Sari lagi"
    answer = client.post(f"{page}/payments/{payment.id}/claim", data=fields)
    assert answer.status_code == 409


def test_cash_asks_for_no_payment(desk: FlaskClient, session: Session) -> None:
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, S.PREPARING, producer=producer, method=PaymentMethod.COD)
    session.commit()
    body = desk.get(f"/desk/orders/{order.number}").get_data(as_text=True)
    assert "Bayar di tempat" in body
    assert session.scalar(select(func.count(Payment.id))) == 0


def test_looking_for_an_order(desk: FlaskClient, session: Session) -> None:
    order, payment = claimed(session, name="Kemuning Awan")
    producer = make_producer(session, cash_on_delivery=True)
    cash = make_order(session, producer=producer, method=PaymentMethod.COD, name="Sari Contoh")
    session.commit()

    def found(q: str) -> set[str]:
        body = desk.get("/desk/search", query_string={"q": q}).get_data(as_text=True)
        return set(re.findall(r'data-(?:order|payment)="([^"]+)"', body))

    both = {order.number, str(payment.id)}
    assert found(order.number) == both
    assert found(order.number.replace("-", "").lower()) == both
    assert found("kemuning") == both
    assert found(cash.number) == {cash.number}
    assert found(str(payment.amount)) == found(payment.code) == {str(payment.id)}
    assert found("0812-3456-7890") == found("+62 812 3456 7890") == {*both, cash.number}
    for nothing in ("", "   ", "xyz", "%", "\u0661\u0662", "9" * 40):
        assert found(nothing) == set(), nothing
    assert desk.get(f"/desk/orders/{order.number.lower()}").status_code == 200


def with_picture(
    client: FlaskClient, order: Order, payment: Payment, colour: str, reference: str
) -> int:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(picture, "PNG")
    picture.seek(0)
    proof = (picture, "bukti.png")
    return claim(client, order, payment.id, reference=reference, proof=proof).status_code


def test_the_picture_of_a_claim(client: FlaskClient, session: Session, operator: User) -> None:
    """A better one takes the place of the first; a word without a new one keeps it."""
    order = make_order(session, S.ACCEPTED, now=clock.now())
    session.commit()
    payment = payment_of(session, order)
    keys = []
    for colour in ("red", "blue"):
        assert with_picture(client, order, payment, colour, "Sari") == 303
        session.expire_all()
        keys.append(payment.proof_key)
    assert len(set(keys)) == 2
    claims.reject(session, payment, operator.id, clock.now(), reason="bank mana?")
    session.commit()
    assert claim(client, order, payment.id, reference="Sari, Bank Contoh").status_code == 303
    session.expire_all()
    assert payment.proof_key == keys[-1]


def test_no_picture_is_kept_that_no_payment_shows(
    client: FlaskClient, session: Session, app: Flask
) -> None:
    folder, now = app.config["OVOP"].media, clock.now()
    jobs.sweep_proofs(session, now + timedelta(days=9), folder)
    order = make_order(session, S.ACCEPTED, now=now)
    session.commit()
    payment = payment_of(session, order)
    for colour, reference, status in (
        ("orange", "Sari", 303),
        ("purple", "Sari", 303),
        ("green", "lain", 409),
    ):
        assert with_picture(client, order, payment, colour, reference) == status
    session.expire_all()
    # It may be just about to be shown.
    assert jobs.sweep_proofs(session, now - timedelta(days=1), folder) == 0
    assert jobs.sweep_proofs(session, clock.now() + timedelta(minutes=1), folder) == 2
    assert pictures.private_path(folder, payment.proof_key or "").exists()


def test_what_is_wrong_with_a_claim_stands_beside_its_field(
    client: FlaskClient, session: Session
) -> None:
    order = make_order(session, S.ACCEPTED, now=clock.now())
    session.commit()
    payment = payment_of(session, order)
    proof = (io.BytesIO(b"not a picture"), "bukti.jpg")
    body = claim(client, order, payment.id, reference="Sari", proof=proof).get_data(as_text=True)
    assert f'aria-describedby="proof-{payment.id}-error"' in body
    assert 'value="Sari"' in body
