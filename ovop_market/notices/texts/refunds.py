"""What buyers are told of money that is owed back, sent, or not owed after all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext as _

from ovop_market.core.money import format_rupiah
from ovop_market.notices.kinds import Kind
from ovop_market.notices.queries import Story
from ovop_market.notices.texts.message import Words


def _refund(story: Story) -> list[tuple[str, str]]:
    assert story.refund is not None
    rows = [(_("Jumlah uangnya"), format_rupiah(story.refund.amount))]
    if story.order is not None:
        rows.append((_("Untuk pesanan"), story.order.number))
    return rows


def _due(story: Story) -> Words:
    assert story.refund is not None
    named = bool(story.refund.destination)
    return Words(
        subject=_("Uang Anda akan dikembalikan"),
        todo=(
            _("Kami kirim ke rekening yang Anda tulis.")
            if named
            else _("Tulis di halaman pesanan Anda, ke rekening mana uangnya dikirim.")
        ),
        rows=_refund(story),
        button="" if named else _("Tulis rekening"),
    )


def _sent(story: Story) -> Words:
    assert story.refund is not None
    reference = story.refund.reference
    return Words(
        subject=_("Uang Anda sudah dikirim kembali"),
        todo=_("Periksa rekening Anda."),
        rows=[*_refund(story), *([(_("Keterangan transfer"), reference)] if reference else [])],
    )


def _withdrawn(story: Story) -> Words:
    assert story.refund is not None
    why = story.refund.reason
    return Words(
        subject=_("Uang yang kami janjikan tidak jadi dikembalikan"),
        todo=_("Baca alasannya. Kalau menurut Anda keliru, hubungi pengelola."),
        rows=[*_refund(story), *([(_("Alasannya"), why)] if why else [])],
    )


TEXTS: Mapping[Kind, Callable[[Story], Words]] = {
    Kind.REFUND_DUE: _due,
    Kind.REFUND_SENT: _sent,
    Kind.REFUND_WITHDRAWN: _withdrawn,
}
