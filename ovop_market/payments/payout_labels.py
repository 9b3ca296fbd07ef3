"""How batches of payouts, and the lines of a producer's statement, are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.payments.queries.earnings import What
from ovop_market.payments.states import BatchState

BATCH_STATES: dict[BatchState, LazyString] = {
    BatchState.MADE: _l("Belum dikirim"),
    BatchState.SENT: _l("Sudah dikirim"),
    BatchState.UNDONE: _l("Dibatalkan"),
}
BATCH_BADGES: dict[BatchState, str] = {
    BatchState.MADE: "needs",
    BatchState.SENT: "done",
    BatchState.UNDONE: "neutral",
}

LINES: dict[What, LazyString] = {
    What.SOLD: _l("Dibayar pembeli"),
    What.SOLD_FOR_CASH: _l("Dibayar tunai"),
    What.CASH_TAKEN: _l("Tunainya Anda terima"),
    What.GIVEN_BACK: _l("Kembali ke pembeli"),
    What.PAID_OUT: _l("Dikirim ke rekening Anda"),
    What.PREPARED: _l("Disiapkan untuk dikirim ke rekening Anda"),
    What.TAKEN_BACK: _l("Koreksi: uang pembeli"),
    What.PAYOUT_UNDONE: _l("Koreksi: tidak jadi dikirim"),
    What.OTHER: _l("Koreksi"),
}
