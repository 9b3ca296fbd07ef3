"""How payments, their states and what happens to them are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.payments.models import AttemptState
from ovop_market.payments.states import PaymentAction, PaymentState, RefundKind, RefundState

P = PaymentState

PAYMENT_STATES: dict[PaymentState, LazyString] = {
    P.ASKED: _l("Menunggu pembayaran"),
    P.CLAIMED: _l("Sedang dicek pengelola"),
    P.CONFIRMED: _l("Sudah dibayar"),
    P.REJECTED: _l("Uang belum masuk"),
    P.LAPSED: _l("Tidak jadi dibayar"),
}

# The badge of each state (templates/components/badge.html).
STATE_BADGES: dict[PaymentState, str] = {
    PaymentState.ASKED: "waiting",
    PaymentState.CLAIMED: "needs",
    PaymentState.CONFIRMED: "done",
    PaymentState.REJECTED: "waiting",
    PaymentState.LAPSED: "neutral",
}

# What happened, as a line of the timeline.
PAYMENT_EVENTS: dict[PaymentAction, LazyString] = {
    PaymentAction.ASK: _l("Ditagih"),
    PaymentAction.AMEND: _l("Jumlah tagihan berubah"),
    PaymentAction.CLAIM: _l("Pembeli bilang sudah membayar"),
    PaymentAction.CONFIRM: _l("Uang sudah masuk"),
    PaymentAction.REJECT: _l("Uang belum masuk"),
    PaymentAction.LAPSE: _l("Tidak jadi dibayar"),
    PaymentAction.RECEIVE_PART: _l("Uang masuk, belum cukup"),
    PaymentAction.RECEIVE_LATE: _l("Uang masuk lagi"),
    PaymentAction.REVERSE: _l("Konfirmasi ditarik"),
    PaymentAction.TAKE_BACK: _l("Uang yang dicatat ditarik"),
}

# A refund's badge and what it says.
REFUND_STATES: dict[RefundState, tuple[str, LazyString]] = {
    RefundState.DUE: ("needs", _l("Belum dikirim")),
    RefundState.SENT: ("done", _l("Sudah dikirim")),
    RefundState.WITHDRAWN: ("neutral", _l("Tidak jadi")),
}

# What is given back.
REFUND_KINDS: dict[RefundKind, LazyString] = {
    RefundKind.ORDER: _l("Seluruh pesanan"),
    RefundKind.GOODS: _l("Sebagian harga barang"),
    RefundKind.SHIPPING: _l("Ongkos kirim"),
    RefundKind.SURPLUS: _l("Uang lebih atau terlambat"),
}

# A page at the gateway, and its badge.
ATTEMPT_STATES: dict[AttemptState, LazyString] = {
    AttemptState.OPEN: _l("Belum dibayar"),
    AttemptState.PAID: _l("Sudah dibayar"),
    AttemptState.CLOSED: _l("Tidak jadi"),
}
ATTEMPT_BADGES: dict[AttemptState, str] = {
    AttemptState.OPEN: "waiting",
    AttemptState.PAID: "done",
    AttemptState.CLOSED: "neutral",
}
