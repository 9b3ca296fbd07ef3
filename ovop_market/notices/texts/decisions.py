"""What a producer's owners are told of an operator's decision on it, or on what it lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.notices.kinds import LISTING_KINDS, Kind
from ovop_market.notices.queries import Story
from ovop_market.notices.texts.message import Words

K = Kind
# Of listings that are named in a message; the page has them all.
MOST_NAMED = 10


def place(story: Story) -> tuple[str, dict[str, Any], str] | None:
    """Where it is to be seen: the page, its values, and what the button to it says."""
    if story.listings:
        if len(story.listings) == 1:
            return "listings.product", {"slug": story.listings[0].slug}, _("Buka produk")
        return "listings.products", {}, _("Produk Anda")
    if story.decision is None:
        return None
    if story.kind in (K.REFUSED, K.APPROVAL_RECALLED):
        return "sell.sell", {}, _("Lihat pendaftaran")
    if story.kind is K.APPROVED:
        return "listings.products", {}, _("Produk Anda")
    return "shop.offers", {}, _("Buka toko Anda")


def _whose(story: Story) -> list[tuple[str, str]]:
    """For whom: an account may speak for several producers."""
    name = story.producer.name if story.producer else ""
    rows = [(_("Penjual"), name)] if name else []
    return rows + ([(_("Alasannya"), story.reason)] if story.reason else [])


def _products(story: Story) -> list[tuple[str, str]]:
    names = [product.name for product in story.listings]
    named = ", ".join(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        named = _("%(names)s, dan %(n)s lagi", names=named, n=len(names) - MOST_NAMED)
    rows = [(_("Nama produk"), named)]
    return rows + ([(_("Alasannya"), story.reason)] if story.reason else [])


# Subject, and what it means for the reader.
SAID: Mapping[Kind, tuple[LazyString, LazyString]] = {
    K.APPROVED: (
        _l("Pendaftaran Anda disetujui"),
        _l("Anda boleh berjualan. Tampilkan produk pertama Anda: pengelola memeriksanya dulu."),
    ),
    K.APPROVAL_RECALLED: (
        _l("Pendaftaran Anda dilihat lagi"),
        _l("Persetujuan tadi keliru dan ditarik. Kami kabari begitu sudah diputuskan."),
    ),
    K.REFUSED: (
        _l("Pendaftaran Anda belum bisa diterima"),
        _l("Baca alasannya, perbaiki, lalu kirim lagi."),
    ),
    K.SUSPENDED: (
        _l("Penjualan Anda dihentikan sementara"),
        _l(
            "Produk Anda tidak terlihat. Pesanan yang sudah ada tetap diselesaikan dan dibayar. "
            "Hubungi pengelola."
        ),
    ),
    K.RESUMED: (
        _l("Anda boleh berjualan lagi"),
        _l("Produk Anda terlihat lagi, dan bisa dipesan."),
    ),
    K.CLOSED: (
        _l("Toko Anda ditutup untuk seterusnya"),
        _l("Produknya tidak dijual lagi. Uang yang menjadi hak Anda tetap dibayar."),
    ),
    K.LISTING_SHOWN: (
        _l("Produk Anda sudah tampil"),
        _l("Pengelola sudah memeriksanya: pembeli melihatnya sekarang."),
    ),
    K.LISTING_RECALLED: (
        _l("Produk Anda diperiksa lagi"),
        _l("Pembeli belum melihatnya. Kami kabari begitu sudah diputuskan."),
    ),
    K.LISTING_RETURNED: (
        _l("Produk Anda dikembalikan"),
        _l("Baca alasannya, perbaiki produknya, lalu kirim lagi."),
    ),
    K.LISTING_HIDDEN: (
        _l("Produk Anda disembunyikan pengelola"),
        _l("Baca alasannya, perbaiki produknya, lalu kirim lagi. Pesanan yang ada tetap jalan."),
    ),
    K.LISTING_UNHIDDEN: (
        _l("Produk Anda tampil lagi"),
        _l("Pembeli melihatnya lagi, dan bisa memesannya."),
    ),
}
# A listing that is in order, of a producer that may not sell yet: nobody sees it.
_IN_ORDER = (
    _l("Produk Anda sudah diperiksa"),
    _l("Tidak ada yang kurang. Pembeli melihatnya begitu Anda boleh berjualan."),
)


def _words(story: Story) -> Words:
    subject, todo = SAID[story.kind]
    if story.kind is K.LISTING_SHOWN and not all(p.producer.selling for p in story.listings):
        subject, todo = _IN_ORDER
    rows = _products(story) if story.kind in LISTING_KINDS.values() else _whose(story)
    return Words(subject=str(subject), todo=str(todo), rows=rows)


TEXTS: dict[Kind, Callable[[Story], Words]] = dict.fromkeys(SAID, _words)
