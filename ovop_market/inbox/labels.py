"""How the inbox speaks: tabs, what is awaited by when, and what has just been done."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.inbox.tabs import Tab
from ovop_market.orders.labels import BUTTONS
from ovop_market.orders.models import Order
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.states import Action, OrderState
from ovop_market.web import filters

S, A, T = OrderState, Action, Tab

TABS: dict[Tab, LazyString] = {
    T.NOW: _l("Perlu tindakan"),
    T.NEW: _l("Pesanan baru"),
    T.TO_MAKE: _l("Perlu dibuat"),
    T.TO_SHIP: _l("Siap dikirim"),
    T.SHIPPED: _l("Dikirim"),
    T.DONE: _l("Selesai"),
    T.CANCELLED: _l("Dibatalkan"),
    T.UNPAID: _l("Belum bayar"),
}

EMPTY: dict[Tab, LazyString] = {
    T.NOW: _l("Tidak ada yang perlu dikerjakan sekarang"),
    T.NEW: _l("Tidak ada pesanan baru"),
    T.TO_MAKE: _l("Tidak ada yang perlu dibuat"),
    T.TO_SHIP: _l("Tidak ada yang menunggu dikirim"),
    T.SHIPPED: _l("Tidak ada yang sedang dikirim"),
    T.DONE: _l("Belum ada pesanan yang selesai"),
    T.CANCELLED: _l("Tidak ada pesanan yang dibatalkan"),
    T.UNPAID: _l("Tidak ada yang belum dibayar"),
}

# What else can be done with an order besides the usual step.
OTHERS: dict[Action, LazyString] = {
    A.ACCEPT: _l("Terima"),
    A.COUNTER: _l("Sanggup sebagian, atau lebih lama"),
    A.DECLINE: _l("Tidak sanggup"),
    A.GIVE_UP: _l("Pembeli tidak datang atau tidak bisa dihubungi"),
    A.START: _l("Mulai buat"),
    A.FINISH: _l("Sudah selesai dibuat"),
    A.SHIP: _l("Kirim"),
    A.HAND_OVER: _l("Serahkan"),
    A.TRACK: _l("Tambah atau ubah nomor resi"),
}

DONE: dict[Action, LazyString] = {
    A.ACCEPT: _l("Pesanan %(number)s diterima."),
    A.COUNTER: _l("Tawaran untuk pesanan %(number)s dikirim ke pembeli."),
    A.DECLINE: _l("Pesanan %(number)s ditolak. Pembeli diberi tahu alasannya."),
    A.GIVE_UP: _l(
        "Pesanan %(number)s dibatalkan dan barangnya bisa dijual lagi. Pembeli diberi tahu."
    ),
    A.START: _l("Pesanan %(number)s mulai dibuat."),
    A.FINISH: _l("Pesanan %(number)s sudah siap."),
    A.SHIP: _l("Pesanan %(number)s dikirim."),
    A.HAND_OVER: _l("Pesanan %(number)s sudah diserahkan."),
    A.TRACK: _l("Nomor resi pesanan %(number)s disimpan."),
}


def step_text(order: Order, step: Action) -> str:
    """The button of the usual step. What was ready when it was ordered is not made, but packed."""
    if step is A.FINISH and order.state is S.ACCEPTED and order.from_stock:
        return _("Siap dikirim") if order.service_id else _("Siap diambil")
    return str(BUTTONS[step])


def due_text(order: Order) -> str:
    """What is awaited by when, in a few words."""
    ready = filters.short_day(order.ready_by)
    until = filters.short_day(order.due_at) if order.due_at else ""
    hour = filters.clock_time(order.due_at) if order.due_at else ""
    since = filters.short_day(order.received_at or order.fulfilled_from or order.ready_by)
    texts = {
        S.PLACED: _("Jawab sebelum %(day)s, %(time)s", day=until, time=hour),
        S.COUNTERED: _("Pembeli menjawab sampai %(day)s, %(time)s", day=until, time=hour),
        S.ACCEPTED: _due_once_accepted(order, ready, until, hour),
        S.PREPARING: _("Siap %(day)s", day=ready),
        S.READY: _("Janji siap %(day)s", day=ready),
        S.SHIPPED: _("Dikirim %(day)s", day=since),
        S.DISPUTED: _("Pengelola sedang memeriksa"),
        S.RECEIVED: _("Diterima %(day)s", day=since),
    }
    return str(texts.get(order.state, ""))


def _due_once_accepted(order: Order, ready: str, until: str, hour: str) -> str:
    if may_be_made(order):
        return _("Siap %(day)s", day=ready)
    # The clock stands still while a payment is being looked at.
    if not order.due_at:
        return _("Pembayaran sedang dicek")
    return _("Pembeli membayar sampai %(day)s, %(time)s", day=until, time=hour)


def _advice_once_accepted(order: Order, ready: str, until: str) -> str:
    if may_be_made(order):
        return _("Siapkan pesanan ini, siap paling lambat %(day)s.", day=ready)
    if not order.due_at:
        return _("Pembeli bilang sudah membayar; pengelola sedang mengecek.")
    return _("Jangan dibuat dulu: pembeli belum membayar. Batasnya %(until)s.", until=until)


def advice(order: Order) -> str:
    """What the producer does next with the order, in one sentence."""
    until = filters.moment(order.due_at) if order.due_at else ""
    ready = filters.day(order.ready_by)
    sentences = {
        S.PLACED: _(
            "Jawab paling lambat %(until)s. Sesudah itu pesanan batal sendiri.", until=until
        ),
        S.COUNTERED: _("Pembeli sedang melihat tawaran Anda, sampai %(until)s.", until=until),
        S.ACCEPTED: _advice_once_accepted(order, ready, until),
        S.PREPARING: _("Sedang dibuat, siap paling lambat %(day)s.", day=ready),
        S.READY: (
            _("Kirim dengan kurir, lalu tulis nomor resinya.")
            if order.service_id
            else _("Tekan Serahkan kalau pembeli sudah mengambil pesanannya.")
        ),
        S.SHIPPED: _(
            "Dalam perjalanan. Selesai kalau pembeli menerima, atau sendiri sesudah 7 hari."
        ),
        S.DISPUTED: _("Pembeli mengeluh. Hubungi pembeli; pengelola yang memutuskan."),
        S.RECEIVED: _("Selesai. Terima kasih."),
        S.DECLINED: _("Pesanan ini Anda tolak."),
        S.EXPIRED: _("Waktunya habis, pesanan ini tidak diteruskan."),
        S.CANCELLED: _("Pesanan ini dibatalkan."),
    }
    return str(sentences[order.state])
