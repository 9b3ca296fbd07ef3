"""What operators see of delivery: the tariff table, and what a file would change in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased, contains_eager

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.core.tokens import digest
from ovop_market.delivery import tariff_files, tariff_groups
from ovop_market.delivery.models import (
    CollectionPoint,
    ImportMode,
    Service,
    Tariff,
    TariffImport,
)
from ovop_market.delivery.tariff_files import Fault, Key, Line, Terms
from ovop_market.extensions.database import AT_ONCE
from ovop_market.regions.models import Region

PER_PAGE = 50
_LATEST = 20


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A tariff with the names of its areas; empty names: everywhere."""

    tariff: Tariff
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class TariffPage:
    """A page of the table; `total` counts all pages."""

    rows: Sequence[TariffRow]
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What applying a file would do. `seen` names exactly that: this file on this table."""

    added: Sequence[Line]
    changed: Sequence[tuple[Terms, Line]]
    gone: Sequence[Tariff]
    same: int
    faults: Sequence[Fault]
    seen: str

    @property
    def changes(self) -> int:
        return len(self.added) + len(self.changed) + len(self.gone)


def tariffs(
    session: Session,
    *,
    service: str = "",
    origin: str = "",
    destination: str = "",
    island: str = "",
    page: int = 1,
) -> TariffPage:
    """The tariffs of a service from an area and to another, and all areas within; `*` is
    everywhere. A destination that is no code is the name of a place: then those that may hold
    there."""
    wishes = [
        *([Service.code == service] if service else []),
        *_within(Tariff.origin, origin),
        *(
            _within(Tariff.destination, destination)
            if _is_code(destination)
            else [tariff_groups.to_place(session, destination)]
        ),
        *tariff_groups.on_island(island),
    ]
    total = session.scalar(select(func.count(Tariff.id)).join(Tariff.service).where(*wishes))
    rows = session.execute(_with_names(wishes).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return TariffPage([TariffRow(t, a or "", b or "") for t, a, b in rows], total or 0)


def all_tariffs(session: Session) -> Iterable[TariffRow]:
    """The whole table, as it is given out."""
    return [TariffRow(t, a or "", b or "") for t, a, b in session.execute(_with_names([]))]


def _is_code(text: str) -> bool:
    return not text.strip("0123456789.") or text == tariff_files.EVERYWHERE


def _within(area: Any, code: str) -> list[ColumnElement[bool]]:
    if not code:
        return []
    if code == tariff_files.EVERYWHERE:
        return [area == ""]
    return [area.startswith(code, autoescape=True)]


def _with_names(wishes: Sequence[ColumnElement[bool]]) -> Any:
    origin, destination = aliased(Region), aliased(Region)
    return (
        select(Tariff, origin.name, destination.name)
        .join(Tariff.service)
        .outerjoin(origin, origin.code == Tariff.origin)
        .outerjoin(destination, destination.code == Tariff.destination)
        .where(*wishes)
        .order_by(Service.code, Tariff.origin, Tariff.destination)
        .options(contains_eager(Tariff.service))
    )


def services(session: Session) -> Sequence[tuple[Service, int]]:
    """All services, each with the number of its tariffs; those on offer first."""
    return [
        (service, count)
        for service, count in session.execute(
            select(Service, func.count(Tariff.id))
            .outerjoin(Tariff, Tariff.service_id == Service.id)
            .group_by(Service.id)
            .order_by(Service.offered.desc(), Service.code)
        )
    ]


def service_of(session: Session, service_id: int) -> Service:
    """A service. Raises NotFound."""
    service = session.get(Service, service_id)
    if service is None:
        raise NotFound(_("Layanan ini tidak ada."))
    return service


def points(session: Session) -> Sequence[tuple[CollectionPoint, str, str]]:
    """All collection points, the open ones first, with the names of where each stands and of the
    area that it serves."""
    place, area = aliased(Region), aliased(Region)
    return [
        (point, path, served or "")
        for point, path, served in session.execute(
            select(CollectionPoint, place.path, area.name)
            .join(place, place.code == CollectionPoint.region_code)
            .outerjoin(area, area.code == CollectionPoint.serves)
            .order_by(CollectionPoint.open.desc(), CollectionPoint.id)
        )
    ]


def point_of(session: Session, point_id: int) -> CollectionPoint:
    """A collection point. Raises NotFound."""
    point = session.get(CollectionPoint, point_id)
    if point is None:
        raise NotFound(_("Tempat ambil ini tidak ada."))
    return point


def imports(session: Session) -> Sequence[tuple[TariffImport, str]]:
    """The latest files, each with the name of who brought or applied it."""
    who = func.coalesce(TariffImport.applied_by_id, TariffImport.uploaded_by_id)
    rows = session.execute(
        select(TariffImport, User.name)
        .join(User, User.id == who)
        .order_by(TariffImport.id.desc())
        .limit(_LATEST)
    )
    return [(found, name) for found, name in rows]


def import_of(session: Session, import_id: int) -> TariffImport:
    """A file. Raises NotFound."""
    found = session.get(TariffImport, import_id)
    if found is None:
        raise NotFound(_("Berkas ini tidak ada, atau pratinjaunya sudah dibuang. Unggah lagi."))
    return found


def outlook(session: Session, content: str, mode: ImportMode) -> Outlook:
    """What a file would change in the table as it is now. Raises Unusable for what is no table."""
    reading = tariff_files.read(content)
    known = {service.code: service for service in session.scalars(select(Service))}
    regions = _known_regions(session, reading.lines)
    lines, faults = [], list(reading.faults)
    for line in reading.lines:
        wrong = _wrong(line, known, regions)
        if wrong:
            faults.append(Fault(line.number, wrong))
        else:
            lines.append(line)
    faults.sort(key=lambda fault: fault.number)
    there = _there(session, {line.service for line in lines})
    added = [line for line in lines if line.key not in there]
    changed = [
        (terms_of(there[line.key]), line)
        for line in lines
        if line.key in there and terms_of(there[line.key]) != line.terms
    ]
    named = {line.key for line in lines}
    gone = [t for key, t in there.items() if key not in named and mode is ImportMode.REPLACE]
    state = sorted((key, terms_of(tariff)) for key, tariff in there.items())
    wanted = sorted((line.key, line.terms) for line in lines)
    return Outlook(
        added,
        changed,
        gone,
        len(lines) - len(added) - len(changed),
        faults,
        digest(repr((str(mode), state, wanted, len(faults))))[:32],
    )


def terms_of(tariff: Tariff) -> Terms:
    """What a tariff says, in the order of a file's line."""
    return (tariff.price_per_kg, tariff.min_weight_grams, tariff.days_from, tariff.days_to)


def _wrong(line: Line, known: Mapping[str, Service], regions: set[str]) -> str:
    """What the database knows against a line, in words; empty if nothing."""
    service = known.get(line.service)
    wrong = []
    if service is None:
        wrong.append(_("Tidak ada layanan dengan kode %(code)s.", code=line.service[:30]))
    wrong += [
        _("Tidak ada wilayah dengan kode %(code)s.", code=code)
        for code in dict.fromkeys((line.origin, line.destination))
        if code and code not in regions
    ]
    if service is not None and service.local:
        if line.origin.count(".") != 3 or not line.destination:
            wrong.append(_("Antar sendiri: asalnya satu desa, tujuannya satu wilayah."))
        if line.days_to > tariff_files.MOST_DAYS_LOCAL:
            wrong.append(_("Antar sendiri: paling lama besoknya (hari 0 sampai 1)."))
    return " ".join(wrong)


def _known_regions(session: Session, lines: Sequence[Line]) -> set[str]:
    wanted = sorted({code for line in lines for code in (line.origin, line.destination) if code})
    found: set[str] = set()
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        found.update(session.scalars(select(Region.code).where(Region.code.in_(some))))
    return found


def _there(session: Session, service_codes: set[str]) -> dict[Key, Tariff]:
    rows = session.scalars(
        select(Tariff)
        .join(Tariff.service)
        .where(Service.code.in_(sorted(service_codes)))
        .order_by(Service.code, Tariff.origin, Tariff.destination)
        .options(contains_eager(Tariff.service))
        .execution_options(populate_existing=True)
    )
    return {(t.service.code, t.origin, t.destination): t for t in rows}
