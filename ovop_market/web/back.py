"""Back to the page on which somebody was when something could not be taken."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.exceptions import HTTPException

_LONGEST = 500


def came_from() -> str:
    """The address, on this site and nowhere else, of the page from which this request was sent: as
    the browser says, else the nearest page above the address itself. What cannot be opened again,
    for it was only ever posted to, is left for what is above it. Empty where there is nothing but
    the front page."""
    root = request.script_root
    path, query = _said()
    if not path or not _is_plain(path + query) or not (path + "/").startswith(f"{root}/"):
        path, query = root + request.path, ""
    if not _is_plain(path):
        return ""
    below = path[len(root) :].rstrip("/")
    while below:
        if _opens(below):
            return f"{root}{below}?{query}" if query else root + below
        below, query = below.rpartition("/")[0], ""
    return ""


def _said() -> tuple[str, str]:
    """Path and query of the page that the browser names, if it is of this site."""
    try:
        asked = urlsplit(request.referrer or "")
    except ValueError:
        return "", ""
    ours = asked.scheme in ("http", "https") and asked.netloc == request.host
    return (asked.path, asked.query) if ours else ("", "")


def _is_plain(text: str) -> bool:
    """Nothing that a browser might read as another site, or as the end of the address."""
    return (
        len(text) <= _LONGEST
        and not text.startswith("//")
        and all(32 < ord(c) < 127 and c != "\\" for c in text)
    )


def _opens(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:  # no such page, not by GET, or only elsewhere
        return False
    return True
