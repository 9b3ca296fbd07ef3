"""How parcels reach the buyer: services, tariffs, collection points, what arrives fresh."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the page of this feature, and tells the catalogue what reaches whom."""
    from ovop_market.catalogue import queries as catalogue
    from ovop_market.delivery import rates
    from ovop_market.delivery.reachable import reachability
    from ovop_market.delivery.views import blueprint

    catalogue.reachability = reachability
    rates.init_app(app)
    app.register_blueprint(blueprint)
