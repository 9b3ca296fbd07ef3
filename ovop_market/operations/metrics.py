"""/metrics, for Prometheus: what the processes count, and what the database and the disk say."""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Flask, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ovop_market.config import Config
from ovop_market.core import clock, tokens
from ovop_market.extensions.database import Moment
from ovop_market.notices.models import Notice
from ovop_market.notices.states import NoticeState
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.web import access, hosts, metrics
from ovop_market.web.beats import worker_seen
from ovop_market.web.probe import Probe
from ovop_market.web.tallies import JobTally

# For which what the database said is told again: a count of all orders is not free.
KEPT = 10.0  # seconds
WAITING = (NoticeState.PENDING, NoticeState.SENDING, NoticeState.FAILED)
# With which proxies say that somebody else is asking.
_FORWARDED = re.compile(
    r"forwarded|via|x-forwarded-.*|x-real-ip|.*-client-ip|.*-connecting-ip|x-original-.*", re.I
)

blueprint = Blueprint("metrics", __name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says."""

    orders: dict[OrderState, int]
    unanswered_since: datetime | None
    notices: dict[NoticeState, int]
    worker_seen: datetime | None
    jobs: tuple[JobTally, ...]


def figures(session: Session) -> Figures:
    """Reads them, in a few statements."""
    orders = dict.fromkeys(OrderState, 0)
    for state, count in session.execute(select(Order.state, func.count()).group_by(Order.state)):
        orders[state] = count
    notices = dict.fromkeys(WAITING, 0)
    counted = (
        select(Notice.state, func.count()).where(Notice.state.in_(WAITING)).group_by(Notice.state)
    )
    for owed, count in session.execute(counted):
        notices[owed] = count
    # `min` alone would lose the column's type on SQLite.
    oldest = (
        select(func.min(Purchase.placed_at, type_=Moment()))
        .join(Order, Order.purchase_id == Purchase.id)
        .where(Order.state == OrderState.PLACED)
    )
    jobs = session.scalars(select(JobTally).order_by(JobTally.job)).all()
    session.expunge_all()
    return Figures(orders, session.scalar(oldest), notices, worker_seen(session), tuple(jobs))


class Installation(Collector):
    """Database, worker and disk, at the moment when they are asked for."""

    def __init__(self, config: Config, probe: Probe[Figures], now: datetime) -> None:
        self._config, self._probe, self._now = config, probe, now

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("ovop_database_up", "1 when the database answers in time.")
        try:
            found = self._probe.ask()
        except (SQLAlchemyError, TimeoutError, OSError):
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
            yield from self._of(found)
        yield up
        yield from self._disk()

    def _of(self, found: Figures) -> Iterator[Metric]:
        orders = GaugeMetricFamily("ovop_orders", "Orders by state.", labels=["state"])
        for state, count in found.orders.items():
            orders.add_metric([str(state)], count)
        yield orders
        notices = GaugeMetricFamily(
            "ovop_notices", "Notices that wait or have failed.", labels=["state"]
        )
        for owed, count in found.notices.items():
            notices.add_metric([str(owed)], count)
        yield notices
        yield GaugeMetricFamily(
            "ovop_oldest_unanswered_seconds",
            "Age of the oldest order that nobody has answered; 0: all are answered.",
            value=self._age(found.unanswered_since) or 0,
        )
        seen = GaugeMetricFamily(
            "ovop_worker_beat_timestamp_seconds", "When the worker was last seen."
        )
        if found.worker_seen is not None:
            seen.add_metric([], found.worker_seen.timestamp())
        yield seen
        yield from _jobs(found.jobs)

    def _age(self, since: datetime | None) -> float | None:
        return None if since is None else max(0.0, (self._now - since).total_seconds())

    def _disk(self) -> Iterator[Metric]:
        free = GaugeMetricFamily(
            "ovop_disk_free_bytes", "Room where pictures are kept.", labels=["place"]
        )
        try:
            free.add_metric(["media"], shutil.disk_usage(self._config.media).free)
        except OSError:
            return
        yield free


def _jobs(tallies: Iterable[JobTally]) -> Iterator[Metric]:
    runs = CounterMetricFamily("ovop_job_runs", "Runs of the worker's jobs.", labels=["job"])
    failed = CounterMetricFamily(
        "ovop_job_failures", "What failed in the worker's jobs.", labels=["job"]
    )
    seconds = CounterMetricFamily(
        "ovop_job_seconds", "How long the worker's jobs took, all together.", labels=["job"]
    )
    for tally in tallies:
        runs.add_metric([tally.job], tally.runs)
        failed.add_metric([tally.job], tally.failures)
        seconds.add_metric([tally.job], tally.milliseconds / 1000)
    yield from (runs, failed, seconds)


@blueprint.get("/metrics")
@access.visitor
def read() -> Response:
    """For who knows the token or, where there is none, for this machine; to all others there is
    nothing here."""
    config: Config = current_app.config["OVOP"]
    token = config.metrics_token
    if not (_with_token(token) if token else _from_here()):
        raise NotFound
    here = CollectorRegistry()
    here.register(Installation(config, current_app.extensions["figures"], clock.now()))
    body = generate_latest(metrics.counted()) + generate_latest(here)
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _with_token(token: str) -> bool:
    given = request.headers.get("Authorization", "")
    kind, _space, said = given.partition(" ")
    return kind.lower() == "bearer" and tokens.matches(said, token)


def _from_here() -> bool:
    """Whether the other end of the connection is this machine, asking for itself.

    A proxy on it is not who asks, known of or not. Most say that they are one, or pass on the name
    under which they were asked; nginx, told nothing, does neither, but speaks HTTP/1.0. One that
    speaks 1.1, says nothing and puts its own name in is not to be told from a monitor: that is what
    the token is for.
    """
    if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return False
    if any(_FORWARDED.fullmatch(name) for name, _value in request.headers):
        return False
    if not hosts.is_local(request.host):
        return False
    try:
        address = ipaddress.ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def init_app(app: Flask) -> None:
    """Answers under /metrics."""
    app.register_blueprint(blueprint)
    app.extensions["figures"] = Probe(app, figures, keep=KEPT)
