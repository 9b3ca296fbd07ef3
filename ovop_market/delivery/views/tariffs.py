"""The tariff table: looked through, and given out as a file that can be taken in again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from ovop_market.delivery import desk, tariff_groups
from ovop_market.delivery.tariff_files import EVERYWHERE, HEADER
from ovop_market.delivery.tariff_groups import Heap
from ovop_market.delivery.views import blueprint
from ovop_market.extensions import db
from ovop_market.web import access, exports, htmx, limits
from ovop_market.web.paging import page_number, pager

LONGEST = 60  # characters of what is looked for


@blueprint.get("/desk/tariffs")
@access.role("operator")
def tariffs() -> ResponseReturnValue:
    session = db.session()
    wanted = {
        name: "".join(c for c in request.args.get(name, "") if c.isprintable()).strip()[:LONGEST]
        for name in ("service", "origin", "destination", "island")
    }
    page = page_number(request.args.get("page", ""))
    found = desk.tariffs(session, **wanted, page=page)
    kept: dict[str, Any] = {name: value for name, value in wanted.items() if value}
    heaps: Sequence[Heap] = ()
    if found.total > tariff_groups.FEW and not kept.keys() - {"service"}:
        service = wanted["service"]
        by_island = tariff_groups.by_island
        heaps = by_island(session, service) if service else tariff_groups.by_service(session)
    return htmx.page_or_fragment(
        "delivery/tariffs.html",
        "delivery/_tariffs.html",
        found=found,
        services=[service for service, _count in desk.services(session)],
        wanted=wanted,
        heaps=heaps,
        islands=tariff_groups.ISLANDS,
        pager=pager(page, found.pages, lambda n: url_for("delivery.tariffs", **kept, page=n)),
    )


@blueprint.get("/desk/tariffs/export.csv")
@access.role("operator")
@limits.on("export")
def export_tariffs() -> ResponseReturnValue:
    rows = (
        (
            row.tariff.service.code,
            row.tariff.origin or EVERYWHERE,
            row.tariff.destination or EVERYWHERE,
            row.tariff.price_per_kg,
            row.tariff.min_weight_grams,
            row.tariff.days_from,
            row.tariff.days_to,
            row.origin,
            row.destination,
        )
        for row in desk.all_tariffs(db.session())
    )
    return exports.csv_file("tariffs.csv", HEADER, rows)
