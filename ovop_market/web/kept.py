"""Public pages are kept, and dropped as soon as the database has changed.

A public page is the same for everybody, so one rendering serves all who ask for it. It is kept in
the process with its compressed forms and its ETag, and served before Flask is even asked. Twice a
second, at most, the process asks the database whether anything was written at all since (one tiny
statement, see `DatabaseVersion`); if so, everything kept is out of date. A write in this process is
noticed at once. Browsers and proxies may keep a page for one second, so a change is seen by all
within two. See docs/adr/0004.

While the database is out of reach, what was kept last is shown, for half an hour at most and with
its age on it: better a price of a few minutes ago than no market. See docs/adr/0042.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import brotli
from flask import Flask, request
from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from ovop_market.extensions import db, patience
from ovop_market.web import access, metrics
from ovop_market.web.logs import log

ASK_AGAIN_AFTER = 0.5  # seconds between two looks at the database
OLDEST = 60.0  # seconds; pages also say "today" and "until"
OLDEST_OUT_OF_REACH = 30 * 60.0  # seconds, while the database cannot be asked
ASK_OUT_OF_REACH_AFTER = 2.0  # seconds between two tries to reach it again
PATIENCE = 1.0  # seconds for the tiny statement, and for the connection that it may need
MOST_PAGES = 400
LONGEST_WAIT = 2.0  # seconds for a page that another thread is making
LONGEST_KEY = 300  # characters; a longer address is served, not kept
CACHE_CONTROL = "public, max-age=1"
VARY = (
    "HX-Request",
    "HX-Boosted",
    "HX-History-Restore-Request",
    "Accept",
    "Accept-Encoding",
)
_KEPT_HEADERS = frozenset({"set-cookie", "content-length", "x-request-id", "date", "etag", "vary"})


# What distinguishes pages: address, language, host, whole or part.
Key = tuple[str, ...]


class DatabaseVersion:
    """A value that differs as soon as any transaction has changed the database.

    SQLite: `PRAGMA data_version`, which one lasting connection sees change with every commit of
    another; the next connection begins to count anew, so what it says is another version whatever
    it says. PostgreSQL: the snapshot of running and finished transactions. Neither needs a counter
    that writers would have to queue for.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Any = None
        self._connections = 0  # until now
        self._statement = ""
        self._asked_at = -1.0
        self._value = ""
        # Whether the database answered when it was asked last.
        self.in_reach = True

    def forget(self) -> None:
        """The next look asks the database, whenever the last one was."""
        self._asked_at = -1.0

    def close(self) -> None:
        """Lets go of the connection (another database under test)."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self.forget()

    def current(self) -> str:
        """The version as of at most half a second ago; the last known one while the database is
        out of reach, so that kept pages stay up."""
        if time.monotonic() - self._asked_at < self._good_for():
            return self._value
        # Who finds it out of reach has waited for it: once in a while, one of all.
        if not self._lock.acquire(blocking=self.in_reach):
            return self._value
        try:
            if time.monotonic() - self._asked_at >= self._good_for():
                try:
                    with patience.within(PATIENCE):
                        self._value = self._ask()
                    self.in_reach = True
                except Exception as error:  # whatever the driver raises: it is out of reach
                    self._let_go(error)
                self._asked_at = time.monotonic()
            return self._value
        finally:
            self._lock.release()

    def was_lost(self, since: float) -> bool:
        """Whether a look that ended after that moment found the database out of reach."""
        return not self.in_reach and self._asked_at >= since

    def _good_for(self) -> float:
        return ASK_AGAIN_AFTER if self.in_reach else ASK_OUT_OF_REACH_AFTER

    def _let_go(self, error: Exception) -> None:
        if self.in_reach:
            log.warning("database out of reach, pages stay as kept", error=type(error).__name__)
        self.in_reach = False
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None

    def _ask(self) -> str:
        if self._connection is None:
            self._connection = self._connect()
            self._connections += 1
        cursor = self._connection.cursor()
        cursor.execute(self._statement)
        return f"{self._connections}/{cursor.fetchone()[0]}"

    def _connect(self) -> Any:
        """A driver's connection outside the pool: it lasts, and is never in a transaction."""
        engine = self._engine()
        arguments, options = engine.dialect.create_connect_args(engine.url)
        if engine.dialect.name == "sqlite":
            self._statement = "PRAGMA data_version"
            options = {**options, "check_same_thread": False, "isolation_level": None}
        else:
            self._statement = "SELECT pg_current_snapshot()::text"
            return patience.connect(*arguments, **{**options, "autocommit": True})
        return engine.dialect.loaded_dbapi.connect(*arguments, **options)


@dataclass(slots=True)
class Page:
    """A rendering, as it will be sent."""

    version: str
    kept_at: float
    etag: str
    rule: str
    headers: list[tuple[str, str]]
    bodies: dict[str, bytes] = field(default_factory=dict)

    def body(self, encoding: str) -> bytes:
        """The body in this encoding, compressed the first time that somebody wants it."""
        if encoding not in self.bodies:
            plain = self.bodies[""]
            self.bodies[encoding] = (
                brotli.compress(plain, quality=5)
                if encoding == "br"
                else gzip.compress(plain, 6, mtime=0)
            )
        return self.bodies[encoding]


class KeptPages:
    """WSGI: answers from what is kept, else asks the application and keeps its public pages."""

    def __init__(self, app: Flask, version: DatabaseVersion) -> None:
        self.wrapped = app.wsgi_app
        self.version = version
        self._pages: OrderedDict[Key, Page] = OrderedDict()
        self._making: dict[tuple[Key, str], threading.Event] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forgets all pages."""
        with self._lock:
            self._pages.clear()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        begun, key = time.perf_counter(), self._key(environ)
        if key is None:
            return self.wrapped(environ, start_response)
        asked_at = time.monotonic()
        version = self.version.current()
        page = self._pages.get(key)
        if page is not None and self._is_good(page, version):
            with self._lock:
                if key in self._pages:
                    self._pages.move_to_end(key)
            metrics.answered("GET", page.rule, 200, time.perf_counter() - begun)
            log.info("request", method="GET", rule=page.rule, status=200, kept=True)
            return self._answer(page, environ, start_response, stale=not self.version.in_reach)
        if page is not None:
            fresh = self._made_by_another(key, version)
            if fresh is not None:
                return self._answer(fresh, environ, start_response)
        # The version is read before the page is made: a change in between drops the page again.
        environ["ovop.keep"] = (key, version)
        # Whoever has waited here waits no longer than others in all; whoever has just seen that
        # there is no answer need not see it again.
        lost = self.version.was_lost(asked_at)
        environ["ovop.waited"] = math.inf if lost else time.monotonic() - asked_at
        try:
            return self.wrapped(environ, start_response)
        finally:
            self._done(key, version)

    def _is_good(self, page: Page, version: str) -> bool:
        age = time.monotonic() - page.kept_at
        if not self.version.in_reach:
            return age < OLDEST_OUT_OF_REACH
        return page.version == version and age < OLDEST

    def _made_by_another(self, key: Key, version: str) -> Page | None:
        """Waits for whoever is making this page already, so that a change does not make every
        thread do the same work; None when nobody is, and the caller is now the one."""
        with self._lock:
            made = self._making.get((key, version))
            if made is None:
                self._making[key, version] = threading.Event()
                return None
        made.wait(LONGEST_WAIT)
        page = self._pages.get(key)
        return page if page is not None and page.version == version else None

    def _done(self, key: Key, version: str) -> None:
        with self._lock:
            made = self._making.pop((key, version), None)
        if made is not None:
            made.set()

    def keep(self, environ: dict[str, Any], response: Response) -> None:
        """Called for a finished public page; replaces the response's body by the kept one's."""
        key, version = environ["ovop.keep"]
        body = response.get_data()
        headers = [(k, v) for k, v in response.headers if k.lower() not in _KEPT_HEADERS]
        etag = hashlib.sha256(body).hexdigest()[:20]
        page = Page(version, time.monotonic(), etag, str(request.url_rule), headers)
        page.bodies[""] = body
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            while len(self._pages) > MOST_PAGES:
                self._pages.popitem(last=False)
        response.headers["ETag"] = f'W/"{page.etag}"'

    @staticmethod
    def _key(environ: dict[str, Any]) -> Key | None:
        if environ["REQUEST_METHOD"] != "GET":
            return None
        part = environ.get("HTTP_HX_REQUEST", "") == "true" and not (
            "HTTP_HX_BOOSTED" in environ or "HTTP_HX_HISTORY_RESTORE_REQUEST" in environ
        )
        key = (
            environ.get("wsgi.url_scheme", ""),
            environ.get("HTTP_HOST", ""),
            environ.get("SCRIPT_NAME", ""),
            environ.get("PATH_INFO", ""),
            environ.get("QUERY_STRING", ""),
            "part" if part else "whole",
            environ.get("HTTP_ACCEPT", "") if environ.get("PATH_INFO") == "/regions" else "",
        )
        return key if sum(map(len, key)) <= LONGEST_KEY else None

    @staticmethod
    def _answer(
        page: Page, environ: dict[str, Any], start_response: Any, *, stale: bool = False
    ) -> Iterable[bytes]:
        headers = Headers(page.headers)
        if stale:
            # Older than it may be: no cache takes it for fresh, and it can be seen from outside.
            headers["Age"] = str(max(2, round(time.monotonic() - page.kept_at)))
        etag = f'W/"{page.etag}"'
        headers["ETag"] = etag
        headers["Vary"] = ", ".join(VARY)
        if etag in environ.get("HTTP_IF_NONE_MATCH", ""):
            headers.remove("Content-Type")
            start_response("304 NOT MODIFIED", headers.to_wsgi_list())
            return [b""]
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING", ""))
        encoding = next((e for e in ("br", "gzip") if accepted[e] > 0), "")
        body = page.body(encoding)
        if encoding:
            headers["Content-Encoding"] = encoding
        headers["Content-Length"] = str(len(body))
        start_response("200 OK", headers.to_wsgi_list())
        return [body]


def _keep(response: Response) -> Response:
    door = access.door_of(request.endpoint)
    if door is None or door.kind != "public" or "Cache-Control" in response.headers:
        return response
    if response.status_code not in (200, 304):
        response.headers["Cache-Control"] = "no-store"
        return response
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.vary.update(VARY)
    if "ovop.keep" in request.environ and response.status_code == 200:
        pages: KeptPages = request.environ["ovop.pages"]
        pages.keep(request.environ, response)
        response.make_conditional(request.environ)
    return response


def init_app(app: Flask) -> None:
    """Wraps the application; must come before the language prefix, which it sees through."""

    def engine() -> Engine:
        with app.app_context():
            return db.engine

    version = DatabaseVersion(engine)
    pages = KeptPages(app, version)
    app.extensions["kept pages"] = pages
    app.after_request(_keep)

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["ovop.pages"] = pages
        return pages(environ, start_response)

    app.wsgi_app = serve  # type: ignore[method-assign]
    event.listen(db.session, "after_commit", lambda _session: version.forget())
