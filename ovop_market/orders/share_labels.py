"""How shares of a group's order are called on the screen, and why somebody got as many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.orders.models import SAID, Allocation, OrderEvent
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
    if why.get(SAID):
        first = f"{first} {why[SAID]}"
    measured_by = why.get("rule") in ("fair", "again")
    if not isinstance(capacity, int) or not isinstance(lately, int) or not measured_by:
        return first
    measured = _(
        "Sanggup %(capacity)d per minggu; 90 hari terakhir mendapat %(lately)d bungkus. "
        "Yang paling sedikit mendapat, didahulukan.",
        capacity=capacity,
        lately=lately,
    )
    return f"{first} {measured}"


def event_text(event: OrderEvent, names: Mapping[int, str]) -> str:
    """What happened to shares, as a line of the order's history; `names` are of households."""
    details: dict[str, Any] = event.details or {}
    action, packs = details.get("action"), details.get("packs")
    if action == A.OFFER:
        shares = details.get("shares", [])
        return _(
            "Dibagi: %(packs)d bungkus ke %(households)d rumah",
            packs=sum(share["packs"] for share in shares),
            households=len({share["household"] for share in shares}),
        )
    if action == "uncovered" and not packs:
        return _("Sisanya sudah ditawarkan.")
    if action in ("late", "covered late") and not details.get("day"):
        return _("Semua bagian tepat waktu lagi")
    if action == "uncovered":
        return _("%(n)d bungkus belum ada yang sanggup", n=packs)
    if action == "share out":
        return _("Koordinator membagi dengan cara lain")
    if action in ("late", "covered late"):
        return _("Bagian terakhir lebih lambat dari janji")
    if action == "changed":
        return _("Bagian anggota dikurangi")
    household = names.get(details.get("household", 0), "")
    texts = {
        A.TAKE: _("%(household)s sanggup %(n)d", household=household, n=packs or 0),
        A.DECLINE: _("%(household)s tidak sanggup %(n)d", household=household, n=packs or 0),
        A.LAPSE: _("%(household)s tidak menjawab", household=household),
        A.HAND_IN: _("%(household)s menyetor %(n)d", household=household, n=packs or 0),
    }
    return texts.get(ShareAction(str(action)), str(action))


def is_trouble(event: OrderEvent) -> bool:
    """Whether it says that somebody has to do something about the shares."""
    details = event.details or {}
    return details.get("action") == "uncovered" and bool(details.get("packs"))
