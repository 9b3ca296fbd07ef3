"""Bank statements: uploaded, looked at, taken in. Descriptions name third parties, so only
operators see them."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.extensions import db
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments import statement_labels as labels
from ovop_market.payments.models import AccountKind, BankStatement, StatementState
from ovop_market.payments.queries import desk
from ovop_market.payments.queries import statements as queries
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import statements as services
from ovop_market.payments.statement_forms import ColumnsForm, UploadForm, columns_form
from ovop_market.payments.statements.sheets import MOST_BYTES
from ovop_market.payments.states import LineState
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx, limits
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain

# Lines of a preview that are shown as they were understood, as recognised, and as not understood.
SHOWN = 10
SHOWN_UNREAD = 20


def _statements(
    status: int = 200, *, form: UploadForm | None = None, problem: str = ""
) -> Response:
    session = db.session()
    found = queries.statements(session)
    return htmx.page_or_fragment(
        "payments/statements.html",
        "payments/_statements.html",
        status,
        statements=found,
        extents=queries.extents(session, (s.id for s in found)),
        names=desk.names_of(session, (s.imported_by_id or s.uploaded_by_id for s in found)),
        waiting=queries.counts_of(session)[LineState.OPEN],
        in_the_book=-balance(session, AccountKind.BANK),
        form=form or UploadForm(formdata=None),
        problem=problem,
    )


def _statement(
    statement: BankStatement,
    status: int = 200,
    *,
    form: ColumnsForm | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    """A preview with its columns, or what has become of a statement that is taken in."""
    shown = _preview(statement, form) if statement.content is not None else _taken_in(statement)
    return htmx.page_or_fragment(
        "payments/statement.html",
        "payments/_statement.html",
        status,
        statement=statement,
        labels=labels,
        problem=problem,
        notice=notice,
        **shown,
    )


def _preview(statement: BankStatement, form: ColumnsForm | None) -> dict[str, object]:
    session = db.session()
    opened = queries.opened(session, statement)
    return {
        "opened": opened,
        "reading": opened.reading,
        "before": queries.taken_in_before(session, statement),
        "outlook": queries.outlook(session, opened.reading, clock.now(), SHOWN),
        "first": opened.reading.movements[:SHOWN],
        "unread": opened.reading.unread[:SHOWN_UNREAD],
        "form": form or columns_form(opened.sheet, opened.columns, opened.bank),
    }


def _taken_in(statement: BankStatement) -> dict[str, object]:
    session = db.session()
    return {
        "counts": queries.counts_of(session, statement.id),
        "who": desk.names_of(session, iter([statement.imported_by_id])).get(
            statement.imported_by_id or 0, ""
        ),
    }


@blueprint.get("/desk/statements")
@access.role("operator")
def statements() -> ResponseReturnValue:
    return _statements()


@blueprint.post("/desk/statements")
@access.role("operator")
@access.takes_files(MOST_BYTES + 2 * 1024 * 1024)
@limits.on("upload")
def upload_statement() -> ResponseReturnValue:
    form, operator_id = UploadForm(), current_user.id
    if not form.validate():
        return _statements(422, form=form)
    # Reading a file takes its time; nobody's order waits for it meanwhile.
    db.session.rollback()
    try:
        text = services.text_of(form.file.data.read(MOST_BYTES + 1))
        name = form.file.data.filename or ""
        statement = services.upload(db.session(), text, name, operator_id, clock.now())
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        return _statements(refusal.status, form=form, problem=explain(form, refusal))
    return htmx.moved(url_for("payments.statement", statement_id=statement.id))


@blueprint.get(f"/desk/statements/<{ID}:statement_id>")
@access.role("operator")
def statement(statement_id: int) -> ResponseReturnValue:
    return _statement(queries.statement_of(db.session(), statement_id))


@blueprint.post(f"/desk/statements/<{ID}:statement_id>/mapping")
@access.role("operator")
def map_statement(statement_id: int) -> ResponseReturnValue:
    session, operator_id = db.session(), current_user.id
    found = queries.statement_of(session, statement_id)
    if found.state is not StatementState.PREVIEW:
        return _refused(statement_id, Conflict(_("Mutasi ini sudah dimasukkan.")))
    opened = queries.opened(session, found)
    form = columns_form(opened.sheet)
    if not form.validate():
        return _statement(found, 422, form=form)
    try:
        services.keep_columns(
            session, opened.sheet, form.columns(), form.bank.data or "", operator_id, clock.now()
        )
        session.commit()
    except Unusable as refusal:
        return _refused(statement_id, refusal, form)
    notice = _("Kolomnya disimpan untuk %(bank)s. Periksa barisnya.", bank=form.bank.data)
    return _done(statement_id, notice)


@blueprint.post(f"/desk/statements/<{ID}:statement_id>/import")
@access.role("operator")
def import_statement(statement_id: int) -> ResponseReturnValue:
    session, operator_id = db.session(), current_user.id
    found = queries.statement_of(session, statement_id)
    opened = queries.opened(session, found) if found.state is StatementState.PREVIEW else None
    # What has been read stays read; the lock is taken only for what is written.
    session.rollback()
    by, seen = By(Actor.OPERATOR, operator_id), request.form.get("columns", "")
    try:
        taken_in = services.take_in(session, statement_id, opened, by, clock.now(), seen=seen)
        new = taken_in.lines_new
        session.commit()
    except (Conflict, Unusable) as refusal:
        return _refused(statement_id, refusal)
    return _done(
        statement_id,
        ngettext("%(num)s baris baru dimasukkan.", "%(num)s baris baru dimasukkan.", new)
        if new
        else _("Tidak ada baris baru: semuanya sudah pernah dimasukkan."),
    )


@blueprint.post(f"/desk/statements/<{ID}:statement_id>/removal")
@access.role("operator")
def remove_statement(statement_id: int) -> ResponseReturnValue:
    try:
        services.discard(db.session(), statement_id)
        db.session.commit()
    except Conflict as refusal:
        return _refused(statement_id, refusal)
    flash(_("Pratinjaunya dibuang. Tidak ada yang dicatat."), "done")
    return htmx.moved(url_for("payments.statements"))


def _done(statement_id: int, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return _statement(queries.statement_of(db.session(), statement_id), notice=notice)
    flash(notice, "done")
    return redirect(url_for("payments.statement", statement_id=statement_id), 303)


def _refused(
    statement_id: int, refusal: MarketError, form: ColumnsForm | None = None
) -> ResponseReturnValue:
    db.session.rollback()
    found = queries.statement_of(db.session(), statement_id)
    return _statement(found, refusal.status, form=form, problem=refusal.message)
