"""How batches of payouts, the lines of a producer's statement, and the parts of a group's earnings
are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.payments.queries.earnings import What
from ovop_market.payments.queries.splits import Paid, Part, Whose
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

WHOSE: dict[Whose, LazyString] = {
    Whose.GROUP: _l("Milik kelompok sendiri"),
    Whose.NOBODY: _l("Belum dibagi"),
}
PAID: dict[Paid, LazyString] = {
    Paid.CASH: _l("Tunai, sudah di kelompok"),
    Paid.SENT: _l("Sudah dikirim ke kelompok"),
    Paid.PREPARED: _l("Sedang disiapkan untuk kelompok"),
    Paid.NOT_YET: _l("Belum dikirim ke kelompok"),
}


def part_name(part: Part) -> str:
    """Whose a part is."""
    return part.name if part.whose is Whose.HOUSEHOLD else str(WHOSE[part.whose])
