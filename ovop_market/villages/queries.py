"""What the pages of villages show. Days are those of WIB."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.regions.models import Region
from ovop_market.villages import flagships, policy
from ovop_market.villages.flagships import FlagshipProduct
from ovop_market.villages.models import (
    Designation,
    Producer,
    ProducerKind,
    ProducerStaff,
    Stage,
    Village,
    VillagePhoto,
)
from ovop_market.villages.policy import Duty
from ovop_market.villages.producer_states import ProducerState
from ovop_market.web.pictures import PictureSources, sources

# What a village's page shows of the features above this one. Each of them puts its function here
# when it is loaded, so that this feature need not know them (imports point one way). All three
# take at most one statement; until they are filled, their part of the page is left out.
#
# catalogue: the cards of a village's products (what components/card.html takes), for a day.
products_of: Callable[[Session, int, date], Sequence[object]] | None = None
# catalogue: how many products each village has on sale, by the village's id.
product_counts: Callable[[Session], Mapping[int, int]] | None = None
# reach: to how many regencies a village's products have been sent so far.
reach_of: Callable[[Session, int], int] | None = None

# A village without a designation stands behind those that have one (years end at 2100).
_LATEST_YEAR = 9999
_SLUG = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)


def own_producers(user: User, duty: Duty = Duty.OWN) -> Select[int]:
    """The ids of the producers for which the account does this, as a part of other statements:
    those that it owns, unless another duty is named (villages.policy)."""
    return select(ProducerStaff.producer_id).where(
        ProducerStaff.user_id == user.id, ProducerStaff.role.in_(policy.roles_for(duty))
    )


@dataclass(frozen=True, slots=True)
class VillageCard:
    """A village among others. `flagship` is that of its latest programme year."""

    slug: str
    name: str
    district: str
    flagship: str
    photo: PictureSources | None
    product_count: int | None


@dataclass(frozen=True, slots=True)
class ProgrammeYear:
    """What the village was designated for in a year; `product`, if it has been chosen."""

    year: int
    flagship: str
    stage: Stage
    stars: int | None
    product: FlagshipProduct | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """A producer of the village: a household by itself, or a group of so many households."""

    slug: str
    name: str
    kind: ProducerKind
    about: str
    members: int
    closed: bool
    closed_to: date | None


@dataclass(frozen=True, slots=True)
class VillagePage:
    """A village with everything that its page tells."""

    slug: str
    name: str
    district: str
    regency: str
    story: Sequence[str]
    photo: PictureSources | None
    years: Sequence[ProgrammeYear]
    makers: Sequence[Maker]
    products: Sequence[object]
    regencies_reached: int | None

    @property
    def latest(self) -> ProgrammeYear | None:
        """The latest programme year, whose flagship is the village's today."""
        return self.years[-1] if self.years else None


def is_slug(text: str) -> bool:
    """Whether the text can be a slug at all; databases need not be asked for anything else."""
    return _SLUG.fullmatch(text) is not None


def cards(session: Session, limit: int, offset: int = 0) -> list[VillageCard]:
    """Villages in the order in which they joined the programme."""
    years = select(Designation).where(Designation.village_id == Village.id).correlate(Village)
    flagship = (
        years.with_only_columns(Designation.flagship)
        .order_by(Designation.year.desc())
        .limit(1)
        .scalar_subquery()
    )
    joined = years.with_only_columns(func.min(Designation.year)).scalar_subquery()
    rows = session.execute(
        _with_places_and_photo()
        .add_columns(flagship)
        .order_by(func.coalesce(joined, _LATEST_YEAR), Village.name, Village.id)
        .limit(limit)
        .offset(offset)
    ).all()
    counts = product_counts(session) if product_counts else None
    return [
        VillageCard(
            slug=village.slug,
            name=village.name,
            district=district,
            flagship=_sentence(latest or ""),
            photo=sources(photo) if photo else None,
            product_count=None if counts is None else counts.get(village.id, 0),
        )
        for village, district, _regency, photo, latest in rows
    ]


def count(session: Session) -> int:
    """How many villages there are."""
    return session.scalar(select(func.count()).select_from(Village)) or 0


def page(session: Session, slug: str, today: date) -> VillagePage:
    """The village of this slug. Raises NotFound."""
    row = None
    if is_slug(slug):
        row = session.execute(_with_places_and_photo().where(Village.slug == slug)).first()
    if row is None:
        raise NotFound(_("Desa ini belum ada di sini. Lihat semua desa."))
    village, district, regency, photo = row
    return VillagePage(
        slug=village.slug,
        name=village.name,
        district=district,
        regency=regency,
        story=[part.strip() for part in re.split(r"\n\s*\n", village.story) if part.strip()],
        photo=sources(photo) if photo else None,
        years=_years(session, village.id),
        makers=_makers(session, village.id, today),
        products=products_of(session, village.id, today) if products_of else (),
        regencies_reached=reach_of(session, village.id) if reach_of else None,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def slugs(session: Session) -> list[str]:
    """The slugs of all villages, for the site's map."""
    return list(session.scalars(select(Village.slug).order_by(Village.slug)))


def _with_places_and_photo() -> Select[Village, str, str, VillagePhoto]:
    """Villages with their district, their regency and their face, if they have one."""
    district, regency = aliased(Region), aliased(Region)
    face = (
        select(VillagePhoto.id)
        .where(VillagePhoto.village_id == Village.id)
        .order_by(VillagePhoto.position, VillagePhoto.id)
        .limit(1)
        .correlate(Village)
        .scalar_subquery()
    )
    return (
        select(Village, district.name, regency.name, VillagePhoto)
        .join(district, district.code == func.substr(Village.region_code, 1, 8))
        .join(regency, regency.code == func.substr(Village.region_code, 1, 5))
        .outerjoin(VillagePhoto, VillagePhoto.id == face)
    )


def _years(session: Session, village_id: int) -> list[ProgrammeYear]:
    found = session.scalars(
        select(Designation)
        .where(Designation.village_id == village_id)
        .order_by(Designation.year)
        .execution_options(populate_existing=True)
    ).all()
    products = flagships.named(session, (each.flagship_product_id for each in found))
    return [
        ProgrammeYear(each.year, each.flagship, each.stage, each.stars, products.get(key or 0))
        for each in found
        for key in [each.flagship_product_id]
    ]


def _makers(session: Session, village_id: int, today: date) -> list[Maker]:
    """Groups first. The member households of a group sell through it, so they are only counted."""
    member = aliased(Producer)
    members = (
        select(func.count())
        .where(member.group_id == Producer.id)
        .correlate(Producer)
        .scalar_subquery()
    )
    found = session.execute(
        select(Producer, members)
        .where(
            Producer.village_id == village_id,
            Producer.group_id.is_(None),
            Producer.state == ProducerState.APPROVED,
        )
        .order_by(Producer.kind, Producer.name)
    )
    return [
        Maker(
            slug=producer.slug,
            name=producer.name,
            kind=producer.kind,
            about=producer.about,
            members=count,
            closed=producer.closed_on(today),
            closed_to=producer.closed_to,
        )
        for producer, count in found
    ]
