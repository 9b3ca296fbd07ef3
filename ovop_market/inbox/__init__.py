"""The producer's pages on orders."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.inbox import phone_views
    from ovop_market.inbox.views import blueprint

    app.register_blueprint(blueprint)
    phone_views.init_app(app)
