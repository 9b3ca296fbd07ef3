"""Real processes: gunicorn with the project's own settings, on a free port of this machine, and the
background worker.

A whole process group can be killed at once, as when the power fails. The benchmarks start their
servers with it as well.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
# Signs cookies alike before and after a restart, and in all processes of one market.
SECRET_KEY = "a secret for scratch databases that nobody else can reach"
# Generous: a busy machine may need long to import everything.
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 40.0


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A process with its children. `folder` holds its log; `environ` is added to ours."""

    folder: Path
    environ: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False, kw_only=True)

    @property
    def log(self) -> Path:
        raise NotImplementedError

    @property
    def command(self) -> Sequence[str]:
        """What runs, without the interpreter."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it does its work by now."""
        raise NotImplementedError

    @property
    def group(self) -> int:
        """The id of the group of the running process and its children."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts without waiting, so that several can start at once; see `wait`."""
        environ = {
            **os.environ,
            "OVOP_ENV": "production",
            "SECRET_KEY": SECRET_KEY,
            # The people of these tests have no phone at hand (tests/accounts/test_second_factor).
            "OVOP_REQUIRE_2FA": "0",
            **self.environ,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Waits until it is ready. Raises RuntimeError with its log if it never is."""
        assert self._process is not None
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until and self._process.poll() is None:
            if self.is_ready():
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"it did not start:\n{self.log.read_text('utf-8')[-4000:]}")

    def kill(self) -> None:
        """kill -9 of the process and all its children at once; nothing can be tidied up."""
        self._end(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """Asks it to stop, and kills it if it does not; answers its exit code."""
        return self._end(how)

    def _end(self, how: signal.Signals) -> int | None:
        if self._process is None:
            return None
        if self._process.poll() is None:
            # The group, when it is to die at once; a master tells its workers otherwise.
            if how is signal.SIGKILL:
                os.killpg(self._process.pid, how)
            else:
                self._process.send_signal(how)
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        code = self._process.returncode
        self._process = None
        return code


@dataclass
class Server(Process):
    """One gunicorn with its workers."""

    app: str = "wsgi:app"
    alive: str = "/healthz"
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.environ = {"HOST": HOST, "PORT": str(self.port), **self.environ}

    @property
    def log(self) -> Path:
        return self.folder / f"server-{self.port}.log"

    @property
    def command(self) -> Sequence[str]:
        return ["-m", "gunicorn", self.app]

    def workers(self) -> set[int]:
        """The ids of the processes that serve, once all of them are there: the first one answers
        while the next is being made."""
        until = time.monotonic() + SECONDS_TO_START
        all_of_them = int(self.environ.get("WEB_CONCURRENCY", "2"))
        while True:
            found = {child.pid for child in psutil.Process(self.group).children()}
            if len(found) >= all_of_them or time.monotonic() > until:
                return found
            time.sleep(0.05)

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=SECONDS_TO_START)
        try:
            connection.request("GET", self.alive)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@dataclass
class Worker(Process):
    """One background worker, known in its folder by its name."""

    name: str = "worker"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def command(self) -> Sequence[str]:
        return ["-m", "flask", "--app", "wsgi", "worker"]

    def is_ready(self) -> bool:
        # Of this very process: one that was killed has left its lines in the same log.
        return f'"pid": {self.group},' in self.log.read_text("utf-8")


@contextmanager
def running(servers: Sequence[Process]) -> Iterator[None]:
    """Starts them side by side, waits for all, and leaves none behind: what was answered is kept,
    so nothing needs the seconds of an orderly stop."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        yield
    finally:
        for server in servers:
            server.kill()
