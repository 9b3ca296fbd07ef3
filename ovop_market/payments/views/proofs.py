"""The picture that a buyer has sent as proof of a payment: for operators, and for its buyer."""

from __future__ import annotations

from flask import send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import trail
from ovop_market.core.errors import NotFound
from ovop_market.extensions import db
from ovop_market.payments.models import Payment
from ovop_market.payments.queries import buyer, desk
from ovop_market.payments.views import blueprint
from ovop_market.payments.views.claims import media_folder
from ovop_market.web import access, pictures
from ovop_market.web.addresses import ID


@blueprint.get(f"/desk/payments/<{ID}:payment_id>/proof")
@access.role("operator")
def proof(payment_id: int) -> ResponseReturnValue:
    found = desk.payment_of(db.session(), payment_id)
    picture = _picture(found)
    trail.viewed("payment proof", {found.purchase_id: None})
    return picture


@blueprint.get(f"/account/payments/<{ID}:payment_id>/proof")
@access.signed_in
def own_proof(payment_id: int) -> ResponseReturnValue:
    """One's own: the file of one's own data names this address, and holds no secret link."""
    return _picture(buyer.own_payment(db.session(), current_user.id, payment_id))


def _picture(found: Payment) -> Response:
    path = pictures.private_path(media_folder(), found.proof_key) if found.proof_key else None
    if path is None or not path.exists():
        raise NotFound(_("Tidak ada foto bukti untuk pembayaran ini."))
    response = send_file(path.absolute(), mimetype="image/webp")
    response.headers["Cache-Control"] = "private, no-store"
    return response
