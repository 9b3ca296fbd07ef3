"""Which ways of delivery there are for a parcel, what each costs, when it arrives, and why one is
missing: arithmetic on tariffs, rates and collection points that have been read already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from ovop_market.core.money import Rupiah
from ovop_market.core.quantity import NO_VOLUME, CubicCentimetres, Grams, billed_kilograms
from ovop_market.delivery.freshness import Freshness
from ovop_market.delivery.models import CollectionPoint, Service, Tariff
from ovop_market.web import filters

PICKUP = "pickup"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent by one producer to one address: region codes, weight, volume, how delicate it
    is, and the day on which it can leave (None: nobody knows yet)."""

    origin: str
    destination: str
    weight: Grams
    freshness: Freshness
    volume: CubicCentimetres = NO_VOLUME
    ready_by: date | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the buyer. `reason` says why it cannot be chosen; empty when it can.

    `arrives` is the days between which it arrives, in words; empty where nobody can tell.
    """

    code: str
    title: str
    note: str
    price: Rupiah
    service_id: int | None = None
    collection_point_id: int | None = None
    reason: str = ""
    arrives: str = ""

    @property
    def possible(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True)
class Rate:
    """What a courier itself says: rupiah for the whole parcel, days (None: it does not say)."""

    price: Rupiah
    days: tuple[int, int] | None


# By what a rate is found: districts (origin, destination), kilograms, and the API's own names of
# courier and service.
RateKey = tuple[str, str, int, str, str]
Rates = Mapping[RateKey, Rate]


def prefixes(code: str) -> list[str]:
    """The areas that a region lies in, itself included, the smallest first, the whole last."""
    parts = code.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)] + [""]


def district(code: str) -> str:
    """The district around an area of an address, or the area itself if it is a larger one."""
    return ".".join(code.split(".")[:3])


def billed(service: Service, parcel: Parcel, minimum: int = 1) -> int:
    """Kilograms that this service bills for the parcel; `minimum` is the tariff's, in grams."""
    divisor = service.volumetric_divisor
    return billed_kilograms(parcel.weight, Grams(minimum), parcel.volume, divisor)


def price(tariff: Tariff, weight: Grams, volume: CubicCentimetres = NO_VOLUME) -> Rupiah:
    """What is asked for a parcel by the table, in rupiah."""
    if tariff.service.local:
        return Rupiah(tariff.price_per_kg)
    kilograms = billed_kilograms(
        weight, Grams(tariff.min_weight_grams), volume, tariff.service.volumetric_divisor
    )
    return Rupiah(tariff.price_per_kg * kilograms)


def best_tariffs(parcel: Parcel, tariffs: Iterable[Tariff]) -> dict[int, Tariff]:
    """The most specific tariff of each service for the parcel, by the service's id."""
    origins, destinations = prefixes(parcel.origin), prefixes(parcel.destination)
    fitting = [t for t in tariffs if t.origin in origins and t.destination in destinations]
    # The most specific comes last and stays.
    fitting.sort(key=lambda tariff: (len(tariff.destination), len(tariff.origin)))
    return {tariff.service_id: tariff for tariff in fitting}


def ways_of(
    parcel: Parcel,
    services: Sequence[Service],
    tariffs: Sequence[Tariff],
    points: Sequence[CollectionPoint],
    rates: Rates,
) -> list[Way]:
    """All ways of a parcel: what arrives in time, the cheapest first; then collection points; last
    what is too slow."""
    best = best_tariffs(parcel, tariffs)
    found = (_by_courier(parcel, s, best.get(s.id), rates) for s in services)
    couriers = sorted(
        (way for way in found if way is not None),
        key=lambda way: (bool(way.reason), way.price, way.code),
    )
    possible = [way for way in couriers if way.possible]
    return possible + _collection(parcel, points) + couriers[len(possible) :]


def _by_courier(
    parcel: Parcel, service: Service, tariff: Tariff | None, rates: Rates
) -> Way | None:
    """The service's way, by what its courier says or by the table; None if neither goes there."""
    rate = _rate(parcel, service, rates)
    days = _days(tariff, rate)
    if rate is not None:
        cost = rate.price
    elif tariff is not None:
        cost = price(tariff, parcel.weight, parcel.volume)
    if days is None:
        return None
    fresh = parcel.freshness.allows(days[1], service.cold_chain)
    travel = _at_home(*days) if service.local else _travel(*days)
    return Way(
        code=service.code,
        title=_("Diantar penjual") if service.local else f"{service.courier} {service.name}",
        note=travel if fresh else "",
        price=cost,
        service_id=service.id,
        reason="" if fresh else _too_late(travel, parcel.freshness, service.cold_chain),
        arrives=_arrival(parcel.ready_by, *days) if fresh and parcel.ready_by else "",
    )


def _rate(parcel: Parcel, service: Service, rates: Rates) -> Rate | None:
    if not rates or service.rate_courier is None or service.rate_service is None:
        return None
    return rates.get(
        (
            district(parcel.origin),
            district(parcel.destination),
            billed(service, parcel),
            service.rate_courier,
            service.rate_service,
        )
    )


def _days(tariff: Tariff | None, rate: Rate | None) -> tuple[int, int] | None:
    """Days on the way. Where the courier and the table both tell, the slower one is believed: what
    arrives early does no harm."""
    known = [rate.days] if rate and rate.days else []
    if tariff is not None:
        known.append((tariff.days_from, tariff.days_to))
    if not known:
        return None
    return max(first for first, _last in known), max(last for _first, last in known)


def _collection(parcel: Parcel, points: Sequence[CollectionPoint]) -> list[Way]:
    serving = [point for point in points if point.serves in prefixes(parcel.origin)]
    return [
        Way(
            # The first is plainly "pickup"; further ones add their own name.
            code=PICKUP if not number else f"{PICKUP}-{point.slug}",
            title=_("Ambil sendiri di %(place)s", place=point.name),
            note=f"{point.address}. {point.hours}",
            price=Rupiah(0),
            collection_point_id=point.id,
        )
        for number, point in enumerate(serving)
    ]


def _too_late(travel: str, freshness: Freshness, cold_chain: bool) -> str:
    days = freshness.limit(cold_chain) or 0
    product = freshness.product(cold_chain) or _("barang ini")
    if cold_chain:
        return ngettext(
            "%(travel)s; %(product)s hanya tahan %(num)d hari, juga dalam pendingin.",
            "%(travel)s; %(product)s hanya tahan %(num)d hari, juga dalam pendingin.",
            days,
            travel=travel,
            product=product,
        )
    return ngettext(
        "%(travel)s; %(product)s hanya tahan %(num)d hari di jalan.",
        "%(travel)s; %(product)s hanya tahan %(num)d hari di jalan.",
        days,
        travel=travel,
        product=product,
    )


def _travel(first: int, last: int) -> str:
    if first == last:
        return ngettext("%(num)d hari di jalan", "%(num)d hari di jalan", last)
    return _("%(first)d–%(last)d hari di jalan", first=first, last=last)


def _at_home(first: int, last: int) -> str:
    """Of the seller's own delivery, which takes a day at most."""
    if last == 0:
        return _("hari itu juga")
    return _("hari itu atau besoknya") if first == 0 else _("besoknya")


def _arrival(ready_by: date, first: int, last: int) -> str:
    """`Sampai 3–5 Desember`, counted from the day on which the parcel can leave."""
    earliest, latest = ready_by + timedelta(days=first), ready_by + timedelta(days=last)
    if earliest == latest:
        return _("Sampai %(day)s", day=filters.day_of_year(latest))
    begin = str(earliest.day) if earliest.month == latest.month else filters.day_of_year(earliest)
    return _("Sampai %(first)s–%(last)s", first=begin, last=filters.day_of_year(latest))
