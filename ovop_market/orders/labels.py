"""How states and actions are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.states import Action, Actor, OrderState

S, A = OrderState, Action

STATES: dict[OrderState, LazyString] = {
    S.PLACED: _l("Menunggu jawaban penjual"),
    S.COUNTERED: _l("Ditawar penjual"),
    S.ACCEPTED: _l("Diterima penjual"),
    S.PREPARING: _l("Sedang dibuat"),
    S.READY: _l("Siap dikirim"),
    S.SHIPPED: _l("Dalam perjalanan"),
    S.RECEIVED: _l("Selesai"),
    S.DISPUTED: _l("Ada keluhan"),
    S.DECLINED: _l("Ditolak penjual"),
    S.EXPIRED: _l("Lewat waktu"),
    S.CANCELLED: _l("Dibatalkan"),
}

PAYMENT_METHODS: dict[PaymentMethod, LazyString] = {
    PaymentMethod.TRANSFER: _l("Transfer bank"),
    PaymentMethod.QRIS: _l("QRIS"),
    PaymentMethod.COD: _l("Bayar di tempat"),
    PaymentMethod.GATEWAY: _l("Kartu, dompet digital, atau virtual account"),
}

# The badge of each state: its shape and colour (templates/components/badge.html).
BADGES: dict[OrderState, str] = {
    S.PLACED: "waiting",
    S.COUNTERED: "waiting",
    S.ACCEPTED: "waiting",
    S.PREPARING: "made",
    S.READY: "ready",
    S.SHIPPED: "ready",
    S.RECEIVED: "done",
    S.DISPUTED: "needs",
    S.DECLINED: "neutral",
    S.EXPIRED: "neutral",
    S.CANCELLED: "neutral",
}

# What happened, as a line of the timeline.
EVENTS: dict[Action, LazyString] = {
    A.PLACE: _l("Pesanan dibuat"),
    A.ACCEPT: _l("Penjual menerima"),
    A.COUNTER: _l("Penjual menawar"),
    A.DECLINE: _l("Penjual menolak"),
    A.GIVE_UP: _l("Penjual membatalkan: pembeli tidak datang atau tidak bisa dihubungi"),
    A.AGREE: _l("Pembeli setuju"),
    A.LAPSE: _l("Lewat waktu"),
    A.CANCEL: _l("Pembeli membatalkan"),
    A.REVOKE: _l("Pengelola membatalkan"),
    A.START: _l("Mulai dibuat"),
    A.FINISH: _l("Selesai dibuat"),
    A.SHIP: _l("Dikirim"),
    A.HAND_OVER: _l("Diserahkan di tempat ambil"),
    A.RECEIVE: _l("Diterima pembeli"),
    A.DISPUTE: _l("Pembeli mengeluh"),
    A.SETTLE_FOR_PRODUCER: _l("Keluhan selesai: untuk penjual"),
    A.SETTLE_FOR_BUYER: _l("Keluhan selesai: uang kembali"),
    A.PAY: _l("Pembayaran diterima"),
    A.UNPAY: _l("Pembayaran ternyata belum masuk"),
    A.REMIND: _l("Diingatkan"),
    A.SHARE: _l("Pembagian ke anggota"),
    A.TRACK: _l("Nomor resi diperbarui"),
}

ACTORS: dict[Actor, LazyString] = {
    Actor.BUYER: _l("Pembeli"),
    Actor.PRODUCER: _l("Penjual"),
    Actor.OPERATOR: _l("Pengelola"),
    Actor.CLOCK: _l("Otomatis"),
}

# Buttons are verbs.
BUTTONS: dict[Action, LazyString] = {
    A.ACCEPT: _l("Terima"),
    A.COUNTER: _l("Tawar"),
    A.DECLINE: _l("Tolak"),
    A.GIVE_UP: _l("Batalkan pesanan"),
    A.AGREE: _l("Setuju"),
    A.CANCEL: _l("Batalkan pesanan"),
    A.REVOKE: _l("Batalkan pesanan"),
    A.START: _l("Mulai buat"),
    A.FINISH: _l("Selesai dibuat"),
    A.SHIP: _l("Kirim"),
    A.HAND_OVER: _l("Serahkan"),
    A.TRACK: _l("Simpan nomor resi"),
    A.RECEIVE: _l("Barang sudah saya terima"),
    A.DISPUTE: _l("Ada masalah"),
    A.SETTLE_FOR_PRODUCER: _l("Selesai: untuk penjual"),
    A.SETTLE_FOR_BUYER: _l("Selesai: uang kembali"),
}
