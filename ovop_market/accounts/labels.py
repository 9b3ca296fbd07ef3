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
