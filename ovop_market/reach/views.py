"""The page of the officials, and its numbers as a file."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from flask import Blueprint, request
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import MarketError
from ovop_market.extensions import db
from ovop_market.reach import deeper, export, forms, panel, queries, showing, snapshots
from ovop_market.reach.figures import ExportRow, Overview
from ovop_market.reach.filters import Filters
from ovop_market.reach.policy import ROLES
from ovop_market.web import access, exports, htmx, limits

blueprint = Blueprint("reach", __name__)
for made in (showing.shown, showing.counted, showing.change, showing.cells, showing.amounts):
    blueprint.add_app_template_filter(made)
blueprint.add_app_template_filter(showing.share, "ladder_share")


def asked() -> tuple[Filters, queries.Choices, list[str]]:
    """The filters of the address, what else they could be, and what could not be read."""
    wanted = [forms.slug(request.args.get(name, "").strip()) for name in ("village", "product")]
    known = queries.choices(db.session(), current_user, *wanted)
    filters, said = forms.read(request.args, known, clock.wib_date(clock.now()))
    return filters, known, said


@blueprint.get("/reach")
@access.role(*ROLES)
def reach() -> Response:
    filters, known, said = asked()
    session = db.session()

    def make() -> Overview:
        found = queries.overview(session, current_user, filters, known)
        return deeper.completed(session, found, known)

    areas = sorted({choice.area for choice in known.villages})
    found = snapshots.remembered(session, areas, (filters, known), make)
    context = panel.context(found, known, today=clock.wib_date(clock.now()))
    return htmx.page_or_fragment(
        "reach/page.html",
        "reach/_panel.html",
        said=said,
        # What was pressed, by its id: the answer keeps the reader's place by it.
        pressed=request.headers.get("HX-Trigger", ""),
        **context,
    )


@blueprint.get("/reach/export.csv")
@access.role(*ROLES)
@access.takes_time(30)
@limits.on("export")
def export_csv() -> Response:
    filters, _known, said = asked()
    if said:
        # On the page a filter left out is seen; in a file it would be taken for the whole truth.
        raise MarketError(" ".join(said))
    by_place = request.args.get("by") == "place"
    rows = export.rows(db.session(), current_user, filters, by_place=by_place)
    header = [column.name for column in fields(ExportRow)]
    name = f"ovop-{filters.period.start}-{filters.period.end}.csv"
    # Not dataclasses.astuple: its deep copies take longer than all the rest.
    return exports.csv_stream(name, header, map(attrgetter(*header), rows))
