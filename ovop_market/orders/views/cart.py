"""The cart. It is born with the first POST, so that looking around leaves no trace."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ovop_market.core import clock
from ovop_market.core.errors import NotFound, Unusable
from ovop_market.core.quantity import MAX_PACKS
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders.forms import whole_number
from ovop_market.orders.models import Cart
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import quotes
from ovop_market.orders.views import blueprint
from ovop_market.web import access, htmx, limits, sessions


def current_cart() -> Cart | None:
    """This visitor's cart, if there is one."""
    return carts.find(db.session(), sessions.cart_token())


def _own_cart() -> Cart:
    cart = current_cart()
    if cart is None:
        token = secret_token()
        cart = carts.create(db.session(), token, clock.now())
        sessions.keep_cart(token)
    return cart


def _typed(missing: str) -> str:
    """The quantity as it was typed, for its field; without what no page can hold."""
    return "".join(c for c in request.form.get("quantity", missing)[:20] if c.isprintable())


@dataclass(frozen=True, slots=True)
class Refused:
    """A quantity that was not taken over: it stays in its field, with the reason beside it."""

    line_id: int
    typed: str
    reason: str


def cart_page(
    status: int = 200, *, problem: str = "", refused: Refused | None = None
) -> ResponseReturnValue:
    """The cart as it stands. Nobody goes on with another number than the one in sight: after a
    refusal it must be mended first."""
    cart = current_cart()
    found = quotes.make(db.session(), cart, None, clock.now()) if cart else []
    return htmx.page_or_fragment(
        "orders/cart.html",
        "orders/_cart.html",
        status,
        quotes=found,
        goods=sum(quote.goods for quote in found),
        orderable=(
            bool(found)
            and refused is None
            and all(not line.problem for q in found for line in q.lines)
        ),
        problem=problem,
        refused=refused,
        most=MAX_PACKS,
        # With the cart, HTMX gets the top's count of what is in it.
        renew_top=htmx.is_fragment(),
    )


@blueprint.get("/cart/badge")
@access.visitor
def badge() -> ResponseReturnValue:
    """The visitor's links for the top of public pages; as a page of its own it is the cart."""
    if not htmx.is_fragment():
        return redirect(url_for("orders.cart"), 303)
    return render_template("components/_visitor.html")


@blueprint.get("/cart")
@access.visitor
def cart() -> ResponseReturnValue:
    return cart_page()


@blueprint.post("/cart/lines")
@access.visitor_from_public_page
@limits.on("cart")
def add_line() -> ResponseReturnValue:
    variant_id = whole_number("variant_id")
    if variant_id is None:
        raise NotFound(_("Produk ini tidak ada."))
    variant = carts.orderable_variant(db.session(), variant_id, clock.now())
    typed = _typed("1")
    try:
        quantity = whole_number("quantity") if "quantity" in request.form else 1
        carts.add(db.session(), _own_cart(), variant, quantity or 0, clock.now())
    except Unusable as refusal:
        db.session.rollback()
        return render_template(
            "orders/add_again.html",
            variant=variant,
            typed=typed,
            problem=refusal.message,
            most=MAX_PACKS,
        ), 422
    db.session.commit()
    return htmx.moved(url_for("orders.cart"))


@blueprint.post("/cart/lines/<int:line_id>")
@access.visitor
@limits.on("cart")
def change_line(line_id: int) -> ResponseReturnValue:
    line = carts.line_of(current_cart(), line_id)
    try:
        carts.change(db.session(), line, whole_number("quantity") or 0, clock.now())
    except Unusable as refusal:
        db.session.rollback()
        return cart_page(422, refused=Refused(line_id, _typed(""), refusal.message))
    db.session.commit()
    return cart_page() if htmx.is_fragment() else redirect(url_for("orders.cart"), 303)


@blueprint.post("/cart/lines/<int:line_id>/removal")
@access.visitor
@limits.on("cart")
def remove_line(line_id: int) -> ResponseReturnValue:
    carts.remove(db.session(), carts.line_of(current_cart(), line_id))
    db.session.commit()
    return cart_page() if htmx.is_fragment() else redirect(url_for("orders.cart"), 303)
