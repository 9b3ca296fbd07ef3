"""The producer's day: what to make, what to pack, and labels. All of it prints."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_login import current_user

from ovop_market.catalogue.labels import STORAGE
from ovop_market.catalogue.models import Storage
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.inbox import parcels, to_make
from ovop_market.inbox.parcels import Label
from ovop_market.inbox.to_make import Due
from ovop_market.inbox.views import blueprint
from ovop_market.villages.policy import Duty
from ovop_market.web import access

HEAPS: dict[Due, LazyString] = {
    Due.LATE: _l("Terlambat"),
    Due.TODAY: _l("Hari ini"),
    Due.TOMORROW: _l("Besok"),
    Due.LATER: _l("Sesudah itu"),
}
# On a parcel, in large letters.
KEEP: dict[Storage, LazyString] = {
    Storage.FROZEN: _l("BEKU: simpan di freezer"),
    Storage.CHILLED: _l("DINGIN: simpan di kulkas"),
    Storage.AMBIENT: _l("SUHU RUANG: simpan di tempat kering"),
}
A4, A6 = "a4", "a6"


@blueprint.get("/inbox/today")
@access.staff(Duty.SEE)
def today() -> ResponseReturnValue:
    now = clock.now()
    return render_template(
        "inbox/today.html",
        found=to_make.to_make(db.session(), current_user, clock.wib_date(now)),
        now=now,
        heaps=HEAPS,
        storage_names=STORAGE,
    )


@blueprint.get("/inbox/packing")
@access.staff(Duty.PRINT)
def packing() -> ResponseReturnValue:
    orders = parcels.packing(db.session(), current_user)
    return render_template(
        "inbox/packing.html",
        orders=orders,
        several=len({order.producer for order in orders}) > 1,
        most=parcels.MOST,
        now=clock.now(),
        storage_names=STORAGE,
    )


@blueprint.get("/inbox/<number>/label")
@access.staff(Duty.PRINT)
def label(number: str) -> ResponseReturnValue:
    title = _("Label pesanan %(number)s", number=number.upper())
    return _labels(title, parcels.label(db.session(), current_user, number))


@blueprint.get("/inbox/labels")
@access.staff(Duty.PRINT)
def labels() -> ResponseReturnValue:
    numbers = request.args.getlist("order")
    return _labels(_("Label pesanan"), parcels.labels(db.session(), current_user, numbers))


def _labels(title: str, found: list[Label]) -> ResponseReturnValue:
    """The labels on the paper that is asked for; whoever has no printer for A6 cuts A4 in four."""
    paper = A6 if request.args.get("paper") == A6 else A4
    return render_template(
        "inbox/labels.html",
        title=title,
        labels=found,
        paper=paper,
        keep=KEEP,
        most=parcels.MOST_LABELS,
    )
