"""Searching areas for address fields: a fragment for the picker, JSON, or a whole page."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from ovop_market.extensions import db
from ovop_market.regions import queries, words
from ovop_market.web import access, htmx, limits

blueprint = Blueprint("regions", __name__)


@blueprint.get("/regions")
@access.public
@limits.on("areas")
def search() -> Response:
    """`q` is a name, several words or a postal code; `region_code` what is chosen already.

    With `level=regency`, regencies and districts are looked for instead of districts and villages.
    """
    # Inside another form, where `q` may be taken, the picker's field is called `region_q`.
    q = words.readable(request.args.get("q") or request.args.get("region_q", ""))
    regency = request.args.get("level") == "regency"
    levels = queries.REGENCY_LEVELS if regency else queries.ADDRESS_LEVELS
    response: Response
    if _wants_json():
        response = jsonify([asdict(hit) for hit in queries.search(db.session(), q, levels=levels)])
    else:
        selected = request.args.get("region_code", "")
        options = queries.picker_options(db.session(), q, selected, levels)
        response = htmx.page_or_fragment(
            "regions/page.html", "regions/_options.html", q=q, options=options, selected=selected
        )
    response.vary.add("Accept")
    return response


def _wants_json() -> bool:
    kinds = ["text/html", "application/json"]
    return not htmx.is_fragment() and request.accept_mimetypes.best_match(kinds) == kinds[1]
