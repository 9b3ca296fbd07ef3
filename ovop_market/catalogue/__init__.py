"""Products, packs, supply, search, pictures."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.catalogue import (
        flagships,  # noqa: F401 - it tells villages of its products
        permits,  # noqa: F401 - it tells villages who needs which
        stock_views,  # noqa: F401 - its views are the shop's
    )
    from ovop_market.catalogue.listings import (  # noqa: F401 - they make themselves known
        desk_bulk,
        pack_views,
        photo_views,
    )
    from ovop_market.catalogue.listings.desk_views import blueprint as reviews
    from ovop_market.catalogue.listings.views import blueprint as listings
    from ovop_market.catalogue.shop_views import blueprint as shop
    from ovop_market.catalogue.views import blueprint

    app.register_blueprint(blueprint)
    app.register_blueprint(shop)
    app.register_blueprint(listings)
    app.register_blueprint(reviews)
