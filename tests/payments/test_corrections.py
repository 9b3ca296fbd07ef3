"""What was booked by mistake: taken back in full, or refused with the reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import AccountKind, Cause, LedgerTransaction, Payment, Refund
from ovop_market.payments.queries import books, receipts
from ovop_market.payments.queries.balances import balance, credit_of
from ovop_market.payments.services import claims, corrections, ledger, receiving, refunds
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.states import PaymentAction, PaymentState, RefundKind, RefundState
from tests.factories import NOW, make_order, make_producer, make_product, make_purchase, make_user
from tests.payments.money import payments_of, ready_and_made, ready_purchase, surplus

P = PaymentState
BUYER, PRODUCER, CLOCK = By(Actor.BUYER), By(Actor.PRODUCER), By(Actor.CLOCK)
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def by(session: Session) -> By:
    return By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)


def test_a_confirmation_that_was_a_mistake(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW)
    for _ in range(2):
        corrections.take_back(session, payment, by, LATER, reason="Uang orang lain")
    assert (payment.state, payment.confirmed_by_id) == (P.REJECTED, None)
    for order in purchase.orders:
        assert order.paid == 0
        # As long as when it was accepted, which is longer than the grace.
        assert order.due_at == NOW + timedelta(hours=72)
        assert order.events[-1].action is Action.UNPAY
    for kind in (AccountKind.BANK, AccountKind.SHIPPING, AccountKind.ROUNDING):
        assert balance(session, kind) == 0
    reversals = select(func.count()).where(LedgerTransaction.cause == Cause.REVERSAL)
    assert session.scalar(reversals) == 1
    receiving.confirm(session, payment, by, LATER)
    assert purchase.orders[0].paid == purchase.orders[0].total


def test_what_is_being_made_stays_paid(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW)
    lifecycle.act(session, purchase.orders[0], Action.START, PRODUCER, NOW)
    with pytest.raises(Conflict, match="sudah berjalan"):
        corrections.take_back(session, payment, by, LATER, reason="salah")
    session.rollback()


def test_a_surplus_goes_with_what_brought_it(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + 9_000_000)
    (refund,) = session.scalars(select(Refund)).all()
    corrections.take_back(session, payment, by, LATER, reason="salah ketik")
    assert (payment.state, refund.state) == (P.REJECTED, RefundState.WITHDRAWN)
    assert balance(session, AccountKind.REFUNDS) == balance(session, AccountKind.BANK) == 0
    assert not list(books.differences(session))


def test_a_surplus_that_was_withdrawn_is_told_in_words(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + 50_000)
    corrections.take_back(session, payment, by, LATER, reason="salah")
    refund = session.scalars(select(Refund)).one()
    assert refund.state is RefundState.WITHDRAWN
    with pytest.raises(MoveRefused, match="sudah berubah: Tidak jadi"):
        refunds.recall(session, refund, by, LATER)
    with pytest.raises(MoveRefused, match="sudah berubah: Tidak jadi"):
        refunds.send(session, refund, by.user_id or 0, LATER, reference="TRX")


def test_a_surplus_that_is_sent_stays(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + 9_000)
    (refund,) = session.scalars(select(Refund)).all()
    assert by.user_id is not None
    refunds.send(session, refund, by.user_id, NOW, reference="TRX")
    with pytest.raises(Conflict, match="dikirim kembali"):
        corrections.take_back(session, payment, by, LATER, reason="salah")
    session.rollback()


def test_what_was_given_back_in_part_stays(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW)
    order = purchase.orders[0]
    part = refunds.owe_part(session, order, RefundKind.GOODS, 1_000, by, NOW, reason="kurang")
    refunds.send(session, part, by.user_id or 0, NOW, reference="TRX 1")
    with pytest.raises(Conflict, match="Sebagian"):
        corrections.take_back(session, payment, by, LATER, reason="salah")
    session.rollback()


@pytest.mark.parametrize("grants", [False, True])
def test_nothing_is_owed_back_of_what_never_came(session: Session, by: By, grants: bool) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW)
    one, two = purchase.orders
    if grants:
        refunds.owe_part(session, one, RefundKind.GOODS, 1_000, by, NOW, reason="kurang")
    lifecycle.act(session, one, Action.REVOKE, by, NOW, reason="batal")
    asked = payment.amount
    corrections.take_back(session, payment, by, LATER, reason="uang orang lain")
    assert {refund.state for refund in session.scalars(select(Refund))} == {RefundState.WITHDRAWN}
    assert (one.paid, one.due_at, one.state) == (0, None, OrderState.CANCELLED)
    # The other order waits for money again, and alone.
    assert (payment.state, payment.amount) == (P.REJECTED, two.total + payment.unique_digits)
    assert payment.amount < asked and two.due_at == NOW + timedelta(hours=72)
    assert balance(session, AccountKind.REFUNDS) == balance(session, AccountKind.BANK) == 0
    assert not list(books.differences(session))
    receiving.confirm(session, payment, by, LATER)
    lifecycle.act(session, two, Action.REVOKE, by, LATER, reason="batal")
    assert balance(session, AccountKind.REFUNDS) == two.total


def test_a_cancelled_order_that_was_never_paid_is_asked_no_more(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW)
    lifecycle.act(session, purchase.orders[0], Action.REVOKE, by, NOW, reason="batal")
    corrections.take_back(session, payment, by, LATER, reason="uang orang lain")
    assert payment.state is P.LAPSED
    assert not list(books.differences(session))


def test_an_amount_that_somebody_else_is_asked_by_now(session: Session, by: By) -> None:
    first, second = ready_purchase(session, 1), ready_purchase(session, 1)
    (payment,), (other,) = payments_of(session, first), payments_of(session, second)
    receiving.confirm(session, payment, by, NOW)
    other.amount = first.orders[0].total + payment.unique_digits
    other.unique_digits = payment.unique_digits
    session.flush()
    taken = payment.amount
    corrections.take_back(session, payment, by, LATER, reason="salah")
    assert payment.state is P.REJECTED and payment.amount != taken == other.amount
    assert payment.amount == first.orders[0].total + payment.unique_digits


def test_money_that_was_too_little(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    asked = payment.amount
    receiving.confirm(session, payment, by, NOW, amount=50_000)
    corrections.take_back(session, payment, by, LATER, reason="uang orang lain")
    assert (payment.state, payment.amount) == (P.ASKED, asked)
    assert payment.events[-2].action is PaymentAction.TAKE_BACK
    assert credit_of(session, purchase.id) == balance(session, AccountKind.BANK) == 0


def test_money_that_came_late(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    lifecycle.act(session, purchase.orders[0], Action.LAPSE, CLOCK, NOW + timedelta(days=3))
    receiving.confirm(session, payment, by, LATER, amount=50_000)
    corrections.take_back(session, payment, by, LATER, reason="uang orang lain")
    assert payment.state is P.LAPSED
    assert surplus(session, purchase) == []
    assert not list(books.differences(session))


def test_the_latest_goes_first(session: Session, by: By) -> None:
    purchase = ready_purchase(session)
    (payment,) = payments_of(session, purchase)
    for key in ("first", "second"):
        again = By(by.actor, by.user_id, key)
        receiving.confirm(session, payment, again, LATER, amount=payment.amount)
    second = receipts.latest(session, payment.id)
    assert second is not None
    for _ in range(2):
        corrections.take_back(
            session, payment, by, LATER, reason="dua kali dicatat", receipt_id=second.id
        )
    assert (payment.state, surplus(session, purchase)) == (P.CONFIRMED, [])
    assert balance(session, AccountKind.BANK) == -payment.amount
    other = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    with pytest.raises(MoveRefused):
        corrections.take_back(session, payment, other, LATER, reason="x", receipt_id=second.id)
    first = receipts.latest(session, payment.id)
    assert first is not None
    corrections.take_back(session, payment, by, LATER, reason="salah", receipt_id=first.id)
    assert (payment.state, balance(session, AccountKind.BANK)) == (P.REJECTED, 0)


def test_money_for_orders_that_are_no_more(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.act(session, purchase.orders[0], Action.CANCEL, BUYER, NOW, reason="batal")
    receiving.confirm(session, payment, by, LATER)
    assert surplus(session, purchase) == [payment.amount]
    corrections.take_back(session, payment, by, LATER, reason="keliru")
    assert (payment.state, surplus(session, purchase)) == (P.LAPSED, [])
    assert not list(books.differences(session))


def test_nothing_was_booked(session: Session, by: By) -> None:
    (payment,) = payments_of(session, ready_purchase(session, 1))
    with pytest.raises(MoveRefused):
        corrections.take_back(session, payment, by, LATER, reason="salah")
    with pytest.raises(Unusable):
        corrections.take_back(session, payment, by, LATER, reason=" ")


def paid_with_a_surplus(
    session: Session, by: By, more: int | None = None
) -> tuple[Order, list[Payment]]:
    """A purchase whose first payment brought `more` than asked (as much as the second order costs),
    which has gone into its second; that order, and both payments."""
    purchase = ready_and_made(session)
    (payment,) = payments_of(session, purchase)
    wanted = purchase.orders[1]
    more = wanted.total if more is None else more
    receiving.confirm(session, payment, by, NOW, amount=payment.amount + more)
    lifecycle.accept(session, wanted, PRODUCER, LATER)
    return wanted, payments_of(session, purchase)


def test_what_a_mistyped_surplus_has_paid_is_asked_again(session: Session, by: By) -> None:
    wanted, payments = paid_with_a_surplus(session, by)
    assert wanted.paid == wanted.total
    with pytest.raises(Conflict, match="kelebihan"):
        corrections.take_back(session, payments[1], by, LATER, reason="salah")
    corrections.take_back(session, payments[0], by, LATER, reason="angka keliru")
    assert [payment.state for payment in payments] == [P.REJECTED, P.REJECTED]
    assert (wanted.paid, wanted.due_at) == (0, LATER + timedelta(hours=72))
    assert payments[1].amount == wanted.total + payments[1].unique_digits
    assert balance(session, AccountKind.BANK) == credit_of(session, payments[0].purchase_id) == 0
    assert not list(books.differences(session))


def test_what_a_mistyped_surplus_has_paid_and_is_being_made_stays(session: Session, by: By) -> None:
    wanted, payments = paid_with_a_surplus(session, by)
    lifecycle.act(session, wanted, Action.START, PRODUCER, LATER)
    with pytest.raises(Conflict, match="sudah berjalan"):
        corrections.take_back(session, payments[0], by, LATER, reason="angka keliru")
    session.rollback()


def test_what_a_mistyped_surplus_has_helped_to_pay_goes_first(session: Session, by: By) -> None:
    wanted, payments = paid_with_a_surplus(session, by, more=20_000)
    first, second = payments
    assert second.amount == wanted.total - 20_000 + second.unique_digits
    receiving.confirm(session, second, by, LATER)
    session.commit()
    with pytest.raises(Conflict, match="Tarik dulu"):
        corrections.take_back(session, first, by, LATER, reason="angka keliru")
    session.rollback()
    brought = second.amount
    for payment in (second, first):
        corrections.take_back(session, payment, by, LATER, reason="angka keliru")
    assert second.amount == wanted.total + second.unique_digits
    again = By(by.actor, by.user_id, "again")
    receiving.confirm(session, second, again, LATER, amount=brought)
    assert second.amount == wanted.total - brought + second.unique_digits
    assert not list(books.differences(session))


@pytest.mark.parametrize("method", [PaymentMethod.TRANSFER, PaymentMethod.QRIS])
def test_money_for_dead_orders_is_taken_back(
    session: Session, by: By, method: PaymentMethod
) -> None:
    purchase = make_purchase(session, [(make_product(session, ready=9), 2)], method=method)
    (payment,) = payments_of(session, purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.act(session, purchase.orders[0], Action.CANCEL, BUYER, NOW, reason="batal")
    receiving.confirm(session, payment, by, LATER)
    corrections.take_back(session, payment, by, LATER, reason="keliru")
    assert payment.state is PaymentState.LAPSED
    assert not list(books.differences(session))


def test_late_money_is_still_told_when_credit_is_undone(session: Session, by: By) -> None:
    """B is paid by A's surplus, then 50,000 come for B; A's booking is taken back."""

    purchase = ready_and_made(session)
    (a,) = payments_of(session, purchase)
    wanted = purchase.orders[1]
    receiving.confirm(session, a, by, NOW, amount=a.amount + wanted.total)
    lifecycle.accept(session, wanted, PRODUCER, LATER)
    b = payments_of(session, purchase)[-1]
    receiving.confirm(session, b, By(by.actor, by.user_id, "late"), LATER, amount=50_000)
    corrections.take_back(session, a, by, LATER, reason="angka keliru")
    session.expire_all()
    came = receipts.still_booked(b.events)
    assert [e.amount for e in came] == [50_000]


def test_without_a_key_a_tap_takes_back_once(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    for key in ("1", "2"):
        receiving.confirm(session, payment, By(by.actor, by.user_id, key), NOW, amount=60_000)
    for _ in range(2):
        corrections.take_back(session, payment, by, LATER, reason="salah")
    assert balance(session, AccountKind.BANK) == -60_000


def cash_dispute(session: Session) -> Order:
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, OrderState.PLACED, producer=producer, method=PaymentMethod.COD)
    lifecycle.accept(session, order, PRODUCER, NOW)
    lifecycle.act(session, order, Action.FINISH, PRODUCER, NOW)
    lifecycle.ship(session, order, PRODUCER, NOW, courier="JNE", tracking_number="1")
    lifecycle.act(session, order, Action.DISPUTE, BUYER, NOW, reason="rusak")
    return order


def test_two_operators_decide_otherwise_of_cash(session: Session, by: By) -> None:
    order = cash_dispute(session)
    other = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    lifecycle.settle(session, order, by, LATER, for_buyer=True, reason="rusak", cash_paid=True)
    assert balance(session, AccountKind.REFUNDS) == order.total
    with pytest.raises(Conflict):
        # That the buyer has not paid is the opposite.
        lifecycle.settle(session, order, other, LATER, for_buyer=True, reason="rusak")


def test_sent_at_the_gateway_after_from_the_bank(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    receiving.receive(
        session, [Receipt(payment.id, payment.amount + 9_000, ledger.GATEWAY)], CLOCK, NOW
    )
    (refund,) = session.scalars(select(Refund)).all()
    refunds.send(session, refund, by.user_id or 0, NOW, reference="R1")
    with pytest.raises(Conflict):
        refunds.send(session, refund, by.user_id or 0, LATER, reference="R1", at_gateway=True)


def test_verify_sees_a_dead_order_whose_money_is_kept(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    receiving.confirm(session, payment, by, NOW)
    order = purchase.orders[0]
    lifecycle.act(session, order, Action.REVOKE, by, NOW, reason="batal")
    refunds.withdraw(session, session.scalars(select(Refund)).one(), by, LATER)
    assert order.paid == order.total and order.state is OrderState.CANCELLED
    assert list(books.differences(session)) != []


def test_a_dead_payment_whose_amount_somebody_else_is_asked(session: Session, by: By) -> None:
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    claims.claim(session, payment, NOW, reference="Sari", proof_key=None, by=BUYER)
    lifecycle.act(session, purchase.orders[0], Action.CANCEL, BUYER, NOW, reason="batal")
    receiving.confirm(session, payment, by, NOW)
    (other,) = payments_of(session, ready_purchase(session, 1))
    other.amount, other.unique_digits = payment.amount, payment.unique_digits
    session.flush()
    corrections.take_back(session, payment, by, LATER, reason="keliru")
    assert payment.state is P.LAPSED
    assert list(books.differences(session)) == []


def test_money_that_came_again_is_taken_back_again(session: Session, by: By) -> None:
    """Also without saying which: the gateway's own booking in between is no part of the first."""
    purchase = ready_purchase(session, 1)
    (payment,) = payments_of(session, purchase)
    for _ in range(2):
        receiving.receive(session, [Receipt(payment.id, 5_000, ledger.GATEWAY)], CLOCK, NOW)
        corrections.take_back(session, payment, by, LATER, reason="ditarik")
    assert balance(session, AccountKind.GATEWAY) == 0
