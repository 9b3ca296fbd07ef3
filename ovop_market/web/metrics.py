"""What this process counts for monitors: requests and errors of the database. No label holds
anything that a person has chosen: rules, never paths; methods, classes of statuses, types.

Where several processes serve (gunicorn.conf.py), each keeps its figures in a file of its own, and
whichever is asked adds them up. Where those files cannot be written nothing is counted; whatever
goes wrong with counting, it never decides an answer.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import event
from sqlalchemy.engine import Engine

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
# In seconds: a page that is kept, a page, a slow one, a checkout under load, given up.
BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_requests = Histogram(
    "ovop_request_seconds",
    "Requests answered, and how long that took.",
    ("method", "rule", "status"),
    buckets=BUCKETS,
)
_database_errors = Counter(
    "ovop_database_errors",
    "What the database refused, or that it was out of reach.",
    ("type",),
)


def answered(method: str, rule: str, status: int, seconds: float) -> None:
    """Counts a request."""
    known = method if method in METHODS else "other"
    with suppress(Exception):
        _requests.labels(known, rule, f"{status // 100}xx").observe(seconds)


def counted() -> CollectorRegistry:
    """What all processes of this server have counted."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    with suppress(ValueError):  # the folder has gone
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


@event.listens_for(Engine, "handle_error")
def _database_error(context: Any) -> None:
    # The driver's own types: there are few.
    with suppress(Exception):
        _database_errors.labels(type(context.original_exception).__name__).inc()
