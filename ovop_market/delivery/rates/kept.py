"""What couriers have said, as it is kept: read for pages and for placing, never asked here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.core.money import Rupiah
from ovop_market.delivery.models import CourierRate, Service
from ovop_market.delivery.rates import configured
from ovop_market.delivery.rates.interface import Quoted
from ovop_market.delivery.ways import Parcel, Rate, Rates, billed, district

# A price that was on a page holds until that page is sent, and for a while when the API is away.
GRACE = timedelta(hours=24)

# Districts (origin, destination) and kilograms.
Journey = tuple[str, str, int]


def journeys(parcels: Iterable[Parcel], services: Iterable[Service]) -> set[Journey]:
    """What has to be asked for these parcels, as the services bill them."""
    asked = [service for service in services if service.rate_courier]
    return {
        (district(parcel.origin), district(parcel.destination), billed(service, parcel))
        for parcel in parcels
        for service in asked
    }


def rates_of(session: Session, parcels: Sequence[Parcel], services: Sequence[Service]) -> Rates:
    """The rates of these parcels that are known. One statement, or none without an API."""
    desk = configured()
    if desk is None:
        return {}
    wanted = journeys(parcels, services)
    if not wanted:
        return {}
    rows = kept_since(session, wanted, clock.now() - desk.age - GRACE)
    return {
        (row.origin, row.destination, row.kilograms, row.courier, service): rate
        for row in rows
        for service, rate in _offered(row).items()
    }


def kept_since(
    session: Session, wanted: Iterable[Journey], moment: datetime
) -> Sequence[CourierRate]:
    """What has been said of these journeys (and maybe of others) since a moment."""
    asked = list(wanted)
    return session.scalars(
        select(CourierRate).where(
            CourierRate.origin.in_({origin for origin, _to, _kg in asked}),
            CourierRate.destination.in_({to for _from, to, _kg in asked}),
            CourierRate.kilograms.in_({kilograms for _from, _to, kilograms in asked}),
            CourierRate.fetched_at > moment,
        )
    ).all()


def as_json(offered: Sequence[Quoted]) -> list[dict[str, object]]:
    """What a courier offers, as it is kept."""
    return [
        {
            "service": quoted.service,
            "price": quoted.price,
            "days_from": quoted.days and quoted.days[0],
            "days_to": quoted.days and quoted.days[1],
        }
        for quoted in offered
    ]


def _offered(row: CourierRate) -> Mapping[str, Rate]:
    found: dict[str, Rate] = {}
    for offer in row.services:
        first, last, price = offer["days_from"], offer["days_to"], offer["price"]
        days = (first, last) if isinstance(first, int) and isinstance(last, int) else None
        assert isinstance(price, int)
        found[str(offer["service"])] = Rate(Rupiah(price), days)
    return found
