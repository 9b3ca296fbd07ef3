"""A real server: gunicorn with the project's own settings, on a free port of this machine.

The whole process group can be killed at once, as when the power fails. The benchmarks start their
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

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
# Signs cookies alike before and after a restart, and in all processes of one market.
SECRET_KEY = "a secret for scratch databases that nobody else can reach"
# Generous: a busy machine may need long to import everything.
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 20.0


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """One gunicorn with its workers. `folder` holds its log; `environ` is added to ours."""

    folder: Path
    environ: Mapping[str, str]
    app: str = "wsgi:app"
    alive: str = "/healthz"
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        return self.folder / f"server-{self.port}.log"

    @property
    def group(self) -> int:
        """The id of the group of the running master and its workers."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts without waiting, so that several can start at once; see `wait`."""
        environ = {
            **os.environ,
            "OVOP_ENV": "production",
            "SECRET_KEY": SECRET_KEY,
            "HOST": HOST,
            "PORT": str(self.port),
            **self.environ,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", self.app],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Waits until it answers. Raises RuntimeError with its log if it does not."""
        assert self._process is not None
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if self._status() == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server did not start:\n{self.log.read_text('utf-8')[-4000:]}")

    def _status(self) -> int:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=SECONDS_TO_START)
        try:
            connection.request("GET", self.alive)
            return connection.getresponse().status
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9 of the master and all workers at once; nothing can be tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to stop, and kills it if it does not."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            # The group, when it is to die at once; the master tells its workers otherwise.
            if how is signal.SIGKILL:
                os.killpg(self._process.pid, how)
            else:
                self._process.send_signal(how)
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None


@contextmanager
def running(servers: Sequence[Server]) -> Iterator[None]:
    """Starts them side by side, waits for all, and leaves none behind."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        yield
    finally:
        for server in servers:
            server.stop()
