"""The officials' numbers in words: the same on the page, in the workbook and in the report."""

from __future__ import annotations

from flask_babel import gettext as _

from ovop_market.core.money import format_rupiah
from ovop_market.reach.figures import Change, Line, Overview
from ovop_market.reach.filters import Period
from ovop_market.web.filters import month, number


def is_held(line: Line, *, before: bool = False) -> bool:
    """Whether part of what a line says of the period (or of a year before) is withheld, because too
    few purchases are behind it."""
    return (line.before if before else line.now).held


def figure(value: int, *, held: bool = False, rupiah: bool = False) -> str:
    """A number as it may be read: of what is withheld only that there is something, or that it is
    at least so much."""
    if held and not value:
        return _("ditahan")
    written = format_rupiah(value) if rupiah else number(value)
    return f"≥ {written}" if held else written


def change(found: Change, *, held: bool = False) -> str:
    """How much more or less; nothing of numbers of which a part is withheld."""
    if held:
        return "–"
    return {
        "up": f"+{number(found.percent)}%",
        "down": f"−{number(found.percent)}%",
        "same": _("sama"),
        "new": _("baru"),
    }.get(found.kind, "–")


def period(asked: Period) -> str:
    """A month, or months."""
    first, last = month(asked.start), month(asked.end)
    return first if asked.one_month else f"{first} – {last}"


def apart(reach: Overview) -> bool:
    """Whether destinations are of more months than all the rest."""
    return reach.by_years and not reach.filters.period.whole_years


def sentence(reach: Overview) -> str:
    """Everything in one sentence; where it went in one of its own, if that is of whole years."""
    if not apart(reach):
        return _sentence(reach)
    held = reach.spread.held
    where = _(
        "Sepanjang %(years)s: ke %(regencies)s kabupaten/kota di %(provinces)s provinsi.",
        years=_years(reach),
        regencies=figure(reach.regencies, held=held),
        provinces=figure(reach.provinces_reached, held=held),
    )
    return f"{_sentence(reach)} {where}"


def _years(reach: Overview) -> str:
    return ", ".join(map(str, reach.calendar))


def _sent(reach: Overview) -> str:
    asked, total = reach.filters.period, reach.total
    orders = figure(total.now.orders, held=is_held(total))
    if apart(reach):
        return _("%(period)s: %(orders)s pesanan", period=period(asked), orders=orders)
    return _(
        "%(period)s: %(orders)s pesanan ke %(regencies)s kabupaten/kota di %(provinces)s provinsi",
        period=period(asked),
        orders=orders,
        regencies=figure(reach.regencies, held=reach.spread.held),
        provinces=figure(reach.provinces_reached, held=reach.spread.held),
    )


def _sentence(reach: Overview) -> str:
    asked, total = reach.filters.period, reach.total
    held, held_before = is_held(total), is_held(total, before=True)
    before = period(asked.year_before) if asked.one_month else _("setahun sebelumnya")
    sent = _sent(reach)
    found = total.change
    if held and not total.now.orders:
        return _("%(period)s: banyaknya pesanan ditahan.", period=period(asked))
    if held or held_before:
        return f"{sent}."
    told = {"sent": sent, "percent": number(found.percent), "before": before}
    if found.kind == "up":
        return _("%(sent)s, naik %(percent)s%% dari %(before)s.", **told)
    if found.kind == "down":
        return _("%(sent)s, turun %(percent)s%% dari %(before)s.", **told)
    if found.kind == "same":
        return _("%(sent)s, kurang lebih sama dengan %(before)s.", sent=sent, before=before)
    if found.kind == "new":
        return _("%(sent)s. Belum ada pesanan %(before)s.", sent=sent, before=before)
    return f"{sent}."


def second(reach: Overview) -> str:
    """In one sentence, what sellers report besides."""
    total = reach.reported.total
    held = is_held(total)
    if not total.now.orders and not held:
        return _("Penjual tidak melaporkan penjualan di luar situs di masa ini.")
    if not total.now.orders:
        return _("Banyaknya penjualan di luar situs yang dilaporkan penjual ditahan.")
    if apart(reach):
        return _(
            "Di luar situs, penjual melaporkan %(units)s bungkus dalam %(notes)s catatan "
            "(sepanjang %(years)s ke %(regencies)s kabupaten/kota); ini tidak diperiksa sistem dan "
            "tidak dihitung di atas.",
            units=figure(total.now.units, held=held),
            notes=figure(total.now.orders, held=held),
            years=_years(reach),
            regencies=figure(reach.reported.regencies, held=reach.reported.spread.held),
        )
    return _(
        "Di luar situs, penjual melaporkan %(units)s bungkus ke %(regencies)s kabupaten/kota dalam "
        "%(notes)s catatan; ini tidak diperiksa sistem dan tidak dihitung di atas.",
        units=figure(total.now.units, held=held),
        regencies=figure(reach.reported.regencies, held=reach.reported.spread.held),
        notes=figure(total.now.orders, held=held),
    )


def rungs() -> dict[str, str]:
    """The steps of the ladder by their keys."""
    return {
        "village": _("Di desa sendiri"),
        "regency": _("Di kabupaten sendiri, luar desa"),
        "province": _("Di provinsi sendiri, luar kabupaten"),
        "nation": _("Di provinsi lain"),
    }


def of_years(reach: Overview) -> str:
    """What is told of calendar years, whatever the period."""
    years = _years(reach)
    if reach.by_years:
        return _(
            "Tangga jangkauan dan tujuan dari desa atau produk yang dipilih dihitung dari seluruh "
            "tahun kalender: %(years)s.",
            years=years,
        )
    return _("Tangga jangkauan dihitung dari seluruh tahun kalender: %(years)s.", years=years)


def method(reach: Overview) -> list[tuple[str, str]]:
    """How the numbers come about: what each note is about, and the note."""
    return [
        (
            _("Yang dihitung"),
            _(
                "Pesanan di situs yang sudah diterima pembeli, pada hari diterimanya (WIB), di "
                "kabupaten/kota alamat tujuannya. Setiap pesanan dihitung sekali, pada produk yang "
                "jumlah harganya terbesar."
            ),
        ),
        (_("Omzet"), _("Harga barang dalam rupiah, tanpa ongkos kirim.")),
        (
            _("Bungkus"),
            _("Jumlah kemasan yang dijual. Bagian yang keluar daerah dihitung dari bungkus."),
        ),
        (
            _("Laporan penjual"),
            _(
                "Penjualan di luar situs seperti yang dicatat penjual. Tidak diperiksa sistem, "
                "selalu terpisah, dan tidak pernah dijumlahkan dengan pesanan di situs."
            ),
        ),
        (
            _("Setahun sebelumnya"),
            _(
                "Bulan-bulan yang sama setahun sebelumnya: %(period)s.",
                period=period(reach.filters.period.year_before),
            ),
        ),
        (
            _("Kerahasiaan"),
            _(
                "Angka dari kurang dari 5 pembelian ditahan, juga yang bisa dihitung darinya; "
                "“≥” berarti sebagian ditahan. Yang ditampilkan dijumlahkan dari tahun kalender "
                "dan bulan, jadi masa yang mencakup setahun penuh paling lengkap."
            ),
        ),
        (_("Tahun kalender"), of_years(reach)),
        (
            _("Tangga jangkauan"),
            _("Alamat yang hanya menyebut kecamatan dihitung di luar desa."),
        ),
    ]
