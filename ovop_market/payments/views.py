"""The operator's desk: what is stuck, payments, any order; and the buyer's claim of having paid.

An action is answered with the desk when the form came from there (`back=desk`), else with the page
of its thing; to HTMX as the fragment, else as a redirect.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from flask import Blueprint, current_app, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders import presentation
from ovop_market.orders.labels import ACTORS, BADGES, STATES
from ovop_market.orders.models import Order
from ovop_market.orders.queries import open_actions, purchase_by_token
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments import forms, queries, services
from ovop_market.payments.labels import PAYMENT_STATES
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.queries import Kind
from ovop_market.payments.states import (
    PAYMENT_MOVES,
    PaymentAction,
    PaymentState,
)
from ovop_market.web import access, htmx, pictures
from ovop_market.web.forms import BaseForm
from ovop_market.web.paging import pager

blueprint = Blueprint("payments", __name__)

# The databases' own limit for an id: beyond it there is nothing to look for.
_ID = "int(max=2147483647)"

KINDS = {
    Kind.CLAIMS: _l("Pembayaran dicek"),
    Kind.DISPUTES: _l("Keluhan"),
    Kind.REFUNDS: _l("Uang kembali"),
    Kind.UNANSWERED: _l("Belum dijawab"),
    Kind.UNPAID: _l("Hampir lewat waktu"),
}
KIND_BADGES = {
    Kind.CLAIMS: "waiting",
    Kind.DISPUTES: "needs",
    Kind.REFUNDS: "needs",
    Kind.UNANSWERED: "waiting",
    Kind.UNPAID: "waiting",
}
STATE_BADGES = {
    PaymentState.ASKED: "waiting",
    PaymentState.CLAIMED: "needs",
    PaymentState.CONFIRMED: "done",
    PaymentState.REJECTED: "waiting",
    PaymentState.LAPSED: "neutral",
}
PAYMENT_EVENTS = {
    PaymentAction.ASK: _l("Ditagih"),
    PaymentAction.AMEND: _l("Jumlah tagihan berubah"),
    PaymentAction.CLAIM: _l("Pembeli bilang sudah membayar"),
    PaymentAction.CONFIRM: _l("Uang sudah masuk"),
    PaymentAction.REJECT: _l("Uang belum masuk"),
    PaymentAction.LAPSE: _l("Tidak jadi dibayar"),
}


def _desk(status: int = 200, *, notice: str = "", problem: str = "") -> Response:
    wanted = request.values.get("kind")
    kind = Kind(wanted) if wanted in set(Kind) else None
    return htmx.page_or_fragment(
        "payments/desk.html",
        "payments/_desk.html",
        status,
        desk=queries.desk(db.session(), kind, clock.now()),
        kinds=KINDS,
        kind_badges=KIND_BADGES,
        notice=notice,
        problem=problem,
    )


def _payment(
    payment: Payment,
    status: int = 200,
    *,
    form: forms.RejectionForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    names = queries.names_of(db.session(), (event.actor_id for event in payment.events))
    steps = [
        {
            "title": PAYMENT_EVENTS[event.action],
            "when": event.at,
            "who": names.get(event.actor_id or 0) or ACTORS[event.actor],
            "note": event.reason,
            "kind": "wrong" if event.action is PaymentAction.REJECT else "done",
        }
        for event in payment.events
    ]
    return htmx.page_or_fragment(
        "payments/payment.html",
        "payments/_payment.html",
        status,
        payment=payment,
        state_text=PAYMENT_STATES[payment.state],
        badge_kind=STATE_BADGES[payment.state],
        steps=steps,
        confirmable=(payment.state, PaymentAction.CONFIRM) in PAYMENT_MOVES,
        rejectable=(payment.state, PaymentAction.REJECT) in PAYMENT_MOVES,
        form=form or forms.RejectionForm(formdata=None),
        notice=notice,
        problem=problem,
    )


def _order(
    order: Order,
    status: int = 200,
    *,
    form: BaseForm | None = None,
    refund: Refund | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    """The order; `form` is one that could not be taken, as it was typed (of `refund`, if given)."""

    def shown(kind: type[BaseForm]) -> BaseForm:
        return form if isinstance(form, kind) else kind(formdata=None)

    session = db.session()
    actions = open_actions(order, Actor.OPERATOR, clock.now())
    refunds = queries.refunds_for(session, order)
    return htmx.page_or_fragment(
        "payments/order.html",
        "payments/_order.html",
        status,
        order=order,
        state_text=STATES[order.state],
        badge_kind=BADGES[order.state],
        payment_text=queries.payment_text(order),
        steps=[step for step in presentation.timeline(order) if step.kind != "waiting"],
        complaint=_complaint(order),
        payments=queries.payments_for(session, order),
        payment_states=PAYMENT_STATES,
        payment_badges=STATE_BADGES,
        refunds=[
            (owed, forms.refund_form(owed.id, form if refund and refund.id == owed.id else None))
            for owed in refunds
        ],
        refused=form,
        revocation=shown(forms.RevocationForm) if Action.REVOKE in actions else None,
        settlement=(shown(forms.SettlementForm) if Action.SETTLE_FOR_BUYER in actions else None),
        new_key=secret_token,
        notice=notice,
        problem=problem,
    )


def _complaint(order: Order) -> str:
    """What the buyer complains about, as long as it is not decided."""
    if order.state is not OrderState.DISPUTED:
        return ""
    said = [event.reason for event in order.events if event.action is Action.DISPUTE]
    return said[-1] or "" if said else ""


@blueprint.get("/desk")
@access.role("operator")
def desk() -> ResponseReturnValue:
    return _desk()


@blueprint.get("/desk/payments")
@access.role("operator")
def payments() -> ResponseReturnValue:
    wanted = request.args.get("state")
    state = PaymentState(wanted) if wanted in set(PaymentState) else None
    page = forms.whole_number(request.args.get("page"), otherwise=1, most=queries.MAX_PAGE)
    found = queries.payments(db.session(), state, page)
    return htmx.page_or_fragment(
        "payments/payments.html",
        "payments/_payments.html",
        found=found,
        states=PAYMENT_STATES,
        badges=STATE_BADGES,
        pager=pager(found.page, found.pages, partial(_payments_address, state)),
    )


@blueprint.get(f"/desk/payments/<{_ID}:payment_id>")
@access.role("operator")
def payment(payment_id: int) -> ResponseReturnValue:
    return _payment(queries.payment_of(db.session(), payment_id))


@blueprint.get(f"/desk/payments/<{_ID}:payment_id>/proof")
@access.role("operator")
def proof(payment_id: int) -> ResponseReturnValue:
    found = queries.payment_of(db.session(), payment_id)
    path = pictures.private_path(_media(), found.proof_key) if found.proof_key else None
    if path is None or not path.exists():
        raise NotFound(_("Tidak ada foto bukti untuk pembayaran ini."))
    response = send_file(path.absolute(), mimetype="image/webp")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post(f"/desk/payments/<{_ID}:payment_id>/confirmation")
@access.role("operator")
def confirm(payment_id: int) -> ResponseReturnValue:
    found = queries.payment_of(db.session(), payment_id)
    try:
        services.confirm(db.session(), found, current_user.id, clock.now())
        db.session.commit()
    except Conflict as refusal:
        return _payment_refused(payment_id, refusal)
    return _payment_done(payment_id, _("Pembayaran dicatat: uang sudah masuk."))


@blueprint.post(f"/desk/payments/<{_ID}:payment_id>/rejection")
@access.role("operator")
def reject(payment_id: int) -> ResponseReturnValue:
    found = queries.payment_of(db.session(), payment_id)
    form = forms.RejectionForm()
    if not form.validate():
        return _payment(found, 422, form=form)
    try:
        services.reject(
            db.session(), found, current_user.id, clock.now(), reason=form.reason.data or ""
        )
        db.session.commit()
    except Conflict as refusal:
        return _payment_refused(payment_id, refusal, form)
    return _payment_done(payment_id, _("Pembeli diminta membayar lagi dan membaca alasannya."))


@blueprint.get("/desk/orders/<number>")
@access.role("operator")
def order(number: str) -> ResponseReturnValue:
    return _order(queries.order_of(db.session(), number))


@blueprint.post("/desk/orders/<number>/cancellation")
@access.role("operator")
def cancel(number: str) -> ResponseReturnValue:
    found = queries.order_of(db.session(), number)
    form = forms.RevocationForm()
    return _decide(
        found,
        form,
        lambda by: lifecycle.act(
            db.session(), found, Action.REVOKE, by, clock.now(), reason=form.reason.data
        ),
        _("Pesanan %(number)s dibatalkan.", number=number),
    )


@blueprint.post("/desk/orders/<number>/settlement")
@access.role("operator")
def settle(number: str) -> ResponseReturnValue:
    found = queries.order_of(db.session(), number)
    form = forms.SettlementForm()
    return _decide(
        found,
        form,
        lambda by: lifecycle.settle(
            db.session(),
            found,
            by,
            clock.now(),
            for_buyer=form.side.data == forms.FOR_BUYER,
            reason=form.reason.data,
        ),
        _("Keluhan pesanan %(number)s sudah diputuskan.", number=number),
    )


@blueprint.post(f"/desk/refunds/<{_ID}:refund_id>/sending")
@access.role("operator")
def send_refund(refund_id: int) -> ResponseReturnValue:
    refund = queries.refund_of(db.session(), refund_id)
    number, form = refund.order.number, forms.RefundForm()
    if not form.validate():
        return _order(queries.order_of(db.session(), number), 422, form=form, refund=refund)
    try:
        services.send_refund(
            db.session(), refund, current_user.id, clock.now(), reference=form.reference.data or ""
        )
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        found = queries.order_of(db.session(), number)
        return _order(found, refusal.status, problem=refusal.message)
    return _order_done(number, _("Uang kembali sudah dicatat terkirim."))


@blueprint.post(f"/purchases/<token>/payments/<{_ID}:payment_id>/claim")
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
        key = pictures.store_private(form.proof.data.read(pictures.MAX_BYTES + 1), _media())
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


def _media() -> Path:
    folder: Path = current_app.config["OVOP"].media
    return folder


def _came_from_desk() -> bool:
    return request.form.get("back") == "desk"


def _payment_done(payment_id: int, notice: str) -> ResponseReturnValue:
    back = _came_from_desk()
    if htmx.is_fragment():
        if back:
            return _desk(notice=notice)
        return _payment(queries.payment_of(db.session(), payment_id), notice=notice)
    flash(notice, "done")
    home = url_for("payments.payment", payment_id=payment_id)
    return redirect(url_for("payments.desk") if back else home, 303)


def _payment_refused(
    payment_id: int, refusal: MarketError, form: forms.RejectionForm | None = None
) -> ResponseReturnValue:
    db.session.rollback()
    if _came_from_desk():
        return _desk(refusal.status, problem=refusal.message)
    found = queries.payment_of(db.session(), payment_id)
    return _payment(found, refusal.status, form=form, problem=refusal.message)


def _decide(
    order: Order, form: BaseForm, verb: Callable[[By], Any], notice: str
) -> ResponseReturnValue:
    """The beats after loading of what an operator does to an order."""
    number = order.number
    if not form.validate():
        return _order(order, 422, form=form)
    try:
        verb(By(Actor.OPERATOR, current_user.id, forms.tap_key()))
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        problem = forms.explain(form, refusal)
        found = queries.order_of(db.session(), number)
        return _order(found, refusal.status, form=form, problem=problem)
    return _order_done(number, notice)


def _order_done(number: str, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return _order(queries.order_of(db.session(), number), notice=notice)
    flash(notice, "done")
    return redirect(url_for("payments.order", number=number), 303)


def _payments_address(state: PaymentState | None, page: int) -> str:
    return url_for("payments.payments", state=state, page=page if page > 1 else None)
