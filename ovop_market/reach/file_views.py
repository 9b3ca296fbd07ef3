"""The officials' numbers as a workbook and as a report."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

from flask import current_app, redirect, request, send_file, url_for
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import MarketError, NotFound
from ovop_market.extensions import db
from ovop_market.reach import export, forms, large, queries, workbook
from ovop_market.reach.filters import MONTHS_SHOWN, Filters, Period, add_months
from ovop_market.reach.policy import ROLES
from ovop_market.reach.views import asked, blueprint
from ovop_market.regions.models import Region
from ovop_market.web import access, htmx, limits
from ovop_market.web.exports import download
from ovop_market.web.workbook import MIMETYPE

_NOT_THERE = _l("Berkas ini tidak ada, atau sudah diunduh. Minta lagi dari halaman jangkauan.")


def _asked() -> tuple[Filters, queries.Choices]:
    filters, known, said = asked()
    if said:
        # On the page a filter left out is seen; in a file it would be taken for the whole truth.
        raise MarketError(" ".join(said))
    return filters, known


@blueprint.get("/reach/export.xlsx")
@access.role(*ROLES)
@access.takes_time(30)
@limits.on("export")
def export_xlsx() -> Response:
    filters, known = _asked()
    session, now = db.session(), clock.now()
    rows = export.rows(session, current_user, filters)
    first = list(islice(rows, large.ROWS + 1))
    if len(first) > large.ROWS:
        # Too long to wait for: the worker makes it, and a page says how far it is.
        day = clock.wib_date(now).isoformat()
        asked_for = large.ask(_media(), current_user, forms.written(filters), day)
        return redirect(url_for("reach.large_export", key=asked_for.key), 303)
    reach = queries.overview(session, current_user, filters, known, listed=None)
    written = io.BytesIO()
    workbook.write(written, workbook.Source(reach, known, first, now))
    return download(_name(filters), Response(written.getvalue(), mimetype=MIMETYPE))


@blueprint.get("/reach/exports/<key>")
@access.role(*ROLES)
def large_export(key: str) -> Response:
    """How far a large workbook is; then the way to it."""
    return htmx.page_or_fragment("reach/export.html", "reach/_export.html", asked=_mine(key))


@blueprint.get("/reach/exports/<key>/file")
@access.role(*ROLES)
@limits.on("export")
def large_export_file(key: str) -> Response:
    """The workbook, once."""
    asked_for = _mine(key)
    if asked_for.state != large.READY:
        raise NotFound(_NOT_THERE)
    path = large.file_of(_media(), asked_for)
    name = f"ovop-{asked_for.filters['from']}-{asked_for.filters['to']}.xlsx"
    answer = send_file(path, mimetype=MIMETYPE, as_attachment=True, download_name=name)
    if request.method == "GET":
        # It is open already, and stays readable until it is sent.
        large.forget(_media(), asked_for)
    return answer


def _mine(key: str) -> large.Request:
    found = large.find(_media(), current_user, key)
    if found is None:
        raise NotFound(_NOT_THERE)
    return found


def _media() -> Path:
    media: Path = current_app.config["OVOP"].media
    return media


def _name(filters: Filters) -> str:
    return f"ovop-{filters.period.start}-{filters.period.end}.xlsx"


@blueprint.get("/reach/export.pdf")
@access.role(*ROLES)
@access.takes_time(30)
@limits.on("export")
def export_pdf() -> Response:
    """The report: of the last whole month, unless a period is asked for."""
    # What draws it takes a tenth of the time of a start, and few people ever ask for it.
    from ovop_market.reach import report
    from ovop_market.web.paper import MIMETYPE as PAPER

    filters, known = _asked()
    session, now = db.session(), clock.now()
    if not (request.args.get("from") or request.args.get("to")):
        last = clock.wib_date(now).replace(day=1) - timedelta(days=1)
        filters = replace(filters, period=Period(last.replace(day=1), last))
    # What the website has verified: what sellers report has a table of its own.
    filters = replace(filters, channel="", province="")
    reach = queries.overview(session, current_user, filters, known, listed=None)
    period = filters.period
    year = Period(add_months(period.end.replace(day=1), 1 - MONTHS_SHOWN), period.end)
    around = queries.overview(session, current_user, replace(filters, period=year), known)
    area = session.get(Region, current_user.region_code) if current_user.region_code else None
    made = report.make(report.Source(reach, around.months, known, area, now))
    name = f"ovop-{period.start}-{period.end}.pdf"
    return download(name, Response(made, mimetype=PAPER))
