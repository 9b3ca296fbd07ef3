"""What buyers are told. The link in it is their secret: it goes to the buyer's own address only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext as _

from ovop_market.core.money import format_rupiah
from ovop_market.notices.kinds import Kind
from ovop_market.notices.queries import Story
from ovop_market.notices.texts import refunds
from ovop_market.notices.texts.message import Links, Message, Words
from ovop_market.orders.labels import STATES
from ovop_market.orders.models import Order
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.states import Action
from ovop_market.payments.states import PaymentState
from ovop_market.web import filters

K = Kind


def message(story: Story, links: Links) -> Message:
    """The message to the buyer. Raises KeyError for a kind that is not the buyer's."""
    assert story.purchase is not None
    words = TEXTS[story.kind](story)
    return Message(
        subject=words.subject,
        todo=words.todo,
        rows=words.rows,
        notes=words.notes,
        button=words.button or _("Buka pesanan"),
        link=links.to("orders.purchase", token=story.purchase.token),
        # On a phone the account opens it: a push service need not carry a secret.
        path=links.path("orders.purchases"),
    )


def _order(story: Story) -> Order:
    assert story.order is not None
    return story.order


def _reason(story: Story) -> list[tuple[str, str]]:
    return [(_("Alasannya"), story.reason)] if story.reason else []


def _to_pay(story: Story) -> list[tuple[str, str]]:
    asked = story.asked
    return [(_("Jumlah yang harus dibayar"), format_rupiah(asked.amount))] if asked else []


def _pay_until(story: Story) -> str:
    if story.until is None:
        return _("Cara membayarnya ada di halaman pesanan Anda.")
    return _(
        "Bayar paling lambat %(until)s. Caranya ada di halaman pesanan Anda.",
        until=filters.moment(story.until),
    )


def _placed(story: Story) -> Words:
    assert story.purchase is not None
    orders = story.purchase.orders
    numbers = ", ".join(order.number for order in orders)
    if story.asked:
        todo = _pay_until(story)
    elif all(map(may_be_made, orders)) and orders[0].cash:
        todo = _("Anda membayar tunai saat barangnya diterima.")
    else:
        todo = _("Penjual menjawab dalam 24 jam. Anda belum perlu membayar.")
    rows = [(f"{o.number}, {o.producer.name}", str(STATES[o.state])) for o in orders]
    return Words(
        subject=_("Pesanan %(number)s sudah kami terima", number=numbers),
        todo=todo,
        rows=[*rows, *_to_pay(story)],
        notes=[
            _(
                "Simpan pesan ini. Tautannya membuka pesanan Anda tanpa kata sandi: jangan "
                "diteruskan kepada orang lain."
            )
        ],
        button=_("Bayar sekarang") if story.asked else "",
    )


def _accepted(story: Story) -> Words:
    order = _order(story)
    ready = filters.day(order.ready_by)
    if order.outstanding and not order.cash:
        todo = _pay_until(story)
        rows, button = _to_pay(story), _("Bayar sekarang")
    else:
        todo, rows, button = _("Pesanan sedang disiapkan."), [], ""
    return Words(
        subject=_("Pesanan %(number)s diterima penjual", number=order.number),
        todo=todo,
        rows=[*rows, (_("Siap paling lambat"), ready)],
        button=button,
    )


def _offer(story: Story, subject: str) -> Words:
    order = _order(story)
    offered = [
        (
            f"{line.product_name} {line.variant_name}",
            _(
                "%(offered)s dari %(wanted)s",
                offered=line.quantity if line.offered_quantity is None else line.offered_quantity,
                wanted=line.quantity,
            ),
        )
        for line in order.lines
    ]
    until = filters.moment(order.due_at) if order.due_at else ""
    return Words(
        subject=subject,
        todo=_("Jawab tawaran penjual paling lambat %(until)s.", until=until),
        rows=[
            *offered,
            (_("Siap paling lambat"), filters.day(order.offered_ready_by or order.ready_by)),
        ],
        notes=[_("Kalau tidak dijawab, pesanan batal dan Anda tidak membayar apa-apa.")],
        button=_("Lihat tawaran"),
    )


def _countered(story: Story) -> Words:
    return _offer(story, _("Penjual menawar pesanan %(number)s", number=_order(story).number))


def _offer_reminder(story: Story) -> Words:
    return _offer(
        story, _("Tawaran untuk pesanan %(number)s menunggu", number=_order(story).number)
    )


def _declined(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s ditolak penjual", number=_order(story).number),
        todo=_("Penjual tidak sanggup kali ini. Anda tidak perlu membayar."),
        rows=_reason(story),
    )


def _given_up(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s dibatalkan penjual", number=_order(story).number),
        todo=_("Penjual tidak menunggu lagi. Anda tidak perlu membayar; pesan lagi kalau mau."),
        rows=_reason(story),
    )


def _expired(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s tidak diteruskan", number=_order(story).number),
        todo=_("Waktunya habis. Jangan membayar lagi; Anda bisa memesan ulang kapan saja."),
    )


def _revoked(story: Story) -> Words:
    order = _order(story)
    return Words(
        subject=_("Pesanan %(number)s dibatalkan pengelola", number=order.number),
        todo=(
            _("Yang sudah Anda bayar dikembalikan.")
            if order.paid
            else _("Anda tidak perlu membayar.")
        ),
        rows=_reason(story),
    )


def _pay_reminder(story: Story) -> Words:
    return Words(
        subject=_("Pesanan %(number)s menunggu pembayaran", number=_order(story).number),
        todo=_pay_until(story),
        rows=_to_pay(story),
        notes=[
            _("Sesudah itu pesanan batal sendiri. Kalau sudah membayar, beri tahu kami di sana.")
        ],
        button=_("Bayar sekarang"),
    )


def _came(story: Story) -> list[tuple[str, str]]:
    """What has come, and for which orders."""
    event = story.payment_event
    assert event is not None
    rows = [(_("Uang yang masuk"), format_rupiah(event.amount))] if event.amount else []
    numbers = ", ".join(part.order.number for part in event.payment.parts)
    return [*rows, (_("Untuk pesanan"), numbers)] if numbers else rows


def _paid(story: Story) -> Words:
    event = story.payment_event
    from_credit = event is not None and event.amount == 0
    return Words(
        subject=_("Pembayaran Anda sudah masuk"),
        todo=(
            _("Pesanan dibayar dari uang Anda yang sudah ada pada kami.")
            if from_credit
            else _("Terima kasih. Penjual menyiapkan pesanan Anda.")
        ),
        rows=_came(story),
    )


def _part_paid(story: Story) -> Words:
    assert story.payment_event is not None
    came = (_("Uang yang masuk"), format_rupiah(story.payment_event.amount))
    asked = story.asked
    rest = [(_("Masih harus dibayar"), format_rupiah(asked.amount))] if asked else []
    return Words(
        subject=_("Pembayaran Anda belum cukup"),
        todo=_pay_until(story),
        rows=[came, *rest],
        notes=[_("Yang sudah masuk kami simpan untuk Anda.")],
        button=_("Bayar sisanya"),
    )


def _late_paid(story: Story) -> Words:
    return Words(
        subject=_("Uang Anda masuk di luar tagihan"),
        todo=_("Kami memakainya untuk pesanan Anda yang masih jalan, atau mengembalikannya."),
        rows=_came(story)[:1],
    )


def _not_found(story: Story) -> Words:
    return Words(
        subject=_("Pembayaran Anda belum kami temukan"),
        todo=_("Periksa kiriman uangnya, lalu beri tahu kami lagi di halaman pesanan Anda."),
        rows=[*_reason(story), *_to_pay(story)],
    )


def _taken_back(story: Story) -> Words:
    event = story.payment_event
    if event is not None and event.payment.state is PaymentState.CONFIRMED:
        return Words(
            subject=_("Catatan uang Anda kami perbaiki"),
            todo=_("Pembayaran Anda tetap lunas. Tidak ada yang perlu Anda lakukan."),
            rows=[(_("Keliru dicatat masuk"), format_rupiah(event.amount)), *_reason(story)],
        )
    return Words(
        subject=_("Pembayaran Anda ternyata belum masuk"),
        todo=_("Maaf, kami keliru mencatatnya. Lihat halaman pesanan Anda untuk membayar.")
        if story.asked
        else _("Maaf, kami keliru mencatatnya. Tidak ada yang perlu Anda bayar."),
        rows=[*_reason(story), *_to_pay(story)],
    )


def _ready(story: Story) -> Words:
    order = _order(story)
    point = order.collection_point
    assert point is not None
    due = order.cash and order.outstanding
    return Words(
        subject=_("Pesanan %(number)s siap diambil", number=order.number),
        todo=_("Ambil pesanan Anda di %(place)s.", place=point.name),
        rows=[
            (_("Alamatnya"), point.address),
            (_("Buka"), point.hours),
            *([(_("Bayar tunai di sana"), format_rupiah(order.outstanding))] if due else []),
        ],
    )


def _shipped(story: Story) -> Words:
    order = _order(story)
    rows = [
        (_("Kurir"), order.courier or ""),
        (_("Nomor resi"), order.tracking_number or ""),
        (
            _("Bayar tunai ke kurir"),
            format_rupiah(order.outstanding) if order.cash and order.outstanding else "",
        ),
    ]
    return Words(
        subject=_("Pesanan %(number)s dikirim", number=order.number),
        todo=_("Kalau barangnya sudah sampai, tekan “Barang sudah saya terima”."),
        rows=[row for row in rows if row[1]],
    )


def _tracked(story: Story) -> Words:
    order = _order(story)
    rows = [(_("Kurir"), order.courier or ""), (_("Nomor resi"), order.tracking_number or "")]
    return Words(
        subject=_("Nomor resi pesanan %(number)s diperbarui", number=order.number),
        todo=_("Lacak kiriman Anda dengan nomor resi yang baru."),
        rows=[row for row in rows if row[1]],
    )


def _arrived(story: Story) -> Words:
    order = _order(story)
    until = filters.moment(order.due_at) if order.due_at else ""
    return Words(
        subject=_("Apakah pesanan %(number)s sudah sampai?", number=order.number),
        todo=_("Kalau sudah, tekan “Barang sudah saya terima”. Kalau ada masalah, tulis di sana."),
        notes=[_("Tanpa kabar dari Anda, pesanan dianggap diterima %(until)s.", until=until)]
        if until
        else [],
    )


def _settled(story: Story) -> Words:
    order = _order(story)
    if story.event is None or story.event.action is not Action.SETTLE_FOR_BUYER:
        todo = _("Pesanan dianggap diterima dengan baik.")
    elif order.paid:
        todo = _("Uang Anda dikembalikan.")
    else:
        todo = _("Pesanan dibatalkan. Anda tidak perlu membayar.")
    return Words(
        subject=_("Keluhan pesanan %(number)s sudah diputuskan", number=order.number),
        todo=todo,
        rows=_reason(story),
    )


TEXTS: Mapping[Kind, Callable[[Story], Words]] = {
    K.PLACED: _placed,
    K.ACCEPTED: _accepted,
    K.COUNTERED: _countered,
    K.OFFER_REMINDER: _offer_reminder,
    K.DECLINED: _declined,
    K.GIVEN_UP: _given_up,
    K.EXPIRED: _expired,
    K.REVOKED: _revoked,
    K.PAY_REMINDER: _pay_reminder,
    K.PAID: _paid,
    K.PART_PAID: _part_paid,
    K.LATE_PAID: _late_paid,
    K.NOT_FOUND: _not_found,
    K.TAKEN_BACK: _taken_back,
    K.READY: _ready,
    K.SHIPPED: _shipped,
    K.TRACKED: _tracked,
    K.ARRIVED: _arrived,
    K.SETTLED: _settled,
    **refunds.TEXTS,
}
