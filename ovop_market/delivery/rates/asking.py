"""Asks the rate API for what a page is about to need, and keeps the answers.

Between two transactions: what was read is let go before anything goes over the network, so that no
row is locked and no writer waits meanwhile; what was answered is written in a transaction of its
own. Whatever goes wrong, the page is made by the tariff table.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ovop_market.delivery.models import CourierRate, RatePlace, Service
from ovop_market.delivery.rates import configured
from ovop_market.delivery.rates.interface import Desk, District, Quoted, Unreachable
from ovop_market.delivery.rates.kept import GRACE, Journey, as_json, journeys, kept_since
from ovop_market.delivery.ways import Parcel
from ovop_market.extensions.database import begin_as_reader, insert_into
from ovop_market.regions.models import Region
from ovop_market.regions.words import plain
from ovop_market.web.logs import log

# Seconds that one page may wait for all that it asks.
LONGEST_WAIT = 4.0
# What the API did not know is asked again after this time.
UNKNOWN_FOR = timedelta(days=7)

Answers = Mapping[Journey, Mapping[str, Sequence[Quoted]]]


def refresh(session: Session, parcels: Iterable[Parcel], now: datetime, *, reading: bool) -> bool:
    """Makes sure that what couriers ask for these parcels is known, if that can be had in time.

    Ends the session's transaction when there is something to ask: nothing may be pending in it, and
    what was read from it must be read again. `reading` says how the next one begins (see
    extensions.database). Returns whether anything new is known.
    """
    desk = configured()
    if desk is None:
        return False
    missing = _missing(session, parcels, now - desk.age)
    districts = {code for origin, to, _kg in missing for code in (origin, to)}
    places = _places(session, districts, now) if missing else {}
    nowhere = {code for code, place in places.items() if place is None}
    missing = {j: asked for j, asked in missing.items() if not nowhere & {j[0], j[1]}}
    if not missing or not desk.breaker.lets_through():
        return False
    districts = {code for origin, to, _kg in missing for code in (origin, to)}
    unknown = _named(session, districts - places.keys())
    session.rollback()
    found, answers = _ask(desk, missing, places, unknown)
    if not (found or answers):
        return False
    begin_as_reader(False)
    try:
        _keep(session, found, answers, desk, now)
        session.commit()
    except OperationalError as error:
        # The page can do without; the next one asks again.
        session.rollback()
        log.warning("courier rates not kept", error=type(error).__name__)
        return False
    finally:
        begin_as_reader(reading)
    return True


def _missing(
    session: Session, parcels: Iterable[Parcel], since: datetime
) -> dict[Journey, list[str]]:
    """What is not known: for each journey the couriers to ask."""
    services = session.scalars(
        select(Service).where(Service.offered, Service.rate_courier.is_not(None))
    ).all()
    wanted = journeys(parcels, services)
    if not wanted:
        return {}
    couriers = sorted({service.rate_courier for service in services if service.rate_courier})
    known = {
        (row.origin, row.destination, row.kilograms, row.courier)
        for row in kept_since(session, wanted, since)
    }
    missing = {
        journey: [courier for courier in couriers if (*journey, courier) not in known]
        for journey in sorted(wanted)
    }
    return {journey: asked for journey, asked in missing.items() if asked}


def _places(session: Session, districts: Collection[str], now: datetime) -> dict[str, str | None]:
    """The API's names of districts, as far as they are known; None: it has none."""
    rows = session.scalars(select(RatePlace).where(RatePlace.region_code.in_(districts)))
    return {
        row.region_code: row.place_id
        for row in rows
        if row.place_id is not None or row.asked_at > now - UNKNOWN_FOR
    }


def _named(session: Session, districts: Iterable[str]) -> list[District]:
    """Districts with the names by which they can be looked up."""
    wanted = {code: (code, code[:5], code[:2]) for code in districts}
    codes = {area for areas in wanted.values() for area in areas}
    names = {
        region.code: region.name_key
        for region in session.scalars(select(Region).where(Region.code.in_(codes)))
    }
    return [
        District(code, *(plain(names.get(area, "")) for area in areas))
        for code, areas in sorted(wanted.items())
    ]


def _ask(
    desk: Desk,
    missing: Mapping[Journey, list[str]],
    places: Mapping[str, str | None],
    unknown: Sequence[District],
) -> tuple[dict[str, str | None], Answers]:
    """Over the network: places that were found, and what couriers answered, as far as time
    allows."""
    until = time.monotonic() + LONGEST_WAIT
    found: dict[str, str | None] = {}
    answers: dict[Journey, Mapping[str, Sequence[Quoted]]] = defaultdict(dict)
    try:
        for district in unknown:
            if time.monotonic() > until:
                raise Unreachable("slow")
            found[district.code] = desk.api.place(district)
        known = {**places, **found}
        for journey, couriers in missing.items():
            origin, destination, kilograms = journey
            here, there = known.get(origin), known.get(destination)
            if here is None or there is None:
                continue
            if time.monotonic() > until:
                raise Unreachable("slow")
            answers[journey] = desk.api.rates(here, there, kilograms, couriers)
        desk.breaker.answered()
    except Unreachable as failure:
        desk.breaker.failed(failure.wait)
        log.warning("courier rates out of reach", why=failure.why)
    return found, answers


def _keep(
    session: Session, found: Mapping[str, str | None], answers: Answers, desk: Desk, now: datetime
) -> None:
    for code, place in sorted(found.items()):
        values = {"place_id": place, "asked_at": now}
        session.execute(
            insert_into(session, RatePlace)
            .values(region_code=code, **values)
            .on_conflict_do_update(index_elements=["region_code"], set_=values)
        )
    for (origin, destination, kilograms), offered in sorted(answers.items()):
        for courier, quoted in sorted(offered.items()):
            new = {"services": as_json(quoted), "fetched_at": now}
            session.execute(
                insert_into(session, CourierRate)
                .values(
                    origin=origin,
                    destination=destination,
                    kilograms=kilograms,
                    courier=courier,
                    **new,
                )
                .on_conflict_do_update(
                    index_elements=["origin", "destination", "kilograms", "courier"], set_=new
                )
            )
    # What nobody may use any more is not kept.
    session.execute(delete(CourierRate).where(CourierRate.fetched_at < now - desk.age - GRACE))
