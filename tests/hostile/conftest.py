"""The demo, planted once on each engine for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import make_url

from ovop_market import create_app
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.seeds import demo
from tests.conftest import Database, configuration, database_name
from tests.hostile.ground import Ground, OnPostgreSQL, OnSQLite


@pytest.fixture(scope="session")
def grounds(databases: dict[str, Database], scratch: Path) -> Iterator[Callable[[str], Ground]]:
    """The demo on an engine, planted when a test first asks for it."""
    with ExitStack() as stack:

        @cache
        def planted(engine: str) -> Ground:
            folder = scratch / f"hostile-{engine}"
            folder.mkdir()
            usual = databases[engine]
            if engine == "sqlite":
                url = f"sqlite:///{folder / 'market.sqlite3'}"
            else:
                own = make_url(usual.url).set(database=database_name("hostile"))
                url = own.render_as_string(False)
            database = Database(url, usual.template)
            database.reset()
            app = create_app(configuration(folder, url))
            made = (OnSQLite if engine == "sqlite" else OnPostgreSQL)(app, database)
            stack.callback(made.leave)
            with app.app_context():
                demo.plant(db.session(), clock.now(), pictures=False)
                db.session.remove()
                made.listen(db.engine)
            made.plant()
            return made

        yield planted


@pytest.fixture
def ground(grounds: Callable[[str], Ground]) -> Ground:
    return grounds("sqlite")
