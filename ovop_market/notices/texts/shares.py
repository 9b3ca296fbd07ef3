"""What a member household is told of its share, and a coordinator of the whole. Never who buys."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

from ovop_market.notices.kinds import Kind
from ovop_market.notices.queries import Story
from ovop_market.notices.texts.message import Words
from ovop_market.orders.models import Allocation, Order
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.services.allocating import latest
from ovop_market.orders.share_labels import reason
from ovop_market.orders.share_states import may_be_handed_in
from ovop_market.web import filters


def _share(story: Story) -> Allocation:
    assert story.share is not None
    return story.share


def _order(story: Story) -> Order:
    assert story.order is not None
    return story.order


def _goods(share: Allocation) -> list[tuple[str, str]]:
    line = share.line
    return [
        (f"{line.product_name} {line.variant_name}", f"{share.packs}"),
        (_("Disetor paling lambat"), filters.day(share.ready_by)),
    ]


def _offered(story: Story) -> Words:
    share = _share(story)
    return Words(
        subject=_("Bagian baru untuk Anda"),
        todo=(
            _("Jawab paling lambat %(until)s.", until=filters.moment(share.due_at))
            if share.due_at
            else _("Jawab, supaya koordinator tahu.")
        ),
        rows=_goods(share),
        notes=[reason(share)],
    )


def _start(story: Story) -> Words:
    share = _share(story)
    return Words(
        subject=_("Bagian Anda boleh dibuat"),
        todo=_("Setor paling lambat %(day)s.", day=filters.day(share.ready_by)),
        rows=_goods(share),
    )


def _ended(story: Story) -> Words:
    line = _share(story).line
    return Words(
        subject=_("Bagian Anda batal"),
        todo=_("Jangan dibuat: pesanannya tidak jadi."),
        rows=[(_("Produk"), f"{line.product_name} {line.variant_name}")],
    )


def _changed(story: Story) -> Words:
    share, order = _share(story), _order(story)
    return Words(
        subject=_("Bagian Anda berubah"),
        todo=(
            _("Setor paling lambat %(day)s.", day=filters.day(share.ready_by))
            if may_be_handed_in(order.state, may_be_made(order))
            else _("Lihat berapa sekarang.")
        ),
        rows=_goods(share),
        notes=[reason(share)],
    )


def _stop(story: Story) -> Words:
    return Words(
        subject=_("Jangan dibuat dulu: bagian Anda"),
        todo=_("Pembayarannya ternyata belum masuk. Kami kabari kalau sudah."),
        rows=_goods(_share(story)),
    )


def _late(story: Story) -> Words:
    order = _order(story)
    day = latest(order)
    return Words(
        subject=_("Bagian pesanan %(number)s terlambat", number=order.number),
        todo=_("Terima dengan tanggal yang lebih lambat, tawarkan ke pembeli, atau bagi lagi."),
        rows=[
            (_("Janji ke pembeli"), filters.day(order.offered_ready_by or order.ready_by)),
            *([(_("Bagian terakhir siap"), filters.day(day))] if day else []),
        ],
    )


def _uncovered(story: Story) -> Words:
    details = story.event.details if story.event is not None else None
    return Words(
        subject=_("Pesanan %(number)s belum tercakup", number=_order(story).number),
        todo=_("Bagi lagi, atau tawarkan jumlah atau tanggal lain kepada pembeli."),
        rows=[(_("Belum ada yang sanggup"), str((details or {}).get("packs", "")))],
    )


def _covered(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s disanggupi semua anggota", number=_order(story).number),
        todo=_("Pesanan sudah diterima dan pembeli sudah diberi tahu."),
    )


TEXTS: dict[Kind, Callable[[Story], Words]] = {
    Kind.SHARE_OFFERED: _offered,
    Kind.SHARE_START: _start,
    Kind.SHARE_ENDED: _ended,
    Kind.SHARE_CHANGED: _changed,
    Kind.SHARE_STOP: _stop,
    Kind.LATE_SHARE: _late,
    Kind.UNCOVERED: _uncovered,
    Kind.COVERED: _covered,
}
