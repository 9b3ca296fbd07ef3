"""How notices and what becomes of them are called on the screen."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.notices.kinds import Kind
from ovop_market.notices.states import Channel, Failure

K, F = Kind, Failure

SUBJECTS: dict[Kind, LazyString] = {
    K.PLACED: _l("Pesanan sudah kami terima"),
    K.ACCEPTED: _l("Pesanan diterima penjual"),
    K.COUNTERED: _l("Tawaran penjual"),
    K.OFFER_REMINDER: _l("Pengingat: jawab tawaran"),
    K.DECLINED: _l("Pesanan ditolak penjual"),
    K.GIVEN_UP: _l("Pesanan dibatalkan penjual"),
    K.EXPIRED: _l("Pesanan lewat waktu"),
    K.REVOKED: _l("Pesanan dibatalkan pengelola"),
    K.PAY_REMINDER: _l("Pengingat: bayar"),
    K.PAID: _l("Pembayaran sudah masuk"),
    K.PART_PAID: _l("Pembayaran kurang"),
    K.LATE_PAID: _l("Uang masuk di luar tagihan"),
    K.NOT_FOUND: _l("Pembayaran belum ditemukan"),
    K.TAKEN_BACK: _l("Pembayaran ternyata belum masuk"),
    K.READY: _l("Pesanan siap diambil"),
    K.SHIPPED: _l("Pesanan dikirim"),
    K.TRACKED: _l("Nomor resi diubah"),
    K.ARRIVED: _l("Pertanyaan: sudah sampai?"),
    K.SETTLED: _l("Keluhan sudah diputuskan"),
    K.REFUND_DUE: _l("Uang akan dikembalikan"),
    K.REFUND_SENT: _l("Uang sudah dikirim kembali"),
    K.REFUND_WITHDRAWN: _l("Uang tidak jadi dikembalikan"),
    K.NEW_ORDER: _l("Pesanan baru"),
    K.UNANSWERED: _l("Pengingat: jawab pesanan"),
    K.AGREED: _l("Pembeli setuju"),
    K.START: _l("Sudah dibayar, mulai siapkan"),
    K.STOP: _l("Jangan dibuat dulu"),
    K.CANCELLED: _l("Pesanan dibatalkan pembeli"),
    K.CALLED_OFF: _l("Pesanan dibatalkan pengelola"),
    K.COMPLAINT: _l("Ada keluhan pembeli"),
    K.DECIDED: _l("Keluhan sudah diputuskan"),
    K.PAYOUT: _l("Hasil penjualan dikirim"),
    K.PAYOUT_ACCOUNT: _l("Rekening baru untuk hasil penjualan"),
    K.UNCOVERED: _l("Ada bungkus yang belum disanggupi"),
    K.COVERED: _l("Semua bagian disanggupi"),
    K.SHARE_OFFERED: _l("Bagian pesanan kelompok"),
    K.SHARE_START: _l("Bagian Anda boleh dibuat"),
    K.SHARE_ENDED: _l("Bagian Anda batal"),
    K.SHARE_CHANGED: _l("Bagian Anda berubah"),
    K.SHARE_STOP: _l("Jangan dibuat dulu"),
    K.LATE_SHARE: _l("Ada bagian yang terlambat"),
    K.PERMIT_ENDING: _l("Izin segera berakhir"),
    K.PERMIT_ENDED: _l("Izin sudah berakhir"),
    K.APPROVED: _l("Pendaftaran disetujui"),
    K.APPROVAL_RECALLED: _l("Persetujuan pendaftaran ditarik"),
    K.REFUSED: _l("Pendaftaran ditolak"),
    K.SUSPENDED: _l("Penjual dihentikan sementara"),
    K.RESUMED: _l("Penjual boleh berjualan lagi"),
    K.CLOSED: _l("Penjual ditutup untuk seterusnya"),
    K.LISTING_SHOWN: _l("Produk lolos diperiksa"),
    K.LISTING_RECALLED: _l("Produk diperiksa lagi"),
    K.LISTING_RETURNED: _l("Produk dikembalikan"),
    K.LISTING_HIDDEN: _l("Produk disembunyikan"),
    K.LISTING_UNHIDDEN: _l("Produk tampil lagi"),
    K.VERIFY: _l("Pastikan email Anda"),
    K.RESET: _l("Buat kata sandi baru"),
    K.TAKEN: _l("Anda sudah punya akun"),
    K.PASSWORD_CHANGED: _l("Kata sandi sudah diganti"),
    K.SECOND_FACTOR_ON: _l("Kode masuk sudah menyala"),
    K.SECOND_FACTOR_OFF: _l("Kode masuk sudah dimatikan"),
    K.RECOVERY_CODE_USED: _l("Kode cadangan sudah dipakai"),
    K.NEW_EMAIL: _l("Pastikan email baru Anda"),
    K.EMAIL_CHANGING: _l("Email akun Anda akan diganti"),
    K.EMAIL_GONE: _l("Email ini tidak dipakai lagi"),
    K.PHONE_CHANGED: _l("Nomor HP akun Anda diganti"),
    K.LOGIN_WANTED: _l("Akun Anda tidak berubah"),
    K.INVITED: _l("Anda diundang ke OVOP Market"),
}

FAILURES: dict[Failure, LazyString] = {
    F.UNREACHABLE: _l("Layanan pengirim pesan tidak bisa dihubungi"),
    F.SIGN_IN: _l("Layanan pengirim pesan menolak kata sandi kita"),
    F.NOT_NOW: _l("Layanan pengirim pesan terus minta dicoba nanti"),
    F.ADDRESS: _l("Alamatnya salah atau tidak ada"),
    F.CONTENT: _l("Isi pesannya ditolak"),
    F.REFUSED: _l("Layanan pengirim pesan menolaknya"),
    F.TEXT: _l("Pesannya tidak bisa dibuat"),
    F.GONE: _l("Penerimanya sudah tidak ada"),
    F.NOT_NEEDED: _l("Sudah tidak perlu"),
    F.TOO_OLD: _l("Sudah terlalu lama"),
    F.PROGRAM: _l("Ada kesalahan di program"),
}


def subject_text(kind: Kind) -> str:
    """What a notice of this kind is about, in a few words."""
    return str(SUBJECTS[kind])


def channel_text(channel: Channel) -> str:
    """On what way a notice goes."""
    return _("E-mail") if channel is Channel.EMAIL else _("Pemberitahuan HP")


def failure_text(words: str | None) -> str:
    """Why a notice was not delivered, from what states.Outcome kept (`address 550`)."""
    name, _space, code = (words or "").rpartition(" ")
    if not code.isdecimal():
        name, code = words or "", ""
    if name not in set(Failure):
        return _("Sebabnya tidak diketahui")
    text = str(FAILURES[Failure(name)])
    return f"{text} ({code})" if code else text
