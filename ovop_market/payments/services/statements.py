"""Bank statements: uploaded and looked at first, then taken in and booked; lines decided by hand.

What a statement says of a payment is booked by receiving.receive, in the transaction that keeps the
lines. Amounts are rupiah. Descriptions name third parties: they are neither logged nor audited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, NotFound, Unusable
from ovop_market.core.memory import without_collections
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import AT_ONCE, insert_into
from ovop_market.orders.services import locks
from ovop_market.orders.services.lifecycle import By
from ovop_market.payments.matching import Expected, Match, match
from ovop_market.payments.models import (
    BankMapping,
    BankStatement,
    Payment,
    StatementLine,
    StatementState,
)
from ovop_market.payments.queries import candidates, receipts
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.queries.statements import Opened
from ovop_market.payments.services import receiving
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.statement_labels import FAULTS, LINE_STATES
from ovop_market.payments.statements import sheets
from ovop_market.payments.statements.columns import Columns
from ovop_market.payments.statements.movements import Movement, plain
from ovop_market.payments.statements.sheets import Sheet, UnreadableFile
from ovop_market.payments.states import AWAITED, LineAction, LineState, line_after

_LONGEST_NAME = 200


def text_of(content: bytes) -> str:
    """The text of an uploaded file in which a table stands. Raises Unusable, saying what to do."""
    try:
        text = sheets.decode(content)
        sheets.cut(text)
    except UnreadableFile as refused:
        raise Unusable(str(FAULTS[refused.fault]), field="file") from None
    return text


def upload(
    session: Session, text: str, filename: str, operator_id: int, now: datetime
) -> BankStatement:
    """Keeps a file to be looked at; nothing is booked. The same file from the same person is the
    same preview."""
    again = session.scalar(
        select(BankStatement).where(
            BankStatement.state == StatementState.PREVIEW,
            BankStatement.uploaded_by_id == operator_id,
            BankStatement.content == text,
        )
    )
    if again is not None:
        return again
    statement = BankStatement(
        state=StatementState.PREVIEW,
        filename=plain(filename)[:_LONGEST_NAME] or _("mutasi"),
        content=text,
        content_digest=digest(text),
        uploaded_at=now,
        uploaded_by_id=operator_id,
    )
    session.add(statement)
    session.flush()
    return statement


def keep_columns(
    session: Session, sheet: Sheet, columns: Columns, bank: str, operator_id: int, now: datetime
) -> None:
    """Keeps which column is what, for all files with this header. Raises Unusable when movements
    cannot be read so."""
    if not columns.complete:
        raise Unusable(_("Pilih kolom tanggal, dan kolom jumlah atau uang masuk."), field="columns")
    if len(set(columns.at.values())) < len(columns.at):
        raise Unusable(_("Satu kolom hanya bisa dipakai untuk satu isian."), field="columns")
    values = {
        "bank": bank,
        "columns": columns.as_json(),
        "changed_at": now,
        "changed_by_id": operator_id,
    }
    session.execute(
        insert_into(session, BankMapping)
        .values(header_digest=sheet.digest, **values)
        .on_conflict_do_update(index_elements=["header_digest"], set_=values)
    )


def take_in(
    session: Session, statement_id: int, opened: Opened | None, by: By, now: datetime, *, seen: str
) -> BankStatement:
    """Keeps the new lines of a preview and books those that are certain.

    `opened` is the preview's file as read before (None: it was none any more); `seen` is the digest
    of the columns under which the operator saw it. Twice by the same person is once. Raises
    Conflict when somebody else was quicker, or has changed the columns; Unusable when there is
    nothing to take in.
    """
    statement = session.scalar(
        select(BankStatement)
        .where(BankStatement.id == statement_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if statement is None:
        raise NotFound(_("Mutasi ini tidak ada, atau pratinjaunya sudah dibuang. Unggah lagi."))
    if statement.state is StatementState.IMPORTED:
        return _taken_in_before(session, statement, by)
    if opened is None or seen != opened.columns.digest:
        raise Conflict(_("Susunan kolomnya baru saja diubah. Periksa sekali lagi, lalu masukkan."))
    if not opened.reading.movements:
        raise Unusable(_("Tidak ada baris yang terbaca. Betulkan kolomnya dulu."))
    statement.state, statement.content = StatementState.IMPORTED, None
    statement.imported_at, statement.imported_by_id = now, by.user_id
    session.flush()
    with without_collections():
        new, booked = _keep(session, statement, opened.reading.movements, by, now)
    statement.lines_read = len(opened.reading.movements) + len(opened.reading.unread)
    statement.lines_new = new
    details: dict[str, object] = {"new": new, "matched": booked}
    record(session, "statement taken in", f"statement {statement.id}", now, by.user_id, details)
    session.flush()
    return statement


def _taken_in_before(session: Session, statement: BankStatement, by: By) -> BankStatement:
    if statement.imported_by_id == by.user_id:
        return statement
    who = session.scalar(select(User.name).where(User.id == statement.imported_by_id))
    raise Conflict(_("Mutasi ini sudah dimasukkan oleh %(who)s.", who=who or "?"))


def _keep(
    session: Session,
    statement: BankStatement,
    movements: Sequence[Movement],
    by: By,
    now: datetime,
) -> tuple[int, int]:
    """Writes the movements that no statement has told before, and books those that are certain;
    returns how many lines are new and how many of them are matched."""
    known = queries.known_fingerprints(session, (m.fingerprint for m in movements))
    new = [m for m in movements if m.fingerprint not in known]
    matched = _certain(session, [m for m in new if m.amount > 0], now)
    # In this order, so that two who take in the same lines wait for each other in no circle.
    rows = [
        _row(statement, m, matched.get(m.fingerprint), now)
        for m in sorted(new, key=lambda m: m.fingerprint)
    ]
    if not rows:
        return 0, 0
    # By the connection: the session would prepare each row by itself.
    session.connection().execute(insert_into(session, StatementLine).on_conflict_do_nothing(), rows)
    # Somebody may have taken in the same lines at this moment: then they are theirs.
    ours = session.execute(
        select(StatementLine.id, StatementLine.fingerprint)
        .where(StatementLine.statement_id == statement.id)
        .order_by(StatementLine.id)
    ).all()
    booked = [(line_id, matched[name]) for line_id, name in ours if name in matched]
    receipts = [
        Receipt(pair.expected.payment_id, pair.line.amount, line_id=line_id)
        for line_id, pair in booked
        if pair.expected.receipt_id is None
    ]
    if receipts:
        receiving.receive(session, receipts, by, now)
    return len(ours), len(booked)


def _row(
    statement: BankStatement, movement: Movement, pair: Match | None, now: datetime
) -> dict[str, Any]:
    """A line as it is kept: matched by itself, for a person to decide, or (money out) set aside."""
    out = movement.amount < 0
    state = LineState.SET_ASIDE if out else LineState.OPEN
    return {
        "statement_id": statement.id,
        "booked_on": movement.day,
        "amount": movement.amount,
        "description": movement.description,
        "fingerprint": movement.fingerprint,
        "state": line_after(state, LineAction.MATCH) if pair else state,
        "payment_id": pair.expected.payment_id if pair else None,
        "decided_at": now if pair else None,
        "note": _("Uang keluar") if out else None,
    }


def _certain(session: Session, incoming: Sequence[Movement], now: datetime) -> dict[str, Match]:
    """What these lines are certain to be, by their fingerprints. Nobody else moves those payments
    until the transaction ends."""
    pairs = match(
        queries.lines_of(incoming), queries.expected_for(session, incoming), clock.wib_date(now)
    )
    return {pair.line.fingerprint: pair for pair in _still_so(session, pairs)}


def _still_so(session: Session, pairs: Sequence[Match]) -> list[Match]:
    """The matches that still hold once nobody else can move their payments: between the look and
    the lock somebody may have confirmed one by hand, whose line must not be booked again."""
    ids = sorted({pair.expected.payment_id for pair in pairs})
    receiving.lock_purchases(session, ids)
    now_asked: dict[int, int] = {}
    for start in range(0, len(ids), AT_ONCE):
        rows = session.execute(
            select(Payment.id, Payment.amount).where(
                Payment.id.in_(ids[start : start + AT_ONCE]), Payment.state.in_(AWAITED)
            )
        )
        now_asked.update((payment_id, amount) for payment_id, amount in rows)
    borne = [p.expected.payment_id for p in pairs if p.expected.receipt_id is not None]
    booked = {receipt.receipt_id for receipt in candidates.by_hand(session, payment_ids=borne)}
    return [pair for pair in pairs if _holds(pair.expected, now_asked, booked)]


def _holds(money: Expected, now_asked: Mapping[int, int], booked: Set[int]) -> bool:
    if money.receipt_id is not None:
        return money.receipt_id in booked
    return now_asked.get(money.payment_id) == money.amount


def discard(session: Session, statement_id: int) -> None:
    """Throws a preview away; one that is gone already is gone. Raises Conflict once it is taken in:
    what is booked stays booked."""
    gone = session.execute(
        delete(BankStatement).where(
            BankStatement.id == statement_id, BankStatement.state == StatementState.PREVIEW
        )
    )
    assert isinstance(gone, CursorResult)
    taken_in = select(BankStatement.id).where(BankStatement.id == statement_id)
    if not gone.rowcount and session.scalar(taken_in) is not None:
        raise Conflict(_("Mutasi ini sudah dimasukkan, jadi tidak bisa dibuang."))


def sweep_previews(session: Session, before: datetime) -> int:
    """Throws away previews that were uploaded before a moment; returns how many there were."""
    gone = session.execute(
        delete(BankStatement).where(
            BankStatement.state == StatementState.PREVIEW, BankStatement.uploaded_at < before
        )
    )
    assert isinstance(gone, CursorResult)
    return gone.rowcount


def match_line(
    session: Session, line: StatementLine, payment_id: int, by: By, now: datetime
) -> StatementLine:
    """An operator says for which payment a line is. It is booked: too little, too much and too late
    as well. What has been booked by hand already is not booked again: the line bears it out.

    Saying the same twice is saying it once. Raises MoveRefused when the line is decided otherwise,
    NotFound when there is no such payment.
    """
    _lock(session, line)
    if line.state is LineState.MATCHED and line.payment_id == payment_id:
        return line
    target = _after(line, LineAction.MATCH)
    payment = session.get(Payment, payment_id)
    if payment is None:
        raise NotFound(_("Pembayaran ini tidak ada."))
    locks.lock_purchase(session, payment.purchase_id)
    by_hand = candidates.by_hand(session, payment_ids=[payment_id])
    line.state, line.payment_id = target, payment_id
    _decided(session, line, by, now, "line matched")
    if all(receipt.amount != line.amount for receipt in by_hand):
        receiving.receive(session, [Receipt(payment_id, line.amount, line_id=line.id)], by, now)
    return line


def set_aside(
    session: Session, line: StatementLine, by: By, now: datetime, *, note: str
) -> StatementLine:
    """An operator says that a line is for no payment, and what it is. The same twice is once.

    Raises Unusable without a note, MoveRefused when the line is decided otherwise.
    """
    note = plain(note)
    if not note:
        raise Unusable(_("Tulis uang apa ini."), field="note")
    _lock(session, line)
    if line.state is LineState.SET_ASIDE and line.note == note:
        return line
    line.state, line.note = _after(line, LineAction.SET_ASIDE), note
    _decided(session, line, by, now, "line set aside")
    return line


def reopen(session: Session, line: StatementLine, by: By, now: datetime) -> StatementLine:
    """A line that was set aside waits for a decision again. Raises MoveRefused for one that belongs
    to a payment (that is taken back at the payment), Conflict for money that went out."""
    _lock(session, line)
    if line.state is LineState.OPEN:
        return line
    if line.state is LineState.MATCHED:
        raise MoveRefused(
            _("Baris ini milik sebuah pembayaran. Tarik uangnya di halaman pembayaran itu."),
            state=line.state,
        )
    if line.amount < 0:
        raise Conflict(_("Uang keluar tidak dicocokkan dengan pembayaran."))
    line.state, line.note = _after(line, LineAction.REOPEN), None
    _decided(session, line, by, now, "line reopened")
    line.decided_at = line.decided_by_id = None
    session.flush()
    return line


def reopen_unfounded(session: Session, payment: Payment, by: By, now: datetime) -> None:
    """Gives the worklist back what brought, or bore out, money that has been taken back. The
    purchase must be locked."""
    for line_id in receipts.unfounded_lines(session, payment.id):
        line = session.get_one(StatementLine, line_id)
        _lock(session, line)
        line.state, line.payment_id = line_after(line.state, LineAction.REOPEN), None
        _decided(session, line, by, now, "line reopened")
        line.decided_at = line.decided_by_id = None
    session.flush()


def _decided(session: Session, line: StatementLine, by: By, now: datetime, what: str) -> None:
    line.decided_by_id, line.decided_at = by.user_id, now
    record(session, what, f"line {line.id}", now, by.user_id)
    session.flush()


def _lock(session: Session, line: StatementLine) -> None:
    session.refresh(line, with_for_update=True)


def _after(line: StatementLine, action: LineAction) -> LineState:
    """The state that the action leads to; a refusal in the reader's words."""
    try:
        return line_after(line.state, action)
    except MoveRefused as refused:
        raise MoveRefused(
            _(
                "Baris ini sudah diputuskan: %(state)s. Tidak ada yang diubah.",
                state=LINE_STATES[line.state],
            ),
            **refused.details,
        ) from None
