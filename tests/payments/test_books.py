"""`ledger verify` says nothing of right books, and names what is wrong with forged ones."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.queries import books
from ovop_market.payments.services import corrections, payouts, receiving, refunds
from ovop_market.payments.states import RefundKind
from tests.counting import counted
from tests.factories import NOW, make_order, pay
from tests.payments import bank
from tests.payments.earned import DAY, payable, received, received_in_cash

# A session's worth of everything that money does; {names} stand for ids.
Names = dict[str, int | str]


def everything(session: Session, operator: User) -> Names:
    """Books in which something of each kind has happened."""
    by = By(Actor.OPERATOR, operator.id)
    producer, other = payable(session), payable(session)
    paid, undone = received(session, producer), received(session, producer)
    cash = received_in_cash(session, producer)
    batch = payouts.make_batch(session, by, NOW - 5 * DAY)
    payouts.undo(session, batch, by, NOW - 5 * DAY)
    batch = payouts.make_batch(session, by, NOW - 4 * DAY)
    payouts.mark_sent(session, batch, by, NOW - 4 * DAY, reference="1")
    refunds.owe_part(session, paid, RefundKind.GOODS, 10_000, by, NOW, reason="pecah")
    open_cash = received_in_cash(session, producer, NOW)
    made = received(session, other, NOW - 3 * DAY)
    waiting = payouts.make_batch(session, by, NOW)
    revoked = make_order(session, OrderState.ACCEPTED, producer=other)
    pay(session, revoked)
    lifecycle.act(session, revoked, Action.REVOKE, by, NOW, reason="freezer rusak")
    sent = session.scalars(select(Refund).where(Refund.order_id == revoked.id)).one()
    refunds.send(session, sent, operator.id, NOW, reference="TRF")
    taken_back = _taken_back(session, by)
    short = _short(session, by)
    line = _by_statement(session, operator)
    session.flush()
    return {
        "paid": paid.id,
        "paid_number": paid.number,
        "undone": undone.id,
        "cash": cash.id,
        "open_cash": open_cash.id,
        "open_cash_number": open_cash.number,
        "made": made.id,
        "batch": waiting.id,
        "producer": producer.id,
        "other": other.id,
        "revoked": revoked.id,
        "refund": sent.id,
        "taken_back": taken_back,
        "short": short,
        "line": line,
    }


def _payment(session: Session, order: Order) -> Payment:
    return session.scalars(select(Payment).where(Payment.purchase_id == order.purchase_id)).one()


def _taken_back(session: Session, by: By) -> int:
    order = make_order(session, OrderState.ACCEPTED)
    pay(session, order)
    payment = _payment(session, order)
    corrections.take_back(session, payment, by, NOW, reason="salah lihat")
    return payment.id


def _short(session: Session, by: By) -> int:
    """A buyer with something to their credit; the purchase's id."""
    order = make_order(session, OrderState.ACCEPTED)
    receiving.confirm(session, _payment(session, order), by, NOW, amount=5_000)
    return order.purchase_id


def _by_statement(session: Session, operator: User) -> int:
    order = make_order(session, OrderState.ACCEPTED)
    told = [(clock.wib_date(NOW), "TRANSFER", _payment(session, order).amount)]
    bank.take_in(session, operator, bank.csv_of(told), NOW)
    (line,) = bank.lines(session)
    return line.id


def forge(session: Session, statement: str) -> None:
    """Does to the database what neither the program nor the database would let happen.

    To be rolled back.
    """
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        triggers = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in triggers.all():
            session.execute(text(f"DROP TRIGGER {name}"))
    else:
        session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(statement))


_ACCOUNT = "(SELECT id FROM ledger_account WHERE kind = '{}')"
BANK, SHIPPING, REFUNDS, PAYOUTS, CREDIT, CASH = (
    _ACCOUNT.format(kind) for kind in ("bank", "shipping", "refunds", "payouts", "credit", "cash")
)
OWN = "(SELECT id FROM ledger_account WHERE producer_id = {producer})"
OTHERS = "(SELECT id FROM ledger_account WHERE producer_id = {other})"


def _of(cause: str, order: str) -> str:
    """The entries of one order in transactions of a cause."""
    causes = f"SELECT id FROM ledger_transaction WHERE cause = '{cause}'"
    return f"order_id = {{{order}}} AND transaction_id IN ({causes})"


_ANY = "(SELECT max(id) FROM ledger_transaction WHERE cause = '{}')"
_TAKEN_BACK = (
    "(SELECT id FROM ledger_transaction WHERE cause = 'reversal' AND payment_id = {taken_back})"
)


def _entry(of: str, debit: str, credit: str, amount: int, order: str) -> str:
    """One more entry in a transaction."""
    return (
        "INSERT INTO ledger_entry (id, transaction_id, debit_id, credit_id, amount, order_id) "
        f"SELECT 99999, {of}, {debit}, {credit}, {amount}, {order}"
    )


# What is forged → what must be said of it.
FORGERIES: dict[str, tuple[str, str]] = {
    "made unpaid": (
        "UPDATE customer_order SET state = 'PREPARING', paid = 0 WHERE id = {made}",
        "PREPARING, and only 0 paid",
    ),
    "credit that nothing waits for": (
        "UPDATE payment SET state = 'LAPSED' WHERE state = 'ASKED'",
        "and nothing that it could be for",
    ),
    "entries gone": (
        f"DELETE FROM ledger_entry WHERE transaction_id = {_ANY.format('sent_back')}",
        "(sent_back) has no entries",
    ),
    "transaction gone": (
        "DELETE FROM ledger_transaction WHERE cause = 'sent_back'",
        "is missing",
    ),
    "account gone": (
        "DELETE FROM ledger_account WHERE kind = 'rounding'",
        "does not balance",
    ),
    "amount raised": (
        f"UPDATE ledger_entry SET amount = amount + 1 WHERE credit_id = {OWN} AND "
        + _of("received", "paid"),
        "order {paid_number}:",
    ),
    "amount raised, as the payment sees it": (
        f"UPDATE ledger_entry SET amount = amount + 1 WHERE credit_id = {OWN} AND "
        + _of("received", "paid"),
        "received by its history, the ledger says",
    ),
    "nobody's goods": (
        f"UPDATE ledger_entry SET order_id = NULL WHERE credit_id = {OWN} AND "
        + _of("received", "paid"),
        "on account producer, of no order",
    ),
    "another's order": (
        f"UPDATE ledger_entry SET credit_id = {OTHERS} WHERE credit_id = {OWN} AND "
        + _of("received", "paid"),
        "of another producer's order {paid_number}",
    ),
    "a crooked reversal": (
        f"UPDATE ledger_entry SET amount = amount + 7 WHERE transaction_id IN {_TAKEN_BACK}",
        "is no mirror of",
    ),
    "a reversal of another order": (
        "UPDATE ledger_entry SET order_id = {made} "
        f"WHERE order_id IS NOT NULL AND transaction_id IN {_TAKEN_BACK}",
        "is no mirror of",
    ),
    "the order says more": (
        "UPDATE customer_order SET paid = paid + 1000 WHERE id = {paid}",
        "order {paid_number}: ",
    ),
    "an order that is paid without money": (
        "UPDATE customer_order SET paid = total WHERE id = "
        "(SELECT max(order_id) FROM payment_part WHERE payment_id = {taken_back})",
        " paid, the ledger says 0",
    ),
    "shipping kept as goods": (
        f"UPDATE ledger_entry SET credit_id = {OWN} WHERE credit_id = {SHIPPING} AND "
        + _of("received", "paid"),
        "booked as shipping",
    ),
    "more back than came": (
        _entry(_ANY.format("owed_back"), OTHERS, BANK, 9, "{revoked}"),
        "owed back of",
    ),
    "cash that was not taken": (
        _entry(_ANY.format("settled"), CASH, BANK, 5, "{open_cash}"),
        "order {open_cash_number}:",
    ),
    "paid out twice": (
        _entry(_ANY.format("payout"), OWN, PAYOUTS, 999_999, "{paid}"),
        "paid out of",
    ),
    "a payment that nobody received": (
        "DELETE FROM payment_event WHERE action = 'confirm' AND payment_id IN "
        "(SELECT payment_id FROM payment_part WHERE order_id = {paid})",
        "0 received by its history",
    ),
    "a payment that was taken back": (
        "UPDATE payment SET state = 'CONFIRMED', confirmed_by_id = 1 WHERE id = {taken_back}",
        "payment {taken_back} (CONFIRMED): pays",
    ),
    "a payment that was not": (
        "UPDATE payment SET state = 'LAPSED' WHERE id IN "
        "(SELECT payment_id FROM payment_part WHERE order_id = {paid})",
        "(LAPSED): pays 0",
    ),
    "a refund that is more": (
        "UPDATE refund SET amount = amount + 1 WHERE id = {refund}",
        "refund {refund} (SENT) of",
    ),
    "a refund that was not sent": (
        "UPDATE refund SET state = 'DUE', sent_at = NULL, sent_by_id = NULL WHERE id = {refund}",
        "refund {refund} (DUE) of",
    ),
    "money back of no refund": (
        "UPDATE ledger_transaction SET refund_id = NULL WHERE refund_id = {refund}",
        "refund {refund} (SENT)",
    ),
    "something owed to nobody": (
        _entry(_ANY.format("cash"), BANK, REFUNDS, 3, "NULL"),
        "account refunds: 3 of no refund",
    ),
    "a batch that was not sent": (
        "UPDATE payout_batch SET state = 'MADE', sent_at = NULL, sent_by_id = NULL "
        "WHERE state = 'SENT'",
        "(MADE): the ledger says 0 waiting",
    ),
    "a batch that was": (
        "UPDATE payout_batch SET state = 'SENT', sent_at = made_at, sent_by_id = made_by_id "
        "WHERE id = {batch}",
        "in batch {batch} (SENT)",
    ),
    "a payout that is more": (
        "UPDATE payout SET amount = amount + 1 WHERE batch_id = {batch}",
        "in batch {batch} (MADE)",
    ),
    "a payout of nobody": (
        "UPDATE ledger_transaction SET payout_id = NULL WHERE payout_id IN "
        "(SELECT id FROM payout WHERE batch_id = {batch})",
        "of no payout",
    ),
    "credit that never came": (
        "UPDATE ledger_entry SET debit_id = credit_id, credit_id = debit_id WHERE "
        f"credit_id = {CREDIT} AND transaction_id IN "
        "(SELECT id FROM ledger_transaction WHERE purchase_id = {short})",
        "purchase {short}: the buyer's credit is -5000",
    ),
    "credit of nobody": (
        "UPDATE ledger_transaction SET purchase_id = NULL WHERE purchase_id = {short}",
        "account credit: 5000 of no purchase",
    ),
    "a line that says less": (
        "UPDATE statement_line SET amount = amount - 1 WHERE id = {line}",
        "statement line {line} (MATCHED)",
    ),
    "a line that is nobody's": (
        "UPDATE statement_line SET state = 'OPEN', payment_id = NULL WHERE id = {line}",
        "statement line {line} (OPEN)",
    ),
}


def test_right_books(app: Flask, session: Session, operator: User) -> None:
    everything(session, operator)
    assert list(books.differences(session)) == []
    session.commit()
    result = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert (result.exit_code, result.output) == (0, "everything agrees\n")


def test_empty_books(session: Session) -> None:
    assert list(books.differences(session)) == []


def test_forged_books(session: Session, operator: User) -> None:
    names = everything(session, operator)
    session.commit()
    unseen = {}
    for name, (statement, said) in FORGERIES.items():
        forge(session, statement.format(**names))
        found = list(books.differences(session))
        session.rollback()
        if not any(said.format(**names) in line for line in found):
            unseen[name] = found
    assert unseen == {}
    assert list(books.differences(session)) == []


def test_what_one_batch_nets_of_another_that_is_undone(session: Session, operator: User) -> None:
    by = By(Actor.OPERATOR, operator.id)
    producer = payable(session)
    order = received(session, producer)
    first = payouts.make_batch(session, by, NOW)
    refunds.owe_part(session, order, RefundKind.GOODS, 10_000, by, NOW, reason="pecah")
    received(session, producer)
    second = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, second, by, NOW, reference="2")
    assert list(books.differences(session)) == []
    payouts.undo(session, first, by, NOW)
    assert list(books.differences(session)) == []


def test_the_command_says_so(app: Flask, session: Session) -> None:
    order = received(session, payable(session))
    order.paid += 1
    session.commit()
    result = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert result.exit_code == 1
    assert f"order {order.number}: {order.paid} paid" in result.output


def test_as_many_statements_for_many(session: Session, operator: User) -> None:
    counts = []
    for _ in range(2):
        everything_of_one(session)
        with counted() as statements:
            assert list(books.differences(session)) == []
        counts.append(len(statements))
    assert counts[0] == counts[1]


def everything_of_one(session: Session) -> None:
    for _ in range(3):
        received(session, payable(session))
    session.flush()
