"""Accounts: who signs in, as what."""

from flask import Flask

from ovop_market.accounts.models import User
from ovop_market.extensions import db, login


def _load(session_id: str) -> User | None:
    from ovop_market.accounts import services

    return services.by_session_id(db.session(), session_id)


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.accounts.views import blueprint

    login.user_loader(_load)
    app.register_blueprint(blueprint)
