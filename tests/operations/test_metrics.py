"""Figures for Prometheus: what is counted, and who may read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from ovop_market import jobs
from ovop_market.config import from_environment
from ovop_market.core import clock
from ovop_market.core.errors import ConfigurationError
from ovop_market.jobs import Job
from ovop_market.orders.states import OrderState
from ovop_market.web import beats, metrics, tallies
from ovop_market.web.tallies import JobTally
from tests.factories import make_order, make_product

TOKEN = "a-token-for-the-monitor-1234"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def asked_anew(app: Flask) -> None:
    app.extensions["figures"].forget()
    tallies._unwritten.clear()


def read(client: FlaskClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every figure by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def figure(figures: dict, name: str, **labels: str) -> float:  # type: ignore[type-arg]
    return float(figures.get((name, tuple(sorted(labels.items()))), 0))


def test_what_the_database_says(client: FlaskClient, session: Session) -> None:
    product = make_product(session, capacity=99)
    long_ago = clock.now() - timedelta(hours=5)
    make_order(session, product=product, now=long_ago)
    make_order(session, product=product, now=clock.now())
    make_order(session, OrderState.PREPARING, product=product)
    beats.beat(session, clock.now())
    session.commit()
    figures = read(client)
    assert figure(figures, "ovop_database_up") == 1
    assert figure(figures, "ovop_orders", state="PLACED") == 2
    assert figure(figures, "ovop_orders", state="PREPARING") == 1
    assert figure(figures, "ovop_orders", state="DISPUTED") == 0
    age = figure(figures, "ovop_oldest_unanswered_seconds")
    assert 5 * 3600 <= age < 5 * 3600 + 300
    assert ("ovop_notices", (("state", "FAILED"),)) in figures
    seen = figure(figures, "ovop_worker_beat_timestamp_seconds")
    assert abs(seen - clock.now().timestamp()) < 60
    assert figure(figures, "ovop_disk_free_bytes", place="media") > 0


def test_requests_are_counted_by_rule_and_nobody_is_named(
    client: FlaskClient, session: Session
) -> None:
    order = make_order(session)
    session.commit()
    token = order.purchase.token
    rule = {"method": "GET", "rule": "/purchases/<token>", "status": "2xx"}
    before = read(client)
    for _ in range(3):
        assert client.get(f"/purchases/{token}").status_code == 200
    for number in range(5):
        client.get(f"/wp-admin/{number}.php?who=Pembeli")
    client.open("/", method="PROPFIND")
    told = client.get("/metrics").text
    after = read(client)
    name = "ovop_request_seconds_count"
    assert figure(after, name, **rule) - figure(before, name, **rule) == 3
    unknown = {"method": "GET", "rule": "-", "status": "4xx"}
    assert figure(after, name, **unknown) - figure(before, name, **unknown) == 5
    other = {"method": "other", "rule": "-", "status": "4xx"}
    assert figure(after, name, **other) - figure(before, name, **other) >= 0
    for secret in (token, order.purchase.name, order.purchase.phone, order.number, "wp-admin"):
        assert secret not in told
    rules = {str(rule) for rule in client.application.url_map.iter_rules()} | {"-"}
    assert {dict(labels)["rule"] for n, labels in after if n == name} <= rules


def test_kept_pages_count_as_well(client: FlaskClient, session: Session) -> None:
    rule = {"method": "GET", "rule": "/villages", "status": "2xx"}
    name = "ovop_request_seconds_count"
    before = figure(read(client), name, **rule)
    for _ in range(4):
        assert client.get("/villages").status_code == 200
    assert figure(read(client), name, **rule) - before == 4


def test_errors_of_the_database_are_counted(client: FlaskClient, session: Session) -> None:
    def errors() -> float:
        told = read(client)
        return sum(v for (n, _labels), v in told.items() if n == "ovop_database_errors_total")

    before = errors()
    with pytest.raises(DBAPIError):
        session.execute(text("SELECT nothing FROM nowhere"))
    session.rollback()
    assert errors() == before + 1


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, TypeError])
def test_counting_never_decides_an_answer(
    client: FlaskClient,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    """Its files may have gone; prometheus_client then fails in ways of its own."""

    def broken(*_labels: str) -> None:
        raise error

    monkeypatch.setattr(metrics._requests, "labels", broken)
    monkeypatch.setattr(metrics._database_errors, "labels", broken)
    for path in ("/healthz", "/villages", "/villages", "/metrics"):
        assert client.get(path).status_code == 200
    with pytest.raises(DBAPIError):
        session.execute(text("SELECT nothing FROM nowhere"))
    session.rollback()


def test_a_database_out_of_reach_is_told(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise TimeoutError

    monkeypatch.setattr(app.extensions["figures"], "ask", away)
    figures = read(client)
    assert figure(figures, "ovop_database_up") == 0
    assert figure(figures, "ovop_disk_free_bytes", place="media") > 0


class TestWho:
    """Who knows the token or, without one, this machine; to others it is not there."""

    @pytest.fixture
    def guarded(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
        told = replace(app.config["OVOP"], metrics_token=TOKEN)
        monkeypatch.setitem(app.config, "OVOP", told)
        return app

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"])
    def test_this_machine(self, client: FlaskClient, address: str) -> None:
        answer = client.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == 200

    @pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "", "unknown", "::2"])
    def test_elsewhere(self, client: FlaskClient, address: str) -> None:
        answer = client.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == 404
        assert "ovop_" not in answer.text

    @pytest.mark.parametrize(
        "header",
        [
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "Forwarded",
            "X-Real-IP",
            "Via",
            "CF-Connecting-IP",
            "True-Client-IP",
        ],
    )
    @pytest.mark.parametrize("trusted", [0, 1])
    def test_a_proxy_on_this_machine_is_not_who_asks(
        self,
        app: Flask,
        client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
        header: str,
        trusted: int,
    ) -> None:
        told = replace(app.config["OVOP"], trusted_proxies=trusted)
        monkeypatch.setitem(app.config, "OVOP", told)
        assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("market.example", 404),
            ("192.168.1.5:8000", 404),
            ("127.0.0.1.market.example", 404),
            ("localhost", 200),
            ("LOCALHOST:8000", 200),
            ("127.0.0.1:8000", 200),
            ("[::1]", 200),
            ("[::1]:8000", 200),
        ],
    )
    def test_a_bare_proxy_passes_on_the_name_that_it_was_asked_under(
        self, client: FlaskClient, host: str, status: int
    ) -> None:
        assert client.get("/metrics", headers={"Host": host}).status_code == status

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            (f"Bearer {TOKEN}", 200),
            (f"bearer {TOKEN}", 200),
            (f"Bearer {TOKEN}x", 404),
            ("Bearer ", 404),
            (f"Basic {TOKEN}", 404),
            (TOKEN, 404),
        ],
    )
    def test_the_token(self, guarded: Flask, said: str, status: int) -> None:
        answer = guarded.test_client().get(
            "/metrics", headers={"Authorization": said}, environ_overrides=ELSEWHERE
        )
        assert answer.status_code == status

    def test_with_a_token_this_machine_has_to_say_it_too(self, guarded: Flask) -> None:
        """A proxy here that hides what it is looks like this machine."""
        client = guarded.test_client()
        assert client.get("/metrics").status_code == 404
        said = {"Authorization": f"Bearer {TOKEN}"}
        assert client.get("/metrics", headers=said).status_code == 200

    @pytest.mark.parametrize(("protocol", "status"), [("HTTP/1.0", 404), ("HTTP/1.1", 200)])
    def test_a_proxy_that_says_nothing_speaks_the_older_protocol(
        self, client: FlaskClient, protocol: str, status: int
    ) -> None:
        answer = client.get("/metrics", environ_overrides={"SERVER_PROTOCOL": protocol})
        assert answer.status_code == status

    def test_no_token_is_no_token(self, client: FlaskClient) -> None:
        answer = client.get(
            "/metrics", headers={"Authorization": "Bearer "}, environ_overrides=ELSEWHERE
        )
        assert answer.status_code == 404

    def test_a_short_token_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="OVOP_METRICS_TOKEN"):
            from_environment({"OVOP_ENV": "testing", "OVOP_METRICS_TOKEN": "short"})


class TestJobs:
    """The worker's jobs are counted in its memory, and written with its beat."""

    @pytest.fixture
    def beat(self) -> Job:
        return next(job for job in jobs.JOBS if job.name == "beat")

    def test_runs_and_failures(self, app: Flask, client: FlaskClient, beat: Job) -> None:
        def broken(_app: Flask, _counts: jobs.Counts, _stopped: jobs.Stopped) -> None:
            raise RuntimeError("broken")

        jobs.run(app, Job("broken", timedelta(minutes=1), broken))
        jobs.run(app, Job("broken", timedelta(minutes=1), broken))
        assert not jobs.run(app, beat).failed
        figures = read(client)
        assert figure(figures, "ovop_job_runs_total", job="broken") == 2
        assert figure(figures, "ovop_job_failures_total", job="broken") == 2
        jobs.run(app, Job("broken", timedelta(minutes=1), broken))
        jobs.run(app, beat)
        app.extensions["figures"].forget()
        assert figure(read(client), "ovop_job_runs_total", job="broken") == 3

    def test_what_could_not_be_written_is_not_lost(self, app: Flask, session: Session) -> None:
        tallies.add("sweep", failures=1, milliseconds=12.0)
        with pytest.raises(RuntimeError), tallies.written(session):
            raise RuntimeError("no room")
        session.rollback()
        with tallies.written(session):
            session.commit()
        tally = session.scalars(select(JobTally)).one()
        assert (tally.job, tally.runs, tally.failures, tally.milliseconds) == ("sweep", 1, 1, 12)

    def test_none_can_be_taken_back(self, session: Session) -> None:
        session.add(JobTally(job="sweep", runs=-1, failures=0, milliseconds=0))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
