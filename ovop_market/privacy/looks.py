"""Who looked at whose data, one line a look: the rows that one answer wrote have its moment, its
actor and its page in common. Of each look the last row stands for all; the file has every row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.actions import page_text
from ovop_market.accounts.models import PersonalDataView
from ovop_market.extensions.database import AT_ONCE
from ovop_market.privacy.audit_lines import Line, about, names
from ovop_market.privacy.audit_search import Kind
from ovop_market.villages.models import Producer

# Which rows are looked for, by the table (or an alias of it); None: all.
Only = Callable[[Any], ColumnElement[bool]] | None
_Look = tuple[datetime, int, str]


def last_of_look(only: Only) -> ColumnElement[bool]:
    """Whether a row is the last one of its look that is looked for."""
    other = aliased(PersonalDataView)
    same = and_(
        other.at == PersonalDataView.at,
        other.actor_id == PersonalDataView.actor_id,
        other.page == PersonalDataView.page,
        other.id > PersonalDataView.id,
    )
    return ~exists().where(same, *([only(other)] if only else []))


def read(session: Session, rows: Sequence[PersonalDataView], only: Only) -> list[Line]:
    """A line for each look, of which these are the last rows."""
    return _lines(session, rows, _members(session, rows, only))


def read_each(session: Session, rows: Sequence[PersonalDataView]) -> list[Line]:
    """A line for each row."""
    return _lines(session, rows, {row.id: [row] for row in rows})


def _look(row: PersonalDataView) -> _Look:
    return (row.at, row.actor_id, row.page)


def _members(
    session: Session, rows: Sequence[PersonalDataView], only: Only
) -> dict[int, list[PersonalDataView]]:
    """By the id of its last row: all rows of a look, as they were written."""
    if not rows:
        return {}
    wanted = [
        and_(
            PersonalDataView.at == row.at,
            PersonalDataView.actor_id == row.actor_id,
            PersonalDataView.page == row.page,
        )
        for row in rows
    ]
    found = session.scalars(
        select(PersonalDataView)
        .where(or_(*wanted), *([only(PersonalDataView)] if only else []))
        .order_by(PersonalDataView.id)
    )
    looks: dict[_Look, list[PersonalDataView]] = defaultdict(list)
    for row in found:
        looks[_look(row)].append(row)
    return {row.id: looks[_look(row)] for row in rows}


def _lines(
    session: Session,
    rows: Sequence[PersonalDataView],
    members: dict[int, list[PersonalDataView]],
) -> list[Line]:
    actors = names(session, (row.actor_id for row in rows))
    subjects = list(dict.fromkeys(each.subject for row in rows for each in members[row.id]))
    called: dict[str, tuple[str, str]] = {}
    for start in range(0, len(subjects), AT_ONCE):
        called.update(about(session, subjects[start : start + AT_ONCE]))
    wanted = {each.producer_id for row in rows for each in members[row.id]}
    producers: dict[int, str] = dict(
        session.execute(select(Producer.id, Producer.name).where(Producer.id.in_(wanted))).all()
    )
    found = []
    for row in rows:
        seen = [called[each.subject] for each in members[row.id]]
        whose = dict.fromkeys(producers.get(each.producer_id or 0, "") for each in members[row.id])
        text, address = seen[0] if len(seen) == 1 else (_counted(members[row.id]), "")
        found.append(
            Line(
                row.at,
                Kind.VIEWS,
                row.id,
                actors.get(row.actor_id, ""),
                _("Melihat data pribadi: %(page)s", page=page_text(row.page)),
                text,
                ", ".join(filter(None, whose)),
                address,
                each=seen if len(seen) > 1 else (),
            )
        )
    return found


def _counted(rows: Sequence[PersonalDataView]) -> str:
    if all(row.subject.startswith("user ") for row in rows):
        return ngettext("%(num)d akun", "%(num)d akun", len(rows))
    return ngettext("%(num)d pembeli", "%(num)d pembeli", len(rows))
