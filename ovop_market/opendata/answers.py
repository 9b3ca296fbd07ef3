"""How the open data are answered: JSON with an ETag, lists in pages with their links, for anybody's
website, kept by any cache."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from ovop_market.extensions import limiter
from ovop_market.opendata import parameters, records, resources
from ovop_market.opendata.parameters import Asked
from ovop_market.opendata.queries import Rows
from ovop_market.opendata.resources import Resource
from ovop_market.opendata.shape import written
from ovop_market.web.hosts import public_root

_DAY = "86400"


def address(endpoint: str, **values: Any) -> str:
    """A whole address: what is read elsewhere must not depend on where it came from."""
    return public_root() + url_for(endpoint, **values)


def page_address(endpoint: str, slug: str) -> str:
    """The address of a page for people."""
    return address(endpoint, slug=slug)


def json_answer(body: Any, max_age: int) -> Response:
    """JSON that may be kept so many seconds; 304 to whoever has this very answer."""
    response = Response(written(body), mimetype="application/json")
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.headers.add("Link", f'<{resources.LICENCE_URL}>; rel="license"')
    return response


def rows(resource: Resource, find: Callable[[Asked], Rows]) -> Response:
    """A page of a list."""
    asked = parameters.read(request.args, resource.asked)
    found = find(asked)
    page, per_page = asked["page"], asked["per_page"]
    pages = math.ceil(found.total / per_page)
    meta = records.Meta(page, per_page, pages, found.total)
    response = json_answer({"data": list(found.rows), "meta": meta}, resource.max_age)
    turns = {"first": 1, "last": max(pages, 1)}
    if page > 1:
        turns["prev"] = min(page - 1, max(pages, 1))
    if page < pages:
        turns["next"] = page + 1
    for relation, number in turns.items():
        there = address(f"opendata.{resource.endpoint}", **{**request.args, "page": number})
        response.headers.add("Link", f'<{there}>; rel="{relation}"')
    return response.make_conditional(request.environ)


def one(resource: Resource, find: Callable[[], Any]) -> Response:
    """A single thing."""
    parameters.read(request.args, resource.asked)
    response = json_answer({"data": find()}, resource.max_age)
    return response.make_conditional(request.environ)


def plain(make: Callable[[], Any], max_age: int) -> Response:
    """Something that stands for itself, of which nothing can be asked."""
    parameters.read(request.args, ())
    return json_answer(make(), max_age).make_conditional(request.environ)


def open_to_all(response: Response) -> Response:
    """Whatever is answered below ROOT, also what is refused: scripts of any site may read it."""
    if request.path != resources.ROOT and not request.path.startswith(f"{resources.ROOT}/"):
        return response
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = "ETag, Link, Retry-After"
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        headers["Access-Control-Allow-Headers"] = "If-None-Match"
        headers["Access-Control-Max-Age"] = _DAY
    limit = limiter.current_limit
    if response.status_code == 429 and limit is not None:
        # Not of our clock, which can be put forward: of the counter's.
        headers["Retry-After"] = str(max(1, math.ceil(limit.reset_at - time.time())))
    return response
