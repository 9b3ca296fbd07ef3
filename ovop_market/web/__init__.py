"""What all pages share: doors, fragments, assets, languages, errors, logs."""

from flask import Flask

from ovop_market.web import (
    access,
    assets,
    desk_nav,
    errors,
    filters,
    headers,
    health,
    htmx,
    kept,
    language,
    limits,
    logs,
    pictures,
    sessions,
)


def init_app(app: Flask) -> None:
    """The order matters: after_request functions run in reverse, WSGI layers wrap inside out."""
    logs.init_app(app)
    kept.init_app(app)
    # After what keeps pages: so that they are kept with these headers.
    headers.init_app(app)
    language.init_app(app)
    access.init_app(app)
    limits.init_app(app)
    sessions.init_app(app)
    htmx.init_app(app)
    assets.init_app(app)
    pictures.init_app(app)
    filters.init_app(app)
    desk_nav.init_app(app)
    errors.init_app(app)
    health.init_app(app)
