"""How `make run` serves: few processes of a few threads; one slow phone holds up nobody."""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
# Requests in flight finish within this time when the server is told to stop.
graceful_timeout = 30
timeout = 60
keepalive = 15
# Requests are logged by the application, by rule and without people's data.
accesslog = None
loglevel = "warning"
