"""Products, packs, supply, search, pictures."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.catalogue.views import blueprint

    app.register_blueprint(blueprint)
