"""A scratch market with the demo, without pictures, to measure on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market import create_app
from ovop_market.catalogue.models import Product, StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.config import from_environment
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.regions import services as regions
from ovop_market.seeds import demo

# Packs put on the shelf, so that checkouts do not run dry.
PACKS = 100_000
VARIANTS = 8


def application(url: str, media: Path, **more: str) -> Flask:
    """The market in this process, without its log of requests; `more` of its environment."""
    environ = {"OVOP_ENV": "testing", "DATABASE_URL": url, "OVOP_MEDIA": str(media), **more}
    return create_app(from_environment(environ))


def let_go(app: Flask) -> None:
    """Closes what the application holds open."""
    with app.app_context():
        db.session.remove()
        app.extensions["kept pages"].version.close()
        db.engine.dispose()


def prepare(url: str, media: Path, say: Callable[[str], object]) -> list[int]:
    """Migrates, plants the demo unless it is there, and stocks some variants: returns their ids."""
    app = application(url, media)
    with app.app_context():
        upgrade()
        session = db.session()
        say("loading the regions …")
        regions.load(session)
        session.commit()
        if not demo.is_present(session):
            say("planting the demo …")
            demo.plant(session, clock.now(), pictures=False)
        stocked = _stock(session)
        session.commit()
    let_go(app)
    return stocked


def _stock(session: Session) -> list[int]:
    """Fills the shelves of one variant each of several producers that are open."""
    now = clock.now()
    # What keeps: it gets through to wherever the checkouts send it.
    keeping = select(Product).where(Product.listed, Product.max_transit_days.is_(None))
    stocked: dict[int, int] = {}
    for product in session.scalars(keeping.order_by(Product.id)):
        variant = next((v for v in product.variants if v.sold and v.offers), None)
        closed = product.producer.closed_on(clock.wib_date(now))
        if variant is None or closed or product.producer_id in stocked:
            continue
        change_ready(session, variant.offers[0].id, PACKS, Cause(StockReason.COUNTED, now))
        stocked[product.producer_id] = variant.id
        if len(stocked) == VARIANTS:
            break
    return list(stocked.values())
