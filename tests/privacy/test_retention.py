"""What is erased by itself, and what is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ovop_market import jobs
from ovop_market.accounts.models import AuditEvent, Role
from ovop_market.bulk import services as many
from ovop_market.bulk.registry import ACTIONS
from ovop_market.bulk.registry import By as ByMany
from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions import db
from ovop_market.notices.models import Notice
from ovop_market.orders.models import Purchase
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import Payment, PayoutAccount, StatementLine
from ovop_market.payments.services import payouts, refunds, statements
from ovop_market.payments.states import RefundKind
from ovop_market.web import pictures
from tests.factories import NOW, make_order, make_user
from tests.payments import bank
from tests.payments.earned import payable, received
from tests.privacy.planted import found_in, plant, refund_of

ClockAt = Callable[[datetime], None]


def run(app: Flask) -> Counter[str]:
    db.session.commit()
    job = next(job for job in jobs.JOBS if job.name == "retention")
    return jobs.run(app, job).counts


def erased(session: Session) -> int:
    session.expire_all()
    return session.scalar(select(func.count()).where(Purchase.erased_at.is_not(None))) or 0


def test_guests_are_erased_after_two_years(app: Flask, session: Session, clock_at: ClockAt) -> None:
    planted = plant(session, app.config["OVOP"].media)
    clock_at(NOW + timedelta(days=729))
    run(app)
    assert erased(session) == 0 and found_in(session)
    clock_at(NOW + timedelta(days=731))
    assert run(app)["erased"] == 1
    assert erased(session) == 1 and found_in(session) == []
    events = session.scalars(select(AuditEvent).where(AuditEvent.action == "purchase erased"))
    assert [(e.subject, e.actor_id) for e in events] == [(f"purchase {planted.purchase.id}", None)]
    assert run(app)["erased"] == 0


def test_words_and_proofs_go_after_half_a_year_also_of_accounts(
    app: Flask, session: Session, clock_at: ClockAt
) -> None:
    media = app.config["OVOP"].media
    planted = plant(session, media, account=True)
    clock_at(NOW + timedelta(days=179))
    assert run(app)["words"] == 0
    clock_at(NOW + timedelta(days=181))
    assert run(app)["words"] == 1
    session.expire_all()
    payment = session.scalars(select(Payment)).one()
    assert (payment.reference, payment.proof_key) == (None, None)
    assert refund_of(session, planted).destination is None
    assert not pictures.private_path(media, planted.proof).exists()
    assert session.scalar(select(func.count()).select_from(Notice)) == 0
    # Whoever has an account keeps their list of orders.
    clock_at(NOW + timedelta(days=3_000))
    assert run(app)["erased"] == 0 and erased(session) == 0
    assert planted.purchase.name


def test_what_is_under_way_or_owed_waits(app: Flask, session: Session, clock_at: ClockAt) -> None:
    make_order(session, OrderState.READY)
    owed = make_order(session, OrderState.RECEIVED)
    by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    refunds.owe_part(session, owed, RefundKind.GOODS, 1_000, by, NOW, reason="pecah")
    session.commit()
    clock_at(NOW + timedelta(days=3_000))
    counts = run(app)
    assert counts["erased later"] == 1 and not counts["erased"] and not counts["failed"]
    assert erased(session) == 0


def test_the_banks_words_stay_for_ten_years(
    app: Flask, session: Session, clock_at: ClockAt
) -> None:
    operator = make_user(session, Role.OPERATOR)
    told = [(date(2026, 3, 1), "TRSF SARI", 5_000), (date(2026, 3, 2), "", 6_000)]
    bank.take_in(session, operator, bank.csv_of(told), NOW)
    # A statement without a column of words: all that is said of the line is the operator's note.
    wordless = session.scalars(select(StatementLine).where(StatementLine.amount == 6_000)).one()
    assert wordless.description == ""
    by = By(Actor.OPERATOR, operator.id)
    statements.set_aside(session, wordless, by, NOW, note="titipan Bu Siti")
    session.commit()
    clock_at(datetime(2036, 12, 30, tzinfo=NOW.tzinfo))
    run(app)
    session.expire_all()
    lines = select(StatementLine).order_by(StatementLine.amount)
    assert [line.description for line in session.scalars(lines)] == ["TRSF SARI", ""]
    clock_at(datetime(2037, 1, 2, tzinfo=NOW.tzinfo))
    assert run(app)["bank"] == 2
    session.expire_all()
    assert [(line.description, line.note, line.amount) for line in session.scalars(lines)] == [
        ("", None, 5_000),
        ("", None, 6_000),
    ]
    assert run(app)["bank"] == 0


def test_why_many_things_were_done_goes_once_it_cannot_be_undone(
    app: Flask, session: Session, clock_at: ClockAt
) -> None:
    operator = make_user(session, Role.OPERATOR)
    bank.take_in(session, operator, bank.csv_of([(date(2026, 3, 1), "X", 5_000)]), NOW)
    line = session.scalars(select(StatementLine)).one()
    action = ACTIONS["lines-set-aside"]
    by = ByMany(operator.id, NOW, reason="titipan Bu Siti")
    with app.test_request_context():
        seen = many.plan(session, action, [line.id], by).seen
        batch = many.run(session, action, [line.id], seen=seen, key="k", by=by)
    session.commit()
    item = batch.items[0]
    clock_at(NOW + timedelta(days=7))
    assert run(app)["batches"] == 0
    session.expire_all()
    assert batch.reason == "titipan Bu Siti" and item.before == {"note": "titipan Bu Siti"}
    clock_at(NOW + timedelta(days=8))
    assert run(app)["batches"] == 1
    session.expire_all()
    assert (batch.reason, item.before, item.done) == ("", None, True)
    # The line itself is an accounting document, and keeps its note.
    assert line.note == "titipan Bu Siti"
    assert run(app)["batches"] == 0


def test_accounts_that_producers_were_paid_to_go_after_ten_years(
    app: Flask, session: Session, clock_at: ClockAt
) -> None:
    operator = make_user(session, Role.OPERATOR)
    producer, idle = payable(session), payable(session)
    received(session, producer)
    by = By(Actor.OPERATOR, operator.id)
    batch = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, batch, by, NOW, reference="Siti")
    # Named long before; the payout is what counts.
    session.execute(update(PayoutAccount).values(changed_at=NOW - timedelta(days=400)))
    session.commit()

    def accounts() -> list[int]:
        session.expire_all()
        return list(session.scalars(select(PayoutAccount.producer_id)))

    clock_at(datetime(2036, 12, 30, tzinfo=NOW.tzinfo))
    # The one that nobody was ever paid to goes first: ten years after the year it was named in.
    assert run(app)["accounts"] == 1
    assert accounts() == [producer.id] and idle.id != producer.id
    assert batch.payouts[0].number and batch.reference == "Siti"
    clock_at(datetime(2037, 1, 2, tzinfo=NOW.tzinfo))
    counts = run(app)
    assert (counts["paid"], counts["accounts"]) == (1, 1)
    assert accounts() == []
    (payout,) = batch.payouts
    assert (payout.bank, payout.number, payout.holder, batch.reference) == ("", "", "", None)
    assert payout.amount > 0
    assert not run(app)["paid"]


@pytest.mark.parametrize("days", ["0", "29", "3651", "x", "-730"])
def test_a_time_that_makes_no_sense_is_refused(days: str) -> None:
    with pytest.raises(ConfigurationError):
        from_environment({"OVOP_ENV": "testing", "OVOP_RETENTION_DAYS": days})
