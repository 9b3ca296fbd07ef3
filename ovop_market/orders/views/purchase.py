"""The purchase page, open to whoever has its link, and what a buyer can do there."""

from __future__ import annotations

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.extensions import db
from ovop_market.orders import presentation, queries
from ovop_market.orders.forms import ReasonForm
from ovop_market.orders.overview import overviews
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.orders.views import blueprint
from ovop_market.web import access, htmx, limits
from ovop_market.web.forms import state_seen, tap_key

# The last part of the URL says what the buyer does.
ACTIONS = {
    "cancellation": Action.CANCEL,
    "agreement": Action.AGREE,
    "receipt": Action.RECEIVE,
    "dispute": Action.DISPUTE,
}


def purchase_page(
    token: str, status: int = 200, *, problem: str = "", typed: dict[str, str] | None = None
) -> ResponseReturnValue:
    """The page as things stand; `typed` keeps a refused reason, by order number, and what is wrong
    with it, by `<number>-error`."""
    purchase = queries.purchase_by_token(db.session(), token)
    return htmx.page_or_fragment(
        "orders/purchase.html",
        "orders/_purchase.html",
        status,
        problem=problem,
        typed=typed or {},
        **presentation.purchase(db.session(), purchase, clock.now()),
    )


@blueprint.get("/purchases/<token>")
@access.link
@limits.on("tracking")
def purchase(token: str) -> ResponseReturnValue:
    return purchase_page(token)


@blueprint.post(
    "/purchases/<token>/orders/<number>/<any(cancellation, agreement, receipt, dispute):what>"
)
@access.link
@limits.on("tracking", "purchase")
def act(token: str, number: str, what: str) -> ResponseReturnValue:
    bought = queries.purchase_by_token(db.session(), token)
    order = queries.order_of(bought, number)
    form = ReasonForm()
    if not form.validate():
        problem = Unusable(next(iter(form.errors.values()))[0], field="reason")
        return _refused(token, number, form.reason.data or "", problem)
    reason = form.reason.data or ""
    user_id = current_user.id if current_user.is_authenticated else None
    by = By(Actor.BUYER, user_id, tap_key(), state_seen())
    try:
        if what == "agreement":
            lifecycle.agree(db.session(), order, by, clock.now())
        elif what == "receipt":
            lifecycle.receive(db.session(), order, by, clock.now())
        else:
            lifecycle.act(db.session(), order, ACTIONS[what], by, clock.now(), reason=reason)
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        return _refused(token, number, reason, refusal)
    if htmx.is_fragment():
        return purchase_page(token)
    return redirect(url_for("orders.purchase", token=token) + f"#order-{number}", 303)


def _refused(token: str, number: str, reason: str, refusal: MarketError) -> ResponseReturnValue:
    db.session.rollback()
    db.session.expire_all()
    typed = {number: reason}
    if refusal.details.get("field") == "reason":
        typed[f"{number}-error"] = refusal.message
    return purchase_page(token, refusal.status, problem=refusal.message, typed=typed)


@blueprint.get("/account/purchases")
@access.signed_in
def purchases() -> ResponseReturnValue:
    own = overviews(db.session(), queries.purchases_of(db.session(), current_user))
    return make_response(render_template("orders/purchases.html", purchases=own))
