"""OVOP Market: village products of Bangka Barat, ordered by buyers, answered by producers."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from ovop_market import (
    accounts,
    bulk,
    catalogue,
    cli,
    delivery,
    inbox,
    notices,
    opendata,
    operations,
    orders,
    payments,
    privacy,
    reach,
    regions,
    sales,
    villages,
    web,
)
from ovop_market.config import ROOT, Config, from_environment
from ovop_market.core import clock
from ovop_market.extensions import compress, csrf, db, login, migrate, patience
from ovop_market.web import hosts


def create_app(config: Config | None = None) -> Flask:
    """Wires the application. Raises ConfigurationError when it could not run safely."""
    config = config or from_environment()
    clock.set_ahead(config.clock_ahead)
    app = Flask(
        __name__,
        template_folder=str(ROOT / "templates"),
        static_folder=None,
        instance_path=str(ROOT / "instance"),
    )
    app.config.from_mapping(config.flask())
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _prepare_folders(config)

    patience.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    # Its own way to tell templates who is signed in looks that up for public pages as well.
    login.init_app(app, add_context_processor=False)
    csrf.init_app(app)
    compress.init_app(app)
    web.init_app(app)
    for feature in (
        regions,
        accounts,
        bulk,
        villages,
        catalogue,
        sales,
        delivery,
        orders,
        payments,
        notices,
        inbox,
        reach,
        opendata,
        privacy,
    ):
        feature.init_app(app)
    operations.init_app(app)
    cli.init_app(app)

    if config.trusted_proxies:
        # The proxy passes the Host on; a forwarded one is not believed.
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=0
        )
    hosts.init_app(app)
    return app


def _prepare_folders(config: Config) -> None:
    config.media.mkdir(parents=True, exist_ok=True)
    # For what has no place of its own. Where everything has one, the program's folder need not be
    # writable for whoever runs it (deploy/systemd).
    instance = ROOT / "instance"
    if f"{instance}/" in config.database_url:
        instance.mkdir(exist_ok=True)
