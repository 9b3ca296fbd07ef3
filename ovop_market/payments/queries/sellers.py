"""Producers and listings that wait for an operator, for the desk."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.catalogue.listings import desk_queries
from ovop_market.payments.queries.desk import MOST_STUCK, Kind, Stuck
from ovop_market.villages import producer_queries


def applying(session: Session, _now: datetime) -> tuple[list[Stuck], int]:
    """Who has applied to sell, the longest ago first."""
    rows, total = producer_queries.waiting(session, MOST_STUCK)
    items = [
        Stuck(
            Kind.PRODUCERS,
            row.since,
            row.name,
            "",
            _("Mendaftar dari %(village)s", village=row.village),
            0,
            row.id,
            home=url_for("producers.producer", slug=row.slug),
        )
        for row in rows
    ]
    return items, total


def submitted(session: Session, now: datetime) -> tuple[list[Stuck], int]:
    """Listings that buyers do not see before they are looked at, the longest wait first."""
    rows, total = desk_queries.waiting(session, MOST_STUCK)
    items = [
        Stuck(
            Kind.LISTINGS,
            product.review_since or now,
            product.name,
            "",
            producer,
            0,
            product.id,
            home=url_for("reviews.listing", slug=product.slug),
        )
        for product, producer in rows
    ]
    return items, total
