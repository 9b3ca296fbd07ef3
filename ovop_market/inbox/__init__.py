"""The producer's pages on orders."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.inbox import day_views  # noqa: F401 - its pages join the blueprint
    from ovop_market.inbox.views import blueprint

    app.register_blueprint(blueprint)
