"""Which payments a line of a bank statement may be for: what is expected, and what is likely.

Operators only. Amounts are rupiah, days are in WIB.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts import trail
from ovop_market.core import clock
from ovop_market.extensions.database import AT_ONCE
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.payments.matching import (
    LONGEST_LAG,
    Expected,
    Known,
    Line,
    Pool,
    Reason,
    codes_in,
)
from ovop_market.payments.models import (
    MOST_UNIQUE_DIGITS,
    LedgerTransaction,
    Payment,
    PaymentEvent,
    PaymentPart,
    StatementLine,
)
from ovop_market.payments.queries.receipts import BOOKED, booked_by_hand
from ovop_market.payments.queries.search import MOST_FOUND, payments_meant
from ovop_market.payments.states import AWAITED, LineState, PaymentAction, PaymentState

# Payments that were asked so long before a line are no candidates, unless they are still awaited.
LOOKED_BACK = timedelta(days=120)
# Beyond, the oldest are left out: a person can still search.
_MOST_KNOWN = 20_000
# What comes through the gateway never stands on the bank's statement by itself.
_TO_THE_BANK = Payment.method != PaymentMethod.GATEWAY


@dataclass(frozen=True, slots=True)
class ByHand:
    """Money that an operator has booked by hand and whose line is still to come."""

    receipt_id: int
    payment_id: int
    amount: int
    booked_on: date


@dataclass(frozen=True, slots=True)
class Choice:
    """A payment that an operator may pick for a line, and what that would mean.

    `difference` is the line's amount less what is asked, of awaited payments; `enough`: what is
    missing of it are only the digits. `bears_out`: the money has been booked by hand, so that the
    line only bears it out: nothing is booked again; `nearly`: rupiah that were booked by hand and
    are all but the digits of this line, so that it may be the same money.
    """

    payment_id: int
    who: str
    amount: int
    state: PaymentState
    asked_at: datetime
    orders: Sequence[str]
    reasons: Sequence[Reason]
    difference: int
    enough: bool
    bears_out: bool
    nearly: int

    @property
    def asked(self) -> bool:
        """Whether it is asked for still."""
        return self.state in AWAITED


def expected(session: Session, since: date) -> list[Expected]:
    """The money that lines from this day on may be."""
    rows = session.execute(
        select(
            Payment.id, Payment.code, Payment.amount, Payment.unique_digits, Payment.asked_at
        ).where(Payment.state.in_(AWAITED), _TO_THE_BANK)
    )
    found = [
        Expected(r.id, r.code, r.amount, r.unique_digits, clock.wib_date(r.asked_at)) for r in rows
    ]
    booked = by_hand(session, since=since - LONGEST_LAG)
    asked = _asked(session, {receipt.payment_id for receipt in booked})
    for receipt in booked:
        code, asked_on, amount, digits = asked[receipt.payment_id]
        found.append(
            Expected(
                receipt.payment_id,
                code,
                receipt.amount,
                # Booked as it was asked: its line has the digits as well.
                digits if receipt.amount == amount else 0,
                asked_on,
                receipt.receipt_id,
                receipt.booked_on,
            )
        )
    return found


def _asked(session: Session, payment_ids: Iterable[int]) -> dict[int, tuple[str, date, int, int]]:
    """Codes, days, amounts and unique digits of payments."""
    wanted, found = sorted(payment_ids), {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.execute(
            select(
                Payment.id, Payment.code, Payment.asked_at, Payment.amount, Payment.unique_digits
            ).where(Payment.id.in_(wanted[start : start + AT_ONCE]))
        )
        found.update(
            {r.id: (r.code, clock.wib_date(r.asked_at), r.amount, r.unique_digits) for r in rows}
        )
    return found


def by_hand(
    session: Session, *, since: date | None = None, payment_ids: Sequence[int] | None = None
) -> list[ByHand]:
    """What was booked on the bank account by hand (since a day, or of a few payments), was not
    taken back, and has no line yet."""
    statement = booked_by_hand(session)
    if since is not None:
        statement = statement.where(LedgerTransaction.at >= clock.start_of_day(since))
    if payment_ids is not None:
        statement = statement.where(LedgerTransaction.payment_id.in_(payment_ids))
    rows = [
        ByHand(row.id, row.payment_id, int(row.amount), clock.wib_date(row.at))
        for row in session.execute(statement)
    ]
    borne_out = _borne_out(session, {row.payment_id for row in rows})
    left = []
    for row in rows:
        if borne_out[row.payment_id, row.amount]:
            borne_out[row.payment_id, row.amount] -= 1
        else:
            left.append(row)
    return left


def _borne_out(session: Session, payment_ids: Iterable[int]) -> Counter[tuple[int, int]]:
    """How many lines bear out what was booked by hand, by payment and amount: those that belong to
    a payment without having been booked themselves."""
    wanted = sorted(payment_ids)
    found: Counter[tuple[int, int]] = Counter()
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.execute(
            select(StatementLine.payment_id, StatementLine.amount).where(
                StatementLine.payment_id.in_(wanted[start : start + AT_ONCE]),
                StatementLine.state == LineState.MATCHED,
                ~BOOKED,
            )
        )
        found.update((payment, amount) for payment, amount in rows if payment is not None)
    return found


def choices(session: Session, lines: Sequence[StatementLine]) -> Mapping[int, Sequence[Choice]]:
    """The likeliest payments for each of these lines, by the line's id; a few statements in all."""
    if not lines:
        return {}
    sought = [of_line(line) for line in lines]
    known = _known(session, sought)
    pool = Pool(list(known.values()))
    ranked = {line.key: pool.rank(line) for line in sought}
    payments = _shown(session, {c.payment_id for found in ranked.values() for c in found})
    return {
        line.key: [
            _choice(line, payments[c.payment_id], c.reasons, known[c.payment_id].by_hand)
            for c in ranked[line.key]
        ]
        for line in sought
    }


def of_line(line: StatementLine) -> Line:
    """A stored line as matching sees it."""
    return Line(line.id, line.booked_on, line.amount, line.description, line.fingerprint)


def _known(session: Session, lines: Sequence[Line]) -> dict[int, Known]:
    """The payments that candidates are looked for among."""
    first = clock.start_of_day(min(line.day for line in lines) - LOOKED_BACK)
    numbers = _named_orders(session, lines)
    rows = session.execute(
        select(
            Payment.id,
            Payment.code,
            Payment.amount,
            Payment.unique_digits,
            Payment.asked_at,
            Payment.state,
            Payment.reference,
            Purchase.name,
        )
        .join(Payment.purchase)
        .where(
            or_(
                Payment.asked_at >= first,
                Payment.state.in_(AWAITED),
                Payment.id.in_(numbers.keys()),
            )
        )
        .order_by(Payment.asked_at.desc(), Payment.id.desc())
        .limit(_MOST_KNOWN)
    ).all()
    former = _former(session, lines, first)
    hands: defaultdict[int, set[int]] = defaultdict(set)
    for receipt in by_hand(session, since=min(line.day for line in lines) - LONGEST_LAG):
        hands[receipt.payment_id].add(receipt.amount)
    return {
        r.id: Known(
            r.id,
            r.code,
            r.amount,
            r.unique_digits,
            clock.wib_date(r.asked_at),
            r.state,
            r.name,
            r.reference or "",
            frozenset(former[r.id]),
            frozenset(hands[r.id]),
            frozenset(numbers.get(r.id, ())),
        )
        for r in rows
    }


def _named_orders(session: Session, lines: Sequence[Line]) -> Mapping[int, set[str]]:
    """The order numbers that descriptions name, by the payments that are for those orders."""
    codes = {code for line in lines for code in codes_in(line.description)}
    wanted = sorted(f"{code[:4]}-{code[4:]}" for code in codes)
    found: dict[int, set[str]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = session.execute(
            select(PaymentPart.payment_id, Order.number)
            .join(PaymentPart.order)
            .where(Order.number.in_(wanted[start : start + AT_ONCE]))
        )
        for payment_id, number in rows:
            found.setdefault(payment_id, set()).add(number)
    return found


def _former(session: Session, lines: Sequence[Line], since: datetime) -> defaultdict[int, set[int]]:
    """Amounts of these lines that payments once asked for, by payment."""
    asking = (PaymentAction.ASK, PaymentAction.AMEND)
    rows = session.execute(
        select(PaymentEvent.payment_id, PaymentEvent.amount).where(
            PaymentEvent.amount.in_({line.amount for line in lines}),
            PaymentEvent.action.in_(asking),
            PaymentEvent.at >= since,
        )
    )
    found: defaultdict[int, set[int]] = defaultdict(set)
    for payment_id, amount in rows:
        found[payment_id].add(amount)
    return found


def _shown(session: Session, payment_ids: Iterable[int]) -> dict[int, Payment]:
    payments = session.scalars(
        select(Payment)
        .where(Payment.id.in_(sorted(payment_ids)))
        .options(
            joinedload(Payment.purchase),
            selectinload(Payment.parts).joinedload(PaymentPart.order),
        )
    )
    return {payment.id: payment for payment in payments}


def _choice(
    line: Line, payment: Payment, reasons: Sequence[Reason], by_hand: Iterable[int]
) -> Choice:
    trail.viewed("statement", {payment.purchase_id: None})
    booked = set(by_hand)
    difference = line.amount - payment.amount if payment.state in AWAITED else 0
    nearly = (amount for amount in booked if abs(amount - line.amount) <= MOST_UNIQUE_DIGITS)
    return Choice(
        payment.id,
        payment.purchase.name,
        payment.amount,
        payment.state,
        payment.asked_at,
        [part.order.number for part in payment.parts],
        reasons,
        difference,
        -payment.unique_digits <= difference < 0,
        line.amount in booked,
        0 if line.amount in booked else max(nearly, default=0),
    )


def search(session: Session, line: StatementLine, text: str) -> Sequence[Choice]:
    """Payments that these words may mean, the latest first."""
    wanted = payments_meant(text)
    if not wanted:
        return []
    ids = session.scalars(
        select(Payment.id)
        .join(Payment.purchase)
        .where(or_(*wanted))
        .order_by(Payment.id.desc())
        .limit(MOST_FOUND)
    ).all()
    payments = _shown(session, ids)
    booked: defaultdict[int, set[int]] = defaultdict(set)
    for receipt in by_hand(session, payment_ids=ids):
        booked[receipt.payment_id].add(receipt.amount)
    sought = of_line(line)
    return [_choice(sought, payments[at], (), booked[at]) for at in ids]
