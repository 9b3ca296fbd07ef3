"""Page or fragment: one URL, two answers. The page includes the very fragment that HTMX gets."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, redirect, render_template, request
from werkzeug.wrappers import Response


def is_fragment() -> bool:
    """Whether HTMX asks for a part. Boosted links and restored history want the whole page."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and "HX-Boosted" not in headers
        and "HX-History-Restore-Request" not in headers
    )


def page_or_fragment(page: str, fragment: str, status: int = 200, **context: Any) -> Response:
    """Renders the fragment for HTMX and the page, which includes it, for everybody else."""
    template = fragment if is_fragment() else page
    return make_response(render_template(template, **context), status)


def changed(fragment: str, location: str, **context: Any) -> Response:
    """The answer to a POST that changed something: the changed part, or a 303 without script."""
    if is_fragment():
        return make_response(render_template(fragment, **context))
    return redirect(location, 303)


def moved(location: str) -> Response:
    """The answer to a POST that ends on another page, with script and without."""
    if is_fragment():
        return Response(status=204, headers={"HX-Redirect": location})
    return redirect(location, 303)


def _vary(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.add("HX-Request")
    return response


def init_app(app: Flask) -> None:
    """Tells caches that one URL has two answers."""
    app.after_request(_vary)
