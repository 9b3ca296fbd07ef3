"""A bank statement against many awaited payments: from the file's bytes to what is booked.

`python -m benchmarks.matching` measures it alone, on a scratch SQLite file.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from benchmarks.scratch import application, let_go, prepare
from benchmarks.table import table, whole
from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.core.tokens import digest, order_number, payment_code, secret_token
from ovop_market.delivery.models import Service
from ovop_market.extensions import db
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Order, OrderEvent, PaymentMethod, Purchase
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.matching import match
from ovop_market.payments.models import (
    LedgerEntry,
    Payment,
    PaymentEvent,
    PaymentPart,
    StatementLine,
)
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.services import statements as services
from ovop_market.payments.states import LineState, PaymentAction, PaymentState
from ovop_market.villages.models import Producer

PAYMENTS = 10_000
LINES = 5_000
# Of the lines: money out, and money that nobody asked for.
OUT, UNKNOWN = 250, 250
WANTED_SECONDS = 5.0
_SEED = 20261124
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long a step took, and how long the processor was at it: the machine may be busy."""

    clock: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Took:
    """How long each step took, and what came of it."""

    read: Seconds
    look: Seconds
    pure: Seconds
    book: Seconds
    again: Seconds
    payments: int
    lines: int
    matched: int
    entries: int

    @property
    def whole(self) -> float:
        """From the bytes of the file to the commit, without the preview's own look."""
        return self.read.clock + self.book.clock


def measure(url: str, media: Path, say: Callable[[str], object]) -> Took:
    """Asks for many payments, then takes a statement in, on a prepared database."""
    # Nobody is written to; but what is owed to buyers is written down, as it is in earnest.
    app = application(url, media, SMTP_URL="smtp://127.0.0.1:9")
    with app.app_context():
        session = db.session()
        say(f"asking for {PAYMENTS} payments …")
        now = clock.now()
        asked = ask_for_many(session, PAYMENTS, now)
        session.commit()
        file = statement(asked, clock.wib_date(now)).encode()
        say(f"taking in a statement of {LINES} lines …")
        took = take_in(session, file, now)
    let_go(app)
    return took


def take_in(session: Session, file: bytes, now: datetime) -> Took:
    """The way of a statement through the services, each step by the clock."""
    operator_id = session.scalars(select(User.id).where(User.role == Role.OPERATOR)).first() or 0
    by = By(Actor.OPERATOR, operator_id)
    before = session.scalar(select(func.count()).select_from(LedgerEntry)) or 0

    def read() -> tuple[int, queries.Opened]:
        kept = services.upload(session, services.text_of(file), "bench.csv", operator_id, now)
        session.commit()
        return kept.id, queries.opened(session, kept)

    def book(statement_id: int, opened: queries.Opened) -> None:
        seen = opened.columns.digest
        services.take_in(session, statement_id, opened, by, now, seen=seen)
        session.commit()

    reading, (first_id, opened) = timed(read)
    incoming = [m for m in opened.reading.movements if m.amount > 0]
    lines, expected = queries.lines_of(incoming), queries.expected_for(session, incoming)
    pure, _pairs = timed(lambda: match(lines, expected, clock.wib_date(now)))
    look, _outlook = timed(lambda: queries.outlook(session, opened.reading, now))
    session.commit()
    booking, _done = timed(lambda: book(first_id, opened))
    second_id, opened = read()
    again, _done = timed(lambda: book(second_id, opened))
    of_this = select(func.count()).where(StatementLine.statement_id == first_id)
    return Took(
        read=reading,
        look=look,
        pure=pure,
        book=booking,
        again=again,
        payments=len(expected),
        lines=len(opened.reading.movements),
        matched=session.scalar(of_this.where(StatementLine.state == LineState.MATCHED)) or 0,
        entries=(session.scalar(select(func.count()).select_from(LedgerEntry)) or 0) - before,
    )


def timed(step: Callable[[], T]) -> tuple[Seconds, T]:
    begun, worked = time.perf_counter(), time.process_time()
    result = step()
    return Seconds(time.perf_counter() - begun, time.process_time() - worked), result


def ask_for_many(session: Session, number: int, now: datetime) -> Sequence[int]:
    """Purchases with an accepted order each, asked by transfer; returns the amounts."""
    producers = session.scalars(select(Producer.id).order_by(Producer.id)).all()
    service_id = session.scalars(select(Service.id)).first()
    purchase_id, order_id, payment_id = (
        (session.scalar(select(func.max(model.id))) or 0) + 1
        for model in (Purchase, Order, Payment)
    )
    rows: dict[type[Model], list[dict[str, Any]]] = {
        model: [] for model in (Purchase, Order, OrderEvent, Payment, PaymentPart, PaymentEvent)
    }
    asked_at = now - timedelta(days=1)
    taken = set(session.scalars(select(Payment.amount)))
    rolls = random.Random(_SEED)
    amounts: list[int] = []
    while len(amounts) < number:
        total, digits = rolls.randrange(50, 4_000) * 1_000, rolls.randrange(1, 1_000)
        if total + digits in taken:
            continue
        taken.add(total + digits)
        amounts.append(total + digits)
        one = _asked(len(amounts) - 1, total, digits, asked_at)
        at = len(amounts) - 1
        ids = {
            Purchase: {"id": purchase_id + at},
            Order: {
                "id": order_id + at,
                "purchase_id": purchase_id + at,
                "producer_id": producers[at % len(producers)],
                "service_id": service_id,
            },
            OrderEvent: {
                "order_id": order_id + at,
                "producer_id": producers[at % len(producers)],
            },
            Payment: {"id": payment_id + at, "purchase_id": purchase_id + at},
            PaymentPart: {"payment_id": payment_id + at, "order_id": order_id + at},
            PaymentEvent: {"payment_id": payment_id + at},
        }
        for model, values in one.items():
            rows[model].append(values | ids[model])
    for model, values in rows.items():
        session.execute(insert(model), values)
    return amounts


def _asked(at: int, total: int, digits: int, when: datetime) -> dict[type[Model], dict[str, Any]]:
    """The rows of one purchase that is asked for, without what ties them to each other."""
    token, shipping = secret_token(), 38_000
    return {
        Purchase: {
            "token": token,
            "token_digest": digest(token),
            "submission_digest": digest(f"bench {token}"),
            "placed_at": when,
            "name": f"Pembeli {at}",
            "phone": "+6281200000000",
            "email": f"pembeli{at}@ovop.example" if at % 2 else None,
            "region_code": "19.05.01.2006",
            "street": "Jalan Contoh 2",
            "postal_code": "33351",
            "note": "",
            "payment_method": PaymentMethod.TRANSFER,
            "language": "id",
            "consent_at": when,
            "consent_version": "1",
        },
        Order: {
            "number": order_number(),
            "state": OrderState.ACCEPTED,
            "due_at": when + timedelta(days=2),
            "ready_by": clock.wib_date(when),
            "goods": total - shipping,
            "shipping": shipping,
            "total": total,
            "paid": 0,
        },
        OrderEvent: {
            "at": when,
            "actor": Actor.BUYER,
            "action": Action.PLACE,
            "state": OrderState.ACCEPTED,
        },
        Payment: {
            "code": payment_code(),
            "method": PaymentMethod.TRANSFER,
            "amount": total + digits,
            "unique_digits": digits,
            "state": PaymentState.ASKED,
            "asked_at": when,
        },
        PaymentPart: {"amount": total},
        PaymentEvent: {
            "at": when,
            "actor": Actor.CLOCK,
            "action": PaymentAction.ASK,
            "state": PaymentState.ASKED,
            "amount": total + digits,
        },
    }


def statement(asked: Sequence[int], day: date) -> str:
    """A bank's export: money for some of these amounts, some that nobody asked for, some out."""
    rolls = random.Random(_SEED)
    known = rolls.sample(asked, min(len(asked), LINES - OUT - UNKNOWN))
    told = [(f"TRSF E-BANKING CR 2411/FTSCY/WS95 PEMBELI {n}", x) for n, x in enumerate(known)]
    told += [(f"SETORAN TUNAI {n}", 5_000_000 + n) for n in range(UNKNOWN)]
    told += [(f"BIAYA ADM {n}", -6_500 - n) for n in range(OUT)]
    rolls.shuffle(told)
    balance, rows = 100_000_000, ["Tanggal,Keterangan,Cabang,Jumlah,,Saldo"]
    for text, amount in told:
        balance += amount
        mark = "CR" if amount > 0 else "DB"
        rows.append(f'{day:%d/%m/%Y},{text},0000,"{abs(amount):,}.00",{mark},"{balance:,}.00"')
    return "\n".join(rows)


def matching_table(took: Took) -> str:
    said = (
        f"A statement of {whole(took.lines)} lines against {whole(took.payments)} awaited "
        f"payments: {took.whole:.2f} s from the file to the commit "
        f"({WANTED_SECONDS:g} s are allowed); {whole(took.matched)} lines matched, "
        f"{whole(took.entries)} ledger entries written\n"
    )
    steps = {
        "read the file, keep the preview": took.read,
        "match, nothing else": took.pure,
        "what the preview tells": took.look,
        "take in, match, book, commit": took.book,
        "the same statement again": took.again,
    }
    rows = [[name, f"{step.clock:.2f}", f"{step.cpu:.2f}"] for name, step in steps.items()]
    return table(["statement", "seconds", "cpu"], rows) + "\n" + said


def main() -> None:
    def say(message: str) -> None:
        print(message, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="ovop-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'market.sqlite3'}"
        prepare(url, folder / "media", say)
        print(matching_table(measure(url, folder / "media", say)))


if __name__ == "__main__":
    main()
