"""How shares of a group's order are called on the screen, and why somebody got as many."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.orders.models import Allocation
from ovop_market.orders.share_states import ShareAction, ShareState

S, A = ShareState, ShareAction

SHARE_STATES: dict[ShareState, LazyString] = {
    S.OFFERED: _l("Menunggu jawaban"),
    S.TAKEN: _l("Disanggupi"),
    S.MADE: _l("Sudah disetor"),
    S.SETTLED: _l("Selesai"),
    S.DECLINED: _l("Tidak sanggup"),
    S.LAPSED: _l("Tidak dijawab"),
    S.WITHDRAWN: _l("Ditarik kembali"),
}

# Shape and colour (templates/components/badge.html).
SHARE_BADGES: dict[ShareState, str] = {
    S.OFFERED: "waiting",
    S.TAKEN: "made",
    S.MADE: "ready",
    S.SETTLED: "done",
    S.DECLINED: "neutral",
    S.LAPSED: "neutral",
    S.WITHDRAWN: "neutral",
}


def reason(share: Allocation) -> str:
    """Why the household got its share, in a sentence."""
    why = share.why
    lately, capacity = why.get("lately"), why.get("capacity")
    sentences = {
        "ready": _("Diambil dari stok siap rumah ini."),
        "again": _("Anggota lain tidak sanggup, jadi ditawarkan ke rumah ini."),
        "coordinator": _("Ditentukan koordinator."),
        "before": _("Dibagi sebelum pembagian dicatat."),
    }
    first = sentences.get(str(why.get("rule")), _("Dibagi menurut kesanggupan."))
    if not isinstance(capacity, int) or not isinstance(lately, int) or why.get("rule") == "ready":
        return first
    measured = _(
        "Sanggup %(capacity)d per minggu; 90 hari terakhir mendapat %(lately)d bungkus. "
        "Yang paling sedikit mendapat, didahulukan.",
        capacity=capacity,
        lately=lately,
    )
    return f"{first} {measured}"
