"""Bank statements and their lines, as operators see them: third parties are named here.

Amounts are rupiah.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer, joinedload

from ovop_market.accounts import trail
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.extensions.database import AT_ONCE
from ovop_market.orders.models import Purchase
from ovop_market.payments.matching import Expected, Line, Match, match
from ovop_market.payments.models import (
    BankMapping,
    BankStatement,
    Payment,
    StatementLine,
    StatementState,
)
from ovop_market.payments.queries.candidates import expected
from ovop_market.payments.statements import columns as known_columns
from ovop_market.payments.statements import movements, sheets
from ovop_market.payments.statements.columns import Columns
from ovop_market.payments.statements.movements import Movement, Reading
from ovop_market.payments.statements.sheets import Sheet
from ovop_market.payments.states import LineState

MOST_STATEMENTS = 30
LINES_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A preview's file as it is understood. `bank`: whose columns these are, where that is kept."""

    sheet: Sheet
    columns: Columns
    bank: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Recognised:
    """A line that is certain to be the money of a buyer's payment; `bears_out`: which has been
    booked by hand already."""

    line: Line
    payment_id: int
    buyer: str
    bears_out: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """What taking a statement in would do: numbers of lines.

    `alike` are new ones of a day and an amount that another file told already, in other words:
    perhaps the same money. `matching` would be booked, `borne_out` has been booked by hand;
    `recognised` are the first of both.
    """

    new: int
    known: int
    alike: int
    incoming: int
    matching: int
    borne_out: int
    recognised: Sequence[Recognised]


@dataclass(frozen=True, slots=True)
class Extent:
    """Of which days a statement's new lines are, and how many wait for a person."""

    first: date
    last: date
    open: int


@dataclass(frozen=True, slots=True)
class LineList:
    """A page of the lines in a state; of one statement, if it is given."""

    state: LineState
    statement_id: int | None
    counts: Mapping[LineState, int]
    lines: Sequence[StatementLine]
    page: int
    pages: int


def statement_of(session: Session, statement_id: int) -> BankStatement:
    """A statement. Raises NotFound, also for a preview that has been thrown away."""
    statement = session.get(BankStatement, statement_id, populate_existing=True)
    if statement is None:
        raise NotFound(_("Mutasi ini tidak ada, atau pratinjaunya sudah dibuang. Unggah lagi."))
    return statement


def statements(session: Session) -> Sequence[BankStatement]:
    """The latest statements, without what they say."""
    return session.scalars(
        select(BankStatement)
        .options(defer(BankStatement.content))
        .order_by(BankStatement.id.desc())
        .limit(MOST_STATEMENTS)
    ).all()


def opened(session: Session, statement: BankStatement) -> Opened:
    """A preview's file, read by the columns that are kept for its header, or as recognised."""
    sheet = sheets.cut(statement.content or "")
    mapping = session.scalar(select(BankMapping).where(BankMapping.header_digest == sheet.digest))
    kept = known_columns.kept(mapping.columns, sheet.width) if mapping else None
    columns = kept or known_columns.recognise(sheet)
    today = clock.wib_date(statement.uploaded_at)
    reading = movements.read(sheet, columns, today)
    return Opened(sheet, columns, mapping.bank if mapping and kept else "", reading)


def taken_in_before(session: Session, statement: BankStatement) -> datetime | None:
    """When the very same file was taken in, the last time, if it was: files from before there was
    a digest are not known."""
    if statement.content_digest is None:
        return None
    return session.scalar(
        select(func.max(BankStatement.imported_at)).where(
            BankStatement.content_digest == statement.content_digest,
            BankStatement.state == StatementState.IMPORTED,
        )
    )


def extents(session: Session, statement_ids: Iterable[int]) -> dict[int, Extent]:
    """The extent of each statement that brought new lines."""
    opened_lines = func.count().filter(StatementLine.state == LineState.OPEN)
    rows = session.execute(
        select(
            StatementLine.statement_id,
            func.min(StatementLine.booked_on),
            func.max(StatementLine.booked_on),
            opened_lines,
        )
        .where(StatementLine.statement_id.in_(list(statement_ids)))
        .group_by(StatementLine.statement_id)
    )
    return {statement_id: Extent(first, last, n) for statement_id, first, last, n in rows}


def outlook(session: Session, reading: Reading, now: datetime, most: int = 0) -> Outlook:
    """What would come of these movements now; of those that are recognised, the first `most`."""
    known = known_fingerprints(session, (m.fingerprint for m in reading.movements))
    new = [m for m in reading.movements if m.fingerprint not in known]
    incoming = [m for m in new if m.amount > 0]
    told = _told(session, reading.period)
    pairs = match(lines_of(incoming), expected_for(session, incoming), clock.wib_date(now))
    booked = sum(pair.expected.receipt_id is not None for pair in pairs)
    return Outlook(
        new=len(new),
        known=len(reading.movements) - len(new),
        alike=sum((m.day, m.amount) in told for m in incoming),
        incoming=len(incoming),
        matching=len(pairs) - booked,
        borne_out=booked,
        recognised=_recognised(session, sorted(pairs, key=lambda pair: pair.line.key)[:most]),
    )


def _recognised(session: Session, pairs: Sequence[Match]) -> list[Recognised]:
    rows = session.execute(
        select(Payment.id, Purchase.name, Purchase.id)
        .join(Payment.purchase)
        .where(Payment.id.in_({pair.expected.payment_id for pair in pairs}))
    ).all()
    trail.viewed("statement", {purchase_id: None for _payment, _name, purchase_id in rows})
    buyers = {payment_id: name for payment_id, name, _purchase in rows}
    return [
        Recognised(line, money.payment_id, buyers[money.payment_id], money.receipt_id is not None)
        for line, money in ((pair.line, pair.expected) for pair in pairs)
    ]


def lines_of(found: Sequence[Movement]) -> list[Line]:
    """Movements as matching sees them, by their place."""
    return [Line(at, m.day, m.amount, m.description, m.fingerprint) for at, m in enumerate(found)]


def expected_for(session: Session, found: Sequence[Movement]) -> list[Expected]:
    """The money that these movements may be."""
    return expected(session, min(m.day for m in found)) if found else []


def known_fingerprints(session: Session, fingerprints: Iterable[str]) -> set[str]:
    """Those of the fingerprints that have been taken in."""
    wanted = sorted(fingerprints)
    found: set[str] = set()
    for start in range(0, len(wanted), AT_ONCE):
        found.update(
            session.scalars(
                select(StatementLine.fingerprint).where(
                    StatementLine.fingerprint.in_(wanted[start : start + AT_ONCE])
                )
            )
        )
    return found


def _told(session: Session, period: tuple[date, date] | None) -> set[tuple[date, int]]:
    """Days and amounts of the lines of a period that have been taken in."""
    if period is None:
        return set()
    rows = session.execute(
        select(StatementLine.booked_on, StatementLine.amount).where(
            StatementLine.booked_on.between(*period), StatementLine.amount > 0
        )
    )
    return {(day, amount) for day, amount in rows}


def counts_of(session: Session, statement_id: int | None = None) -> dict[LineState, int]:
    """How many lines there are in each state: of one statement, or of all."""
    statement = select(StatementLine.state, func.count()).group_by(StatementLine.state)
    if statement_id is not None:
        statement = statement.where(StatementLine.statement_id == statement_id)
    found = {LineState(state): n for state, n in session.execute(statement)}
    return {state: found.get(state, 0) for state in LineState}


def lines(
    session: Session, state: LineState, page: int, statement_id: int | None = None
) -> LineList:
    """A page of lines: open ones the oldest first, decided ones the latest first."""
    counts = counts_of(session, statement_id)
    pages = max(1, -(-counts[state] // LINES_A_PAGE))
    page = min(max(page, 1), pages)
    statement = select(StatementLine).where(StatementLine.state == state)
    if statement_id is not None:
        statement = statement.where(StatementLine.statement_id == statement_id)
    keys = (StatementLine.booked_on, StatementLine.amount, StatementLine.id)
    order = keys if state is LineState.OPEN else tuple(key.desc() for key in keys)
    found = session.scalars(
        statement.options(joinedload(StatementLine.payment))
        .order_by(*order)
        .offset((page - 1) * LINES_A_PAGE)
        .limit(LINES_A_PAGE)
    ).all()
    return LineList(state, statement_id, counts, found, page, pages)


def line_of(session: Session, line_id: int) -> StatementLine:
    """A line as it is now. Raises NotFound."""
    line = session.get(StatementLine, line_id, populate_existing=True)
    if line is None:
        raise NotFound(_("Baris mutasi ini tidak ada."))
    return line


def next_open(session: Session) -> int | None:
    """The line that has waited longest for a decision, if any does."""
    statement = select(StatementLine.id).where(StatementLine.state == LineState.OPEN)
    keys = (StatementLine.booked_on, StatementLine.amount, StatementLine.id)
    return session.scalar(statement.order_by(*keys).limit(1))


def oldest_open(session: Session, most: int) -> tuple[Sequence[StatementLine], int]:
    """The lines that have waited longest for a person, and how many there are."""
    found = session.scalars(
        select(StatementLine)
        .where(StatementLine.state == LineState.OPEN)
        .order_by(StatementLine.booked_on, StatementLine.amount, StatementLine.id)
        .limit(most)
    ).all()
    return found, counts_of(session)[LineState.OPEN]
