"""One line of JSON for each request: what, how long, which status, under a request id.

The rule of the URL is logged, never the path: a path may hold a secret token. Queries, forms and
addresses of people are not logged at all.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import sys
import time

import structlog
from flask import Flask, g, request
from werkzeug.wrappers import Response

from ovop_market.web import metrics


class _Lines:
    """Standard error; that a line of the log cannot be written (the disk is full) is no reason to
    refuse anybody anything."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
log = structlog.get_logger("ovop")


def _configure(level: int) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=_Lines()),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


def places_of(error: BaseException) -> list[str]:
    """Where an unexpected error came from: the functions and lines, the innermost last."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-8:]


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.begun = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    seconds, rule = time.perf_counter() - g.begun, str(request.url_rule or "-")
    metrics.answered(request.method, rule, response.status_code, seconds)
    log.info(
        "request",
        method=request.method,
        rule=rule,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
    )
    return response


def init_app(app: Flask) -> None:
    """Logs requests; quiet under test, where only warnings are of interest."""
    _configure(logging.WARNING if app.testing else logging.INFO)
    app.before_request(_begin)
    app.after_request(_end)
