"""Paying producers: what is due, the batches of it, and each batch as a file for the bank."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.extensions import db
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments.payout_forms import SendingForm
from ovop_market.payments.payout_labels import BATCH_BADGES, BATCH_STATES
from ovop_market.payments.queries import batches
from ovop_market.payments.queries import payouts as queries
from ovop_market.payments.services import payouts as services
from ovop_market.payments.states import BATCH_MOVES, BatchAction, BatchState
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx, limits
from ovop_market.web.addresses import ID
from ovop_market.web.exports import csv_file


def _payouts(status: int = 200, *, problem: str = "") -> Response:
    session = db.session()
    return htmx.page_or_fragment(
        "payments/payouts.html",
        "payments/_payouts.html",
        status,
        due=queries.due(session, clock.now()),
        batches=batches.batches(session),
        states=BATCH_STATES,
        badges=BATCH_BADGES,
        problem=problem,
    )


def _payout(
    batch_id: int,
    status: int = 200,
    *,
    form: SendingForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    session = db.session()
    batch = batches.batch_of(session, batch_id)
    return htmx.page_or_fragment(
        "payments/payout.html",
        "payments/_payout.html",
        status,
        batch=batch,
        payouts=batches.payouts_of(session, batch),
        total=sum(payout.amount for payout in batch.payouts),
        state_text=BATCH_STATES[batch.state],
        badge_kind=BATCH_BADGES[batch.state],
        sendable=(batch.state, BatchAction.SEND) in BATCH_MOVES,
        undoable=(batch.state, BatchAction.UNDO) in BATCH_MOVES,
        recallable=(batch.state, BatchAction.RECALL) in BATCH_MOVES,
        form=form or SendingForm(formdata=None),
        refused=form,
        notice=notice,
        problem=problem,
    )


@blueprint.get("/desk/payouts")
@access.role("operator")
def payouts() -> ResponseReturnValue:
    return _payouts()


@blueprint.post("/desk/payouts")
@access.role("operator")
def make_payouts() -> ResponseReturnValue:
    try:
        batch = services.make_batch(db.session(), _operator(), clock.now())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _payouts(refusal.status, problem=refusal.message)
    return htmx.moved(url_for("payments.payout", batch_id=batch.id))


@blueprint.get(f"/desk/payouts/<{ID}:batch_id>")
@access.role("operator")
def payout(batch_id: int) -> ResponseReturnValue:
    return _payout(batch_id)


@blueprint.get(f"/desk/payouts/<{ID}:batch_id>/export.csv")
@access.role("operator")
@limits.on("export")
def export_payout(batch_id: int) -> ResponseReturnValue:
    """A line for each transfer, as banks take them for a bulk transfer; none once it is undone."""
    batch = batches.batch_of(db.session(), batch_id)
    if batch.state is BatchState.UNDONE:
        return _payout(batch_id, 409, problem=_("Daftar ini sudah dibatalkan."))
    header = (
        _("Bank"),
        _("Nomor rekening"),
        _("Nama pemilik rekening"),
        _("Jumlah"),
        _("Keterangan"),
    )
    rows = [
        (payout.bank, payout.number, payout.holder, payout.amount, f"OVOP {batch.id}-{payout.id}")
        for payout in batch.payouts
    ]
    return csv_file(f"ovop-{batch.id}.csv", header, rows)


@blueprint.post(f"/desk/payouts/<{ID}:batch_id>/sending")
@access.role("operator")
def send_payout(batch_id: int) -> ResponseReturnValue:
    batch = batches.batch_of(db.session(), batch_id)
    form = SendingForm()
    if not form.validate():
        return _payout(batch_id, 422, form=form)
    try:
        services.mark_sent(
            db.session(), batch, _operator(), clock.now(), reference=form.reference.data or ""
        )
        db.session.commit()
    except Conflict as refusal:
        return _refused(batch_id, refusal)
    return _done(batch_id, _("Dicatat: uang penjual sudah dikirim."))


@blueprint.post(f"/desk/payouts/<{ID}:batch_id>/reversal")
@access.role("operator")
def undo_payout(batch_id: int) -> ResponseReturnValue:
    batch = batches.batch_of(db.session(), batch_id)
    try:
        services.undo(db.session(), batch, _operator(), clock.now())
        db.session.commit()
    except Conflict as refusal:
        return _refused(batch_id, refusal)
    return _done(batch_id, _("Daftar dibatalkan. Uangnya menunggu daftar berikutnya."))


@blueprint.post(f"/desk/payouts/<{ID}:batch_id>/recall")
@access.role("operator")
def recall_payout(batch_id: int) -> ResponseReturnValue:
    batch = batches.batch_of(db.session(), batch_id)
    try:
        services.recall(db.session(), batch, _operator(), clock.now())
        db.session.commit()
    except Conflict as refusal:
        return _refused(batch_id, refusal)
    return _done(batch_id, _("Dicatat: daftar ini belum dikirim."))


def _operator() -> By:
    return By(Actor.OPERATOR, current_user.id)


def _done(batch_id: int, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return _payout(batch_id, notice=notice)
    flash(notice, "done")
    return redirect(url_for("payments.payout", batch_id=batch_id), 303)


def _refused(batch_id: int, refusal: MarketError) -> Response:
    db.session.rollback()
    return _payout(batch_id, refusal.status, problem=refusal.message)
