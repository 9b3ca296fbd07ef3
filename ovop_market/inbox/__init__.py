"""The producer's pages on orders."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.inbox import share_views, views

    app.register_blueprint(views.blueprint)
    app.register_blueprint(share_views.blueprint)
