"""The buyer's pages: cart, checkout, purchase."""

from flask import Blueprint

blueprint = Blueprint("orders", __name__)

from ovop_market.orders.views import cart, checkout, made, purchase  # noqa: E402

__all__ = ["blueprint", "cart", "checkout", "made", "purchase"]
