"""What a buyer does about money besides claiming: another way to pay, the code to keep, and the
account for what is owed back. All by the purchase's secret link."""

from __future__ import annotations

from flask import Response, current_app, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.config import Config
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.queries import purchase_by_token
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.orders.views.purchase import purchase_page
from ovop_market.payments import forms
from ovop_market.payments.methods import qris
from ovop_market.payments.queries import buyer
from ovop_market.payments.queries.desk import payment_in
from ovop_market.payments.services import paying, refunds
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx, limits
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm


@blueprint.post(f"/purchases/<token>/payments/<{ID}:payment_id>/method")
@access.link
@limits.on("tracking", "purchase")
def change_method(token: str, payment_id: int) -> ResponseReturnValue:
    bought = purchase_by_token(db.session(), token)
    payment = payment_in(db.session(), bought, payment_id)
    form = forms.MethodForm()
    if not form.validate():
        return _refused(token, Unusable(_said(form)))
    by = By(Actor.BUYER, current_user.id if current_user.is_authenticated else None)
    method = PaymentMethod(form.payment_method.data)
    try:
        paying.choose_method(db.session(), payment, method, by, clock.now())
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        return _refused(token, refusal)
    return _done(token, f"payment-{payment_id}")


@blueprint.get(f"/purchases/<token>/payments/<{ID}:payment_id>/qris.png")
@access.link
@limits.on("tracking")
def qris_picture(token: str, payment_id: int) -> ResponseReturnValue:
    config: Config = current_app.config["OVOP"]
    bought = purchase_by_token(db.session(), token)
    payment = payment_in(db.session(), bought, payment_id)
    if not (buyer.is_open(payment, PaymentMethod.QRIS) and config.qris):
        raise NotFound(_("Kode QR ini tidak berlaku lagi. Buka halaman pesanannya."))
    return Response(
        qris.png(config.qris, payment),
        mimetype="image/png",
        headers={"Content-Disposition": f'attachment; filename="qris-{payment.code}.png"'},
    )


@blueprint.post(f"/purchases/<token>/refunds/<{ID}:refund_id>/destination")
@access.link
@limits.on("tracking", "purchase")
def name_destination(token: str, refund_id: int) -> ResponseReturnValue:
    bought = purchase_by_token(db.session(), token)
    refund = buyer.refund_in(db.session(), bought, refund_id)
    form = forms.DestinationForm()
    typed = {f"refund-{refund_id}": form.destination.data or ""}
    if not form.validate():
        problem = _("Rekening tujuan: %(problem)s", problem=_said(form))
        return _refused(token, Unusable(problem), typed)
    try:
        refunds.name_destination(db.session(), refund, form.destination.data or "", clock.now())
        db.session.commit()
    except Conflict as refusal:
        return _refused(token, refusal, typed)
    return _done(token, f"refund-{refund_id}")


def _said(form: BaseForm) -> str:
    """What is wrong in a form of one field."""
    return str(next(iter(form.errors.values()))[0])


def _done(token: str, at: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return purchase_page(token)
    return redirect(url_for("orders.purchase", token=token) + f"#{at}", 303)


def _refused(
    token: str, refusal: MarketError, typed: dict[str, str] | None = None
) -> ResponseReturnValue:
    """The purchase page as things are now, with what was typed and what is wrong."""
    db.session.rollback()
    db.session.expire_all()
    return purchase_page(token, refusal.status, problem=refusal.message, typed=typed)
