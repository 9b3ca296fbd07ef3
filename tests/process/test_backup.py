"""A backup while people buy and send pictures, restored elsewhere: everything in it is of one
moment, and everything is in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from PIL import Image
from sqlalchemy import func, make_url, select

from ovop_market import create_app
from ovop_market.catalogue.models import Product, ProductPhoto
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.operations import postgres, restore
from ovop_market.operations.archive import BackupError
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.payments.models import Payment
from ovop_market.web import pictures
from tests.conftest import configuration, database_name
from tests.factories import pay
from tests.process.commands import environment, flask, pg_bin
from tests.process.market import Market, at_once
from tests.process.server import ROOT, Server, running
from tests.process.visitor import Answer, Visitor, ready_to_buy

pytestmark = pytest.mark.process
BUYERS, STOCK = 3, 900
# Before the backup begins, and while it runs.
PLACED_BEFORE, PLACED_MEANWHILE = 8, 3
BOUNDARY = "----pictures"


def picture(number: int) -> bytes:
    """A picture that no other number has."""
    made = io.BytesIO()
    colour = (number * 37 % 256, number * 11 % 256, number % 256)
    Image.new("RGB", (300 + number % 7, 200), colour).save(made, "PNG")
    return made.getvalue()


def claim(visitor: Visitor, address: str, number: int) -> Answer:
    """Says on the purchase's page that it is paid, with a picture as proof."""
    page = visitor.get(urlsplit(address).path).body
    action = page.partition('enctype="multipart/form-data" action="')[2].partition('"')[0]
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    fields = {"csrf_token": token, "reference": f"Pembeli {number}"}
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="proof"; filename="b.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    body += picture(number) + f"\r\n--{BOUNDARY}--\r\n".encode()
    return visitor.send(action, body, f"multipart/form-data; boundary={BOUNDARY}")


class Load:
    """Buyers who order one thing after the other, and send a picture with each."""

    def __init__(self, server: Server, variant_id: int) -> None:
        self.placed: list[Answer] = []
        self.claimed: list[Answer] = []
        self._server, self._variant_id = server, variant_id
        self._numbers, self._over = count(1), threading.Event()
        self._more = threading.Condition()

    def __enter__(self) -> Load:
        self._pool = ThreadPoolExecutor(BUYERS)
        self._buying = [self._pool.submit(self._buy) for _ in range(BUYERS)]
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._pool.shutdown()
        for buying in self._buying:
            buying.result()

    def until(self, claimed: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.claimed) >= claimed, timeout=120)

    def _buy(self) -> None:
        while not self._over.is_set():
            number = next(self._numbers)
            buyer = ready_to_buy(self._server.port, self._variant_id, f"Pembeli {number}")
            placed = buyer.place()
            self.placed.append(placed)
            answer = claim(buyer.visitor, placed.location, number)
            with self._more:
                self.claimed.append(answer)
                self._more.notify_all()


@pytest.fixture
def elsewhere(market: Market, tmp_path: Path) -> Iterator[Market]:
    """A place with nothing in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    if market.url.startswith("sqlite"):
        yield Market(f"sqlite:///{folder / 'market.sqlite3'}", folder)
        return
    url = make_url(market.url)
    name = database_name("restored")
    server = url.set(drivername="postgresql", database="postgres").render_as_string(False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    yield Market(url.set(database=name).render_as_string(False), folder)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def hang_a_picture(market: Market) -> None:
    """A picture of the product, on /media."""
    with market.session() as session:
        stored = pictures.store(picture(0), market.folder / "media")
        product = session.scalars(select(Product)).one()
        session.add(
            ProductPhoto(
                product_id=product.id,
                key=stored.key,
                alt="Pempek",
                width=stored.width,
                height=stored.height,
            )
        )


def pay_some(market: Market) -> None:
    """Money, so that there is a ledger to compare."""
    with market.session() as session:
        for order in session.scalars(select(Order).order_by(Order.id).limit(3)).all():
            pay(session, order, clock.now())


def files_of(media: Path) -> dict[str, str]:
    """Every picture by name, with the hash of what is in it."""
    return {
        path.relative_to(media).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in media.rglob("*")
        if path.is_file()
    }


def test_a_backup_under_load_restored_elsewhere(
    market: Market, elsewhere: Market, tmp_path: Path
) -> None:
    variant_id = market.stock(STOCK)
    hang_a_picture(market)
    server = market.server()
    file = tmp_path / "backup.zip"
    with running([server]), Load(server, variant_id) as load:
        load.until(PLACED_BEFORE)
        pay_some(market)
        before = [answer.location for answer in list(load.placed)]
        made = flask(market.environ, "backup", str(file))
        load.until(len(load.claimed) + PLACED_MEANWHILE)
    assert made.returncode == 0, made.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert {answer.status for answer in (*load.placed, *load.claimed)} == {303}
    assert [path.name for path in tmp_path.glob("backup*")] == ["backup.zip"]

    done = flask(elsewhere.environ, "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert b"counts and hashes agree" in done.stdout
    for group in ("ledger", "stock", "reach"):
        said = flask(elsewhere.environ, group, "verify")
        assert said.returncode == 0, said.stdout
    assert elsewhere.faults() == []
    compare(market, elsewhere, manifest_of(file), before)


def manifest_of(file: Path) -> dict:  # type: ignore[type-arg]
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return dict(json.loads(archive.read("manifest.json")))


def compare(market: Market, elsewhere: Market, manifest: dict, before: list[str]) -> None:  # type: ignore[type-arg]
    """What was restored is what there was at one moment: nothing in part, nothing too much."""
    assert manifest["missing"] == []
    with elsewhere.session() as there, market.session() as here:
        for table in db.metadata.sorted_tables:
            rows = there.scalar(select(func.count()).select_from(table))
            assert rows == manifest["rows"][table.name], table.name
        tokens = set(there.scalars(select(Purchase.token)))
        # All that was answered before it began, and nobody who was not a buyer.
        assert {urlsplit(address).path.rpartition("/")[2] for address in before} <= tokens
        assert tokens <= set(here.scalars(select(Purchase.token)))
        # A purchase is there with all that was written with it.
        ids = set(there.scalars(select(Purchase.id)))
        for model, column in ((Order, Order.purchase_id), (Payment, Payment.purchase_id)):
            told = [
                Counter(s.scalars(select(column).where(column.in_(ids)))) for s in (there, here)
            ]
            assert told[0] == told[1], model
        orders = set(there.scalars(select(Order.id)))
        assert set(there.scalars(select(OrderEvent.order_id))) == orders
        # Each row that shows a picture has its files, and they are what they are here.
        found, live = files_of(elsewhere.folder / "media"), files_of(market.folder / "media")
        assert found.items() <= live.items()
        proofs = {f"private/{key}.webp" for key in there.scalars(select(Payment.proof_key)) if key}
        assert proofs
        assert proofs <= found.keys()
        (photo,) = there.scalars(select(ProductPhoto.key))
        assert sum(name.startswith(photo) for name in found) == 6
        assert {f"media/{name}": digest for name, digest in found.items()} == {
            name: member["sha256"]
            for name, member in manifest["members"].items()
            if name.startswith("media/")
        }


@pytest.fixture
def backed_up(market: Market, tmp_path: Path) -> Path:
    """A backup of a small market."""
    market.stock(5)
    hang_a_picture(market)
    file = tmp_path / "small.zip"
    made = flask(market.environ, "backup", str(file))
    assert made.returncode == 0, made.stderr
    return file


def nothing_there(place: Market) -> bool:
    if place.url.startswith("sqlite") and Path(make_url(place.url).database or "").exists():
        return False
    if not place.url.startswith("sqlite"):
        plain = make_url(place.url).set(drivername="postgresql").render_as_string(False)
        with psycopg.connect(plain) as connection:
            statement = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            if connection.execute(statement).fetchone() != (0,):
                return False
    return files_of(place.folder / "media") == {} if (place.folder / "media").exists() else True


def rewritten(file: Path, change: Callable[[str, bytes], bytes | None], **added: bytes) -> None:
    """Writes the archive anew, with members changed, left out (None) or added."""
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w") as new:
        for name, body in members.items():
            changed = change(name, body)
            if changed is not None:
                new.writestr(name, changed)
        for name, body in added.items():
            new.writestr(name.replace("__", "/"), body)


def test_what_cannot_be_restored_touches_nothing(
    market: Market, elsewhere: Market, backed_up: Path
) -> None:
    whole = backed_up.read_bytes()
    config = configuration(elsewhere.folder, elsewhere.url)
    app = create_app(replace(config, media=elsewhere.folder / "media", pg_bin=pg_bin()))

    def refused(*words: str) -> None:
        with pytest.raises(BackupError) as told:
            restore.run(app, backed_up)
        assert all(word in str(told.value) for word in words), told.value
        assert nothing_there(elsewhere)
        backed_up.write_bytes(whole)

    # A byte of a picture has flipped on the disk.
    with zipfile.ZipFile(backed_up) as archive:
        name = next(n for n in archive.namelist() if n.endswith("-1200.avif"))
        at = archive.getinfo(name).header_offset + 200
    backed_up.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    refused("damaged", name)
    # It broke off.
    backed_up.write_bytes(whole[: len(whole) * 2 // 3])
    refused("no whole backup")
    # Somebody exchanged a picture, and the archive itself is well-formed.
    rewritten(backed_up, lambda n, body: b"other" if n == name else body)
    refused("damaged", name)
    rewritten(backed_up, lambda n, body: None if n == name else body)
    refused("does not hold what its manifest says")
    # A way out of the folder.
    told = manifest_of(backed_up)
    told["members"]["media/../../evil"] = told["members"][name]

    def with_evil(n: str, body: bytes) -> bytes:
        return json.dumps(told).encode() if n == "manifest.json" else body

    rewritten(backed_up, with_evil, **{"media__..__..__evil": b"x"})
    refused("no place in a backup")
    # A release of tomorrow.
    future = manifest_of(backed_up) | {"revision": "9999"}
    rewritten(backed_up, lambda n, b: json.dumps(future).encode() if n == "manifest.json" else b)
    refused("9999", "upgrade the program first")
    # A place that is in use.
    answer = flask(market.environ, "restore", str(backed_up))
    assert answer.returncode == 1
    assert b"already" in answer.stderr
    assert market.sold().ready == 5
    with suppress(FileExistsError):
        (elsewhere.folder / "media").mkdir()
    (elsewhere.folder / "media" / "mine.webp").write_bytes(b"mine")
    answer = flask(elsewhere.environ, "restore", str(backed_up))
    assert answer.returncode == 1
    assert answer.stderr.decode().startswith("Error: there are pictures in")
    (elsewhere.folder / "media" / "mine.webp").unlink()
    assert nothing_there(elsewhere)
    assert flask(elsewhere.environ, "restore", str(backed_up)).returncode == 0
    assert elsewhere.sold() == market.sold()


def test_a_backup_replaces_nothing_unasked_and_streams(
    market: Market, backed_up: Path, tmp_path: Path
) -> None:
    whole = backed_up.read_bytes()
    answer = flask(market.environ, "backup", str(backed_up))
    assert answer.returncode == 1
    assert b"is there already" in answer.stderr
    assert backed_up.read_bytes() == whole
    again = flask(market.environ, "backup", "--overwrite", str(backed_up))
    assert again.returncode == 0
    assert manifest_of(backed_up)["rows"]["product"] == 1
    # To a pipe: nothing but the archive.
    piped = flask(market.environ, "backup", "-")
    assert piped.returncode == 0, piped.stderr
    streamed = tmp_path / "streamed.zip"
    streamed.write_bytes(piped.stdout)
    hashes = [
        {n: m["sha256"] for n, m in manifest_of(f)["members"].items() if n[:5] == "media"}
        for f in (streamed, backed_up)
    ]
    assert hashes[0] == hashes[1] != {}
    # No room: nothing is left of it, and the last one is as it was.
    full = flask(market.environ, "backup", "--overwrite", str(backed_up), largest=60_000)
    assert full.returncode == 1
    assert manifest_of(backed_up)["rows"]["product"] == 1
    assert [path.name for path in tmp_path.glob("small*")] == ["small.zip"]
    # Nothing to back up.
    away = {**market.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}"}
    assert b"there is no database" in flask(away, "backup", str(tmp_path / "none.zip")).stderr
    assert not (tmp_path / "none.zip").exists()


def test_two_at_once_to_one_name(market: Market, tmp_path: Path) -> None:
    market.stock(5)
    file = tmp_path / "twice.zip"
    said = at_once([lambda: flask(market.environ, "backup", str(file))] * 3)
    assert sorted(one.returncode for one in said) == [0, 1, 1], [one.stderr for one in said]
    refused = [one.stderr for one in said if one.returncode]
    assert all(b"another backup is writing" in e or b"is there already" in e for e in refused)
    assert manifest_of(file)["rows"]["product"] == 1
    assert [path.name for path in tmp_path.glob("twice*")] == ["twice.zip"]


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize("when", ["told of its failure", "compared", "interrupted", "before"])
def test_rows_are_never_without_their_pictures(
    elsewhere: Market, backed_up: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The restoration breaks off after its commit: what shows pictures is there, so they are."""
    config = configuration(elsewhere.folder, elsewhere.url)
    app = create_app(replace(config, media=elsewhere.folder / "media", pg_bin=pg_bin()))
    done: dict[str, type[BaseException]] = {
        "told of its failure": BackupError,
        "compared": BackupError,
        "interrupted": KeyboardInterrupt,
        "before": BackupError,
    }

    def broken(*_arguments: object) -> None:
        raise done[when]("broken off")

    really = restore.postgres.restore

    def restored_and_broken(*arguments: Any) -> None:
        really(*arguments)
        broken()

    if when == "compared":
        monkeypatch.setattr(restore, "_compare", broken)
    else:
        monkeypatch.setattr(
            restore.postgres, "restore", broken if when == "before" else restored_and_broken
        )
    with pytest.raises(done[when]):
        restore.run(app, backed_up)
    if when == "before":
        assert nothing_there(elsewhere)
        return
    with elsewhere.session() as session:
        (key,) = session.scalars(select(ProductPhoto.key))
    assert sum(name.startswith(key) for name in files_of(elsewhere.folder / "media")) == 6


SLOW_RESTORE = """#!{python}
import os, pathlib, subprocess, sys, time
real, here = {real!r}, pathlib.Path(__file__).parent
if "--version" in sys.argv:
    os.execv(real, [real, "--version"])
dump = sys.stdin.buffer.read()
(here / "reading").write_text(str(os.getpid()))
while not (here / "go on").exists():
    time.sleep(0.02)
sys.exit(subprocess.run([real, *sys.argv[1:]], input=dump).returncode)
"""


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_an_interrupted_restoration_leaves_nothing(
    elsewhere: Market, backed_up: Path, tmp_path: Path
) -> None:
    """pg_restore has all that it needs and is at work; only the command itself is told to stop."""
    plain = postgres.plain_url(elsewhere.url, password=True)
    with psycopg.connect(plain) as connection:
        version = connection.info.server_version // 10_000
    programs = tmp_path / "programs"
    programs.mkdir()
    slow = programs / "pg_restore"
    real = postgres.tool("pg_restore", version, pg_bin())
    slow.write_text(SLOW_RESTORE.format(python=sys.executable, real=real))
    slow.chmod(0o755)
    said = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "restore", str(backed_up)],
        cwd=ROOT,
        env=environment({**elsewhere.environ, "OVOP_PG_BIN": str(programs)}),
        stderr=subprocess.PIPE,
        # Whoever is started in the background ignores it otherwise.
        preexec_fn=lambda: signal.signal(  # noqa: PLW1509 - no other thread runs here
            signal.SIGINT, signal.default_int_handler
        ),
    )
    told, give_up = programs / "reading", time.monotonic() + 60
    while not (told.exists() and told.read_text()):
        assert said.poll() is None and time.monotonic() < give_up
        time.sleep(0.02)
    os.kill(said.pid, signal.SIGINT)
    assert said.wait(60) != 0
    (programs / "go on").touch()
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(told.read_text())).wait(60)
    assert nothing_there(elsewhere)
    assert flask(elsewhere.environ, "restore", str(backed_up)).returncode == 0


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ends", ["committed", "rolled back", "never"])
def test_a_commit_that_is_underway_is_waited_for(
    elsewhere: Market, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """pg_restore is dead, and the server still at what it was told."""
    config = configuration(elsewhere.folder, elsewhere.url)
    plain = postgres.plain_url(elsewhere.url, password=True)
    if ends == "never":
        monkeypatch.setattr(restore, "_PATIENCE", 0.2)
    with (
        psycopg.connect(plain, application_name=postgres.RESTORING) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        server.execute("CREATE TABLE arrived (id integer)")
        asked = pool.submit(restore._has_tables, config)
        if ends == "never":
            assert asked.result(30)
        time.sleep(0.5)
        server.commit() if ends == "committed" else server.rollback()
        server.close()
        assert asked.result(30) is (ends != "rolled back")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("broken", [KeyboardInterrupt, OSError])
def test_a_file_that_has_its_name_keeps_its_pictures(
    elsewhere: Market,
    backed_up: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: type[BaseException],
) -> None:
    """Interrupted between the database's new name and whatever comes next."""
    config = configuration(elsewhere.folder, elsewhere.url)
    app = create_app(replace(config, media=elsewhere.folder / "media"))
    really, database = Path.rename, Path(make_url(elsewhere.url).database or "")

    def renamed(self: Path, target: Path) -> Path:
        if target != database:
            return really(self, target)
        if broken is KeyboardInterrupt:
            really(self, target)
        raise broken

    monkeypatch.setattr(Path, "rename", renamed)
    with pytest.raises(broken):
        restore.run(app, backed_up)
    if broken is OSError:
        assert nothing_there(elsewhere)
        return
    with elsewhere.session() as session:
        (key,) = session.scalars(select(ProductPhoto.key))
    assert sum(name.startswith(key) for name in files_of(elsewhere.folder / "media")) == 6
