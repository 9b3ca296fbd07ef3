"""Carts, checkout, purchases and the life of orders."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_login import current_user
from werkzeug.local import LocalProxy

from ovop_market.extensions import db
from ovop_market.web import access, sessions

if TYPE_CHECKING:
    from ovop_market.orders.queries import Visitor


def _visitor() -> dict[str, Any]:
    """`visitor` for the top of private pages; public pages are the same for everybody.

    Looked up when a template first asks: parts have no top, and a page that says the database is
    out of reach must not need it.
    """
    return {} if access.on_public_page() else {"visitor": LocalProxy(cache(_look_up))}


def _look_up() -> Visitor:
    from ovop_market.orders.queries import Visitor, cart_count

    known = current_user.is_authenticated
    return Visitor(
        cart_count=cart_count(db.session(), sessions.cart_token()),
        role=str(current_user.role) if known else None,
        name=current_user.name if known else None,
    )


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.accounts import personal
    from ovop_market.orders import own_data
    from ovop_market.orders.services import maker_pages
    from ovop_market.orders.views import blueprint
    from ovop_market.orders.views.producers import blueprint as producers

    personal.register(own_data.HOLDER)
    maker_pages.begin()
    app.context_processor(_visitor)
    app.register_blueprint(blueprint)
    app.register_blueprint(producers)
