"""What must be right before the market serves or works in production.

Commands that mend it (`db upgrade`, `restore`, `users create` …) run all the same: it is asked by
the server (gunicorn.conf.py; wsgi.py for `flask run`) and by the worker.
"""

from __future__ import annotations

from flask import Flask
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from ovop_market.config import Config
from ovop_market.core.errors import ConfigurationError
from ovop_market.extensions import db
from ovop_market.operations.revisions import Revisions


def doubts(app: Flask) -> list[str]:
    """What may be meant, on a machine of one's own, and should be known everywhere else."""
    config: Config = app.config["OVOP"]
    if not config.in_production:
        return []
    found = []
    if not config.public_url:
        found.append(
            "PUBLIC_URL is not set: any Host header is answered, and messages hold no links;"
            " set PUBLIC_URL=https://the.name"
        )
    if not config.require_2fa:
        found.append(
            "OVOP_REQUIRE_2FA is off: a password alone opens the desk and all buyers' data;"
            " take it away once the second factors are set up"
        )
    if config.public_url.startswith("https:") and not config.trusted_proxies:
        found.append(
            "TRUSTED_PROXIES is 0: behind the proxy that speaks https all people have one address;"
            " set it to the number of proxies"
        )
    return found


def check(app: Flask) -> None:
    """Raises ConfigurationError, with one line that says what to do, if this must not serve."""
    config: Config = app.config["OVOP"]
    if not config.in_production:
        return
    if app.debug or app.testing:
        raise ConfigurationError("debug is on: take FLASK_DEBUG away in production")
    _check_database(app)


def _check_database(app: Flask) -> None:
    revisions = Revisions(app)
    with app.app_context():
        try:
            present = _revision_of_database()
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"the database of DATABASE_URL does not answer ({type(error).__name__}):"
                " start it, or correct DATABASE_URL"
            ) from None
        finally:
            # Workers are forked from here: they must not share a connection.
            db.session.remove()
            db.engine.dispose()
    if present == revisions.newest:
        return
    if present is None or revisions.known(present):
        raise ConfigurationError(
            f"the database is at migration {present or 'none'} and the program at"
            f" {revisions.newest}: run flask --app wsgi db upgrade"
        )
    raise ConfigurationError(
        f"the database is at migration {present}, which this release does not know (it ends at"
        f" {revisions.newest}): upgrade the program, or restore a backup of its own"
    )


def _revision_of_database() -> str | None:
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(text("SELECT version_num FROM alembic_version"))
