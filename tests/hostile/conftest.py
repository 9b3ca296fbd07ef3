"""The demo, planted once for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovop_market import create_app
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.seeds import demo
from tests.conftest import Database, configuration
from tests.hostile.ground import Ground


@pytest.fixture(scope="session")
def ground(databases: dict[str, Database], scratch: Path) -> Iterator[Ground]:
    folder = scratch / "hostile"
    folder.mkdir()
    url = f"sqlite:///{folder / 'market.sqlite3'}"
    database = Database(url, databases["sqlite"].template)
    database.reset()
    app = create_app(configuration(folder, url))
    with app.app_context():
        demo.plant(db.session(), clock.now(), pictures=False)
        db.session.remove()
        with db.engine.connect() as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
        snapshot = folder / "planted.sqlite3"
        shutil.copyfile(folder / "market.sqlite3", snapshot)
        made = Ground(app, database, snapshot)
        made.listen(db.engine)
    yield made
    app.extensions["kept pages"].version.close()
