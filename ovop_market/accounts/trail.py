"""Who looked at whose personal data, and who took which file away: written after the answer.

A page that shows a person's name, telephone number or address says so (`viewed`); a file that
leaves by a door for roles is seen by itself. Requests that read must not wait for writers, so both
are written when the page is finished, in a short transaction beside the request's own, as one
INSERT however many people a list names.

If that cannot be written (the disk is full, the database is locked), the page is sent all the
same: a parcel must not miss its courier because of a log. The same line then stands in the
program's log, which is kept elsewhere (ADR 39).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask, g, has_request_context, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from ovop_market.accounts.models import AuditEvent, PersonalDataView
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.extensions.database import apart, insert_into
from ovop_market.web import access
from ovop_market.web.logs import log

SECONDS_PER_HOUR = 3600
# Of the choices that a file was made by, so many and so long are noted.
MOST_CHOICES, LONGEST_CHOICE, LONGEST_NAME = 12, 60, 90
# Choices that are written with their values: nobody's words, and only as a program writes them.
_HARMLESS = "by format from kind level month page paper product role service state status tab to"
HARMLESS = frozenset(_HARMLESS.split()) | {"village", "year"}
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]*")
# Longer than any page: a line for each is one statement all the same.
AT_ONCE = 500


def viewed(page: str, purchases: Mapping[int, int | None]) -> None:
    """The page that is being made shows the buyers of these purchases. `purchases`: their ids, each
    with the producer on whose behalf it is looked at (operators: None)."""
    _note(page, ((f"purchase {own}", producer) for own, producer in purchases.items()))


def viewed_users(page: str, users: Iterable[int]) -> None:
    """The page that is being made shows names, addresses or numbers of these accounts (ids)."""
    _note(page, ((f"user {own}", None) for own in users))


def _note(page: str, subjects: Iterable[tuple[str, int | None]]) -> None:
    if has_request_context():
        noted: dict[tuple[str, str], int | None] = g.setdefault("trail", {})
        noted.update({(page, subject): producer for subject, producer in subjects})


def _write(response: Response) -> Response:
    noted: dict[tuple[str, str], int | None] = g.pop("trail", {})
    if response.status_code >= 500 or not (noted or _is_file(response)):
        return response
    try:
        if not current_user.is_authenticated:
            return response
        actor_id, role, now = current_user.id, current_user.role, clock.now()
    except SQLAlchemyError as error:
        log.error(
            "trail not written", error=type(error).__name__, pages=sorted({p for p, _ in noted})
        )
        return response
    subject_of_own = f"user {actor_id}"
    rows = [
        {
            "at": now,
            "hour": int(now.timestamp()) // SECONDS_PER_HOUR,
            "actor_id": actor_id,
            "role": role,
            "producer_id": producer,
            "page": page,
            "subject": subject,
        }
        for (page, subject), producer in noted.items()
        if subject != subject_of_own
    ]
    file = _file_line(response, actor_id, now) if _is_file(response) else None
    try:
        _store(response, rows, file)
    except SQLAlchemyError as error:
        for row in rows:
            log.error("view not recorded", **{k: str(v) for k, v in row.items()})
        if file:
            log.error("file not recorded", actor_id=actor_id, subject=file["subject"])
        log.error("trail not written", error=type(error).__name__)
    return response


def _store(response: Response, rows: list[dict[str, Any]], file: dict[str, Any] | None) -> None:
    session = db.session()
    if not response.is_streamed:
        # The page is made: what it was read in need not stay open meanwhile.
        session.rollback()
    with apart(db.engine) as connection:
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            insert = insert_into(session, PersonalDataView).values(some)
            connection.execute(insert.on_conflict_do_nothing())
        if file:
            connection.execute(insert_into(session, AuditEvent).values(file))


def _is_file(response: Response) -> bool:
    """Whether this answer is a file that somebody with an account takes away."""
    if request.method != "GET" or response.status_code != 200:
        return False
    door = access.door_of(request.endpoint)
    if door is None or door.kind not in ("signed_in", "role"):
        return False
    return response.headers.get("Content-Disposition", "").startswith("attachment")


def _file_line(response: Response, actor_id: int, now: datetime) -> dict[str, Any]:
    name = response.headers["Content-Disposition"].partition('filename="')[2].rstrip('"')
    chosen = list(request.args.items(multi=True))[:MOST_CHOICES]
    # What somebody looked for may be somebody's name or number, and this stays for ever.
    said = [f"{k}={v}" if k in HARMLESS and _PLAIN.fullmatch(v) else k for k, v in chosen]
    return {
        "at": now,
        "actor_id": actor_id,
        "action": "file taken",
        "subject": f"file {name[:LONGEST_NAME]}",
        "details": {
            "page": str(request.url_rule),
            "choices": [each[:LONGEST_CHOICE] for each in said],
        },
    }


def init_app(app: Flask) -> None:
    """Writes what the views have noted, after each answer."""
    app.after_request(_write)
