"""The tariff table in heaps that fit on a phone: by service, then by the part of the country to
which a parcel goes; and the tariffs that hold for a place, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from ovop_market.delivery.models import Service, Tariff
from ovop_market.delivery.ways import prefixes
from ovop_market.regions.models import Region

# So many tariffs are shown as they are; more of them in heaps first.
FEW = 12
# Areas that a name may mean: whoever looks for more says more.
MOST_MEANT = 30

# Parts of the country, by the first figure of their provinces' codes (Kemendagri).
ISLANDS: Mapping[str, tuple[LazyString, tuple[str, ...]]] = {
    "sumatra": (_l("Sumatera"), ("1", "2")),
    "java": (_l("Jawa"), ("3",)),
    "nusa-tenggara": (_l("Bali dan Nusa Tenggara"), ("5",)),
    "kalimantan": (_l("Kalimantan"), ("6",)),
    "sulawesi": (_l("Sulawesi"), ("7",)),
    "maluku": (_l("Maluku"), ("8",)),
    "papua": (_l("Papua"), ("9",)),
    "everywhere": (_l("Semua wilayah"), ("",)),
}


@dataclass(frozen=True, slots=True)
class Heap:
    """Some tariffs: what they have in common, how many they are, and their prices (rupiah)."""

    key: str
    name: str
    count: int
    cheapest: int
    dearest: int


def by_service(session: Session) -> list[Heap]:
    """All services that have tariffs, those on offer first."""
    rows = session.execute(
        select(
            Service,
            func.count(Tariff.id),
            func.min(Tariff.price_per_kg),
            func.max(Tariff.price_per_kg),
        )
        .join(Tariff, Tariff.service_id == Service.id)
        .group_by(Service.id)
        .order_by(Service.offered.desc(), Service.code)
    )
    return [Heap(s.code, f"{s.courier} {s.name}", n, low, high) for s, n, low, high in rows]


def by_island(session: Session, service: str) -> list[Heap]:
    """The tariffs of a service, from west to east; last those that hold everywhere."""
    first = func.substr(Tariff.destination, 1, 1)
    rows = session.execute(
        select(first, func.count(), func.min(Tariff.price_per_kg), func.max(Tariff.price_per_kg))
        .join(Tariff.service)
        .where(Service.code == service)
        .group_by(first)
    ).all()
    found = []
    for key, (name, figures) in ISLANDS.items():
        mine = [row for row in rows if row[0] in figures]
        if mine:
            found.append(
                Heap(
                    key,
                    str(name),
                    sum(row[1] for row in mine),
                    min(row[2] for row in mine),
                    max(row[3] for row in mine),
                )
            )
    return found


def on_island(island: str) -> list[ColumnElement[bool]]:
    """Whether a tariff is in the heap of this name; of an unknown one, all are."""
    if island not in ISLANDS:
        return []
    figures = ISLANDS[island][1]
    return [func.substr(Tariff.destination, 1, 1).in_(figures)]


def to_place(session: Session, name: str) -> ColumnElement[bool]:
    """Whether a tariff may hold for a place of this name, or a part of it: it is for the place, for
    something in it, or for an area around it."""
    named = Region.name.icontains(name, autoescape=True)
    # There is a village of almost any name: the largest areas that have it are meant.
    level = select(func.min(Region.level)).where(named).scalar_subquery()
    codes: Sequence[str] = session.scalars(
        select(Region.code)
        .where(named, Region.level == level)
        .order_by(Region.code)
        .limit(MOST_MEANT)
    ).all()
    if not codes:
        return false()
    around = {"", *(area for code in codes for area in prefixes(code))}
    return or_(Tariff.destination.in_(around), *(Tariff.destination.startswith(c) for c in codes))
