"""Whom to visit next: the list of the office."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.extensions import db
from ovop_market.reach import due, due_rules
from ovop_market.reach.due_rules import Reason
from ovop_market.reach.policy import ROLES
from ovop_market.villages.labels import PERMITS
from ovop_market.web import access, htmx
from ovop_market.web.paging import page_number, pager

blueprint = Blueprint("due", __name__)

REASONS: dict[Reason, LazyString] = {
    Reason.UNVISITED: _l("Lama tak dikunjungi"),
    Reason.PERMIT: _l("Izin berakhir"),
    Reason.STAR: _l("Layak diusulkan bintang"),
    Reason.FALLING: _l("Penjualan turun"),
    Reason.UNANSWERED: _l("Pesanan tak dijawab"),
}


@blueprint.get("/mentoring")
@access.role(*ROLES)
def mentoring() -> Response:
    asked = request.args.get("reason", "")
    reason = Reason(asked) if asked in set(Reason) else None
    village = request.args.get("village", "").strip()
    found = due.due_list(
        db.session(),
        current_user,
        clock.now(),
        village=village,
        reason=reason,
        page=page_number(request.args.get("page", "")),
    )
    if village and village not in {slug for slug, _name in found.villages}:
        raise NotFound(_("Desa ini tidak ada di wilayah Anda."))

    def address(page: int = 1, reason: Reason | None = reason) -> str:
        return url_for(
            "due.mentoring",
            reason=reason,
            village=village or None,
            page=page if page > 1 else None,
        )

    return htmx.page_or_fragment(
        "reach/due.html",
        "reach/_due.html",
        due=found,
        reason=reason,
        village=village,
        reasons=REASONS,
        permits=PERMITS,
        rules=due_rules,
        address=address,
        pager=pager(found.page, found.pages, address),
    )
