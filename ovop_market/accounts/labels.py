"""How accounts' roles are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.accounts.models import Role

ROLES: dict[Role, LazyString] = {
    Role.BUYER: _l("pembeli"),
    Role.PRODUCER: _l("penjual"),
    Role.OFFICIAL: _l("pejabat"),
    Role.OPERATOR: _l("pengelola"),
}

# What each may do, in a sentence, before an operator makes somebody one.
ROLES_MAY: dict[Role, LazyString] = {
    Role.BUYER: _l("Hanya memesan, dan melihat pesanannya sendiri."),
    Role.PRODUCER: _l(
        "Bekerja untuk penjual yang mengundangnya; tanpa undangan, pesanan masuknya kosong."
    ),
    Role.OFFICIAL: _l(
        "Melihat jangkauan dan pembinaan desa di wilayahnya, tanpa data pembeli dan tanpa uangnya."
    ),
    Role.OPERATOR: _l(
        "Melihat semua pesanan, pembayaran, dan data pembeli, dan mengurus semua akun."
    ),
}

# What was done with an account, as the audit says it; what is not here is shown as it stands there.
AUDIT: dict[str, LazyString] = {
    "account made": _l("akun dibuat"),
    "address verified": _l("email dipastikan"),
    "signed in": _l("masuk"),
    "signed out": _l("keluar"),
    "session ended": _l("satu perangkat dikeluarkan"),
    "sessions ended": _l("semua perangkat dikeluarkan"),
    "password changed": _l("kata sandi diganti"),
    "password reset asked": _l("minta kata sandi baru"),
    "password link made": _l("tautan kata sandi dibuat pengelola"),
    "password reset": _l("kata sandi baru dibuat"),
    "second factor on": _l("kode masuk dinyalakan"),
    "second factor off": _l("kode masuk dimatikan"),
    "second factor cleared": _l("kode masuk dimatikan pengelola"),
    "recovery code used": _l("kode cadangan dipakai"),
    "recovery codes made": _l("kode cadangan dibuat"),
    "code refused": _l("kode masuk salah"),
    "role changed": _l("peran diubah"),
    "account disabled": _l("akun ditutup"),
    "account enabled": _l("akun dibuka lagi"),
    "registration refused": _l("ada yang mendaftar dengan login ini"),
}
