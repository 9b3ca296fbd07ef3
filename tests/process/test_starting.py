"""What must not serve in production does not: real servers and workers, and what they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tests.conftest import Database, database_name
from tests.process.commands import environment, flask
from tests.process.market import Market
from tests.process.server import HOST, ROOT, SECRET_KEY, free_port, running
from tests.process.visitor import Visitor

pytestmark = pytest.mark.process
SERVER = ("-m", "gunicorn", "wsgi:app")
WORKER = ("-m", "flask", "--app", "wsgi", "worker")
DEVELOPMENT_SERVER = ("-m", "flask", "--app", "wsgi", "run")
PROGRAMS = {"server": SERVER, "worker": WORKER}


def refusal(program: tuple[str, ...], environ: Mapping[str, str]) -> str:
    """The one line with which a program refuses to start."""
    port = str(free_port())
    done = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env=environment({"HOST": HOST, "PORT": port, "FLASK_RUN_PORT": port, **environ}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY must have at least 32 characters"),
        ({"SECRET_KEY": "dev"}, "SECRET_KEY must have at least 32 characters"),
        ({"SECRET_KEY": "x" * 40}, "SECRET_KEY is a default, or easily guessed"),
        ({"SECRET_KEY": "changeme" * 5}, "SECRET_KEY is a default, or easily guessed"),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG has no place in production"),
        ({"PUBLIC_URL": "http://market.example"}, "PUBLIC_URL must look like https://"),
        ({"OVOP_CLOCK_AHEAD": "2"}, "OVOP_CLOCK_AHEAD has no place in production"),
    ],
)
def test_settings_that_are_not_for_production(
    tmp_path: Path, program: tuple[str, ...], environ: dict[str, str], told: str
) -> None:
    place = {"DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}", "OVOP_MEDIA": str(tmp_path)}
    assert told in refusal(program, place | environ)


def test_the_secret_of_development_is_none(tmp_path: Path) -> None:
    """Whoever sets OVOP_ENV on a machine where it was tried out must make a new one."""
    kept = ROOT / "instance" / "secret_key"
    if not kept.exists():
        flask({"OVOP_ENV": "development", "SECRET_KEY": ""}, "--version")
        flask({"OVOP_ENV": "testing", "SECRET_KEY": ""}, "routes")
    secret = kept.read_text("ascii")
    assert "the one of development" in refusal(SERVER, {"SECRET_KEY": secret})


def _set_revision(market: Market, revision: str) -> None:
    with market.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


@pytest.mark.parametrize("program", [*PROGRAMS.values(), DEVELOPMENT_SERVER])
def test_a_database_behind_or_ahead(market: Market, program: tuple[str, ...]) -> None:
    _set_revision(market, "0025")
    line = refusal(program, market.environ)
    assert "the database is at migration 0025" in line
    assert "run flask --app wsgi db upgrade" in line
    _set_revision(market, "9999")
    line = refusal(program, market.environ)
    assert "9999, which this release does not know" in line
    assert "upgrade the program" in line


def test_from_nothing_to_a_market(
    market: Market, databases: dict[str, Database], tmp_path: Path
) -> None:
    """An empty database is refused by what serves, and mended by the commands, which run."""
    if market.url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    else:
        url = make_url(market.url).set(database=database_name("empty")).render_as_string(False)
        Database(url, "template0").reset()
    empty = Market(url, tmp_path)
    for program in PROGRAMS.values():
        line = refusal(program, empty.environ)
        assert "the database is at migration none" in line
    upgraded = flask(empty.environ, "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    server = empty.server()
    with running([server]):
        assert Visitor(server.port).get("/").status == 200
    said = server.log.read_text("utf-8")
    assert "PUBLIC_URL is not set" in said
    assert "OVOP_REQUIRE_2FA is off" in said


def test_a_database_that_is_out_of_reach(tmp_path: Path) -> None:
    """Where nothing listens: at once, and without the password in what is said."""
    url = f"postgresql://market:hunter2@{HOST}:{free_port()}/market"
    line = refusal(SERVER, {"DATABASE_URL": url, "OVOP_MEDIA": str(tmp_path)})
    assert "does not answer" in line
    assert "hunter2" not in line
    assert SECRET_KEY not in line
