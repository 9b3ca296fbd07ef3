"""Setting many lines of bank statements aside at once: interest, fees, what is no payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.bulk.registry import BulkAction, By, Planned, register
from ovop_market.core.errors import Conflict, NotFound
from ovop_market.core.money import format_rupiah
from ovop_market.orders.services.lifecycle import By as OrderBy
from ovop_market.orders.states import Actor
from ovop_market.payments.models import StatementLine
from ovop_market.payments.services import statements
from ovop_market.payments.statement_labels import LINE_STATES
from ovop_market.payments.states import LineState


def _plan(session: Session, ids: Sequence[int], _now: datetime) -> list[Planned]:
    lines = session.scalars(
        select(StatementLine)
        .where(StatementLine.id.in_(ids))
        .order_by(StatementLine.id)
        .execution_options(populate_existing=True)
    )
    return [
        Planned(
            id=line.id,
            name=f"{format_rupiah(line.amount)} {line.description}".strip(),
            url=url_for("payments.statement_line", line_id=line.id),
            mark=str(line.state),
            problem=(
                ""
                if line.state is LineState.OPEN
                else _("sudah: %(state)s", state=LINE_STATES[line.state])
            ),
        )
        for line in lines
    ]


def _sentence(count: int) -> str:
    return ngettext(
        "%(num)d baris disisihkan: bukan untuk pembayaran mana pun.",
        "%(num)d baris disisihkan: bukan untuk pembayaran mana pun.",
        count,
    )


def _do(session: Session, line_id: int, by: By) -> dict[str, object]:
    line = _line(session, line_id)
    session.refresh(line, with_for_update=True)
    if line.state is not LineState.OPEN:
        raise Conflict(_("sudah: %(state)s", state=LINE_STATES[line.state]))
    statements.set_aside(session, line, _operator(by), by.now, note=by.reason)
    return {"note": line.note}


def _undo(session: Session, line_id: int, before: Mapping[str, object], by: By) -> None:
    line = _line(session, line_id)
    session.refresh(line, with_for_update=True)
    if line.state is not LineState.SET_ASIDE or line.note != before.get("note"):
        raise Conflict(_("sudah diputuskan lain sejak itu"))
    statements.reopen(session, line, _operator(by), by.now)


def _operator(by: By) -> OrderBy:
    return OrderBy(Actor.OPERATOR, by.actor_id)


def _line(session: Session, line_id: int) -> StatementLine:
    line = session.get(StatementLine, line_id)
    if line is None:
        raise NotFound(_("Baris ini tidak ada."))
    return line


register(
    BulkAction(
        name="lines-set-aside",
        title=_l("Sisihkan uang masuk"),
        verb=_l("Sisihkan"),
        sentence=_sentence,
        home="/desk/statements/lines",
        plan=_plan,
        do=_do,
        undo=_undo,
        reason=_l("Uang apa ini? Misalnya: bunga bank."),
    )
)
