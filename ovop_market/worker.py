"""The background worker: what has to be done though nobody asks for it.

Jobs are kept in a huey queue of their own, an SQLite file.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from huey import SqliteHuey, crontab
from huey.api import Huey

from ovop_market.config import ROOT
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.orders.services import upkeep

# Carts that nobody has touched for so long are swept away.
CART_LIFETIME = timedelta(days=30)


def make_queue(app: Flask) -> Huey:
    """The queue with its periodic jobs, each run in the application's context."""
    queue = SqliteHuey("ovop", filename=str(ROOT / "instance" / "jobs.sqlite3"))

    @queue.periodic_task(crontab(minute="17", hour="*/6"))
    def sweep_carts() -> None:
        with app.app_context():
            upkeep.remove_old_carts(db.session(), clock.now() - CART_LIFETIME)
            db.session.commit()

    return queue


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Runs background jobs until it is told to stop."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    logging.getLogger("huey").setLevel(logging.WARNING)
    make_queue(app).create_consumer(workers=1, periodic=True, check_worker_health=True).run()
