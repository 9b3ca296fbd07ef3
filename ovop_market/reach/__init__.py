"""How far the villages' products go: rollup, map, export."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature, and follows the orders."""
    from ovop_market.reach import services
    from ovop_market.reach.views import blueprint

    services.listen()
    app.register_blueprint(blueprint)
