"""The worklist: money that came in and that nobody could match, with the likeliest payments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments import statement_labels as labels
from ovop_market.payments.labels import PAYMENT_STATES, STATE_BADGES
from ovop_market.payments.models import StatementLine
from ovop_market.payments.queries import candidates, desk, search
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.queries.desk import Kind, Stuck
from ovop_market.payments.services import statements as services
from ovop_market.payments.statement_forms import MatchForm, NoteForm
from ovop_market.payments.statements.movements import plain
from ovop_market.payments.states import LineState
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.paging import page_number, pager

# The way back to where a form stood: the worklist, or (otherwise) the line's own page.
WORKLIST = "worklist"


def _lines(status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    """A page of the worklist, as the address (or a form that stood on it) asks for."""
    wanted = request.values.get("state", "")
    state = LineState(wanted) if wanted in set(LineState) else LineState.OPEN
    statement_id = _wanted_statement()
    page = page_number(request.values.get("page", ""))
    session = db.session()
    found = queries.lines(session, state, page, statement_id)
    address = partial(_address, state, statement_id)
    return htmx.page_or_fragment(
        "payments/lines.html",
        "payments/_lines.html",
        status,
        found=found,
        choices=candidates.choices(session, found.lines) if state is LineState.OPEN else {},
        names=desk.names_of(session, (line.decided_by_id for line in found.lines)),
        pager=pager(found.page, found.pages, address),
        form=NoteForm(formdata=None),
        problem=problem,
        notice=notice,
        **_words(),
    )


def _wanted_statement() -> int | None:
    """The statement whose lines alone are asked for, if one is."""
    wanted = request.values.get("statement", "")
    # Not more figures than an id has.
    return int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else None


def _address(state: LineState, statement_id: int | None, page: int) -> str:
    return url_for(
        "payments.statement_lines",
        state=state if state is not LineState.OPEN else None,
        statement=statement_id,
        page=page if page > 1 else None,
    )


def _words() -> dict[str, object]:
    return {"labels": labels, "payment_states": PAYMENT_STATES, "payment_badges": STATE_BADGES}


def _line(
    line: StatementLine,
    status: int = 200,
    *,
    form: NoteForm | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    """One line with its candidates, or with what is searched for."""
    session, q = db.session(), plain(request.values.get("q", ""))[: search.LONGEST]
    open_now = line.state is LineState.OPEN
    return htmx.page_or_fragment(
        "payments/line.html",
        "payments/_line.html",
        status,
        line=line,
        choices=candidates.choices(session, [line])[line.id] if open_now and not q else (),
        found=candidates.search(session, line, q) if open_now and q else (),
        q=q,
        who=desk.names_of(session, iter([line.decided_by_id])).get(line.decided_by_id or 0, ""),
        following=None if open_now else queries.next_open(session),
        form=form or NoteForm(formdata=None),
        problem=problem,
        notice=notice,
        **_words(),
    )


@blueprint.get("/desk/statements/lines")
@access.role("operator")
def statement_lines() -> ResponseReturnValue:
    return _lines()


@blueprint.get(f"/desk/statements/lines/<{ID}:line_id>")
@access.role("operator")
def statement_line(line_id: int) -> ResponseReturnValue:
    return _line(queries.line_of(db.session(), line_id))


@blueprint.post(f"/desk/statements/lines/<{ID}:line_id>/match")
@access.role("operator")
def match_line(line_id: int) -> ResponseReturnValue:
    line, form = queries.line_of(db.session(), line_id), MatchForm()
    if not form.validate():
        return _refused(line_id, Unusable(_("Pilih pembayarannya.")))
    payment_id = form.payment_id.data or 0

    def verb(session: Session, by: By, now: datetime) -> None:
        services.match_line(session, line, payment_id, by, now)

    return _decide(line_id, verb, _("Uangnya dicatat untuk pembayaran itu."))


@blueprint.post(f"/desk/statements/lines/<{ID}:line_id>/setting-aside")
@access.role("operator")
def set_line_aside(line_id: int) -> ResponseReturnValue:
    line, form = queries.line_of(db.session(), line_id), NoteForm()
    if not form.validate():
        return _line(line, 422, form=form)

    def verb(session: Session, by: By, now: datetime) -> None:
        services.set_aside(session, line, by, now, note=form.note.data or "")

    return _decide(line_id, verb, _("Barisnya disisihkan."), form)


@blueprint.post(f"/desk/statements/lines/<{ID}:line_id>/reopening")
@access.role("operator")
def reopen_line(line_id: int) -> ResponseReturnValue:
    line = queries.line_of(db.session(), line_id)

    def verb(session: Session, by: By, now: datetime) -> None:
        services.reopen(session, line, by, now)

    return _decide(line_id, verb, _("Barisnya menunggu keputusan lagi."))


def _decide(
    line_id: int,
    verb: Callable[[Session, By, datetime], None],
    notice: str,
    form: NoteForm | None = None,
) -> ResponseReturnValue:
    """The last beats of what an operator says of a line: act, commit, answer."""
    try:
        verb(db.session(), By(Actor.OPERATOR, current_user.id), clock.now())
        db.session.commit()
    except (Conflict, NotFound, Unusable) as refusal:
        return _refused(line_id, refusal, form)
    to_worklist = request.form.get("back") == WORKLIST
    if htmx.is_fragment():
        if to_worklist:
            return _lines(notice=notice)
        return _line(queries.line_of(db.session(), line_id), notice=notice)
    flash(notice, "done")
    if to_worklist:
        page = page_number(request.form.get("page", ""))
        return redirect(_address(LineState.OPEN, _wanted_statement(), page), 303)
    return redirect(url_for("payments.statement_line", line_id=line_id), 303)


def _refused(
    line_id: int, refusal: MarketError, form: NoteForm | None = None
) -> ResponseReturnValue:
    db.session.rollback()
    line = queries.line_of(db.session(), line_id)
    if request.form.get("back") == WORKLIST and htmx.is_fragment():
        return _lines(refusal.status, problem=refusal.message)
    return _line(line, refusal.status, form=form, problem=refusal.message)


def waiting(session: Session, _now: datetime) -> tuple[list[Stuck], int]:
    """The lines that have waited longest, for the desk."""
    found, total = queries.oldest_open(session, desk.MOST_STUCK)
    items = [
        Stuck(
            Kind.LINES,
            clock.start_of_day(line.booked_on),
            _("Uang masuk"),
            "",
            line.description,
            line.amount,
            line.id,
            home=url_for("payments.statement_line", line_id=line.id),
        )
        for line in found
    ]
    return items, total


desk.SOURCES[Kind.LINES] = waiting
