"""One's own data as a file: to read, for programs, or both in one archive. The same content."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.actions import page_text
from ovop_market.accounts.models import PersonalDataView, Role
from ovop_market.accounts.personal import Fact, Record, Section, Whose, holders
from ovop_market.core import clock
from ovop_market.core.money import format_rupiah
from ovop_market.villages.models import Producer
from ovop_market.web import filters, language

# Of who looked, the latest.
MOST_VIEWS = 500


def sections(session: Session, whose: Whose) -> list[Section]:
    """Everything that is known about this person, feature by feature, and who has looked at it."""
    found = [each for holder in holders() for each in holder.own_data(session, whose)]
    return [*found, _viewed(session, whose)]


def as_json(found: Sequence[Section], now: datetime) -> str:
    """For programs: moments in ISO 8601 (UTC), amounts in whole rupiah."""
    content = {
        "made_at": now.isoformat(timespec="seconds"),
        "language": language.current(),
        **{section.key: _records(section) for section in found},
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _records(section: Section) -> list[dict[str, Any]]:
    return [
        {fact.key: _plain(fact.value) for fact in record.facts}
        | {part.key: _records(part) for part in record.parts}
        for record in section.records
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def as_page(found: Sequence[Section], now: datetime) -> str:
    """To read and to print: one page that needs nothing else."""
    return render_template("privacy/own_data.html", sections=found, now=now, shown=shown)


def as_archive(found: Sequence[Section], now: datetime) -> bytes:
    """Both in one file."""
    packed = io.BytesIO()
    # The archive says when it was made, as the clock on the wall shows it.
    at = clock.wib(now).timetuple()[:6]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            (f"{_('data-saya')}.html", as_page(found, now)),
            (f"{_('data-saya')}.json", as_json(found, now)),
        ):
            archive.writestr(zipfile.ZipInfo(name, at), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def shown(fact: Fact) -> str:
    """A value as people read it."""
    value = fact.words or fact.value
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("ya") if value else _("tidak")
    if isinstance(value, int):
        return format_rupiah(value) if fact.money else filters.number(value)
    if isinstance(value, datetime):
        return filters.moment(value)
    if isinstance(value, date):
        return filters.day(value)
    return filters.printable(value)


def views_of(session: Session, whose: Whose, most: int) -> Sequence[tuple[datetime, str, str]]:
    """Who looked at this person's data, the latest first: when, who, at what. As what somebody
    looked, and for which producer, not their name: that is for the audit."""
    subjects = [f"purchase {own}" for own in whose.purchase_ids]
    if whose.user_id is not None:
        subjects.append(f"user {whose.user_id}")
    rows = session.execute(
        select(PersonalDataView, Producer.name)
        .outerjoin(Producer, Producer.id == PersonalDataView.producer_id)
        .where(PersonalDataView.subject.in_(subjects))
        .order_by(PersonalDataView.at.desc(), PersonalDataView.id.desc())
        .limit(most)
    )
    return [
        (view.at, producer or _role(view.role), page_text(view.page)) for view, producer in rows
    ]


def _role(role: Role) -> str:
    return {
        Role.BUYER: _("Pembeli"),
        Role.PRODUCER: _("Penjual"),
        Role.OFFICIAL: _("Pejabat"),
        Role.OPERATOR: _("Pengelola"),
    }[role]


def _viewed(session: Session, whose: Whose) -> Section:
    records = [
        Record(
            (
                Fact("at", _("Waktu"), at),
                Fact("by", _("Oleh"), who),
                Fact("page", _("Yang dilihat"), page),
            )
        )
        for at, who, page in views_of(session, whose, MOST_VIEWS)
    ]
    return Section("viewed", _("Siapa yang melihat data Anda"), records)
