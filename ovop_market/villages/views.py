"""The public pages of the villages."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.villages import labels, queries
from ovop_market.web import access
from ovop_market.web.paging import page_number, pager

PER_PAGE = 48
blueprint = Blueprint("villages", __name__)


@blueprint.get("/villages")
@access.public
def villages() -> str:
    session = db.session()
    pages = max(1, -(-queries.count(session) // PER_PAGE))
    page = min(page_number(request.args.get("page", "")), pages)
    found = queries.cards(session, PER_PAGE, (page - 1) * PER_PAGE)
    return render_template(
        "villages/villages.html", villages=found, pager=pager(page, pages, _page_address)
    )


def _page_address(page: int) -> str:
    return url_for("villages.villages", page=page if page > 1 else None)


@blueprint.get("/villages/<slug>")
@access.public
def village(slug: str) -> str:
    today = clock.wib_date(clock.now())
    found = queries.page(db.session(), slug, today)
    return render_template("villages/village.html", village=found, labels=labels)
