"""How bank statements, their columns and lines are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.payments.matching import Reason
from ovop_market.payments.statements.movements import Problem
from ovop_market.payments.statements.sheets import Fault
from ovop_market.payments.statements.values import DateOrder, Decimal
from ovop_market.payments.statements.words import Role
from ovop_market.payments.states import LineState

# Why a file cannot be read, and what to do.
FAULTS: dict[Fault, LazyString] = {
    Fault.EMPTY: _l("Berkas ini kosong. Unduh lagi mutasinya dari bank."),
    Fault.TOO_LARGE: _l("Berkas ini lebih dari 5 MB. Unduh mutasi untuk waktu yang lebih pendek."),
    Fault.TOO_LONG: _l(
        "Berkas ini lebih dari 20.000 baris. Unduh mutasi untuk waktu yang lebih pendek."
    ),
    Fault.NOT_TEXT: _l(
        "Ini bukan berkas CSV. Dari Excel: pilih Simpan Sebagai, lalu CSV. Dari bank: pilih CSV, "
        "bukan PDF."
    ),
    Fault.NO_TABLE: _l(
        "Tidak ada tabel di berkas ini. Unduh mutasinya sebagai CSV, lalu unggah tanpa diubah."
    ),
}

# Why a row cannot be read.
PROBLEMS: dict[Problem, LazyString] = {
    Problem.DAY: _l("tanggalnya tidak terbaca"),
    Problem.FUTURE: _l("tanggalnya belum tiba"),
    Problem.AMOUNT: _l("jumlahnya tidak terbaca"),
    Problem.BOTH: _l("uang masuk dan uang keluar dalam satu baris"),
    Problem.DIRECTION: _l("tidak jelas uang masuk atau keluar"),
    Problem.WIDTH: _l("kolomnya lebih banyak dari judulnya"),
}

ROLES: dict[Role, LazyString] = {
    Role.DATE: _l("Tanggal"),
    Role.DESCRIPTION: _l("Keterangan"),
    Role.DETAIL: _l("Keterangan tambahan"),
    Role.AMOUNT: _l("Jumlah (masuk dan keluar jadi satu)"),
    Role.MARK: _l("Tanda masuk atau keluar (CR/DB, K/D)"),
    Role.CREDIT: _l("Uang masuk (kredit)"),
    Role.DEBIT: _l("Uang keluar (debet)"),
    Role.BALANCE: _l("Saldo"),
}
ORDERS: dict[DateOrder, LazyString] = {
    DateOrder.DMY: _l("hari, bulan, tahun (24/11/2026)"),
    DateOrder.MDY: _l("bulan, hari, tahun (11/24/2026)"),
    DateOrder.YMD: _l("tahun, bulan, hari (26/11/24)"),
}
DECIMALS: dict[Decimal, LazyString] = {
    Decimal.COMMA: _l("koma: 1.234.567,00"),
    Decimal.POINT: _l("titik: 1,234,567.00"),
}

LINE_STATES: dict[LineState, LazyString] = {
    LineState.OPEN: _l("Belum dikenal"),
    LineState.MATCHED: _l("Sudah dicocokkan"),
    LineState.SET_ASIDE: _l("Disisihkan"),
}
LINE_BADGES: dict[LineState, str] = {
    LineState.OPEN: "needs",
    LineState.MATCHED: "done",
    LineState.SET_ASIDE: "neutral",
}

# What speaks for a payment, or against it.
REASONS: dict[Reason, LazyString] = {
    Reason.CODE: _l("kodenya ada di keterangan"),
    Reason.NUMBER: _l("nomor pesanannya ada di keterangan"),
    Reason.AMOUNT: _l("jumlahnya sama"),
    Reason.WITHOUT_DIGITS: _l("jumlahnya sama tanpa angka unik"),
    Reason.FORMER_AMOUNT: _l("dulu ditagih sebesar ini"),
    Reason.NEAR: _l("jumlahnya hampir sama"),
    Reason.NAME: _l("namanya mirip"),
    Reason.REFERENCE: _l("mirip keterangan pembeli"),
    Reason.DAY: _l("harinya dekat"),
    Reason.TOO_EARLY: _l("uangnya masuk sebelum ditagih"),
    Reason.LATE: _l("sudah tidak ditagih: mungkin terlambat"),
    Reason.DOUBLE: _l("sudah dibayar: mungkin dua kali"),
    Reason.BY_HAND: _l("sudah dikonfirmasi dengan tangan sebesar ini"),
}
