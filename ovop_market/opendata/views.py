"""The open data over HTTP (/api/v1), and the page that explains them (/data)."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, current_app, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.extensions import db, limiter
from ovop_market.opendata import answers, dictionary, queries, reach_tables, records, resources
from ovop_market.opendata.document import document
from ovop_market.opendata.parameters import PER_PAGE
from ovop_market.opendata.resources import ROOT
from ovop_market.web import access

MAX_AGE = 300  # seconds for which what describes the data may be kept
blueprint = Blueprint("opendata", __name__)
pages = Blueprint("data", __name__)
# All of them together: whoever reads everything asks many of them.
limiter.shared_limit(lambda: current_app.config["OVOP"].api_rate, scope="open data")(blueprint)


def _today() -> date:
    return clock.wib_date(clock.now())


@blueprint.get(ROOT)
@access.public
def index() -> Response:
    def make() -> records.Index:
        here = answers.address("opendata.index")
        return records.Index(
            title=_("Data terbuka OVOP Market Bangka Barat"),
            version=resources.VERSION,
            licence=resources.LICENCE,
            licence_url=resources.LICENCE_URL,
            attribution=dictionary.attribution(),
            openapi=answers.address("opendata.openapi"),
            dictionary=answers.address("data.page"),
            resources=tuple(
                records.Entry(str(each.title), here + each.path) for each in resources.RESOURCES
            ),
        )

    return answers.plain(make, MAX_AGE)


@blueprint.get(f"{ROOT}/openapi.json")
@access.public
def openapi() -> Response:
    server = answers.address("opendata.index").removesuffix(ROOT)
    return answers.plain(lambda: document(server, answers.address("data.page")), MAX_AGE)


@blueprint.get(resources.VILLAGES.rule)
@access.public
def villages() -> Response:
    return answers.rows(
        resources.VILLAGES,
        lambda asked: queries.villages(db.session(), asked, answers.page_address),
    )


@blueprint.get(resources.VILLAGE.rule)
@access.public
def village(slug: str) -> Response:
    return answers.one(
        resources.VILLAGE, lambda: queries.village(db.session(), slug, answers.page_address)
    )


@blueprint.get(resources.PRODUCTS.rule)
@access.public
def products() -> Response:
    return answers.rows(
        resources.PRODUCTS,
        lambda asked: queries.products(db.session(), asked, answers.page_address),
    )


@blueprint.get(resources.PRODUCT.rule)
@access.public
def product(slug: str) -> Response:
    return answers.one(
        resources.PRODUCT, lambda: queries.product(db.session(), slug, answers.page_address)
    )


@blueprint.get(resources.DESIGNATIONS.rule)
@access.public
def designations() -> Response:
    return answers.rows(
        resources.DESIGNATIONS, lambda asked: queries.designations(db.session(), asked)
    )


@blueprint.get(resources.REACH.rule)
@access.public
def reach() -> Response:
    return answers.rows(
        resources.REACH, lambda asked: reach_tables.tables(db.session(), asked, _today())
    )


@blueprint.get(resources.REACH_TOTALS.rule)
@access.public
def reach_totals() -> Response:
    return answers.rows(
        resources.REACH_TOTALS, lambda asked: reach_tables.totals(db.session(), asked, _today())
    )


@blueprint.get(resources.REACH_PLACES.rule)
@access.public
def reach_places() -> Response:
    return answers.rows(
        resources.REACH_PLACES, lambda asked: reach_tables.places(db.session(), asked, _today())
    )


@blueprint.get(resources.REACH_VILLAGES.rule)
@access.public
def reach_villages() -> Response:
    return answers.rows(
        resources.REACH_VILLAGES,
        lambda asked: reach_tables.villages(db.session(), asked, _today()),
    )


@blueprint.get(resources.REACH_PRODUCTS.rule)
@access.public
def reach_products() -> Response:
    return answers.rows(
        resources.REACH_PRODUCTS,
        lambda asked: reach_tables.products(db.session(), asked, _today()),
    )


@blueprint.get(resources.REACH_VILLAGE_PLACES.rule)
@access.public
def reach_village_places() -> Response:
    return answers.rows(
        resources.REACH_VILLAGE_PLACES,
        lambda asked: reach_tables.village_places(db.session(), asked, _today()),
    )


@pages.get("/data")
@access.public
def page() -> str:
    return render_template(
        "opendata/page.html",
        tables=dictionary.tables(),
        inner=dictionary.inner_tables(),
        attribution=dictionary.attribution(),
        resources=resources,
        rate=dictionary.rate_in_words(current_app.config["OVOP"].api_rate),
        usual=PER_PAGE.usual,
        most=PER_PAGE.schema["maximum"],
        year=reach_tables.last_year(_today()),
        here=answers.address("opendata.index"),
        openapi=answers.address("opendata.openapi"),
    )
