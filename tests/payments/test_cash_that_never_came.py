"""A parcel for cash that the courier brings back: the clock calls it received, and nobody paid."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.orders import queries as orders
from ovop_market.orders.models import Order
from ovop_market.orders.presentation import timeline
from ovop_market.orders.services import lifecycle, timers
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import AccountKind, Refund
from ovop_market.payments.queries import books, earnings
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.queries.earnings import What
from ovop_market.payments.services import corrections, payouts, refunds
from ovop_market.payments.signals import refund_moved
from ovop_market.payments.states import RefundKind, RefundState
from ovop_market.privacy import services as privacy
from ovop_market.reach import services as reach
from tests.factories import NOW, make_order
from tests.payments.earned import LONG_AGO, left_of, payable, received, shipped_for_cash

S = OrderState
WEEK = timedelta(days=7)
BUYER = By(Actor.BUYER)


def brought_back(session: Session) -> Order:
    """Shipped, called received by the clock a week later, and complained about."""
    order = shipped_for_cash(session, payable(session))
    assert timers.run_out(session, order.id, LONG_AGO + WEEK) is not None
    assert order.state is S.RECEIVED and order.paid == order.total
    at = LONG_AGO + WEEK + timedelta(days=1)
    lifecycle.act(session, order, Action.DISPUTE, BUYER, at, reason="tidak pernah sampai")
    return order


def owed(session: Session) -> list[tuple[int, RefundState]]:
    return [
        (refund.amount, refund.state)
        for refund in session.scalars(select(Refund).order_by(Refund.id))
    ]


def all_agree(session: Session) -> None:
    session.flush()
    session.expire_all()
    assert not list(books.differences(session))
    assert not list(orders.stock_differences(session))
    assert not list(reach.differences(session))


def send(client: FlaskClient, action: str, **fields: Any) -> TestResponse:
    fields["csrf_token"] = client.csrf("/register")
    return client.post(action, data=fields)


@pytest.mark.parametrize("side", ["producer", "buyer", "buyer-who-paid"])
def test_the_operator_says_whether_it_was_paid(
    desk: FlaskClient, session: Session, side: str
) -> None:
    order = brought_back(session)
    session.commit()
    path = f"/desk/orders/{order.number}"
    offered = re.findall(r'name="for" value="([^"]+)"', desk.get(path).get_data(as_text=True))
    assert sorted(offered) == ["buyer", "buyer-who-paid", "producer"]
    answer = send(desk, f"{path}/settlement", **{"for": side, "reason": "Ditanyakan kurir"})
    assert answer.status_code == 303
    all_agree(session)
    paid = side != "buyer"
    assert order.state is (S.RECEIVED if side == "producer" else S.CANCELLED)
    assert order.paid == (order.total if paid else 0)
    assert balance(session, AccountKind.CASH) == (-order.total if paid else 0)
    due = [(order.total, RefundState.DUE)] if side == "buyer-who-paid" else []
    assert owed(session) == due
    if not paid:
        assert left_of(session, order) == (0, 0, 0)
        page = desk.get(path).get_data(as_text=True)
        assert "Keluhan selesai: pembeli tidak perlu membayar" in page


def test_nobody_is_in_debt_for_it(session: Session, by: By) -> None:
    order = brought_back(session)
    producer = order.producer
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="dikembalikan kurir")
    other = received(session, producer)
    batch = payouts.make_batch(session, by, NOW + WEEK)
    assert [payout.amount for payout in batch.payouts] == [other.total]
    all_agree(session)
    month = clock.wib_date(NOW).replace(day=1)
    told = earnings.statement(session, producer, month, NOW + WEEK)
    of_order = [line for line in told.lines if line.number == order.number]
    assert [line.what for line in of_order] == [
        What.SOLD_FOR_CASH, What.CASH_TAKEN, What.TAKEN_BACK, What.TAKEN_BACK
    ]  # fmt: skip
    assert sum(line.amount for line in of_order) == 0


def test_a_part_that_was_granted_of_it_is_owed_no_more(session: Session, by: By) -> None:
    order = brought_back(session)
    refunds.owe_part(session, order, RefundKind.GOODS, 5_000, by, NOW, reason="pecah")
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="tidak dibayar")
    assert owed(session) == [(5_000, RefundState.WITHDRAWN)]
    all_agree(session)


def test_what_has_been_sent_of_it_was_paid(session: Session, by: By) -> None:
    order = brought_back(session)
    part = refunds.owe_part(session, order, RefundKind.GOODS, 5_000, by, NOW, reason="pecah")
    refunds.send(session, part, by.user_id or 0, NOW, reference="TRX 1")
    session.commit()
    with pytest.raises(Conflict, match="sudah dikirim kembali"):
        lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="tidak dibayar")
    session.rollback()
    assert order.state is S.DISPUTED and order.paid == order.total
    all_agree(session)


# A refund that was a mistake


def wrongly_owed(session: Session, by: By) -> tuple[Order, Refund]:
    """The operator believed that the buyer had paid."""
    order = brought_back(session)
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="katanya", cash_paid=True)
    return order, session.scalars(select(Refund)).one()


def test_cash_that_was_not_paid_after_all(desk: FlaskClient, session: Session, by: By) -> None:
    order, refund = wrongly_owed(session, by)
    session.commit()
    path = f"/desk/refunds/{refund.id}"
    assert f'action="{path}/withdrawal"' in desk.get(path).get_data(as_text=True)
    answer = send(desk, f"{path}/withdrawal", reason=" ")
    assert answer.status_code == 422
    assert 'id="withdrawal-reason-error"' in answer.get_data(as_text=True)
    for _twice in range(2):
        assert send(desk, f"{path}/withdrawal", reason="Kurir membawanya").status_code == 303
    all_agree(session)
    assert (refund.state, refund.reason) == (RefundState.WITHDRAWN, "Kurir membawanya")
    assert (order.state, order.paid) == (S.CANCELLED, 0)
    assert [e.action for e in order.events].count(Action.UNPAY) == 1
    assert left_of(session, order) == (0, 0, 0)
    assert send(desk, f"{path}/withdrawal", reason="Lain lagi").status_code == 409
    assert "/withdrawal" not in desk.get(path).get_data(as_text=True)


def test_not_once_the_producer_has_been_charged(session: Session, by: By) -> None:
    order, refund = wrongly_owed(session, by)
    for _other in range(2):
        received(session, order.producer)
    batch = payouts.make_batch(session, by, NOW + WEEK)
    session.commit()
    with pytest.raises(Conflict, match="daftar bayar"):
        corrections.withdraw_refund(session, refund, by, NOW + WEEK, reason="tidak dibayar")
    session.rollback()
    payouts.undo(session, batch, by, NOW + WEEK)
    corrections.withdraw_refund(session, refund, by, NOW + WEEK, reason="tidak dibayar")
    all_agree(session)


def test_a_part_that_was_granted_by_mistake(session: Session, by: By) -> None:
    order = make_order(session, S.RECEIVED)
    part = refunds.owe_part(session, order, RefundKind.GOODS, 5_000, by, NOW, reason="pecah")
    with pytest.raises(Unusable):
        corrections.withdraw_refund(session, part, by, NOW, reason=" ")
    corrections.withdraw_refund(session, part, by, NOW, reason="salah pesanan")
    assert (part.state, order.paid) == (RefundState.WITHDRAWN, order.total)
    all_agree(session)
    again = refunds.owe_part(session, order, RefundKind.GOODS, order.goods, by, NOW, reason="x")
    refunds.send(session, again, by.user_id or 0, NOW, reference="TRX 1")
    with pytest.raises(MoveRefused):
        corrections.withdraw_refund(session, again, by, NOW, reason="salah")


def test_what_came_by_a_payment_goes_with_it(desk: FlaskClient, session: Session, by: By) -> None:
    order = make_order(session, S.READY)
    lifecycle.act(session, order, Action.REVOKE, by, NOW, reason="batal")
    refund = session.scalars(select(Refund)).one()
    session.commit()
    path = f"/desk/refunds/{refund.id}"
    body = desk.get(path).get_data(as_text=True)
    assert "/withdrawal" not in body and "tarik pembayarannya" in body
    assert send(desk, f"{path}/withdrawal", reason="Salah").status_code == 409
    all_agree(session)
    assert owed(session) == [(order.total, RefundState.DUE)]


def test_all_that_is_withdrawn_says_why(session: Session, by: By) -> None:
    order = brought_back(session)
    refunds.owe_part(session, order, RefundKind.GOODS, 5_000, by, NOW, reason="pecah")
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="katanya", cash_paid=True)
    _part, rest = session.scalars(select(Refund).order_by(Refund.id))
    told: list[int] = []

    def hear(refund: Refund, **_rest: Any) -> None:
        told.append(refund.amount)

    with refund_moved.connected_to(hear):
        corrections.withdraw_refund(session, rest, by, NOW, reason="tidak dibayar")
    assert [state for _amount, state in owed(session)] == [RefundState.WITHDRAWN] * 2
    assert set(session.scalars(select(Refund.reason))) == {"tidak dibayar"}
    assert sorted(told) == [5_000, order.total - 5_000]
    all_agree(session)


def test_why_it_is_withdrawn_is_not_kept_of_an_erased_buyer(session: Session, by: By) -> None:
    order = make_order(session, S.RECEIVED)
    privacy.erase(session, privacy.of_purchase(order.purchase), NOW + WEEK)
    part = refunds.owe_part(session, order, RefundKind.GOODS, 5_000, by, NOW + WEEK, reason="retak")
    corrections.withdraw_refund(session, part, by, NOW + WEEK, reason="Bu Siti salah lihat")
    assert part.state is RefundState.WITHDRAWN and part.reason is None


def test_what_an_earlier_release_owed_back_still_reads_so(session: Session, by: By) -> None:
    """It asked of no cash order that was received, and noted that nobody had said so."""
    order = brought_back(session)
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="rusak", cash_paid=True)
    (settled,) = (e for e in order.events if e.action is Action.SETTLE_FOR_BUYER)
    said = timeline(order)[-1].title
    with session.no_autoflush:
        settled.details = {"cash_paid": False}
        assert timeline(order)[-1].title == said
        session.expire(settled)
