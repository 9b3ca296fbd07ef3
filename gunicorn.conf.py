"""How `make run` serves: few processes of a few threads; one slow phone holds up nobody."""

import os

from gunicorn.workers import gthread

# How long a thread waits for the next bytes of a request, or for a phone to take its answer.
PATIENCE = 15  # seconds


class Connection(gthread.TConn):
    """A connection that does not wait for ever: gunicorn's own blocks until the client speaks, so
    that a few silent ones could take all threads."""

    def init(self) -> None:
        super().init()
        self.sock.settimeout(PATIENCE)


class Worker(gthread.ThreadWorker):
    """gunicorn's threaded worker with such connections."""

    def init_process(self) -> None:
        gthread.TConn = Connection
        super().init_process()


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = Worker
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
# Read once, before there are workers: they start at once and share its memory. Nothing is open by
# then that a worker must not share: no thread runs, no database has been asked.
preload_app = True
# Requests in flight finish within this time when the server is told to stop.
graceful_timeout = 30
timeout = 60
keepalive = 15
# No header but the real path says where the application is mounted.
forwarder_headers = ""
# Requests are logged by the application, by rule and without people's data.
accesslog = None
loglevel = "warning"
