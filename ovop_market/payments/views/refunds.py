"""Money owed back: where it is to go, and that it has gone.

Sent from an order's page, it is answered with that page; a surplus belongs to no order.
"""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import trail
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.orders.queries import order_numbered
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments import forms
from ovop_market.payments.labels import REFUND_KINDS, REFUND_STATES
from ovop_market.payments.models import Refund
from ovop_market.payments.queries import desk as queries
from ovop_market.payments.queries import gateway
from ovop_market.payments.queries.desk import Kind, Stuck
from ovop_market.payments.services import corrections, refunds
from ovop_market.payments.views import blueprint
from ovop_market.payments.views.orders import order_page
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm, explain, state_seen


def _refund(
    refund: Refund,
    status: int = 200,
    *,
    form: BaseForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    withdrawing = form if isinstance(form, forms.WithdrawalForm) else None
    sending = None if withdrawing else form
    trail.viewed("desk refund", {refund.purchase_id: None})
    return htmx.page_or_fragment(
        "payments/refund.html",
        "payments/_refund.html",
        status,
        refund=refund,
        kind_text=REFUND_KINDS[refund.kind],
        state=REFUND_STATES[refund.state],
        form=forms.refund_form(
            refund.id, sending, at_gateway=gateway.came_in(db.session(), refund.purchase_id)
        ),
        seen=refunds.mark(refund),
        ask=_ask_for_account(refund),
        withdrawal=(
            withdrawing or forms.WithdrawalForm(formdata=None)
            if corrections.may_withdraw(refund)
            else None
        ),
        refused=form,
        notice=notice,
        problem=problem,
    )


def _ask_for_account(refund: Refund) -> str:
    """The address of a chat in which the buyer is asked whither the money goes; empty if known."""
    if refund.destination or queries.chat_about is None:
        return ""
    bought = refund.purchase
    number = refund.order.number if refund.order else bought.orders[0].number
    about = Stuck(
        Kind.REFUNDS,
        refund.due_at,
        bought.name,
        number,
        "",
        refund.amount,
        phone=bought.phone,
        language=bought.language,
    )
    return queries.chat_about(about)


@blueprint.get(f"/desk/refunds/<{ID}:refund_id>")
@access.role("operator")
def refund(refund_id: int) -> ResponseReturnValue:
    return _refund(queries.refund_of(db.session(), refund_id))


@blueprint.post(f"/desk/refunds/<{ID}:refund_id>/sending")
@access.role("operator")
def send_refund(refund_id: int) -> ResponseReturnValue:
    found = queries.refund_of(db.session(), refund_id)
    form = forms.RefundForm()
    if not form.validate():
        return _again(refund_id, 422, form=form)
    try:
        refunds.send(
            db.session(),
            found,
            current_user.id,
            clock.now(),
            reference=form.reference.data or "",
            at_gateway=form.at_gateway.data,
            seen=state_seen(),
        )
        db.session.commit()
    except Unusable as problem:
        db.session.rollback()
        explain(form, problem)
        return _again(refund_id, 422, form=form)
    except Conflict as refusal:
        db.session.rollback()
        return _again(refund_id, refusal.status, form=form, problem=refusal.message)
    notice = _("Uang kembali sudah dicatat terkirim.")
    if htmx.is_fragment():
        return _again(refund_id, notice=notice)
    flash(notice, "done")
    if _from_order() and found.order is not None:
        return redirect(url_for("payments.order", number=found.order.number), 303)
    return redirect(url_for("payments.refund", refund_id=refund_id), 303)


@blueprint.post(f"/desk/refunds/<{ID}:refund_id>/recall")
@access.role("operator")
def recall_refund(refund_id: int) -> ResponseReturnValue:
    found = queries.refund_of(db.session(), refund_id)
    by = By(Actor.OPERATOR, current_user.id)
    try:
        refunds.recall(db.session(), found, by, clock.now())
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        return _again(refund_id, refusal.status, problem=refusal.message)
    notice = _("Dicatat: uang ini belum dikirim.")
    if htmx.is_fragment():
        return _again(refund_id, notice=notice)
    flash(notice, "done")
    return redirect(url_for("payments.refund", refund_id=refund_id), 303)


@blueprint.post(f"/desk/refunds/<{ID}:refund_id>/withdrawal")
@access.role("operator")
def withdraw_refund(refund_id: int) -> ResponseReturnValue:
    found = queries.refund_of(db.session(), refund_id)
    form = forms.WithdrawalForm()
    if not form.validate():
        return _refund(found, 422, form=form)
    by = By(Actor.OPERATOR, current_user.id)
    try:
        corrections.withdraw_refund(
            db.session(), found, by, clock.now(), reason=form.reason.data or ""
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        found = queries.refund_of(db.session(), refund_id)
        return _refund(found, refusal.status, form=form, problem=problem)
    notice = _("Dicatat: uang ini tidak jadi dikembalikan.")
    if htmx.is_fragment():
        return _again(refund_id, notice=notice)
    flash(notice, "done")
    return redirect(url_for("payments.refund", refund_id=refund_id), 303)


def _again(
    refund_id: int,
    status: int = 200,
    *,
    form: BaseForm | None = None,
    notice: str = "",
    problem: str = "",
) -> ResponseReturnValue:
    found = queries.refund_of(db.session(), refund_id)
    if not _from_order() or found.order is None:
        return _refund(found, status, form=form, notice=notice, problem=problem)
    order = order_numbered(db.session(), found.order.number)
    mine = found if form else None
    return order_page(order, status, form=form, refund=mine, notice=notice, problem=problem)


def _from_order() -> bool:
    return request.form.get("back") == "order"
