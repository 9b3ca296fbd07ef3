"""What is asked, claimed, confirmed and owed back; the operator's desk."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature and makes payments follow orders.

    Raises ConfigurationError for a QRIS payload that could not be paid to.
    """
    from ovop_market.accounts import personal
    from ovop_market.orders import methods as checkout
    from ovop_market.orders.signals import order_moved, purchase_shown, purchases_listed
    from ovop_market.payments import (
        lines_bulk,  # noqa: F401 - it makes itself known
        methods,
        own_data,
        panel,
    )
    from ovop_market.payments.methods import qris
    from ovop_market.payments.queries import desk, gateway, overdue_cash, payouts, sellers
    from ovop_market.payments.services import following
    from ovop_market.payments.views import blueprint

    if app.config["OVOP"].qris:
        qris.check(app.config["OVOP"].qris)
    personal.register(own_data.HOLDER)
    checkout.offered = methods.offered
    order_moved.connect(following.follow)
    purchase_shown.connect(panel.for_purchase)
    purchases_listed.connect(panel.asked_for)
    desk.SOURCES[desk.Kind.GATEWAY] = gateway.given_back
    desk.SOURCES[desk.Kind.CASH] = overdue_cash.on_desk
    desk.SOURCES[desk.Kind.PAYOUTS] = payouts.on_desk
    desk.SOURCES[desk.Kind.PRODUCERS] = sellers.applying
    desk.SOURCES[desk.Kind.LISTINGS] = sellers.submitted
    app.register_blueprint(blueprint)
