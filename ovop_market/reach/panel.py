"""What the page of reach is made from: its numbers, and what is worked out from them alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from ovop_market.reach import changed, deeper, drawn, forms, series, showing, tiles, words
from ovop_market.reach.concentration import concentration
from ovop_market.reach.figures import Change, Overview, PlaceLine, Spread, Sums
from ovop_market.reach.filters import Filters
from ovop_market.reach.queries import Choices
from ovop_market.sales.labels import CHANNELS
from ovop_market.web import paging

PRODUCTS_OFFERED = 60  # more are offered of a chosen village only
_Each = TypeVar("_Each")


def context(reach: Overview, known: Choices, *, today: date) -> dict[str, Any]:
    """What the templates know."""
    filters = reach.filters
    address = addresses(filters)
    mpage = paging.page_number(request.args.get("mpage", ""))
    # Who turns one of them stays where the other is.
    turned = {"vpage": _beyond_first(filters.vpage), "mpage": _beyond_first(mpage)}
    villages, vpager = _page(
        reach.villages,
        deeper.VILLAGES,
        filters.vpage,
        lambda number: address(**{**turned, "vpage": number}, _anchor="reach-villages"),
    )
    multiples, mpager = _page(
        reach.multiples,
        series.MULTIPLES,
        mpage,
        lambda number: address(**{**turned, "mpage": number}, _anchor="reach-multiples"),
    )
    running = filters.period.end >= today
    return {
        "reach": reach,
        "known": known,
        "villages_offered": [(village.slug, village.name) for village in known.villages],
        "products_offered": (products := _offered(known, filters)),
        "few_products": len(products) < len(known.products),
        "running": running,
        "address": address,
        "calendar": _calendar(reach),
        "change_of": Change.between,
        "no_change": Change("held"),
        "channels": CHANNELS,
        "words": words,
        "showing": showing,
        "series": series,
        "drawn": drawn,
        "layout": tiles,
        "map": drawn.drawn(reach, lambda code: address(province=code, _anchor="reach-province")),
        "contents": contents(reach),
        "measures": measures(noted=filters.reported),
        "changed": changed.sentences(reach, running=running),
        "places": (places := _places(reach)),
        "concentration": concentration(
            {key: place.now for key, place in places.items()}, _sent(reach)
        ),
        "spreads": [(line.first, reach.spreads.get(line.first, Spread())) for line in reach.months]
        if reach.spreads
        else [],
        "villages": villages,
        "vpager": vpager,
        "multiples": multiples,
        "mpager": mpager,
    }


def addresses(filters: Filters) -> Callable[..., str]:
    """Makes the address of this page, or of a file, with some filters changed (None: without it).

    A page has a few hundred of them, and Flask's own would take a tenth of the page's time.
    """
    written = {name: urlencode({name: text}) for name, text in forms.written(filters).items()}
    places: dict[str, str] = {}

    def address(endpoint: str = "reach.reach", _anchor: str = "", **changed: Any) -> str:
        if endpoint not in places:
            places[endpoint] = url_for(endpoint)
        parts = written
        if changed:
            parts = written.copy()
            for name, value in changed.items():
                parts[name] = "" if value is None else urlencode({name: value})
        query = "&".join(filter(None, parts.values()))
        return f"{places[endpoint]}?{query}{'#' if _anchor else ''}{_anchor}"

    return address


def contents(reach: Overview) -> list[dict[str, str]]:
    """Where on the page what stands, as tabs."""
    parts = [
        ("map", _("Peta"), True),
        ("ladder", _("Tangga"), True),
        ("months", _("Bulan"), True),
        ("spread", _("Luasnya"), reach.spreads),
        ("returning", _("Pembeli kembali"), reach.returning),
        ("villages", ngettext("Desa", "Desa", 2), True),
        ("rungs", _("Tangga tiap desa"), reach.rungs),
        ("multiples", _("Desa berdampingan"), len(reach.multiples) > 1),
        ("years", _("Tahun program"), True),
        ("products", _("Produk"), True),
    ]
    return [{"text": text, "url": f"#reach-{part}"} for part, text, there in parts if there]


def measures(*, noted: bool) -> dict[str, str]:
    """What the map can be drawn by; `noted`: as sellers report."""
    return {
        "orders": _("Catatan penjual") if noted else _("Pesanan"),
        "units": _("Bungkus"),
        "revenue": _("Omzet"),
        "first": _("Tahun pertama dicapai"),
    }


def _offered(known: Choices, filters: Filters) -> Sequence[tuple[str, str]]:
    """The products to choose from: if there are many, those of the chosen village, or none but the
    chosen one."""
    if filters.village or len(known.products) <= PRODUCTS_OFFERED:
        return known.products
    return [choice for choice in known.products if choice[0] == filters.product]


def _places(reach: Overview) -> dict[str, PlaceLine]:
    """The regencies of the map, by code."""
    return {place.key: place for line in reach.provinces for place in line.places}


def _calendar(reach: Overview) -> str:
    """The years that destinations of villages are told of, where they are not those of the
    period."""
    months = len(list(reach.filters.period.months))
    return ", ".join(map(str, reach.calendar)) if months != 12 * len(reach.calendar) else ""


def _sent(reach: Overview) -> Sums:
    """All that the regencies of the map are parts of."""
    if reach.by_years:
        return sum((line.now for line in reach.provinces), Sums())
    return (reach.reported.total if reach.filters.reported else reach.total).now


def _beyond_first(page: int) -> int | None:
    return page if page > 1 else None


def _page(
    lines: Sequence[_Each], size: int, page: int, address: Callable[[int], str]
) -> tuple[Sequence[_Each], paging.Pager]:
    pages = max(1, -(-len(lines) // size))
    page = min(page, pages)
    return lines[(page - 1) * size : page * size], paging.pager(page, pages, address)
