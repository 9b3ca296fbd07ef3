"""The public page that the code on a parcel's label opens."""

from __future__ import annotations

from flask import make_response, render_template
from flask.typing import ResponseReturnValue

from ovop_market.catalogue.labels import STORAGE
from ovop_market.extensions import db
from ovop_market.orders import maker_queries
from ovop_market.orders.views import blueprint
from ovop_market.web import access


@blueprint.get("/made/<code>")
@access.public
def made(code: str) -> ResponseReturnValue:
    page = render_template(
        "orders/made.html",
        made=maker_queries.made(db.session(), code),
        shown_code=maker_queries.shown_code,
        storage_names=STORAGE,
    )
    response = make_response(page)
    # Each is about one parcel; search engines have the pages of products and villages.
    response.headers["X-Robots-Tag"] = "noindex"
    return response
