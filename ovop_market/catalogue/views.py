"""The shop window: front page, list of products, a product; and what search engines ask for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from ovop_market.catalogue import labels, queries
from ovop_market.catalogue.filters import Filters
from ovop_market.catalogue.product_page import product_page
from ovop_market.core import clock
from ovop_market.core.quantity import MAX_PACKS
from ovop_market.extensions import db
from ovop_market.villages import queries as village_queries
from ovop_market.villages.labels import PERMITS
from ovop_market.web import access, htmx, limits
from ovop_market.web.hosts import public_root
from ovop_market.web.paging import pager

blueprint = Blueprint("catalogue", __name__)


@blueprint.get("/")
@access.public
def front() -> str:
    found = queries.front(db.session(), clock.wib_date(clock.now()))
    return render_template("catalogue/front.html", front=found)


@blueprint.get("/products")
@access.public
def products() -> Response:
    filters = Filters.read(request.args)
    if filters.q:
        limits.count("search")
    found = queries.results(db.session(), filters, clock.wib_date(clock.now()))
    return htmx.page_or_fragment(
        "catalogue/products.html",
        "catalogue/_results.html",
        filters=filters,
        results=found,
        labels=labels,
        pager=pager(
            filters.page, found.pages, lambda n: _list_address(filters, page=n if n > 1 else "")
        ),
        address=lambda **changed: _list_address(filters, **changed),
    )


@blueprint.get("/products/<slug>")
@access.public
def product(slug: str) -> str:
    found = product_page(db.session(), slug, clock.wib_date(clock.now()))
    return render_template(
        "catalogue/product.html",
        page=found,
        labels=labels,
        permit_names=PERMITS,
        max_packs=MAX_PACKS,
    )


@blueprint.get("/robots.txt")
@access.public
def robots() -> Response:
    """Everything may be looked at: what is about a person is behind a sign-in or a secret."""
    sitemap_address = _absolute("catalogue.sitemap")
    return _text(f"User-agent: *\nAllow: /\n\nSitemap: {sitemap_address}\n", "text/plain")


@blueprint.get("/sitemap.xml")
@access.public
def sitemap() -> Response:
    session = db.session()
    places: list[tuple[str, dict[str, Any]]] = [
        ("catalogue.front", {}),
        ("catalogue.products", {}),
        ("villages.villages", {}),
        ("data.page", {}),
        *(("villages.village", {"slug": slug}) for slug in village_queries.slugs(session)),
        *(("catalogue.product", {"slug": slug}) for slug in queries.listed_slugs(session)),
    ]
    addresses = [_absolute(endpoint, **values) for endpoint, values in places]
    body = render_template("catalogue/sitemap.xml", addresses=addresses)
    return _text(body, "application/xml")


def _absolute(endpoint: str, **values: Any) -> str:
    return public_root() + url_for(endpoint, **values)


def _list_address(filters: Filters, **changed: object) -> str:
    parameters: dict[str, Any] = {**filters.written(**changed)}
    return url_for("catalogue.products", **parameters)


def _text(body: str, mimetype: str) -> Response:
    response = make_response(body)
    response.mimetype = mimetype
    return response
