"""Workbooks that nobody should wait for: asked for, made by the worker, fetched once.

What is asked for and how far it is stands in a file beside the workbook, in the folder of what is
private: it is thrown away with it, and no table has to be kept clean. A worker holds a lock while
it makes one, and touches it; a lock that has not been touched for long was a dead worker's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.reach import export, forms, policy, queries, workbook
from ovop_market.reach.figures import ExportRow
from ovop_market.web import language

ROWS = 50_000  # of more, a workbook is made in the background
LIFETIME = timedelta(hours=24)
_FOLDER = Path("private", "exports")
_KEY = re.compile(r"[0-9a-f]{32}")
_DEAD = timedelta(minutes=5)
_EACH = 2_000  # rows between two words about how far it is
ASKED, READY, FAILED = "asked", "ready", "failed"


class Stopped(Exception):
    """The worker was told to stop: another one begins anew."""


@dataclass(frozen=True, slots=True)
class Request:
    """A workbook that somebody asked for: with which filters, in which language, how far it is."""

    key: str
    user_id: int
    filters: dict[str, str]
    language: str
    state: str = ASKED
    percent: int = 0


def ask(media: Path, user: User, filters: Mapping[str, str], day: str) -> Request:
    """Asks for a workbook. Asking twice on a day for the same is asking once, until it is fetched
    or could not be made."""
    told = json.dumps([user.id, sorted(filters.items()), language.current(), day])
    key = hashlib.sha256(told.encode()).hexdigest()[:32]
    known = find(media, user, key)
    if known is None or known.state == FAILED:
        known = Request(key, user.id, dict(filters), language.current())
        _note(media, known)
    return known


def find(media: Path, user: User, key: str) -> Request | None:
    """What this person has asked for; nobody else's is ever found."""
    found = _read(_path(media, key, "json")) if _KEY.fullmatch(key) else None
    return found if found is not None and found.user_id == user.id else None


def file_of(media: Path, request: Request) -> Path:
    """Where the workbook is, once it is ready."""
    return _path(media, request.key, "xlsx")


def forget(media: Path, request: Request) -> None:
    """Throws workbook and request away: it was fetched."""
    for ending in ("json", "xlsx"):
        _path(media, request.key, ending).unlink(missing_ok=True)


def sweep(_session: Session, before: datetime, *, media: Path) -> int:
    """Throws away what has not been touched since a moment; returns how many files."""
    old = [
        path for path in (media / _FOLDER).glob("*.*") if path.stat().st_mtime < before.timestamp()
    ]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def waiting(media: Path) -> Iterator[Request]:
    """What was asked for and is not made, the first first."""
    paths = sorted((media / _FOLDER).glob("*.json"), key=lambda path: (path.stat().st_mtime, path))
    for path in paths:
        found = _read(path)
        if found is not None and found.state == ASKED:
            yield found


def make(
    session: Session, media: Path, request: Request, now: datetime, stopped: Callable[[], bool]
) -> bool:
    """Makes a workbook, unless another worker is about it; returns whether it was made."""
    lock = _path(media, request.key, "lock")
    if not _locked(lock, now):
        return False
    part = _path(media, request.key, "part")
    try:
        with language.speaking(request.language), part.open("wb") as target:
            actor = session.get(User, request.user_id)
            if actor is None or not actor.is_active or not policy.can_see_reach(actor):
                raise PermissionError("not an official any more")
            wanted = [request.filters.get(name, "") for name in ("village", "product")]
            known = queries.choices(session, actor, *wanted)
            filters, _said = forms.read(request.filters, known, clock.wib_date(now))
            reach = queries.overview(session, actor, filters, known, listed=None)
            # Counted by reading: what is withheld is known to nobody but `rows`.
            all_rows = sum(1 for _row in export.rows(session, actor, filters)) or 1

            def tell(done: int) -> None:
                if stopped():
                    raise Stopped
                lock.touch()
                # The last part is for putting the file together.
                _note(media, replace(request, percent=90 * done // all_rows))

            rows = _told(export.rows(session, actor, filters), tell)
            workbook.write(target, workbook.Source(reach, known, rows, now))
        part.replace(file_of(media, request))
        _note(media, replace(request, state=READY, percent=100))
    except Stopped:
        return False
    except Exception:
        _note(media, replace(request, state=FAILED))
        raise
    finally:
        part.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    return True


def _told(rows: Iterable[ExportRow], tell: Callable[[int], None]) -> Iterator[ExportRow]:
    for done, row in enumerate(rows):
        if done % _EACH == 0:
            tell(done)
        yield row


def _locked(lock: Path, now: datetime) -> bool:
    try:
        if lock.stat().st_mtime < (now - _DEAD).timestamp():
            lock.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _path(media: Path, key: str, ending: str) -> Path:
    return media / _FOLDER / f"{key}.{ending}"


def _note(media: Path, request: Request) -> None:
    """Writes how far it is; a reader finds the old or the new, never half of it."""
    path = _path(media, request.key, "json")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(asdict(request)), "utf-8")
    new.replace(path)


def _read(path: Path) -> Request | None:
    try:
        return Request(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
