"""Errors for programs: what happened, in the form that RFC 9457 gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

MIMETYPE = "application/problem+json"
# Whatever lies below is asked by programs; everything else by people.
ROOT = "/api/"


def wanted() -> bool:
    """Whether this request comes from a program."""
    return request.path.startswith(ROOT)


def preferred() -> bool:
    """Whether whoever asks says that it reads JSON and no page."""
    kinds = ["text/html", "application/json"]
    return "Accept" in request.headers and request.accept_mimetypes.best_match(kinds) == kinds[1]


def answer(
    status: int, title: str, detail: str, parameters: Sequence[Mapping[str, str]] = ()
) -> Response:
    """The error; `parameters` are those that could not be used: each its name and why."""
    said: dict[str, Any] = {"title": title, "status": status, "detail": detail}
    if parameters:
        said["parameters"] = list(parameters)
    response = Response(json.dumps(said, ensure_ascii=False) + "\n", status, mimetype=MIMETYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def advice(status: int) -> str:
    """What a program's maker can do about it."""
    told = {
        400: _("Permintaan ini tidak bisa dibaca. Bandingkan dengan dokumen OpenAPI."),
        404: _("Tidak ada apa-apa di alamat ini. Bandingkan dengan dokumen OpenAPI."),
        405: _("Data ini hanya bisa dibaca, dengan GET atau HEAD."),
        429: _("Terlalu banyak permintaan. Tunggu sebanyak detik yang tertulis di Retry-After."),
        503: _("Sedang sibuk. Tunggu sebanyak detik yang tertulis di Retry-After."),
    }
    return told.get(status, _("Coba lagi sebentar lagi. Kesalahan ini sudah tercatat."))
