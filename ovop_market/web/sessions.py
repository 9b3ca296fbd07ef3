"""Sessions, in a signed cookie; public pages neither read nor set it."""

from __future__ import annotations

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from werkzeug.wrappers import Response

from ovop_market.web import access, problems

_CART = "cart"


def cart_token() -> str:
    """The secret that opens this visitor's cart; empty as long as there is none."""
    return str(session.get(_CART, ""))


def keep_cart(token: str) -> None:
    """Remembers the cart for as long as the session lasts."""
    session[_CART] = token
    session.permanent = True


def begin_anew() -> None:
    """Empties the session, so that one planted before is worthless; the cart comes along."""
    token = cart_token()
    session.clear()
    session.permanent = True
    if token:
        keep_cart(token)


class VisitorSessions(SecureCookieSessionInterface):
    """Leaves the answers of public pages alone: they are the same for everybody.

    Extensions look into the session on every request; without this, that look alone would add
    `Vary: Cookie` and keep shared caches from keeping the page.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        door = access.door_of(request.endpoint)
        if problems.wanted():
            return  # Programs have no session, not even where there is nothing.
        if door is None or door.kind != "public":
            super().save_session(app, session, response)  # type: ignore[arg-type]


def init_app(app: Flask) -> None:
    """Replaces Flask's own interface."""
    app.session_interface = VisitorSessions()
