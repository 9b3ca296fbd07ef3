"""What a producer's staff is told: never the buyer's address, number or link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _

from ovop_market.core.money import format_rupiah
from ovop_market.notices.kinds import Kind
from ovop_market.notices.queries import Story
from ovop_market.notices.texts import decisions, shares
from ovop_market.notices.texts.message import Links, Message, Words
from ovop_market.orders.models import Order
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.states import Action, OrderState
from ovop_market.villages.labels import PERMITS
from ovop_market.villages.models import Permit
from ovop_market.web import filters

K = Kind


def message(story: Story, links: Links) -> Message:
    """The message to the staff. Raises KeyError for a kind that is not theirs."""
    words = (shares.TEXTS | decisions.TEXTS | TEXTS)[story.kind](story)
    endpoint, values, button = _place(story)
    return Message(
        subject=words.subject,
        todo=words.todo,
        rows=words.rows,
        notes=words.notes,
        button=button,
        link=links.to(endpoint, **values),
        path=links.path(endpoint, **values),
    )


def _place(story: Story) -> tuple[str, dict[str, Any], str]:
    """Where it is to be seen: the page, its values, and what the button to it says."""
    if story.share is not None:
        return "shares.share", {"share_id": story.share.id}, _("Buka bagian Anda")
    if story.order is not None:
        return "inbox.order", {"number": story.order.number}, _("Buka pesanan")
    if story.permit is not None:
        return "permits.permits", {}, _("Buka izin")
    decided = decisions.place(story)
    if decided is not None:
        return decided
    return "payments.earnings", {}, _("Lihat pendapatan")


def _order(story: Story) -> Order:
    assert story.order is not None
    return story.order


def _reason(story: Story) -> list[tuple[str, str]]:
    return [(_("Alasannya"), story.reason)] if story.reason else []


def _goods(order: Order) -> list[tuple[str, str]]:
    """What is to be made, by when, for how much."""
    return [
        *(
            (f"{line.product_name} {line.variant_name}", f"{line.quantity}")
            for line in order.lines
            if line.quantity
        ),
        (_("Siap paling lambat"), filters.day(order.ready_by)),
        (_("Jumlah uangnya"), format_rupiah(order.total)),
    ]


def _prepare(order: Order) -> str:
    if may_be_made(order):
        return _("Siapkan sekarang, siap paling lambat %(day)s.", day=filters.day(order.ready_by))
    return _("Sisihkan barangnya, jangan dikirim dulu: pembeli belum membayar.")


def _answer(order: Order) -> str:
    until = filters.moment(order.due_at) if order.due_at else ""
    return _("Jawab paling lambat %(until)s. Sesudah itu pesanan batal sendiri.", until=until)


def _new_order(story: Story) -> Words:
    order = _order(story)
    return Words(
        subject=_("Pesanan baru %(number)s", number=order.number),
        todo=_answer(order) if order.state is OrderState.PLACED else _prepare(order),
        rows=_goods(order),
    )


def _unanswered(story: Story) -> Words:
    order = _order(story)
    return Words(
        subject=_("Pesanan %(number)s menunggu jawaban Anda", number=order.number),
        todo=_answer(order),
        rows=_goods(order),
    )


def _agreed(story: Story) -> Words:
    order = _order(story)
    return Words(
        subject=_("Pembeli setuju: pesanan %(number)s", number=order.number),
        todo=(
            _prepare(order)
            if may_be_made(order)
            else _("Jangan dibuat dulu: pembeli belum membayar.")
        ),
        rows=_goods(order),
    )


def _start(story: Story) -> Words:
    order = _order(story)
    return Words(
        subject=_("Pesanan %(number)s sudah dibayar", number=order.number),
        todo=_prepare(order),
        # Without the amount: whoever packs reads this too.
        rows=_goods(order)[:-1],
    )


def _stop(story: Story) -> Words:
    return Words(
        subject=_("Jangan dibuat dulu: pesanan %(number)s", number=_order(story).number),
        todo=_("Pembayarannya ternyata belum masuk. Kami kabari kalau sudah."),
    )


def _cancelled(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s dibatalkan pembeli", number=_order(story).number),
        todo=_("Jangan dibuat; barang yang disisihkan boleh dijual."),
        rows=_reason(story),
    )


def _called_off(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s dibatalkan pengelola", number=_order(story).number),
        todo=_("Jangan dibuat; barang yang disisihkan boleh dijual."),
        rows=_reason(story),
    )


def _complaint(story: Story) -> Words:
    return Words(
        subject=_("Ada keluhan untuk pesanan %(number)s", number=_order(story).number),
        todo=_("Baca keluhannya dan hubungi pembeli; pengelola yang memutuskan."),
        rows=_reason(story),
    )


def _decided(story: Story) -> Words:
    order = _order(story)
    if story.event is None or story.event.action is not Action.SETTLE_FOR_BUYER:
        todo = _("Untuk Anda: pesanan dianggap diterima dengan baik.")
    elif order.paid:
        todo = _("Untuk pembeli: uangnya dikembalikan.")
    else:
        todo = _("Untuk pembeli: pesanan dibatalkan, dan ia tidak perlu membayar.")
    return Words(
        subject=_("Keluhan pesanan %(number)s sudah diputuskan", number=order.number),
        todo=todo,
        rows=_reason(story),
    )


def _payout(story: Story) -> Words:
    payout = story.payout
    assert payout is not None
    return Words(
        subject=_("Hasil penjualan Anda sudah dikirim"),
        todo=_("Periksa rekening Anda."),
        rows=[
            (_("Jumlah uangnya"), format_rupiah(payout.amount)),
            # Enough to recognise the account by, and of no use to anybody else.
            (_("Ke rekening"), f"{payout.bank} …{payout.number[-4:]}"),
            (_("Untuk"), payout.producer.name),
        ],
    )


def _payout_account(story: Story) -> Words:
    account = story.account
    assert account is not None
    return Words(
        subject=_("Ada rekening baru untuk hasil penjualan Anda"),
        todo=_(
            "Pembayaran berikutnya dikirim ke sana. Bukan Anda atau pemilik lain yang mengisinya?"
            " Ganti kata sandi dan rekeningnya sekarang, lalu hubungi pengelola."
        ),
        rows=[
            (_("Rekening baru"), f"{account.bank} …{account.number[-4:]}"),
            (_("Untuk"), account.producer.name),
        ],
    )


def _permit(story: Story) -> Permit:
    assert story.permit is not None
    return story.permit


def _permit_rows(permit: Permit) -> list[tuple[str, str]]:
    ends = filters.day(permit.expires_on) if permit.expires_on else ""
    return [
        (_("Izin"), str(PERMITS[permit.kind])),
        (_("Nomor"), permit.number),
        (_("Berlaku sampai"), ends),
    ]


def _permit_ending(story: Story) -> Words:
    permit = _permit(story)
    return Words(
        subject=_("%(permit)s segera berakhir", permit=PERMITS[permit.kind]),
        todo=_("Urus perpanjangannya sekarang, lalu isi tanggal yang baru di halaman Izin."),
        rows=_permit_rows(permit),
    )


def _permit_ended(story: Story) -> Words:
    permit = _permit(story)
    return Words(
        subject=_("%(permit)s sudah berakhir", permit=PERMITS[permit.kind]),
        todo=_("Pembeli tidak melihatnya lagi. Perpanjang, lalu isi tanggal yang baru."),
        rows=_permit_rows(permit),
    )


TEXTS: dict[Kind, Callable[[Story], Words]] = {
    K.NEW_ORDER: _new_order,
    K.UNANSWERED: _unanswered,
    K.AGREED: _agreed,
    K.START: _start,
    K.STOP: _stop,
    K.CANCELLED: _cancelled,
    K.CALLED_OFF: _called_off,
    K.COMPLAINT: _complaint,
    K.DECIDED: _decided,
    K.PAYOUT: _payout,
    K.PAYOUT_ACCOUNT: _payout_account,
    K.PERMIT_ENDING: _permit_ending,
    K.PERMIT_ENDED: _permit_ended,
}
