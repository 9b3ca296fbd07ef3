"""Carts, checkout, purchases and the life of orders."""

from typing import Any

from flask import Flask
from flask_login import current_user

from ovop_market.extensions import db
from ovop_market.web import access, sessions


def _visitor() -> dict[str, Any]:
    """`visitor` for the top of private pages; public pages are the same for everybody."""
    from ovop_market.orders.queries import Visitor, cart_count

    if access.on_public_page():
        return {}
    known = current_user.is_authenticated
    return {
        "visitor": Visitor(
            cart_count=cart_count(db.session(), sessions.cart_token()),
            role=str(current_user.role) if known else None,
            name=current_user.name if known else None,
        )
    }


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.orders.views import blueprint

    app.context_processor(_visitor)
    app.register_blueprint(blueprint)
