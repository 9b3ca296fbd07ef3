"""How the states of payments are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.payments.states import PaymentState

P = PaymentState

PAYMENT_STATES: dict[PaymentState, LazyString] = {
    P.ASKED: _l("Menunggu pembayaran"),
    P.CLAIMED: _l("Sedang dicek pengelola"),
    P.CONFIRMED: _l("Sudah dibayar"),
    P.REJECTED: _l("Uang belum masuk"),
    P.LAPSED: _l("Tidak jadi dibayar"),
}
