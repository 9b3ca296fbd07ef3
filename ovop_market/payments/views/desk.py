"""What is stuck, the oldest first, each with its one action."""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.payments.queries import alerts as queries_alerts
from ovop_market.payments.queries import desk as queries
from ovop_market.payments.queries.alerts import Alert
from ovop_market.payments.queries.desk import Kind
from ovop_market.payments.views import blueprint
from ovop_market.villages import permit_queries
from ovop_market.villages.labels import PERMITS
from ovop_market.villages.permit_queries import Ending
from ovop_market.web import access, htmx

KINDS = {
    Kind.CLAIMS: _l("Pembayaran dicek"),
    Kind.DISPUTES: _l("Keluhan"),
    Kind.LINES: _l("Uang masuk tak dikenal"),
    Kind.REFUNDS: _l("Uang kembali"),
    Kind.PAYOUTS: _l("Bayar penjual"),
    Kind.UNANSWERED: _l("Belum dijawab"),
    Kind.UNPAID: _l("Hampir lewat waktu"),
    Kind.CASH: _l("Tunai lewat janji"),
    Kind.NOTICES: _l("Pesan gagal"),
    Kind.GATEWAY: _l("Ditarik di Midtrans"),
    Kind.PRODUCERS: _l("Mau berjualan"),
    Kind.LISTINGS: _l("Produk baru"),
}


KIND_BADGES = {
    Kind.CLAIMS: "waiting",
    Kind.DISPUTES: "needs",
    Kind.LINES: "needs",
    Kind.REFUNDS: "needs",
    Kind.PAYOUTS: "waiting",
    Kind.UNANSWERED: "waiting",
    Kind.UNPAID: "waiting",
    Kind.CASH: "needs",
    Kind.NOTICES: "wrong",
    Kind.GATEWAY: "wrong",
    Kind.PRODUCERS: "waiting",
    Kind.LISTINGS: "waiting",
}


def desk_page(status: int = 200, *, notice: str = "", problem: str = "") -> Response:
    wanted = request.values.get("kind")
    kind = Kind(wanted) if wanted in set(Kind) else None
    return htmx.page_or_fragment(
        "payments/desk.html",
        "payments/_desk.html",
        status,
        desk=queries.desk(db.session(), kind, clock.now()),
        kinds=KINDS,
        kind_badges=KIND_BADGES,
        chat_about=queries.chat_about,
        endings=_endings,
        alerts=_alerts,
        permit_names=PERMITS,
        notice=notice,
        problem=problem,
    )


def _endings() -> tuple[list[Ending], int]:
    """Permits that end soon: asked by the page alone, not by its parts."""
    return permit_queries.ending(db.session(), clock.wib_date(clock.now()))


def _alerts() -> Sequence[Alert]:
    """What stands still behind the desk: asked by the page alone as well."""
    return queries_alerts.alerts(db.session(), current_app.config["OVOP"], clock.now())


@blueprint.get("/desk")
@access.role("operator")
def desk() -> ResponseReturnValue:
    return desk_page()


def came_from_desk() -> bool:
    return request.form.get("back") == "desk"
