"""What a producer's owners are told of an operator's decision on it, or on what it lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _

from ovop_market.notices.kinds import Kind
from ovop_market.notices.queries import Story
from ovop_market.notices.texts.buyer import Words

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


def _approved(story: Story) -> Words:
    return Words(
        subject=_("Pendaftaran Anda disetujui"),
        todo=_("Anda boleh berjualan. Tampilkan produk pertama Anda: pengelola memeriksanya dulu."),
        rows=_whose(story),
    )


def _recalled(story: Story) -> Words:
    return Words(
        subject=_("Pendaftaran Anda dilihat lagi"),
        todo=_("Persetujuan tadi keliru dan ditarik. Kami kabari begitu sudah diputuskan."),
        rows=_whose(story),
    )


def _refused(story: Story) -> Words:
    return Words(
        subject=_("Pendaftaran Anda belum bisa diterima"),
        todo=_("Baca alasannya, perbaiki, lalu kirim lagi."),
        rows=_whose(story),
    )


def _suspended(story: Story) -> Words:
    return Words(
        subject=_("Penjualan Anda dihentikan sementara"),
        todo=_(
            "Produk Anda tidak terlihat. Pesanan yang sudah ada tetap diselesaikan dan dibayar. "
            "Hubungi pengelola."
        ),
        rows=_whose(story),
    )


def _resumed(story: Story) -> Words:
    return Words(
        subject=_("Anda boleh berjualan lagi"),
        todo=_("Produk Anda terlihat lagi, dan bisa dipesan."),
        rows=_whose(story),
    )


def _closed(story: Story) -> Words:
    return Words(
        subject=_("Toko Anda ditutup untuk seterusnya"),
        todo=_("Produknya tidak dijual lagi. Uang yang menjadi hak Anda tetap dibayar."),
        rows=_whose(story),
    )


def _shown(story: Story) -> Words:
    if not all(product.producer.selling for product in story.listings):
        return Words(
            subject=_("Produk Anda sudah diperiksa"),
            todo=_("Tidak ada yang kurang. Pembeli melihatnya begitu Anda boleh berjualan."),
            rows=_products(story),
        )
    return Words(
        subject=_("Produk Anda sudah tampil"),
        todo=_("Pengelola sudah memeriksanya: pembeli melihatnya sekarang."),
        rows=_products(story),
    )


def _unshown(story: Story) -> Words:
    return Words(
        subject=_("Produk Anda diperiksa lagi"),
        todo=_("Pembeli belum melihatnya. Kami kabari begitu sudah diputuskan."),
        rows=_products(story),
    )


def _returned(story: Story) -> Words:
    return Words(
        subject=_("Produk Anda dikembalikan"),
        todo=_("Baca alasannya, perbaiki produknya, lalu kirim lagi."),
        rows=_products(story),
    )


def _hidden(story: Story) -> Words:
    return Words(
        subject=_("Produk Anda disembunyikan pengelola"),
        todo=_(
            "Baca alasannya, perbaiki produknya, lalu kirim lagi. Pesanan yang ada tetap jalan."
        ),
        rows=_products(story),
    )


def _unhidden(story: Story) -> Words:
    return Words(
        subject=_("Produk Anda tampil lagi"),
        todo=_("Pembeli melihatnya lagi, dan bisa memesannya."),
        rows=_products(story),
    )


TEXTS: dict[Kind, Callable[[Story], Words]] = {
    K.APPROVED: _approved,
    K.APPROVAL_RECALLED: _recalled,
    K.REFUSED: _refused,
    K.SUSPENDED: _suspended,
    K.RESUMED: _resumed,
    K.CLOSED: _closed,
    K.LISTING_SHOWN: _shown,
    K.LISTING_RECALLED: _unshown,
    K.LISTING_RETURNED: _returned,
    K.LISTING_HIDDEN: _hidden,
    K.LISTING_UNHIDDEN: _unhidden,
}
