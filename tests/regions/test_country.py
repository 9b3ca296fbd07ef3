"""The whole country on each database: loading it once, and the shared list of queries."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, make_url, select, update
from sqlalchemy.orm import Session

from ovop_market.regions import queries, services
from ovop_market.regions.models import Region, RegionSource
from tests.conftest import ENGINES, Database, _server, database_name
from tests.regions.expected import FOUND

COUNTS = {1: 38, 2: 514, 3: 7_285, 4: 83_762}


@pytest.fixture(scope="module", params=ENGINES)
def country(
    request: pytest.FixtureRequest, databases: dict[str, Database], scratch: Path
) -> Iterator[Session]:
    """A session on a database of its own with all areas. What a test changes, it puts back."""
    database = databases[request.param]
    if request.param == "sqlite":
        shutil.copyfile(database.template, scratch / "country.sqlite3")
        url = f"sqlite:///{scratch / 'country.sqlite3'}"
    else:
        name = database_name("country")
        with _server(database.url) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{database.template}"')
        url = make_url(database.url).set(database=name).render_as_string(False)
    engine = create_engine(url)
    with Session(engine) as session:
        # The template holds a few areas already: they stay, the rest comes.
        before = session.scalar(select(func.count()).select_from(Region)) or 0
        assert services.load(session) == sum(COUNTS.values()) - before
        session.commit()
        yield session
    engine.dispose()


def test_all_areas_are_there(country: Session) -> None:
    counted = country.execute(select(Region.level, func.count()).group_by(Region.level))
    assert {row[0]: row[1] for row in counted} == COUNTS
    without = select(func.count()).where(Region.level == 4, Region.postal_code.is_(None))
    assert country.scalar(without) == 0


def test_loading_again_does_nothing(country: Session) -> None:
    assert services.load(country) == 0
    assert services.load(country, only=["19.05"]) == 0


def test_a_newer_version_changes_what_differs_and_removes_nothing(country: Session) -> None:
    old_name = update(Region).where(Region.code == "19.05.01")
    country.execute(old_name.values(name="Muntok Lama", own_words="lama", name_key="lama"))
    country.execute(update(RegionSource).values(version="older"))
    assert services.load(country) == 1
    country.expire_all()
    mentok = queries.get(country, "19.05.01")
    assert mentok is not None
    assert mentok.name == "Mentok"
    assert queries.search(country, "mentok")[0].code == "19.05.01"
    country.rollback()


@pytest.mark.parametrize("q", FOUND)
def test_each_query_finds_the_same_on_both_databases(country: Session, q: str) -> None:
    assert [hit.code for hit in queries.search(country, q)] == FOUND[q]


def test_the_villages_of_the_programme_are_found_by_name_and_regency(country: Session) -> None:
    for name, code in {
        "Belo Laut": "19.05.01.2006",
        "Dendang": "19.05.04.2005",
        "Air Nyatoh": "19.05.02.2005",
        "Tanjung Niur": "19.05.05.2002",
        "Terentang": "19.05.04.2010",
        "Pangkal Beras": "19.05.04.2014",
        "Teluk Limau": "19.05.06.2010",
        "Ketap": "19.05.03.2009",
        "Air Kuang": "19.05.03.2021",
    }.items():
        assert queries.search(country, f"{name} Bangka Barat")[0].code == code


def test_a_larger_level_can_be_asked_for(country: Session) -> None:
    assert [h.code for h in queries.search(country, "bangka barat", levels=(2,))] == ["19.05"]
    assert queries.search(country, "jawa", levels=(1,), limit=2) == [
        queries.RegionHit(code, name, "provinsi", name, None, 1)
        for code, name in (("32", "Jawa Barat"), ("33", "Jawa Tengah"))
    ]
