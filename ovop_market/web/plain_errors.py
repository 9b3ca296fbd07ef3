"""Error pages that ask for nothing: no session, no database, no language of the request.

For whatever answers without the application: gunicorn, where what came is no request; a proxy,
where the application is down (`flask error-pages`). They are in both languages.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from pathlib import Path

from flask import Flask

from ovop_market.config import ROOT
from ovop_market.web import errors, language
from ovop_market.web.headers import POLICY

# Those that a proxy or gunicorn makes.
STATUSES = (400, 403, 404, 405, 408, 411, 413, 414, 421, 429, 431, 500, 501, 502, 503, 504, 507)
# Where a proxy serves them.
FOLDER = "/errors/"


def page(app: Flask, status: int, stylesheet: str) -> str:
    """The page; `stylesheet` is the address of site.css."""
    with app.test_request_context("/"):
        told = {}
        for code in language.NAMES:
            with language.speaking(code):
                told[code] = errors.words(status)
        # Without what pages know of their visitor.
        template = app.jinja_env.get_template("errors/plain.html")
        return template.render(status=status, told=told, stylesheet=stylesheet)


@cache
def whole_answer(app: Flask, status: int) -> bytes:
    """The page as it goes over the line, with its head."""
    if "assets" not in app.extensions:
        body = HTTPStatus(status).phrase.encode()  # another application (benchmarks)
    else:
        address = app.extensions["assets"]["css/site.css"].address
        body = page(app, status, f"/assets/{address}").encode()
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"Content-Security-Policy: {POLICY}",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def write_all(app: Flask, folder: Path) -> int:
    """Writes them for a proxy, which runs as another user, with their style beside; returns how
    many pages."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        f"{status}.html": page(app, status, f"{FOLDER}site.css").encode() for status in STATUSES
    }
    written["site.css"] = (ROOT / "static" / "css" / "site.css").read_bytes()
    for name, body in written.items():
        (folder / name).write_bytes(body)
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    return len(STATUSES)
