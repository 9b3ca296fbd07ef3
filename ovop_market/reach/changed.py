"""What changed since a year before, in a few plain sentences; nothing of what is withheld."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext

from ovop_market.reach.figures import Line, Overview
from ovop_market.reach.words import period
from ovop_market.web.filters import number

MOST = 6
NAMED = 3  # of several places; the others are counted


def sentences(reach: Overview, *, running: bool) -> list[str]:
    """At most six; `running`: the last month is not over, so that it cannot be compared yet."""
    noted = reach.filters.reported
    said = [
        *_total(reach.reported.total if noted else reach.total, noted=noted),
        *_reached(reach.provinces),
        *_villages(reach.villages, noted=noted),
        *_product(reach.products, noted=noted),
        *_regencies(reach),
    ]
    if running:
        last = _(
            "Bulan terakhir belum selesai: dibandingkan dengan sebulan penuh setahun sebelumnya, "
            "angkanya masih bertambah."
        )
        return [*said[: MOST - 1], last]
    return said[:MOST]


def since(reach: Overview) -> str:
    """What it is compared with."""
    return period(reach.filters.period.year_before)


def _counted(orders: int, *, noted: bool) -> str:
    """So many, of what is counted."""
    if noted:
        return ngettext("%(n)s catatan", "%(n)s catatan", orders, n=number(orders))
    return ngettext("%(n)s pesanan", "%(n)s pesanan", orders, n=number(orders))


def _known(line: Line) -> bool:
    return not line.now.held and not line.before.held


def _total(line: Line, *, noted: bool) -> Iterable[str]:
    change = line.changed("orders")
    told = {
        "before": number(line.before.orders),
        "now": _counted(line.now.orders, noted=noted),
        "percent": number(change.percent),
    }
    if change.kind == "up":
        yield _("Naik %(percent)s%%: dari %(before)s menjadi %(now)s.", **told)
    elif change.kind == "down":
        yield _("Turun %(percent)s%%: dari %(before)s menjadi %(now)s.", **told)
    elif change.kind == "same":
        yield _("Kurang lebih sama: dulu %(before)s, sekarang %(now)s.", **told)
    elif change.kind == "new":
        yield _("Setahun sebelumnya belum ada; sekarang %(now)s.", **told)


def _reached(provinces: Sequence[Line]) -> Iterable[str]:
    known = [line for line in provinces if _known(line)]
    new = [line for line in known if line.now.units and not line.before.units]
    gone = [line for line in known if line.before.units and not line.now.units]
    if new:
        new.sort(key=lambda line: (-line.now.orders, line.name))
        yield ngettext(
            "%(num)d provinsi baru dicapai: %(names)s.",
            "%(num)d provinsi baru dicapai: %(names)s.",
            len(new),
            names=_names(new),
        )
    if gone:
        gone.sort(key=lambda line: (-line.before.orders, line.name))
        yield ngettext(
            "%(num)d provinsi tidak lagi dicapai: %(names)s.",
            "%(num)d provinsi tidak lagi dicapai: %(names)s.",
            len(gone),
            names=_names(gone),
        )


def _names(lines: Sequence[Line]) -> str:
    names = [line.name for line in lines[:NAMED]]
    others = len(lines) - NAMED
    if others > 0:
        return ngettext(
            "%(names)s, dan %(num)d lainnya",
            "%(names)s, dan %(num)d lainnya",
            others,
            names=", ".join(names),
        )
    if len(names) > 1:
        return _("%(names)s dan %(last)s", names=", ".join(names[:-1]), last=names[-1])
    return names[0]


def _grown(line: Line) -> int:
    return line.now.orders - line.before.orders


def _villages(villages: Sequence[Line], *, noted: bool) -> Iterable[str]:
    known = [line for line in villages if _known(line)]
    if len(villages) < 2 or not known:
        return
    best = max(known, key=lambda line: (_grown(line), line.name))
    worst = min(known, key=lambda line: (_grown(line), line.name))
    if (more := _grown(best)) > 0:
        yield _(
            "Desa yang paling bertambah: %(name)s, %(more)s lebih banyak.",
            name=best.name,
            more=_counted(more, noted=noted),
        )
    if (fewer := -_grown(worst)) > 0:
        yield _(
            "Desa yang paling berkurang: %(name)s, %(fewer)s lebih sedikit.",
            name=worst.name,
            fewer=_counted(fewer, noted=noted),
        )


def _product(products: Sequence[Line], *, noted: bool) -> Iterable[str]:
    known = [line for line in products if _known(line)]
    if len(products) < 2 or not known:
        return
    best = max(known, key=lambda line: (_grown(line), line.name))
    if (more := _grown(best)) > 0:
        yield _(
            "Produk yang paling bertambah: %(name)s, %(more)s lebih banyak.",
            name=best.name,
            more=_counted(more, noted=noted),
        )


def _regencies(reach: Overview) -> Iterable[str]:
    found = reach.reported if reach.filters.reported else reach
    if found.spread.held or found.spread_before.held:
        return
    if found.regencies != found.regencies_before:
        yield _(
            "Kabupaten/kota tujuan: dari %(before)s menjadi %(now)s.",
            before=number(found.regencies_before),
            now=number(found.regencies),
        )
