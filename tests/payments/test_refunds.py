"""Amounts that differ, confirmations taken back, and money given back, on the operator's pages."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import AccountKind, Payment, Refund
from ovop_market.payments.queries import books, receipts
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import claims, receiving, refunds
from ovop_market.payments.states import PaymentState, RefundKind, RefundState
from tests.factories import make_order, make_producer, make_product, make_purchase, make_user
from tests.pages import value_of
from tests.payments.test_desk import HTMX, payment_of, send

S, P = OrderState, PaymentState


def accepted(session: Session) -> tuple[Order, Payment]:
    order = make_order(session, S.ACCEPTED, now=clock.now())
    session.commit()
    return order, payment_of(session, order)


def owed(session: Session) -> list[Refund]:
    session.expire_all()
    return list(session.scalars(select(Refund).order_by(Refund.id)))


# What really came


def test_less_than_asked(desk: FlaskClient, session: Session) -> None:
    order, payment = accepted(session)
    path = f"/desk/payments/{payment.id}"
    fields = {"amount": "Rp50.000", "idempotency_key": "one"}
    for _ in range(2):
        answer = send(desk, f"{path}/confirmation", **fields)
        assert answer.status_code == 303
    session.expire_all()
    assert payment.state is P.ASKED
    assert payment.amount == order.total - 50_000 + payment.unique_digits
    assert balance(session, AccountKind.BANK) == -50_000
    body = desk.get(path).get_data(as_text=True)
    assert "Uang masuk, belum cukup" in body
    assert "Rp50.000" in body


def test_more_than_asked_is_owed_back(desk: FlaskClient, session: Session) -> None:
    order, payment = accepted(session)
    more = str(payment.amount + 12_000)
    send(desk, f"/desk/payments/{payment.id}/confirmation", amount=more)
    (refund,) = owed(session)
    assert (refund.kind, refund.amount, order.paid) == (RefundKind.SURPLUS, 12_000, order.total)
    listed = desk.get("/desk?kind=refunds").get_data(as_text=True)
    assert f'action="/desk/refunds/{refund.id}"' in listed
    page = desk.get(f"/desk/refunds/{refund.id}").get_data(as_text=True)
    assert "Rp12.000" in page
    assert order.number in page


@pytest.mark.parametrize("amount", ["x", "-5", "0", "1,5", "9" * 20, "12.34"])
def test_amounts_that_cannot_be_read(desk: FlaskClient, session: Session, amount: str) -> None:
    _order, payment = accepted(session)
    answer = send(desk, f"/desk/payments/{payment.id}/confirmation", amount=amount)
    assert answer.status_code == 422
    assert 'id="amount-error"' in answer.get_data(as_text=True)
    session.expire_all()
    assert payment.state is P.ASKED


def test_money_that_comes_late(desk: FlaskClient, session: Session) -> None:
    order, payment = accepted(session)
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), clock.now(), reason="batal")
    session.commit()
    path = f"/desk/payments/{payment.id}"
    assert send(desk, f"{path}/confirmation").status_code == 409
    answer = send(desk, f"{path}/confirmation", amount="80.000", headers=HTMX)
    assert answer.status_code == 200
    assert 'data-state="LAPSED"' in answer.get_data(as_text=True)
    assert [refund.amount for refund in owed(session)] == [80_000]


# Taking a confirmation back


def test_taking_a_confirmation_back(desk: FlaskClient, session: Session) -> None:
    order, payment = accepted(session)
    path = f"/desk/payments/{payment.id}"
    assert send(desk, f"{path}/reversal", reason="Salah").status_code == 409
    send(desk, f"{path}/confirmation")
    assert send(desk, f"{path}/reversal", reason="").status_code == 422
    for _ in range(2):
        answer = send(desk, f"{path}/reversal", reason="Uang orang lain")
        assert answer.status_code == 303
    session.expire_all()
    assert (payment.state, order.paid) == (P.REJECTED, 0)
    assert balance(session, AccountKind.BANK) == 0
    buyer = desk.get(f"/purchases/{order.purchase.token}").get_data(as_text=True)
    assert "Uang orang lain" in buyer


def test_not_once_it_is_being_made(desk: FlaskClient, session: Session) -> None:
    order = make_order(session, S.PREPARING, now=clock.now())
    session.commit()
    payment = payment_of(session, order)
    answer = send(desk, f"/desk/payments/{payment.id}/reversal", reason="Salah")
    assert answer.status_code == 409
    assert "sudah berjalan" in answer.get_data(as_text=True)
    session.expire_all()
    assert order.paid == order.total


# Giving a part back


def grant(client: FlaskClient, order: Order, **fields: Any) -> Any:
    return send(client, f"/desk/orders/{order.number}/refunds", **fields)


def test_a_part_of_the_goods_and_the_shipping(desk: FlaskClient, session: Session) -> None:
    order = make_order(session, S.SHIPPED, now=clock.now())
    session.commit()
    goods = {"part": "goods", "amount": "10.000", "reason": "Satu pecah", "idempotency_key": "a"}
    for _ in range(2):
        assert grant(desk, order, **goods).status_code == 303
    shipping = {"part": "shipping", "amount": str(order.shipping), "reason": "Terlambat"}
    assert grant(desk, order, **shipping).status_code == 303
    assert [(r.kind, r.amount) for r in owed(session)] == [
        (RefundKind.GOODS, 10_000),
        (RefundKind.SHIPPING, order.shipping),
    ]
    own = balance(session, AccountKind.PRODUCER, producer_id=order.producer_id)
    assert own == order.goods - 10_000
    assert balance(session, AccountKind.SHIPPING) == 0
    body = desk.get(f"/desk/orders/{order.number}").get_data(as_text=True)
    assert "Satu pecah" in body


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"part": "goods", "amount": "1.000"},
        {"part": "order", "amount": "1.000", "reason": "x"},
        {"part": "goods", "amount": "99.000.000", "reason": "x"},
        {"part": "goods", "amount": "0", "reason": "x"},
        {"part": "shipping", "amount": "76.001", "reason": "x"},
    ],
)
def test_parts_that_cannot_be(desk: FlaskClient, session: Session, fields: dict[str, str]) -> None:
    order = make_order(session, S.SHIPPED, now=clock.now())
    session.commit()
    assert grant(desk, order, **fields).status_code == 422
    assert owed(session) == []


@pytest.mark.parametrize("state", [S.PLACED, S.ACCEPTED, S.CANCELLED])
def test_nothing_is_given_back_of_what_was_not_paid(
    desk: FlaskClient, session: Session, state: OrderState
) -> None:
    order = make_order(session, state, now=clock.now())
    session.commit()
    answer = grant(desk, order, part="goods", amount="1.000", reason="x")
    assert answer.status_code == 409
    assert owed(session) == []


def test_the_rest_goes_back_with_the_order(session: Session, by: By) -> None:
    now = clock.now()
    order = make_order(session, S.READY, now=now)
    refunds.owe_part(session, order, RefundKind.GOODS, 10_000, by, now, reason="sedikit")
    lifecycle.act(session, order, Action.REVOKE, by, now, reason="batal")
    amounts = [refund.amount for refund in owed(session)]
    assert amounts == [10_000, order.total - 10_000]
    assert balance(session, AccountKind.REFUNDS) == order.total
    assert balance(session, AccountKind.PRODUCER, producer_id=order.producer_id) == 0
    with pytest.raises(Conflict):
        refunds.owe_part(session, order, RefundKind.GOODS, 1, by, now, reason="lagi")


def test_cash_is_given_back_as_well(session: Session, by: By) -> None:
    now = clock.now()
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, S.ACCEPTED, producer=producer, method=PaymentMethod.COD, now=now)
    with pytest.raises(Conflict):
        refunds.owe_part(session, order, RefundKind.GOODS, 1_000, by, now, reason="belum")
    lifecycle.act(session, order, Action.FINISH, By(Actor.PRODUCER), now)
    lifecycle.ship(session, order, By(Actor.PRODUCER), now, courier="JNE", tracking_number="")
    lifecycle.receive(session, order, By(Actor.BUYER), now)
    refund = refunds.owe_part(session, order, RefundKind.GOODS, 1_000, by, now, reason="kurang")
    assert refund.state is RefundState.DUE


# Sending it


def surplus(session: Session, operator: User) -> Refund:
    order, payment = accepted(session)
    by = By(Actor.OPERATOR, operator.id)
    receiving.confirm(session, payment, by, clock.now(), amount=payment.amount + 9_000)
    session.commit()
    return session.scalars(select(Refund).where(Refund.purchase_id == order.purchase_id)).one()


def test_sending_a_surplus_back(desk: FlaskClient, session: Session, operator: User) -> None:
    refund = surplus(session, operator)
    refunds.name_destination(session, refund, "Bank Contoh 123 a.n. Sari", clock.now())
    path = f"/desk/refunds/{refund.id}"
    assert "Bank Contoh 123" in desk.get(path).get_data(as_text=True)
    assert send(desk, f"{path}/sending", reference=" ").status_code == 422
    bank = balance(session, AccountKind.BANK)
    for _ in range(2):
        answer = send(desk, f"{path}/sending", reference="TRX-9")
        assert (answer.status_code, answer.location) == (303, path)
    assert send(desk, f"{path}/sending", reference="TRX-10").status_code == 409
    session.expire_all()
    assert refund.state is RefundState.SENT
    assert balance(session, AccountKind.REFUNDS) == 0
    assert balance(session, AccountKind.BANK) == bank + 9_000


@pytest.mark.parametrize("from_order", [False, True])
def test_an_account_that_is_named_meanwhile_is_not_noted_as_the_one_sent_to(
    desk: FlaskClient, session: Session, operator: User, from_order: bool
) -> None:
    """Whoever has the purchase's link names B while the operator pays A."""
    by = By(Actor.OPERATOR, operator.id)
    order, payment = accepted(session)
    receiving.confirm(session, payment, by, clock.now())
    kind = RefundKind.GOODS
    refund = refunds.owe_part(session, order, kind, 1_000, by, clock.now(), reason="kurang")
    refunds.name_destination(session, refund, "Bank A 111 a.n. Sari", clock.now())
    session.commit()
    path = f"/desk/orders/{order.number}" if from_order else f"/desk/refunds/{refund.id}"
    page = desk.get(path).get_data(as_text=True)
    assert "Bank A 111" in page
    form = page[page.index(f'action="/desk/refunds/{refund.id}/sending"') :]
    fields = {"reference": "TRX-9", "seen": value_of(form, "seen")}
    fields |= {"back": "order"} if from_order else {}
    refunds.name_destination(session, refund, "Bank B 222 a.n. Lain", clock.now())
    session.commit()
    answer = send(desk, f"/desk/refunds/{refund.id}/sending", **fields)
    assert answer.status_code == 409
    again = answer.get_data(as_text=True)
    assert "baru saja diganti" in again and "Bank B 222" in again and 'value="TRX-9"' in again
    session.expire_all()
    assert (refund.state, refund.reference) == (RefundState.DUE, None)
    # Who has seen the new one decides on it; from then on it stays.
    form = again[again.index(f'action="/desk/refunds/{refund.id}/sending"') :]
    fields["seen"] = value_of(form, "seen")
    assert send(desk, f"/desk/refunds/{refund.id}/sending", **fields).status_code == 303
    # The same tap again is the same tap, whatever was on its page.
    assert send(desk, f"/desk/refunds/{refund.id}/sending", **fields).status_code == 303
    with pytest.raises(Conflict):
        refunds.name_destination(session, refund, "Bank C 333", clock.now())
    session.rollback()
    session.expire_all()
    assert (refund.state, refund.destination) == (RefundState.SENT, "Bank B 222 a.n. Lain")


def test_two_operators_send_it(session: Session, operator: User) -> None:
    refund = surplus(session, operator)
    refunds.send(session, refund, operator.id, clock.now(), reference="TRX-1")
    with pytest.raises(Conflict):
        refunds.send(session, refund, make_user(session).id, clock.now(), reference="TRX-2")
    assert refund.reference == "TRX-1"


def test_it_had_not_been_sent_after_all(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    refund = surplus(session, operator)
    path = f"/desk/refunds/{refund.id}"
    bank = balance(session, AccountKind.BANK)
    send(desk, f"{path}/sending", reference="TRX-9")
    for _ in range(2):
        assert send(desk, f"{path}/recall").status_code == 303
    session.expire_all()
    assert (refund.state, refund.sent_at, refund.reference) == (RefundState.DUE, None, None)
    assert balance(session, AccountKind.BANK) == bank
    send(desk, f"{path}/sending", reference="TRX-10")
    session.expire_all()
    assert (refund.state, refund.reference) == (RefundState.SENT, "TRX-10")
    assert not list(books.differences(session))


def test_money_of_a_dead_order_is_taken_back(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    by = By(Actor.OPERATOR, operator.id)
    purchase = make_purchase(
        session, [(make_product(session, ready=9), 2)], method=PaymentMethod.QRIS
    )
    order, now = purchase.orders[0], clock.now()
    payment, buyer = payment_of(session, order), By(Actor.BUYER)
    claims.claim(session, payment, now, reference="Sari", proof_key=None, by=buyer)
    lifecycle.act(session, order, Action.CANCEL, buyer, now, reason="batal")
    receiving.confirm(session, payment, by, now)
    session.commit()
    page = f"/desk/payments/{payment.id}"
    receipt = receipts.latest(session, payment.id)
    assert receipt is not None
    answer = send(desk, f"{page}/reversal", reason="keliru", receipt=receipt.id)
    assert answer.status_code == 303
    (refund,) = owed(session)
    assert (payment.state, refund.state) == (P.LAPSED, RefundState.WITHDRAWN)
    assert payment.amount == purchase.orders[0].total


def test_a_key_that_says_another_amount_by_now(desk: FlaskClient, session: Session) -> None:
    """The answer was lost, the amount corrected, and the form sent again with its key."""
    order, payment = accepted(session)
    path = f"/desk/payments/{payment.id}/confirmation"
    fields = {"idempotency_key": "one"}
    assert send(desk, path, amount="5.000", **fields).status_code == 303
    answer = send(desk, path, amount="9.000", **fields)
    assert answer.status_code == 409
    assert "sebesar Rp5.000" in answer.get_data(as_text=True)
    assert balance(session, AccountKind.BANK) == -5_000
    send(desk, path, amount=str(order.total), idempotency_key="two")
    part = {"part": "goods", "reason": "pecah", "idempotency_key": "three"}
    assert grant(desk, order, amount="1.000", **part).status_code == 303
    assert grant(desk, order, amount="2.000", **part).status_code == 409
    assert [refund.amount for refund in owed(session) if refund.kind == "goods"] == [1_000]


def test_whose_account_is_not_known_is_asked(desk: FlaskClient, session: Session) -> None:
    _order, payment = accepted(session)
    more = str(payment.amount + 12_000)
    send(desk, f"/desk/payments/{payment.id}/confirmation", amount=more)
    (refund,) = owed(session)
    page = f"/desk/refunds/{refund.id}"
    assert "Tanyakan rekeningnya" in desk.get(page).get_data(as_text=True)
    assert "menunggu rekening pembeli" in desk.get("/desk").get_data(as_text=True)
    refunds.name_destination(session, refund, "Bank Contoh 1, Sari", clock.now())
    session.commit()
    assert "Tanyakan rekeningnya" not in desk.get(page).get_data(as_text=True)
    # A later refund of the purchase goes there too, unless the buyer says otherwise.
    later = refunds.owe_part(
        session,
        refund.purchase.orders[0],
        RefundKind.GOODS,
        1_000,
        By(Actor.OPERATOR, refund.sent_by_id),
        clock.now(),
        reason="pecah",
    )
    assert later.destination == "Bank Contoh 1, Sari"
