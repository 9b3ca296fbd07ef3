"""Areas of Indonesia with postal codes."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.regions.views import blueprint

    app.register_blueprint(blueprint)
