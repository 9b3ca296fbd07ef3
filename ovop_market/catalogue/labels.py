"""How shelves, storage and availability are called on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_babel.speaklater import LazyString

from ovop_market.catalogue.listings.approvals import Change, Part
from ovop_market.catalogue.listings.states import ListingAction, ListingState
from ovop_market.catalogue.models import Category, StockReason, Storage
from ovop_market.core.money import format_rupiah
from ovop_market.web.filters import short_day

CATEGORIES: dict[Category, LazyString] = {
    Category.FROZEN: _l("Makanan beku"),
    Category.SEAFOOD: _l("Hasil laut kering"),
    Category.CONDIMENT: _l("Bumbu dan sambal"),
    Category.SNACK: _l("Camilan"),
    Category.TEA: _l("Teh"),
    Category.HONEY: _l("Madu"),
    Category.CRAFT: _l("Kerajinan"),
    Category.CARE: _l("Perawatan tubuh"),
}

STORAGE: dict[Storage, LazyString] = {
    Storage.AMBIENT: _l("Suhu ruang"),
    Storage.CHILLED: _l("Dingin (kulkas)"),
    Storage.FROZEN: _l("Beku (freezer)"),
}

STOCK_REASONS: dict[StockReason, LazyString] = {
    StockReason.OPENING: _l("Stok awal"),
    StockReason.MADE: _l("Selesai dibuat"),
    StockReason.COUNTED: _l("Hitung ulang"),
    StockReason.HELD: _l("Dipesan"),
    StockReason.RELEASED: _l("Pesanan batal"),
    StockReason.SOLD_ELSEWHERE: _l("Terjual di luar"),
    StockReason.SPOILED: _l("Rusak"),
    StockReason.USED: _l("Dipakai sendiri"),
}

LISTING_STATES: dict[ListingState, LazyString] = {
    ListingState.DRAFT: _l("Disembunyikan"),
    ListingState.SUBMITTED: _l("Menunggu diperiksa"),
    ListingState.RETURNED: _l("Dikembalikan"),
    ListingState.SHOWN: _l("Ditampilkan"),
    ListingState.HIDDEN: _l("Disembunyikan pengelola"),
}
LISTING_BADGES = {
    ListingState.DRAFT: "closed",
    ListingState.SUBMITTED: "waiting",
    ListingState.RETURNED: "needs",
    ListingState.SHOWN: "done",
    ListingState.HIDDEN: "needs",
}
# What was done, as a line of a listing's history.
LISTING_DONE: dict[ListingAction, LazyString] = {
    ListingAction.SUBMIT: _l("Dikirim untuk diperiksa"),
    ListingAction.SHOW: _l("Ditampilkan penjual"),
    ListingAction.WITHDRAW: _l("Disembunyikan penjual"),
    ListingAction.APPROVE: _l("Diperiksa"),
    ListingAction.RETURN: _l("Dikembalikan"),
    ListingAction.HIDE: _l("Disembunyikan pengelola"),
    ListingAction.RECALL: _l("Pemeriksaan diurungkan"),
    ListingAction.REOPEN: _l("Pemeriksaan diurungkan"),
    ListingAction.UNHIDE: _l("Ditampilkan lagi"),
}


def changed(change: Change) -> str:
    """What is not as it was approved in a listing: `Harga 500 g, dulu Rp45.000`."""
    if change.part is Part.NAME:
        return str(_("Nama, dulu “%(was)s”", was=change.was))
    if change.part is Part.KIND:
        return str(_("Jenis, dulu %(was)s", was=CATEGORIES[Category(str(change.was))]))
    if change.part is Part.PRICE:
        was = format_rupiah(int(change.was or 0))
        return str(_("Harga %(pack)s, dulu %(was)s", pack=change.pack, was=was))
    if change.part is Part.PACK and change.was is not None:
        return str(_("Kemasan %(pack)s, dulu “%(was)s”", pack=change.pack, was=change.was))
    if change.part is Part.PACK:
        return str(_("Kemasan baru: %(pack)s", pack=change.pack))
    return str(_("Keterangan") if change.part is Part.TEXT else _("Foto atau keterangan foto"))


SORTS: dict[str, LazyString] = {
    "relevance": _l("Paling cocok"),
    "newest": _l("Terbaru"),
    "price": _l("Termurah"),
    "-price": _l("Termahal"),
}


@dataclass(frozen=True, slots=True)
class Badge:
    """One word on a card. `kind` is a shape and colour of components/badge.html."""

    kind: str
    text: str


def badge(
    *,
    closed: bool,
    closed_to: date | None,
    ready: int,
    lead_days: tuple[int, int] | None,
) -> Badge:
    """What a buyer must know first: closed, ready now, made in so many days, or sold out.

    `lead_days` are the least and the most days that making one takes, or None if none is made.
    """
    if closed:
        return Badge("closed", closed_text(closed_to))
    if ready > 0:
        return Badge("ready", _("Siap kirim"))
    if lead_days is not None:
        return Badge("made", made_in(*lead_days))
    return Badge("closed", _("Sedang habis"))


def closed_text(closed_to: date | None) -> str:
    """`Tutup sampai 2 Des`."""
    if closed_to is None:
        return str(_("Tutup sementara"))
    return str(_("Tutup sampai %(day)s", day=short_day(closed_to)))


def made_in(least: int, most: int) -> str:
    """`Dibuat 3–5 hari`."""
    least, most = max(least, 1), max(most, 1)
    if least == most:
        return str(ngettext("Dibuat %(num)d hari", "Dibuat %(num)d hari", most))
    return str(_("Dibuat %(least)d–%(most)d hari", least=least, most=most))
