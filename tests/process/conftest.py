"""Each test has a migrated database of its own, which the servers under test share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from tests.conftest import Database, database_name
from tests.process.market import Market


def new_market(usual: Database, folder: Path, name: str = "process") -> Market:
    """A market of this name on a fresh copy of the usual database."""
    if usual.url.startswith("sqlite"):
        url = f"sqlite:///{folder / 'market.sqlite3'}"
    else:
        url = make_url(usual.url).set(database=database_name(name)).render_as_string(False)
    Database(url, usual.template).reset()
    return Market(url, folder)


@pytest.fixture
def market(
    engine_name: str,
    applications: dict[str, Flask],
    databases: dict[str, Database],
    tmp_path: Path,
) -> Iterator[Market]:
    """Parametrised like `app`: once on SQLite, once on PostgreSQL."""
    # What is prepared here goes through the services, which ask how the market is configured.
    with applications[engine_name].app_context():
        yield new_market(databases[engine_name], tmp_path)
