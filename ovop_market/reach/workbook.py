"""The officials' numbers as a workbook: each table of the page on a sheet of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import IO

from flask_babel import gettext as _

from ovop_market.core import clock
from ovop_market.reach import words
from ovop_market.reach.figures import Change, ExportRow, Ladder, Line, Overview, Sums
from ovop_market.reach.filters import Filters
from ovop_market.reach.queries import Choices
from ovop_market.sales.labels import CHANNELS
from ovop_market.web import filters as text
from ovop_market.web import workbook
from ovop_market.web.workbook import Cell, Chart, Column, Kind, Sheet, Value

PROVINCES_DRAWN = 15
YEAR = 4  # digits
_AT_LEAST = {Kind.NUMBER: Kind.AT_LEAST, Kind.RUPIAH: Kind.AT_LEAST_RUPIAH}


@dataclass(frozen=True, slots=True)
class Source:
    """What a workbook or report is made of."""

    reach: Overview
    known: Choices
    rows: Iterable[ExportRow]
    made: datetime


def write(target: IO[bytes], source: Source) -> None:
    """Writes the workbook."""
    reach = source.reach
    title = _("Jangkauan OVOP, %(period)s", period=words.period(reach.filters.period))
    sheets = [
        _summary(source, title),
        _provinces(reach),
        _regencies(reach),
        _months(reach),
        _villages(reach),
        _ladder(reach),
        _products(reach),
        _reported(reach),
        _data(source.rows),
        _method(source),
    ]
    workbook.write(target, sheets, title=title, made=source.made)


# What is withheld. A number is written by `_value` and by nothing else.


def _value(number: int, held: bool, kind: Kind) -> Cell:
    """A number; of what is withheld in part, with a sign that it is at least so much; of what is
    withheld, and so 0, the word for it: a 0 would be a lie."""
    if held and not number:
        return Cell(_("ditahan"), Kind.TEXT)
    return Cell(number, _AT_LEAST[kind] if held else kind)


def _remark(now: bool, before: bool) -> str | None:
    """What the column beside the numbers says of them."""
    if now and before:
        return _("≥: sebagian ditahan, juga setahun sebelumnya")
    if now:
        return _("≥: sebagian ditahan")
    return _("≥: sebagian ditahan setahun sebelumnya") if before else None


def _change(found: Change, *, held: bool = False) -> Value:
    if held or found.kind == "none":
        return None
    if found.kind == "new":
        return _("baru")
    sign = -1 if found.kind == "down" else 1
    return Cell(sign * found.percent / 100, Kind.CHANGE)


# The columns that every table of lines has after its first ones.


def _columns(noun: str) -> list[Column]:
    before = _("setahun sebelumnya")
    return [
        Column(noun, Kind.NUMBER),
        Column(f"{noun}, {before}", Kind.NUMBER),
        Column(_("Perubahan"), Kind.CHANGE, 12),
        Column(_("Bungkus"), Kind.NUMBER),
        Column(f"{_('Bungkus')}, {before}", Kind.NUMBER),
        Column(_("Omzet"), Kind.RUPIAH, 18),
        Column(f"{_('Omzet')}, {before}", Kind.RUPIAH, 18),
        Column(_("Catatan"), Kind.TEXT, 30),
    ]


def _cells(line: Line) -> list[Value]:
    now, before = words.is_held(line), words.is_held(line, before=True)
    return [
        _value(line.now.orders, now, Kind.NUMBER),
        _value(line.before.orders, before, Kind.NUMBER),
        _change(line.change, held=now or before),
        _value(line.now.units, now, Kind.NUMBER),
        _value(line.before.units, before, Kind.NUMBER),
        _value(line.now.revenue, now, Kind.RUPIAH),
        _value(line.before.revenue, before, Kind.RUPIAH),
        _remark(now, before),
    ]


def noun(filters: Filters) -> str:
    """What map and tables count."""
    return _("Catatan penjual") if filters.reported else _("Pesanan")


# The sheets


def _of(reach: Overview, title: str) -> str:
    """The name of a sheet that is of calendar years, where the others are of other months."""
    if not words.apart(reach):
        return title
    # A name has 31 letters at most.
    first, last = reach.calendar[0], reach.calendar[-1]
    return f"{title} {first}" if first == last else f"{title} {first}-{last}"


def _summary(source: Source, title: str) -> Sheet:
    reach = source.reach
    asked = reach.filters

    def rows() -> Iterator[Sequence[Value]]:
        yield _("Judul"), title
        yield _("Dalam kalimat"), words.sentence(reach)
        yield _("Laporan penjual"), words.second(reach)
        yield _("Dari tanggal"), Cell(asked.period.start, Kind.DAY)
        yield _("Sampai tanggal"), Cell(asked.period.end, Kind.DAY)
        yield from chosen(asked, source.known)
        yield _("Dibuat"), text.moment(source.made)
        yield from _totals(reach, len(source.known.villages))

    columns = [
        Column(_("Hal"), Kind.TEXT, 34),
        Column(_("Nilai"), Kind.NUMBER, 60),
        Column(_("Setahun sebelumnya"), Kind.NUMBER, 20),
        Column(_("Perubahan"), Kind.CHANGE, 12),
        Column(_("Catatan"), Kind.TEXT, 30),
    ]
    return Sheet(_("Ringkasan"), columns, rows())


def chosen(asked: Filters, known: Choices) -> Iterator[tuple[str, str]]:
    """The filters in words."""
    villages = {choice.slug: choice.name for choice in known.villages}
    yield _("Desa"), villages.get(asked.village, _("Semua desa"))
    yield _("Tahun program"), str(asked.year) if asked.year else _("Semua tahun")
    yield _("Produk"), dict(known.products).get(asked.product, _("Semua produk"))
    source = _("Laporan penjual (tidak diperiksa)") if asked.reported else _("Pesanan di situs ini")
    yield _("Peta dan tabel menurut"), source


def _totals(reach: Overview, villages: int) -> Iterator[Sequence[Value]]:
    yield from _sums(reach.total, _("Pesanan diterima"), _("Bungkus"), _("Omzet"))
    now, before = reach.spread, reach.spread_before
    yield (
        _("Kabupaten/kota tujuan"),
        _value(now.regencies, now.held, Kind.NUMBER),
        _value(before.regencies, before.held, Kind.NUMBER),
        _change(Change.between(before.regencies, now.regencies), held=now.held or before.held),
        _remark(now.held, before.held),
    )
    yield (
        _("Provinsi tujuan"),
        _value(now.provinces, now.held, Kind.NUMBER),
        None,
        None,
        _remark(now.held, False),
    )
    yield from _shares(reach)
    yield (
        _("Desa yang mengirim"),
        _value(reach.villages_reaching, reach.more_villages, Kind.NUMBER),
    )
    yield _("Desa semuanya"), villages


def _shares(reach: Overview) -> Iterator[Sequence[Value]]:
    now, before = reach.ladder, reach.ladder_before
    for name, rung in (
        (_("Keluar kabupaten desanya"), "beyond"),
        (_("Keluar provinsi desanya"), "nation"),
    ):
        yield name, Cell(now.share(rung), Kind.SHARE), Cell(before.share(rung), Kind.SHARE)


def _sums(line: Line, *names: str) -> Iterator[Sequence[Value]]:
    held, held_before = words.is_held(line), words.is_held(line, before=True)
    for name, measure in zip(names, ("orders", "units", "revenue"), strict=True):
        now, before = getattr(line.now, measure), getattr(line.before, measure)
        kind = Kind.RUPIAH if measure == "revenue" else Kind.NUMBER
        yield (
            name,
            _value(now, held, kind),
            _value(before, held_before, kind),
            _change(Change.between(before, now), held=held or held_before),
            _remark(held, held_before),
        )


def _provinces(reach: Overview) -> Sheet:
    count = noun(reach.filters)
    columns = [
        Column(_("Kode"), Kind.TEXT, 8),
        Column(_("Provinsi"), Kind.TEXT, 30),
        *_columns(count),
        Column(_("Kabupaten/kota tujuan"), Kind.NUMBER),
        Column(_("Kabupaten/kota semuanya"), Kind.NUMBER),
    ]
    lines = sorted(reach.provinces, key=lambda line: (-line.now.orders, -line.now.units, line.key))
    rows = (
        [
            line.key,
            line.name,
            *_cells(line),
            _value(line.reached, any(place.now.held for place in line.places), Kind.NUMBER),
            line.regencies,
        ]
        for line in lines
    )
    title = _("%(noun)s per provinsi, 15 terbanyak", noun=count)
    chart = Chart(title, labels=1, values=(2,), lying=True, most=PROVINCES_DRAWN)
    return Sheet(_of(reach, _("Provinsi")), columns, rows, chart)


def _regencies(reach: Overview) -> Sheet:
    columns = [
        Column(_("Kode"), Kind.TEXT, 8),
        Column(_("Kabupaten/kota"), Kind.TEXT, 32),
        Column(_("Provinsi"), Kind.TEXT, 30),
        *_columns(noun(reach.filters)),
    ]
    rows = (
        [place.key, place.name, province.name, *_cells(place)]
        for province in reach.provinces
        for place in province.places
    )
    return Sheet(_of(reach, _("Kabupaten-kota")), columns, rows)


def _months(reach: Overview) -> Sheet:
    columns = [
        Column(_("Bulan"), Kind.MONTH),
        *_columns(_("Pesanan")),
        Column(_("Dilaporkan: catatan"), Kind.NUMBER),
        Column(_("Dilaporkan: bungkus"), Kind.NUMBER),
        Column(_("Dilaporkan: omzet"), Kind.RUPIAH, 18),
    ]
    rows = ([line.first, *_cells(line), *_three(line.reported)] for line in reach.months)
    title = _("Pesanan tiap bulan, di samping setahun sebelumnya")
    return Sheet(_("Bulan"), columns, rows, Chart(title, labels=0, values=(1, 2)))


def _three(sums: Sums) -> list[Cell]:
    counts = [_value(number, sums.held, Kind.NUMBER) for number in (sums.orders, sums.units)]
    return [*counts, _value(sums.revenue, sums.held, Kind.RUPIAH)]


def _villages(reach: Overview) -> Sheet:
    names = words.rungs()
    columns = [
        Column(_("Desa"), Kind.TEXT, 26),
        Column(_("Tahun program"), Kind.TEXT, 16),
        *_columns(noun(reach.filters)),
        Column(_("Kabupaten/kota tujuan"), Kind.NUMBER),
        Column(_("Keluar kabupaten"), Kind.SHARE),
        Column(_("Keluar provinsi"), Kind.SHARE),
        *(Column(f"{_('Bungkus')}: {names[rung]}", Kind.NUMBER) for rung, _n in Ladder().rungs),
    ]
    rows = (
        [
            village.name,
            ", ".join(map(str, village.years)),
            *_cells(village),
            _value(village.regencies, village.spread.held, Kind.NUMBER),
            village.ladder.share("beyond"),
            village.ladder.share("nation"),
            *(
                _value(n, rung in village.ladder.unknown, Kind.NUMBER)
                for rung, n in village.ladder.rungs
            ),
        ]
        for village in reach.villages
    )
    return Sheet(_("Desa"), columns, rows)


def _ladder(reach: Overview) -> Sheet:
    names, now = words.rungs(), reach.ladder
    before = dict(reach.ladder_before.rungs)
    unknown = now.unknown | reach.ladder_before.unknown
    columns = [
        Column(_("Sampai ke"), Kind.TEXT, 36),
        Column(_("Bungkus"), Kind.NUMBER),
        Column(_("Bungkus, setahun sebelumnya"), Kind.NUMBER, 18),
        Column(_("Bagian"), Kind.SHARE),
        Column(_("Perubahan"), Kind.CHANGE),
    ]
    rows = (
        [
            names[rung],
            _value(units, rung in now.unknown, Kind.NUMBER),
            _value(before[rung], rung in reach.ladder_before.unknown, Kind.NUMBER),
            now.share(rung),
            _change(Change.between(before[rung], units), held=rung in unknown),
        ]
        for rung, units in now.rungs
    )
    title = _("Dari desa ke seluruh Indonesia (bungkus)")
    return Sheet(_("Tangga"), columns, rows, Chart(title, labels=0, values=(1, 2), lying=True))


def _products(reach: Overview) -> Sheet:
    columns = [
        Column(_("Produk"), Kind.TEXT, 32),
        Column(_("Desa"), Kind.TEXT, 26),
        *_columns(noun(reach.filters)),
    ]

    def rows() -> Iterator[Sequence[Value]]:
        for line in reach.products:
            yield [line.name, line.village, *_cells(line)]
        if reach.more_products:
            # Of all villages together, the data are by destination.
            more = _("Hanya %(n)s produk teratas; pilih desa untuk yang lain.")
            if reach.filters.narrowed:
                more = _("Hanya %(n)s produk teratas; semuanya ada di lembar Data.")
            yield [more % {"n": len(reach.products)}]

    return Sheet(_("Produk"), columns, rows())


def _reported(reach: Overview) -> Sheet:
    """Apart from all the others: nothing here is in their numbers."""
    found = reach.reported
    columns = [
        Column(_("Menurut"), Kind.TEXT, 20),
        Column(_("Nama"), Kind.TEXT, 32),
        *_columns(_("Catatan penjual")),
    ]

    def rows() -> Iterator[Sequence[Value]]:
        yield [_("Semuanya"), _("Tidak diperiksa sistem"), *_cells(found.total)]
        names = {str(key): str(label) for key, label in CHANNELS.items()}
        for line in found.channels:
            yield [_("Cara menjual"), names[line.key], *_cells(line)]
        for place in found.places:
            yield [_("Kabupaten/kota"), place.name, *_cells(place)]

    return Sheet(_("Laporan penjual"), columns, rows())


def _data(rows: Iterable[ExportRow]) -> Sheet:
    columns = [
        Column(_("Bulan"), Kind.MONTH, 12),
        Column(_("Kode desa"), Kind.TEXT, 16),
        Column(_("Desa"), Kind.TEXT, 22),
        Column(_("Produk"), Kind.TEXT, 30),
        Column(_("Kode tujuan"), Kind.TEXT, 10),
        Column(_("Kabupaten/kota"), Kind.TEXT, 30),
        Column(_("Provinsi"), Kind.TEXT, 28),
        Column(_("Sumber"), Kind.TEXT, 18),
        Column(_("Pesanan"), Kind.NUMBER, 12),
        Column(_("Bungkus"), Kind.NUMBER, 12),
        Column(_("Omzet"), Kind.RUPIAH, 18),
    ]
    others = attrgetter(*(field.name for field in fields(ExportRow)[1:]))
    cells = ((_month(row.month), *others(row)) for row in rows)
    cut = _("Baris selanjutnya tidak muat di lembar Excel: semuanya ada di CSV.")
    return Sheet(_("Data"), columns, cells, large=True, cut=cut)


def _month(written: str) -> Value:
    """A month; or a year, of what is known of no month of it."""
    if len(written) == YEAR:
        return Cell(written, Kind.TEXT)
    return date.fromisoformat(f"{written}-01")


def _method(source: Source) -> Sheet:
    columns = [Column(_("Tentang"), Kind.TEXT, 26), Column(_("Penjelasan"), Kind.TEXT, 100)]
    made = text.day(clock.wib_date(source.made))
    rows = [*words.method(source.reach), (_("Tanggal dibuat"), made)]
    return Sheet(_("Metode"), columns, rows)
