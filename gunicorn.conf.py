"""How `make run` serves: few processes of a few threads; one slow phone holds up nobody."""

import atexit
import contextlib
import fcntl
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from gunicorn.arbiter import Arbiter


def _holding(folder: Path) -> int:
    """Holds a folder for as long as this process or one of its children lives. Raises OSError if
    somebody else does. It is not asked which processes there are: those of another container on
    the same memory would not be seen."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held


def _left_over(place: Path) -> Iterator[Path]:
    """Folders that may be of servers that were killed. One without its final name may be younger
    than its holding; if it is not, it was left before that."""
    yield from place.glob("ovop-figures-*")
    for unnamed in place.glob(".ovop-figures-*"):
        with contextlib.suppress(OSError):
            if time.time() - unnamed.stat().st_mtime > 60:
                yield unnamed


def _clear_up(figures: Path, master: int) -> None:
    if os.getpid() == master:
        shutil.rmtree(figures, ignore_errors=True)


def _room_for_figures() -> str:
    """A folder in which each process keeps what it counts for /metrics, as mapped files: in memory
    where there is such a place, since writing to one on a full disk kills the process."""
    ours = Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""))
    if ours.name.startswith(f"ovop-figures-{os.getpid()}-") and ours.is_dir():
        # These settings are read anew (SIGHUP). It is held already, unless it was made anew.
        with contextlib.suppress(OSError):
            _holding(ours)
        return str(ours)
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    place = shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
    for old in _left_over(place):
        with contextlib.suppress(OSError):
            held = _holding(old)
            shutil.rmtree(old, ignore_errors=True)
            os.close(held)
    # Held before it has the name under which others look for what nobody holds.
    made = Path(tempfile.mkdtemp(prefix=f".ovop-figures-{os.getpid()}-", dir=place))
    _holding(made)
    named = made.rename(made.with_name(made.name[1:]))
    atexit.register(_clear_up, named, os.getpid())
    return str(named)


# Before prometheus_client is imported, which looks for it then.
_figures = os.environ["PROMETHEUS_MULTIPROC_DIR"] = _room_for_figures()

from ovop_market.operations.serving import Log, Worker  # noqa: E402

# Each connection may need two files, one of them for an upload. The rest is for the database,
# pictures and what Python opens.
_most, _possible = resource.getrlimit(resource.RLIMIT_NOFILE)
if _most < 8192 and (_possible == resource.RLIM_INFINITY or _most < _possible):
    _most = 8192 if _possible == resource.RLIM_INFINITY else min(8192, _possible)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _possible))
worker_connections = min(1000, max(64, (_most - 150) // 2))

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = Worker
logger_class = Log
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
# Read once, before there are workers: they start at once and share its memory. Nothing is open by
# then that a worker must not share: no thread runs, no database has been asked.
preload_app = True
# Requests in flight finish within this time when the server is told to stop.
graceful_timeout = 30
timeout = 60
keepalive = 15
# Nobody steers it but by signals: there is no socket for that, which two servers would fight over.
control_socket_disable = True
# No header but the real path says where the application is mounted.
forwarder_headers = ""
# Requests are logged by the application, by rule and without people's data.
accesslog = None
loglevel = "warning"


def on_starting(server: Arbiter) -> None:
    """Before anything is bound or forked: a market that must not serve ends here, with one line."""
    from ovop_market.core.errors import ConfigurationError
    from ovop_market.operations import starting
    from ovop_market.web.logs import log

    app = server.app.wsgi()
    if not isinstance(app, Flask) or "OVOP" not in app.config:
        return  # another application, with these settings (benchmarks)
    try:
        starting.check(app)
    except ConfigurationError as error:
        sys.exit(f"OVOP Market does not start: {error}")
    for doubt in starting.doubts(app):
        log.warning("doubtful", what=doubt)


def post_fork(_server: Arbiter, _worker: Worker) -> None:
    """Whoever clears up such places (RemoveIPC, for one) may have taken the folder away. A new
    one is held by who made it; the old one is, by the master."""
    with contextlib.suppress(OSError):
        Path(_figures).mkdir(0o700, parents=True, exist_ok=True)
        _holding(Path(_figures))


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """A worker has gone: what it counted stays, what it was is no more."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
