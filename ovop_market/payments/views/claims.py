"""The buyer's word, by the purchase's secret link, that the money is on its way."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.orders.queries import purchase_by_token
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments import forms, queries, services
from ovop_market.payments.views import ID, blueprint
from ovop_market.web import access, htmx, pictures


@blueprint.post(f"/purchases/<token>/payments/<{ID}:payment_id>/claim")
@access.link
def claim(token: str, payment_id: int) -> ResponseReturnValue:
    claimed = queries.payment_in(db.session(), purchase_by_token(db.session(), token), payment_id)
    form = forms.ClaimForm()
    if not form.validate():
        said = next(iter(form.errors.values()))[0]
        raise Unusable(_("Keterangan transfer: %(problem)s", problem=said), field="reference")
    key = None
    if form.proof.data:
        # Decoding a picture takes its time; nobody's order waits for it meanwhile.
        db.session.rollback()
        key = pictures.store_private(form.proof.data.read(pictures.MAX_BYTES + 1), media_folder())
        claimed = queries.payment_in(
            db.session(), purchase_by_token(db.session(), token), payment_id
        )
    services.claim(
        db.session(),
        claimed,
        clock.now(),
        reference=form.reference.data or "",
        proof_key=key,
        by=By(Actor.BUYER, current_user.id if current_user.is_authenticated else None),
    )
    db.session.commit()
    return htmx.moved(url_for("orders.purchase", token=token))


def media_folder() -> Path:
    folder: Path = current_app.config["OVOP"].media
    return folder
