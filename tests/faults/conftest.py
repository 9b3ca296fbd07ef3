"""Markets to break: on SQLite, on the PostgreSQL of all tests, and on one that may be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url

from tests.conftest import Database, _make_template, configuration
from tests.faults.postgres import Postgres, own_postgres
from tests.process.conftest import new_market
from tests.process.market import Market


@pytest.fixture
def market(
    engine_name: str,
    applications: dict[str, Flask],
    databases: dict[str, Database],
    tmp_path: Path,
) -> Iterator[Market]:
    """Parametrised like `app`: once on SQLite, once on PostgreSQL."""
    with applications[engine_name].app_context():
        yield new_market(databases[engine_name], tmp_path, "faults")


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[Postgres]:
    """A server that nothing else uses, with a template of the market's tables."""
    with own_postgres() as server:
        url = make_url(server.url).set(database="template_market")
        plain = make_url(server.url).set(drivername="postgresql").render_as_string(False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute("CREATE DATABASE template_market")
        _make_template(configuration(scratch, url.render_as_string(False)))
        yield server


@pytest.fixture
def frail_market(postgres: Postgres, applications: dict[str, Flask], tmp_path: Path) -> Market:
    """A market on that server."""
    url = make_url(postgres.url).set(database="market").render_as_string(False)
    with applications["postgresql"].app_context():
        usual = Database(url, "template_market")
        usual.reset()
        yield Market(url, tmp_path)
