"""The buyer's word, by the purchase's secret link, that the money is on its way."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.orders.queries import purchase_by_token
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.orders.views.purchase import purchase_page
from ovop_market.payments import forms
from ovop_market.payments.queries import desk as queries
from ovop_market.payments.services import claims
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx, limits, pictures
from ovop_market.web.addresses import ID


@blueprint.post(f"/purchases/<token>/payments/<{ID}:payment_id>/claim")
@access.link
@access.takes_files(pictures.MAX_BODY)
@limits.on("tracking", "claim", "upload")
def claim(token: str, payment_id: int) -> ResponseReturnValue:
    claimed = queries.payment_in(db.session(), purchase_by_token(db.session(), token), payment_id)
    form = forms.ClaimForm()
    if not form.validate():
        name, said = next(iter(form.errors.items()))
        return _again(token, payment_id, form, said[0], field=name)
    key = None
    if form.proof.data:
        try:
            claims.refuse_unless_claimable(claimed)
        except Conflict as refusal:
            return _again(token, payment_id, form, refusal.message, refusal.status)
        # Decoding a picture takes its time; nobody's order waits for it meanwhile.
        db.session.rollback()
        proof = form.proof.data.read(pictures.MAX_BYTES + 1)
        try:
            key = pictures.store_private(proof, media_folder())
        except Unusable as refusal:
            return _again(token, payment_id, form, refusal.message, field="proof")
        claimed = queries.payment_in(
            db.session(), purchase_by_token(db.session(), token), payment_id
        )
    by = By(Actor.BUYER, current_user.id if current_user.is_authenticated else None)
    reference = form.reference.data or ""
    try:
        claims.claim(db.session(), claimed, clock.now(), reference=reference, proof_key=key, by=by)
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        return _again(token, payment_id, form, refusal.message, refusal.status)
    return htmx.moved(url_for("orders.purchase", token=token))


def _again(
    token: str,
    payment_id: int,
    form: forms.ClaimForm,
    problem: str,
    status: int = 422,
    *,
    field: str = "",
) -> ResponseReturnValue:
    """The purchase page once more, with what was typed still in its field, and what is wrong beside
    the `field` that it is about as well as on top."""
    typed = {"reference": form.reference.data or ""}
    if field:
        typed[f"{field}-{payment_id}-error"] = problem
    return purchase_page(token, status, problem=problem, typed=typed)


def media_folder() -> Path:
    folder: Path = current_app.config["OVOP"].media
    return folder
