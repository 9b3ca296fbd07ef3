"""Messages owed to somebody because of an event: the outbox and its channels."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature and makes notices follow events.

    Raises ConfigurationError for a mail server or a push key that could not be used.
    """
    from ovop_market.accounts import personal
    from ovop_market.notices import (
        browsers,
        bulk,  # noqa: F401 - it makes itself known
        decisions,
        failures,
        listening,
        own_data,
    )
    from ovop_market.notices.channels import mail, push
    from ovop_market.notices.texts import whatsapp
    from ovop_market.notices.views import blueprint
    from ovop_market.orders.signals import order_shown
    from ovop_market.payments.queries import desk
    from ovop_market.villages import producer_queries

    config = app.config["OVOP"]
    if config.smtp_url:
        mail.server_of(config.smtp_url)
    personal.register(own_data.HOLDER)
    listening.begin()
    decisions.begin()
    browsers.begin()
    producer_queries.is_told = decisions.is_told
    order_shown.connect(whatsapp.panel)
    desk.SOURCES[desk.Kind.NOTICES] = failures.stuck
    desk.chat_about = whatsapp.about
    app.register_blueprint(blueprint)
    # For the inbox: what a browser needs to ask for notices; empty where there are none.
    app.jinja_env.globals["push_key"] = (
        push.public_key(config.vapid_key) if config.vapid_key else ""
    )
