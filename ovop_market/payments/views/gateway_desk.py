"""The operator and the gateway: asking back about a payment, and the money's way to the bank."""

from __future__ import annotations

from flask import current_app, flash, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments import forms
from ovop_market.payments.gateway.midtrans import Unreachable, configured
from ovop_market.payments.queries import desk
from ovop_market.payments.queries import gateway as queries
from ovop_market.payments.queries.gateway import Account
from ovop_market.payments.services import gateway as services
from ovop_market.payments.views import blueprint
from ovop_market.payments.views.gateway import the_gateway
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain

# Pages of one payment that are asked about in one go, the latest.
_ASKED = 5


@blueprint.post(f"/desk/payments/<{ID}:payment_id>/gateway")
@access.role("operator")
def ask_gateway(payment_id: int) -> ResponseReturnValue:
    gateway, session = the_gateway(), db.session()
    rows = queries.attempts_of(session, desk.payment_of(session, payment_id).id)[:_ASKED]
    session.rollback()
    home = htmx.moved(url_for("payments.payment", payment_id=payment_id))
    asked_at = clock.now()
    try:
        heard = [(row.id, gateway.standing(row.code)) for row in rows]
    except Unreachable:
        flash(_("Midtrans belum menjawab. Coba lagi sebentar lagi."), "wrong")
        return home
    for attempt_id, standing in heard:
        if standing is None:
            services.hear_nothing(session, attempt_id, clock.now())
        else:
            services.hear(session, attempt_id, standing, clock.now(), asked_at=asked_at)
    session.commit()
    flash(_("Midtrans sudah ditanya. Keadaannya di bawah."), "done")
    return home


def _account() -> Account:
    """The gateway's account. Raises NotFound where there is no gateway and nothing at one: what is
    still there when it is switched off must find its way to the bank."""
    account = queries.account(db.session())
    if configured(current_app.config["OVOP"]) is None and not (account.balance or account.bookings):
        raise NotFound(_("Cara bayar ini tidak ada di sini."))
    return account


def _page(
    status: int = 200, *, form: forms.GatewayPayoutForm | None = None, problem: str = ""
) -> Response:
    return htmx.page_or_fragment(
        "payments/gateway.html",
        "payments/_gateway_account.html",
        status,
        account=_account(),
        form=form or forms.GatewayPayoutForm(formdata=None),
        problem=problem,
    )


@blueprint.get("/desk/gateway")
@access.role("operator")
def gateway_account() -> ResponseReturnValue:
    return _page()


@blueprint.post("/desk/gateway/settlement")
@access.role("operator")
def book_settlement() -> ResponseReturnValue:
    _account()
    form, session = forms.GatewayPayoutForm(), db.session()
    if not form.validate():
        return _page(422, form=form)
    by = By(Actor.OPERATOR, current_user.id)
    try:
        services.book_settlement(
            session,
            form.amount.data or 0,
            form.fee.data or 0,
            form.reference.data or "",
            by,
            clock.now(),
        )
        session.commit()
    except Unusable as refusal:
        session.rollback()
        return _page(422, form=form, problem=explain(form, refusal))
    return _done(_("Uang dari Midtrans dicatat masuk ke rekening."))


@blueprint.post(f"/desk/gateway/settlement/<{ID}:transaction_id>/reversal")
@access.role("operator")
def undo_settlement(transaction_id: int) -> ResponseReturnValue:
    session = db.session()
    by = By(Actor.OPERATOR, current_user.id)
    services.undo_settlement(session, transaction_id, by, clock.now())
    session.commit()
    return _done(_("Catatan itu dibatalkan."))


def _done(notice: str) -> ResponseReturnValue:
    flash(notice, "done")
    return htmx.moved(url_for("payments.gateway_account"))
