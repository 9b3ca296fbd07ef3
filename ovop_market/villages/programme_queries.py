"""What the pages of the programme show, of the villages in the person's area. Days are in WIB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core.errors import NotFound
from ovop_market.villages import flagships, permit_queries
from ovop_market.villages.areas import in_area
from ovop_market.villages.flagships import FlagshipProduct
from ovop_market.villages.models import Designation, Stage, Village
from ovop_market.villages.programme_models import DesignationStep, StarAward, VillageTarget
from ovop_market.villages.programme_services import Aims, aims_of, mark
from ovop_market.villages.programme_states import DESIGNATED, MOVES, Mentor, Move, mentor

SOON = timedelta(days=90)  # before the end of a certificate
YEARS_BACK = 3  # of targets, on the page of a designation
PER_PAGE = 48


@dataclass(frozen=True, slots=True)
class Reached:
    """What a village reached in a calendar year, as far as the website has verified it. Where it is
    so little that it would tell of single purchases, `withheld` is all that is said; `more`: it
    reached at least so many regencies."""

    orders: int = 0
    regencies: int = 0
    revenue: int = 0
    withheld: bool = False
    more: bool = False


# reach: what these villages reached in a calendar year, in one statement. It puts its function here
# when it is loaded, as with the hooks in `queries`; until then nothing is known.
reached_of: Callable[[Session, Sequence[int], int], Mapping[int, Reached]] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A year's aims beside what was reached (None: unknown)."""

    year: int
    aims: Aims
    reached: Reached | None
    mark: str = ""

    @property
    def lines(self) -> list[tuple[str, int, int]]:
        """What is aimed at: its name, the aim, what was reached. Nothing when that is withheld."""
        if self.reached is None or self.reached.withheld:
            return []
        return [
            (name, aim, getattr(self.reached, name))
            for name in ("orders", "regencies", "revenue")
            for aim in [getattr(self.aims, name)]
            if aim is not None
        ]


@dataclass(frozen=True, slots=True)
class Row:
    """A designation among others."""

    id: int
    village_id: int
    village: str
    year: int
    flagship: str
    stage: Stage
    stars: int | None
    baseline_sales: int | None
    compared: Compared
    product: FlagshipProduct | None


@dataclass(frozen=True, slots=True)
class Programme:
    """A page of the list; years and stages are of all that there is to see of the year chosen."""

    year: int | None
    years: tuple[int, ...]
    stages: Mapping[Stage, int]
    rows: tuple[Row, ...]

    @property
    def count(self) -> int:
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a designation's history. `who`: nothing where nobody noted it."""

    stage: Stage
    day: date | None
    note: str
    who: str


@dataclass(frozen=True, slots=True)
class DesignationPage:
    """A designation with everything that its page tells."""

    designation: Designation
    village: Village
    today: date
    steps: tuple[Step, ...]
    awards: tuple[StarAward, ...]
    targets: tuple[Compared, ...]
    lacking: tuple[permit_queries.Lacking, ...]
    products: tuple[FlagshipProduct, ...]
    moves: tuple[Move, ...] = field(default=())

    @property
    def mentor(self) -> Mentor:
        return mentor(self.designation.stars)

    @property
    def product(self) -> FlagshipProduct | None:
        """The one that is chosen."""
        chosen = self.designation.flagship_product_id
        return next((each for each in self.products if each.id == chosen), None)

    @property
    def may_have_stars(self) -> bool:
        return self.designation.stage in DESIGNATED

    @property
    def open_targets(self) -> list[Compared]:
        """Those of this year and the next, which can be set."""
        return [each for each in self.targets if each.year >= self.today.year]

    @property
    def todo(self) -> list[str]:
        """What comes next, in its order; the words are those of the page."""
        award = self.awards[0] if self.awards else None
        ends = award.expires_on if award else None
        needed = {
            "baseline": self.designation.baseline_sales is None,
            "stars": self.may_have_stars and award is None,
            "certificate": ends is not None and ends <= self.today + SOON,
            "permits": bool(self.lacking),
            "target": not any(t.aims.any for t in self.targets if t.year == self.today.year),
            "stage": any(not step.back for step in self.moves),
        }
        return [name for name, wanted in needed.items() if wanted]


def _seen_by(user: User) -> Select[Designation, Village]:
    return (
        select(Designation, Village)
        .join(Village, Village.id == Designation.village_id)
        .where(in_area(user))
    )


def designation_of(session: Session, user: User, designation_id: int) -> Designation:
    """One of the person's area. Raises NotFound."""
    row = session.execute(_seen_by(user).where(Designation.id == designation_id)).first()
    if row is None:
        raise NotFound(_("Penetapan ini tidak ada di daerah Anda."))
    return row[0]


def villages_of(session: Session, user: User) -> Sequence[tuple[int, str]]:
    """Id and name of the villages in the person's area."""
    rows = session.execute(
        select(Village.id, Village.name).where(in_area(user)).order_by(Village.name, Village.id)
    )
    return [(village_id, name) for village_id, name in rows]


def village_of(session: Session, user: User, village_id: int) -> Village:
    """A village of the person's area. Raises NotFound."""
    village = session.scalar(select(Village).where(Village.id == village_id, in_area(user)))
    if village is None:
        raise NotFound(_("Desa ini tidak ada di daerah Anda."))
    return village


def count(session: Session, user: User) -> dict[tuple[int, Stage], int]:
    """How many designations there are of each year and stage."""
    rows = session.execute(
        _seen_by(user)
        .with_only_columns(Designation.year, Designation.stage, func.count())
        .group_by(Designation.year, Designation.stage)
    )
    return {(year, stage): number for year, stage, number in rows}


def programme(
    session: Session,
    user: User,
    counts: Mapping[tuple[int, Stage], int],
    *,
    year: int | None,
    page: int,
    today: date,
) -> Programme:
    """Designations of a programme year, or of all; their villages' targets are of this year."""
    wanted = _seen_by(user).add_columns(VillageTarget)
    wanted = wanted.join(
        VillageTarget,
        and_(VillageTarget.village_id == Village.id, VillageTarget.year == today.year),
        isouter=True,
    )
    if year is not None:
        wanted = wanted.where(Designation.year == year)
    found = session.execute(
        wanted.order_by(Designation.year.desc(), Village.name, Designation.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    ).all()
    aimed = [village.id for _designation, village, target in found if target is not None]
    reached = reached_of(session, aimed, today.year) if reached_of and aimed else {}
    products = flagships.named(session, (each.flagship_product_id for each, *_ in found))
    rows = tuple(
        Row(
            id=each.id,
            village_id=village.id,
            village=village.name,
            year=each.year,
            flagship=each.flagship,
            stage=each.stage,
            stars=each.stars,
            baseline_sales=each.baseline_sales,
            compared=Compared(today.year, aims_of(target), reached.get(village.id)),
            product=products.get(each.flagship_product_id or 0),
        )
        for each, village, target in found
    )
    stages = {
        stage: sum(n for (y, s), n in counts.items() if s is stage and year in (None, y))
        for stage in Stage
    }
    return Programme(year, tuple(sorted({y for y, _s in counts}, reverse=True)), stages, rows)


def page(session: Session, user: User, designation_id: int, today: date) -> DesignationPage:
    """One designation. Raises NotFound."""
    designation = designation_of(session, user, designation_id)
    village = designation.village
    steps = session.execute(
        select(DesignationStep, User.name)
        .join(User, User.id == DesignationStep.noted_by_id, isouter=True)
        .where(DesignationStep.designation_id == designation.id)
        .order_by(DesignationStep.id)
    )
    awards = session.scalars(
        select(StarAward)
        .where(StarAward.designation_id == designation.id)
        .order_by(StarAward.day.desc(), StarAward.id.desc())
        .execution_options(populate_existing=True)
    )
    return DesignationPage(
        designation=designation,
        village=village,
        today=today,
        steps=tuple(Step(s.stage, s.day, s.note, name or "") for s, name in steps),
        awards=tuple(awards),
        targets=tuple(_targets(session, village.id, today)),
        lacking=tuple(permit_queries.lacking(session, village.id, today)),
        products=tuple(flagships.choices(session, designation)),
        moves=MOVES[designation.stage],
    )


def _targets(session: Session, village_id: int, today: date) -> list[Compared]:
    """Of the last years that had any, this year and the next, the latest first."""
    found = {
        target.year: target
        for target in session.scalars(
            select(VillageTarget)
            .where(
                VillageTarget.village_id == village_id,
                VillageTarget.year.between(today.year - YEARS_BACK, today.year + 1),
            )
            .execution_options(populate_existing=True)
        )
    }
    years = sorted({*found, today.year, today.year + 1}, reverse=True)
    return [
        Compared(year, aims_of(target), _reached(session, village_id, year, today), mark(target))
        for year in years
        for target in [found.get(year)]
    ]


def _reached(session: Session, village_id: int, year: int, today: date) -> Reached | None:
    if reached_of is None or year > today.year:
        return None
    return reached_of(session, [village_id], year).get(village_id, Reached())
