"""Does it reach me? Answered before anything is in the cart."""

from __future__ import annotations

from flask import abort, request
from flask.typing import ResponseReturnValue

from ovop_market.core import clock
from ovop_market.delivery import queries
from ovop_market.delivery.views import blueprint
from ovop_market.extensions import db
from ovop_market.regions import queries as regions
from ovop_market.web import access, htmx, limits


@blueprint.get("/products/<slug>/delivery")
@access.public
@limits.on("delivery")
def ways(slug: str) -> ResponseReturnValue:
    today = clock.wib_date(clock.now())
    product = queries.product_to_send(db.session(), slug, today)
    if product is None:
        abort(404)
    typed = request.args.get("area", "")[:100]
    place = regions.address_region(db.session(), request.args.get("to", "")[:13])
    return htmx.page_or_fragment(
        "delivery/page.html",
        "delivery/_ways.html",
        product=product,
        place=place,
        typed=typed,
        areas=() if place else regions.search(db.session(), typed),
        ways=queries.ways_of_product(db.session(), product, place.code, today) if place else (),
    )
