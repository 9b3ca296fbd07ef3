"""The officials' report on paper, as it can go to the regent: words, pictures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from fpdf.enums import Align

from ovop_market.reach import report_pictures as pictures
from ovop_market.reach import words
from ovop_market.reach.figures import Change, Ladder, Line, MonthLine, Overview
from ovop_market.reach.queries import Choices
from ovop_market.reach.workbook import chosen
from ovop_market.regions.models import Region
from ovop_market.sales.labels import CHANNELS
from ovop_market.web import filters as text
from ovop_market.web import language
from ovop_market.web.paper import LINE, MARGIN, QUIET, WIDTH, Head, Paper

DESTINATIONS = 10
VILLAGES = 60


@dataclass(frozen=True, slots=True)
class Source:
    """What a report is made of. `months` are those that its chart shows, more than its period."""

    reach: Overview
    months: Sequence[MonthLine]
    known: Choices
    area: Region | None
    made: datetime


def make(source: Source) -> bytes:
    """The report as a PDF."""
    reach = source.reach
    period = words.period(reach.filters.period)
    title = _("Laporan jangkauan produk desa, %(period)s", period=period)
    made = _("dibuat %(moment)s", moment=text.moment(source.made))
    paper = Paper(
        title=title,
        author=_government(source.area),
        language=language.current(),
        made=source.made,
        foot=f"{_('Jangkauan OVOP')} · {period} · {made}",
    )
    _letterhead(paper, source.area)
    paper.paragraph(_("Laporan jangkauan produk desa"), 17, bold=True, gap=0)
    paper.paragraph(period, 12, colour=QUIET, gap=1)
    if reach.filters.narrowed:
        said = "; ".join(f"{name}: {value}" for name, value in _chosen_only(source))
        paper.paragraph(said, 9.5, colour=QUIET, gap=1)
    paper.ln(2)
    paper.paragraph(words.sentence(reach), 12, bold=True)
    paper.paragraph(words.second(reach), 9.5, colour=QUIET, gap=3)
    _totals(paper, source)
    pictures.tile_map(paper, reach)
    pictures.ladder(paper, reach)
    pictures.months(paper, source.months)
    _villages(paper, reach)
    _destinations(paper, reach)
    _reported(paper, reach)
    _method(paper, reach)
    _signature(paper)
    return bytes(paper.output())


def _chosen_only(source: Source) -> list[tuple[str, str]]:
    """The filters that leave something out, in words."""
    asked = source.reach.filters
    village, year, product, _channel = chosen(asked, source.known)
    given = ((village, asked.village), (year, asked.year), (product, asked.product))
    return [said for said, value in given if value]


def _government(area: Region | None) -> str:
    if area is None:
        return _("Program One Village One Product (OVOP)")
    name = _("Provinsi %(name)s", name=area.name) if area.level == 1 else area.name
    return _("Pemerintah %(area)s", area=name)


def _letterhead(paper: Paper, area: Region | None) -> None:
    paper.paragraph(_government(area).upper(), 13, bold=True, align=Align.C, gap=0)
    if area is not None:
        office = _("Dinas Perdagangan, Perindustrian dan Koperasi")
        paper.paragraph(office, 11, bold=True, align=Align.C, gap=0.5)
        programme = _("Program One Village One Product (OVOP)")
        paper.paragraph(programme, 9.5, colour=QUIET, align=Align.C, gap=0)
    y = paper.get_y() + 2
    paper.set_draw_color(31, 36, 33)
    for offset, width in ((0, 0.8), (1.1, 0.2)):
        paper.set_line_width(width)
        paper.line(MARGIN, y + offset, MARGIN + WIDTH, y + offset)
    paper.set_y(y + 6)


def _totals(paper: Paper, source: Source) -> None:
    reach = source.reach
    total, held = reach.total, words.is_held(reach.total)
    both = held or words.is_held(total, before=True)

    def line(name: str, measure: str) -> tuple[str, str, str]:
        now, before = getattr(total.now, measure), getattr(total.before, measure)
        written = words.figure(now, held=held, rupiah=measure == "revenue")
        return name, written, _against(Change.between(before, now), held=both)

    places, spread = Change.between(reach.regencies_before, reach.regencies), reach.spread.held
    boxes = [
        line(_("Pesanan diterima"), "orders"),
        line(_("Bungkus"), "units"),
        line(_("Omzet"), "revenue"),
        (
            _("Kabupaten/kota tujuan"),
            words.figure(reach.regencies, held=spread),
            _against(places, held=spread or reach.spread_before.held),
        ),
        (
            _("Provinsi tujuan"),
            words.figure(reach.provinces_reached, held=spread),
            _("dari %(n)s", n=len(reach.provinces)),
        ),
        *_shares(reach),
        (
            _("Desa yang mengirim"),
            words.figure(reach.villages_reaching, held=reach.more_villages),
            _("dari %(n)s", n=len(source.known.villages)),
        ),
    ]
    pictures.boxes(paper, boxes)
    note = _("Dibandingkan dengan bulan-bulan yang sama setahun sebelumnya.")
    if words.apart(reach):
        note += f" {words.of_years(reach)}"
    paper.paragraph(note, 8, colour=QUIET, gap=0)


def _against(change: Change, *, held: bool = False) -> str:
    if not held and change.kind in ("up", "down"):
        return _("%(change)s dari setahun lalu", change=words.change(change))
    if not held and change.kind == "same":
        return _("sama dengan setahun lalu")
    return _("setahun lalu belum ada") if not held and change.kind == "new" else "–"


def _shares(reach: Overview) -> list[tuple[str, str, str]]:
    found = []
    for name, rung in (
        (_("Keluar kabupaten desanya"), "beyond"),
        (_("Keluar provinsi desanya"), "nation"),
    ):
        earlier = reach.ladder_before.share(rung)
        said = "–" if earlier is None else _("setahun lalu %(share)s", share=text.percent(earlier))
        found.append((name, _share(reach.ladder, rung), said))
    return found


def _share(ladder: Ladder, rung: str) -> str:
    share = ladder.share(rung)
    return "–" if share is None else text.percent(share)


# Tables


def _heads(first: str, noun: str) -> list[Head]:
    return [
        Head(first, 40, number=False),
        Head(noun, 17),
        Head(_("Setahun lalu"), 19),
        Head(_("Perubahan"), 20),
        Head(_("Bungkus"), 18),
        Head(_("Omzet"), 28),
    ]


def _row(line: Line, name: str) -> list[str]:
    held, before = words.is_held(line), words.is_held(line, before=True)
    return [
        name,
        words.figure(line.now.orders, held=held),
        words.figure(line.before.orders, held=before),
        words.change(line.change, held=held or before),
        words.figure(line.now.units, held=held),
        words.figure(line.now.revenue, held=held, rupiah=True),
    ]


def _villages(paper: Paper, reach: Overview) -> None:
    paper.heading(_("Menurut desa"), 40)
    if not reach.villages:
        paper.paragraph(_("Belum ada desa yang mengirim di masa ini."))
        return
    first, *others = _heads(_("Desa"), _("Pesanan"))
    heads = [first, *others, Head(_("Kabupaten/ kota"), 20), Head(_("Keluar kab."), 16)]
    rows = []
    for village in reach.villages[:VILLAGES]:
        share = _share(village.ladder, "beyond")
        spread = words.figure(village.regencies, held=village.spread.held)
        rows.append([*_row(village, village.name), spread, share])
    paper.lines(heads, rows)
    if len(reach.villages) > VILLAGES:
        said = {"n": VILLAGES, "all": text.number(len(reach.villages))}
        more = _("Ditampilkan %(n)s dari %(all)s desa; semuanya ada di XLSX.", **said)
        paper.paragraph(more, 8.5, colour=QUIET)


def _destinations(paper: Paper, reach: Overview) -> None:
    found = [(place, province) for province in reach.provinces for place in province.places]
    found = [(place, of) for place, of in found if place.now.units or words.is_held(place)]
    found.sort(key=lambda pair: (-pair[0].now.orders, -pair[0].now.units, pair[0].name))
    if not found:
        return
    paper.heading(_("Tujuan terbanyak"), 12 + 9 * min(len(found), DESTINATIONS))
    heads = _heads(_("Kabupaten/kota"), _("Pesanan"))
    heads.insert(1, Head(_("Provinsi"), 36, number=False))
    rows = []
    for place, province in found[:DESTINATIONS]:
        name, *numbers = _row(place, place.name)
        rows.append([name, province.name, *numbers])
    paper.lines(heads, rows)


def _reported(paper: Paper, reach: Overview) -> None:
    """Apart: nothing of it is in any other number of the report."""
    reported = reach.reported
    paper.heading(_("Dilaporkan penjual (tidak diperiksa sistem)"), 45)
    paper.paragraph(
        _(
            "Penjualan lewat WhatsApp, di kantor, di pameran dan di rumah, seperti yang dicatat "
            "penjual. Tidak termasuk angka lain di laporan ini."
        ),
        9,
        colour=QUIET,
    )
    names = {str(key): str(label) for key, label in CHANNELS.items()}
    rows = [_row(line, names[line.key]) for line in reported.channels]
    rows.append(_row(reported.total, _("Semuanya")))
    paper.lines(_heads(_("Cara menjual"), _("Catatan")), rows)


def _method(paper: Paper, reach: Overview) -> None:
    # With the place to sign, which must not stand on a page of its own.
    paper.heading(_("Catatan metode"), 112)
    for about, note in words.method(reach):
        paper.write_in(8.5)
        paper.multi_cell(
            WIDTH,
            4.1,
            f"**{about}.** {note}",
            markdown=True,
            align=Align.L,
            new_x="LMARGIN",
            new_y="NEXT",
        )
        paper.ln(0.8)


def _signature(paper: Paper) -> None:
    if paper.will_page_break(52):
        paper.add_page()
    left, width = MARGIN + WIDTH - 70, 70
    paper.ln(8)
    y = paper.get_y()
    paper.write_in(10)
    paper.words_at(left, y, width, "." * 26 + ", " + "." * 26)
    paper.words_at(left, y + 6, width, _("Kepala Dinas"))
    paper.set_draw_color(*LINE)
    paper.set_line_width(0.3)
    paper.line(left + 4, y + 34, left + width - 4, y + 34)
    paper.words_at(left + 4, y + 36, width - 8, _("Nama:"), align=Align.L)
    paper.words_at(left + 4, y + 41, width - 8, _("NIP:"), align=Align.L)
