"""What is asked, claimed, confirmed and owed back; the operator's desk."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature and makes payments follow orders."""
    from ovop_market.orders.signals import order_moved, purchase_shown
    from ovop_market.payments import panel, services
    from ovop_market.payments.views import blueprint

    order_moved.connect(services.follow)
    purchase_shown.connect(panel.for_purchase)
    app.register_blueprint(blueprint)
