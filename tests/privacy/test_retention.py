"""What is erased by itself, and what is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market import jobs
from ovop_market.accounts.models import AuditEvent, Role
from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions import db
from ovop_market.notices.models import Notice
from ovop_market.orders.models import Purchase
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import Payment, StatementLine
from ovop_market.payments.services import refunds
from ovop_market.payments.states import RefundKind
from ovop_market.web import pictures
from tests.factories import NOW, make_order, make_user
from tests.payments import bank
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
    bank.take_in(session, operator, bank.csv_of([(date(2026, 3, 1), "TRSF SARI", 5_000)]), NOW)
    session.commit()
    clock_at(datetime(2036, 12, 30, tzinfo=NOW.tzinfo))
    run(app)
    session.expire_all()
    assert session.scalars(select(StatementLine.description)).one() == "TRSF SARI"
    clock_at(datetime(2037, 1, 2, tzinfo=NOW.tzinfo))
    assert run(app)["bank"] == 1
    session.expire_all()
    line = session.scalars(select(StatementLine)).one()
    assert (line.description, line.amount) == ("", 5_000)


@pytest.mark.parametrize("days", ["0", "29", "3651", "x", "-730"])
def test_a_time_that_makes_no_sense_is_refused(days: str) -> None:
    with pytest.raises(ConfigurationError):
        from_environment({"OVOP_ENV": "testing", "OVOP_RETENTION_DAYS": days})
