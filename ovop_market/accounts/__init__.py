"""Accounts: who signs in, as what."""

from flask import Flask
from flask_login import current_user

from ovop_market.extensions import login


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.accounts import (
        cookies,
        desk_views,
        erasure,
        invitation_views,
        login_views,
        own_views,
        personal,
        recovery_views,
        second_factor_views,
        trail,
    )
    from ovop_market.accounts.views import blueprint

    personal.register(erasure.HOLDER)
    trail.init_app(app)
    login.user_loader(cookies.load)
    app.jinja_env.globals["current_user"] = current_user
    app.jinja_env.globals["session_id"] = cookies.session_id
    cookies.init_app(app)
    second_factor_views.init_app(app)
    app.register_blueprint(blueprint)
    app.register_blueprint(invitation_views.blueprint)
    app.register_blueprint(desk_views.blueprint)
    assert own_views and recovery_views and login_views, "their pages are on the blueprint"
