"""The producer's pages on orders."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.catalogue.shop_views import blueprint as shop
    from ovop_market.inbox.views import blueprint

    app.register_blueprint(blueprint)
    if shop.name not in app.blueprints:
        app.register_blueprint(shop)
