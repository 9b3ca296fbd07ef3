"""Our own static files, the icons, and htmx from its wheel, under addresses of their content.

An address changes with the file's content, so browsers may keep it for ever. The files are few and
small: they are read once, when the application starts, and compressed when first asked for.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path

import brotli
from flask import Blueprint, Flask, abort, current_app, request, url_for
from werkzeug.wrappers import Response

from ovop_market.config import ROOT
from ovop_market.web import access
from ovop_market.web.icons import icons

FOREVER = "public, max-age=31536000, immutable"
blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent."""

    address: str
    mimetype: str
    body: bytes

    @property
    def is_text(self) -> bool:
        """Whether it gets smaller by compressing."""
        kind = self.mimetype
        return kind.startswith("text/") or kind.endswith(("javascript", "+xml", "json"))


_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": partial(gzip.compress, mtime=0),
}


@cache
def encoded(body: bytes, encoding: str) -> bytes:
    """The bytes as they are sent: `br`, `gzip`, or without a name as they are."""
    return _COMPRESSORS[encoding](body) if encoding else body


def _load(name: str, body: bytes) -> Asset:
    path = Path(name)
    fingerprint = hashlib.sha256(body).hexdigest()[:12]
    mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(f"{path.with_suffix('')}.{fingerprint}{path.suffix}", mimetype, body)


def _read_all() -> dict[str, Asset]:
    static = ROOT / "static"
    files = {
        path.relative_to(static).as_posix(): path.read_bytes()
        for path in sorted(static.rglob("*"))
        if path.is_file()
    }
    htmx = resources.files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js"
    files["htmx.js"] = htmx.read_bytes()
    files |= icons()
    return {name: _load(name, body) for name, body in files.items()}


def asset_url(name: str) -> str:
    """The address of a static file. Raises KeyError for a name that does not exist."""
    asset: Asset = current_app.extensions["assets"][name]
    return url_for("assets.asset", address=asset.address)


@blueprint.get("/assets/<path:address>")
@access.public
def asset(address: str) -> Response:
    found: Asset | None = current_app.extensions["assets by address"].get(address)
    if found is None:
        abort(404)
    accepted = request.accept_encodings
    possible = _COMPRESSORS if found.is_text else ()
    encoding = next((e for e in possible if accepted[e] > 0), "")
    response = Response(encoded(found.body, encoding), mimetype=found.mimetype)
    response.headers["Cache-Control"] = FOREVER
    response.headers["ETag"] = f'"{address.rsplit(".", 2)[-2]}{encoding}"'
    response.vary.add("Accept-Encoding")
    if encoding:
        response.headers["Content-Encoding"] = encoding
    return response.make_conditional(request.environ)


def init_app(app: Flask) -> None:
    """Reads the files; `asset_url` is at hand in templates."""
    assets = _read_all()
    app.extensions["assets"] = assets
    app.extensions["assets by address"] = {asset.address: asset for asset in assets.values()}
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset_url"] = asset_url
