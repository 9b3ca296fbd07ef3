"""Each test has a migrated database of its own, which the servers under test share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import Database
from tests.process.market import Market


@pytest.fixture
def market(
    engine_name: str, databases: dict[str, Database], scratch: Path, tmp_path: Path
) -> Iterator[Market]:
    """Parametrised like `app`: once on SQLite, once on PostgreSQL."""
    usual = databases[engine_name]
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path / 'market.sqlite3'}"
    else:
        url = make_url(usual.url).set(database="ovop_process").render_as_string(False)
    Database(url, usual.template).reset()
    yield Market(url, tmp_path)
