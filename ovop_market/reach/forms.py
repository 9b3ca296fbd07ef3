"""The filters as they stand in an address: whatever cannot be read is left out, and said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from flask_babel import gettext as _

from ovop_market.reach.filters import (
    CHANNELS,
    MAPS,
    MONTHS_SHOWN,
    MOST_MONTHS,
    Filters,
    Period,
    add_months,
    usual,
)
from ovop_market.reach.queries import Choices
from ovop_market.reach.tiles import TILES
from ovop_market.web import paging

FIRST_YEAR, LAST_YEAR = 2000, 2100
_SLUG = re.compile(r"[a-z0-9-]{1,100}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def slug(value: str) -> str:
    """The text if it can be a slug at all, else nothing."""
    return value if _SLUG.fullmatch(value) else ""


def read(args: Mapping[str, str], known: Choices, today: date) -> tuple[Filters, list[str]]:
    """The filters of an address, and a sentence for each that was left out or mended."""
    said: list[str] = []
    given = {name: args.get(name, "").strip() for name in ("village", "product", "year")}
    village = slug(given["village"])
    if village not in {choice.slug for choice in known.villages}:
        village = ""
    product = slug(given["product"])
    if product not in {known_slug for known_slug, _name in known.products}:
        product = ""
    year = given["year"] if given["year"] in {str(year) for year in known.years} else ""
    if given["village"] and not village:
        said.append(_("Desa ini tidak dikenal: semua desa yang ditampilkan."))
    if given["product"] and not product:
        said.append(_("Produk ini tidak dikenal: semua produk yang ditampilkan."))
    if given["year"] and not year:
        said.append(_("Tahun program ini tidak dikenal: semua tahun yang ditampilkan."))
    province = args.get("province", "")
    given_channel = args.get("channel", "").strip()
    channel = given_channel if given_channel in CHANNELS else ""
    if given_channel and not channel:
        said.append(_("Jenis penjualan ini tidak dikenal: pesanan di situs yang ditampilkan."))
    given_measure = args.get("measure", "").strip()
    measure = given_measure if given_measure in MAPS else ""
    if given_measure and not measure:
        said.append(_("Ukuran peta ini tidak dikenal: peta menurut pesanan yang ditampilkan."))
    return (
        Filters(
            period=_period(args, today, said),
            village=village,
            year=int(year) if year else None,
            product=product,
            province=province if province in TILES else "",
            channel=channel,
            measure=measure,
            vpage=paging.page_number(args.get("vpage", "")),
        ),
        said,
    )


def written(filters: Filters) -> dict[str, str]:
    """The filters as they are written into an address; `read` reads the same from it.

    Without the page of the villages: who changes a filter begins with the first.
    """
    texts = {
        "from": filters.period.start.isoformat(),
        "to": filters.period.end.isoformat(),
        "village": filters.village,
        "year": str(filters.year or ""),
        "product": filters.product,
        "province": filters.province,
        "channel": filters.channel,
        "measure": filters.measure,
    }
    return {name: text for name, text in texts.items() if text}


def _period(args: Mapping[str, str], today: date, said: list[str]) -> Period:
    start, end = _day(args.get("from", ""), said), _day(args.get("to", ""), said)
    if start is None and end is None:
        return usual(today)
    if start is None or end is None:
        # One end is enough: up to today, or the usual number of months before it.
        start = start or add_months((end or today).replace(day=1), 1 - MONTHS_SHOWN)
        end = end or max(today, start)
    if start > end:
        said.append(_("Tanggal awal sesudah tanggal akhir: keduanya ditukar."))
        start, end = end, start
    earliest = add_months(end.replace(day=1), 1 - MOST_MONTHS)
    if start < earliest:
        said.append(
            _("Paling lama %(years)s tahun: tanggal awal dimajukan.", years=MOST_MONTHS // 12)
        )
        start = earliest
    return Period.of_months(start, end)


def _day(value: str, said: list[str]) -> date | None:
    value = value.strip()
    if not value:
        return None
    try:
        day = date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR < day.year <= LAST_YEAR:
        said.append(_("Ada tanggal yang tidak terbaca. Tulis seperti 2026-10-31."))
        return None
    return day
