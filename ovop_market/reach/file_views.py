"""The officials' numbers as a workbook and as a report."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

from flask import request
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import MarketError
from ovop_market.extensions import db
from ovop_market.reach import export, queries, report, workbook
from ovop_market.reach.filters import MONTHS_SHOWN, Filters, Period, add_months
from ovop_market.reach.policy import ROLES
from ovop_market.reach.views import asked, blueprint
from ovop_market.regions.models import Region
from ovop_market.web import access, paper
from ovop_market.web.exports import download
from ovop_market.web.workbook import MIMETYPE


def _asked() -> tuple[Filters, queries.Choices]:
    filters, known, said = asked()
    if said:
        # On the page a filter left out is seen; in a file it would be taken for the whole truth.
        raise MarketError(" ".join(said))
    return filters, known


@blueprint.get("/reach/export.xlsx")
@access.role(*ROLES)
def export_xlsx() -> Response:
    filters, known = _asked()
    session, now = db.session(), clock.now()
    reach = queries.overview(session, current_user, filters, known)
    source = workbook.Source(reach, known, export.rows(session, current_user, filters), now)
    written = io.BytesIO()
    workbook.write(written, source)
    name = f"ovop-{filters.period.start}-{filters.period.end}.xlsx"
    return download(name, Response(written.getvalue(), mimetype=MIMETYPE))


@blueprint.get("/reach/export.pdf")
@access.role(*ROLES)
def export_pdf() -> Response:
    """The report: of the last whole month, unless a period is asked for."""
    filters, known = _asked()
    session, now = db.session(), clock.now()
    if not (request.args.get("from") or request.args.get("to")):
        last = clock.wib_date(now).replace(day=1) - timedelta(days=1)
        filters = replace(filters, period=Period(last.replace(day=1), last))
    # What the website has verified: what sellers report has a table of its own.
    filters = replace(filters, channel="", province="")
    reach = queries.overview(session, current_user, filters, known)
    period = filters.period
    year = Period(add_months(period.end.replace(day=1), 1 - MONTHS_SHOWN), period.end)
    around = queries.overview(session, current_user, replace(filters, period=year), known)
    area = session.get(Region, current_user.region_code) if current_user.region_code else None
    made = report.make(report.Source(reach, around.months, known, area, now))
    name = f"ovop-{period.start}-{period.end}.pdf"
    return download(name, Response(made, mimetype=paper.MIMETYPE))
