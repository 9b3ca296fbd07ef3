"""What officials decide of the programme: who is designated, how far it has come, stars, the
baseline, targets. Days are those of WIB."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.core.tokens import digest
from ovop_market.extensions.database import insert_into
from ovop_market.villages import flagships
from ovop_market.villages import programme_states as states
from ovop_market.villages.models import Designation, Stage, Village
from ovop_market.villages.programme_models import DesignationStep, StarAward, VillageTarget

MOST_STARS = 5
# A day before this is a slip of the finger.
FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Aims:
    """What is aimed at in a year; None: not that."""

    orders: int | None = None
    regencies: int | None = None
    revenue: int | None = None

    @property
    def any(self) -> bool:
        return not (self.orders is None and self.regencies is None and self.revenue is None)


def aims_of(target: VillageTarget | None) -> Aims:
    """The same as a value; of no target: nothing."""
    return Aims(target.orders, target.regencies, target.revenue) if target else Aims()


def mark(target: VillageTarget | None) -> str:
    """A short name of exactly what is aimed at; also of nothing."""
    return digest(repr(aims_of(target)))[:32]


def designate(
    session: Session,
    village: Village,
    *,
    year: int,
    flagship: str,
    day: date,
    actor_id: int,
    now: datetime,
) -> Designation:
    """Proposes the village for a programme year. Saying the same twice is saying it once.

    Raises Unusable, naming the field, for a day that is to come, and for a year in which the
    village is designated with another flagship.
    """
    _refuse_later(day, now)
    # One after the other for each village. Not by ON CONFLICT: the search listens to the session.
    session.refresh(village, with_for_update=True)
    of_year = Designation.village_id == village.id, Designation.year == year
    found = session.scalar(select(Designation).where(*of_year))
    if found is not None:
        if found.flagship == flagship:
            return found
        raise Unusable(
            _(
                "%(village)s sudah ada di tahun program %(year)s.",
                village=village.name,
                year=str(year),
            ),
            field="year",
        )
    designation = Designation(
        village_id=village.id, year=year, flagship=flagship, stage=Stage.PROPOSAL
    )
    session.add(designation)
    session.flush()
    _step(session, designation, Stage.PROPOSAL, day=day, note="", actor_id=actor_id, now=now)
    details: dict[str, object] = {"village": village.id, "year": year, "flagship": flagship}
    record(session, "designation made", f"designation {designation.id}", now, actor_id, details)
    session.flush()
    return designation


def move(
    session: Session,
    designation: Designation,
    to: Stage,
    *,
    day: date,
    note: str,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> None:
    """Brings it one stage on, or back for a reason. `seen`: the stage that was on the screen.

    What has been done already from that stage is not done again. Raises MoveRefused for a step that
    the table lacks or when somebody was faster; Unusable, naming the field, for a day that is to
    come or before that of the last step, and for going back without a reason.
    """
    session.refresh(designation, with_for_update=True)
    now_at = designation.stage
    if seen is not None and seen != now_at:
        if now_at is to:
            return
        raise MoveRefused(_("Tahapnya baru saja diubah orang lain. Lihat yang sekarang."))
    found = states.move(now_at, to)
    if found is None:
        raise MoveRefused(_("Dari tahap ini tidak bisa ke sana. Pilih tahap berikutnya."))
    if found.back and not note:
        raise Unusable(_("Tulis alasannya kalau mundur satu tahap."), field="note")
    _refuse_later(day, now)
    last = session.scalar(
        select(func.max(DesignationStep.day)).where(
            DesignationStep.designation_id == designation.id
        )
    )
    if last is not None and day < last:
        raise Unusable(_("Tanggalnya sebelum tahap yang terakhir."), field="day")
    _step(session, designation, to, day=day, note=note, actor_id=actor_id, now=now)
    session.flush()


def _step(
    session: Session,
    designation: Designation,
    stage: Stage,
    *,
    day: date,
    note: str,
    actor_id: int,
    now: datetime,
) -> None:
    """The only writer of a stage: with it goes the line of its history."""
    designation.stage = stage
    session.add(
        DesignationStep(
            designation_id=designation.id,
            stage=stage,
            day=day,
            note=note,
            noted_at=now,
            noted_by_id=actor_id,
        )
    )


def award(
    session: Session,
    designation: Designation,
    *,
    stars: int,
    day: date,
    certificate: str,
    expires_on: date | None,
    actor_id: int,
    now: datetime,
) -> StarAward:
    """Notes stars by their certificate; the same certificate once more puts right what it said.

    The designation shows the stars of the latest day. Raises Unusable, naming the field, for stars
    outside 1 to 5, a day that is to come, an end before it; MoveRefused before the designation.
    """
    if not 1 <= stars <= MOST_STARS:
        raise Unusable(_("Bintang 1 sampai 5."), field="stars")
    _refuse_later(day, now)
    if expires_on is not None and expires_on <= day:
        raise Unusable(_("Tanggal akhirnya harus sesudah tanggal sertifikat."), field="expires_on")
    session.refresh(designation, with_for_update=True)
    if designation.stage not in states.DESIGNATED:
        raise MoveRefused(_("Bintang diberikan sesudah desa ditetapkan."))
    own = StarAward.designation_id == designation.id
    said = {"stars": stars, "day": day, "expires_on": expires_on}
    found = session.scalar(select(StarAward).where(own, StarAward.certificate == certificate))
    before = {name: getattr(found, name) if found else None for name in said}
    if found is not None and before == said:
        return found
    if found is None:
        found = StarAward(designation_id=designation.id, certificate=certificate)
        session.add(found)
    for name, value in said.items():
        setattr(found, name, value)
    found.noted_at, found.noted_by_id = now, actor_id
    session.flush()
    latest = select(StarAward.stars).where(own).order_by(StarAward.day.desc(), StarAward.id.desc())
    designation.stars = session.scalar(latest.limit(1))
    changed = {name: [_plain(before[name]), _plain(said[name])] for name in said}
    details: dict[str, object] = {"certificate": certificate, **changed}
    record(session, "stars noted", f"designation {designation.id}", now, actor_id, details)
    session.flush()
    return found


def enter_baseline(
    session: Session, designation: Designation, amount: int, *, actor_id: int, now: datetime
) -> None:
    """What the village sold a month (rupiah) before it was designated. It is entered once, since
    everything later is measured by it. Raises Conflict when another one stands there."""
    entered = session.scalar(
        update(Designation)
        .where(Designation.id == designation.id, Designation.baseline_sales.is_(None))
        .values(baseline_sales=amount)
        .returning(Designation.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(designation)
    if entered is None:
        if designation.baseline_sales == amount:
            return
        raise Conflict(
            _("Penjualan awal sudah diisi dan tidak diubah lagi."), field="baseline_sales"
        )
    details: dict[str, object] = {"baseline_sales": amount}
    record(session, "baseline entered", f"designation {designation.id}", now, actor_id, details)
    session.flush()


def choose_product(
    session: Session,
    designation: Designation,
    slug: str,
    *,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> None:
    """Says which product of the village on this website its flagship is; nothing: none of them.

    The words stay as they are. `seen`: the id that was on the screen, 0 for none. Raises Unusable,
    naming the field, for a product that the village does not sell; Conflict when somebody else has
    chosen another one since.
    """
    session.refresh(designation, with_for_update=True)
    found = {each.slug: each for each in flagships.choices(session, designation)}
    chosen = designation.flagship_product_id or 0
    before = next((each.slug for each in found.values() if each.id == chosen), "")
    if slug == before:
        return
    if seen is not None and seen != str(chosen):
        raise Conflict(_("Produknya baru saja diubah orang lain. Periksa, lalu simpan lagi."))
    if slug and slug not in found:
        raise Unusable(_("Pilih produk yang dijual dari desa ini."), field="product")
    designation.flagship_product_id = found[slug].id if slug else None
    details: dict[str, object] = {"product": [before or None, slug or None]}
    record(session, "flagship chosen", f"designation {designation.id}", now, actor_id, details)
    session.flush()


def set_target(
    session: Session,
    village: Village,
    year: int,
    aims: Aims,
    *,
    seen: str | None,
    actor_id: int,
    now: datetime,
) -> None:
    """What the village means to reach in this year or the next; years that are over stay as they
    were. `seen` is the mark of what was on the screen.

    Raises Unusable, naming the field, for another year or nothing aimed at; Conflict when somebody
    else has changed it since.
    """
    this_year = clock.wib_date(now).year
    if not this_year <= year <= this_year + 1:
        raise Unusable(_("Target diisi untuk tahun ini atau tahun depan."), field="year")
    if not aims.any:
        raise Unusable(_("Isi paling sedikit satu target."), field="orders")
    found = _locked_target(session, village, year)
    before = aims_of(found)
    if before == aims:
        return
    if seen is not None and seen != mark(found):
        raise Conflict(_("Target ini baru saja diubah orang lain. Periksa, lalu simpan lagi."))
    values = {"orders": aims.orders, "regencies": aims.regencies, "revenue": aims.revenue}
    if found is None:
        session.execute(
            insert_into(session, VillageTarget)
            .values(village_id=village.id, year=year, **values)
            .on_conflict_do_nothing()
        )
        found = _locked_target(session, village, year)
        assert found is not None  # it was there, or it is now
        if aims_of(found) != aims:
            raise Conflict(_("Target ini baru saja diubah orang lain. Periksa, lalu simpan lagi."))
    found.orders, found.regencies, found.revenue = aims.orders, aims.regencies, aims.revenue
    details: dict[str, object] = {"year": year}
    details |= {name: [getattr(before, name), value] for name, value in values.items()}
    record(session, "target set", f"village {village.id}", now, actor_id, details)
    session.flush()


def _locked_target(session: Session, village: Village, year: int) -> VillageTarget | None:
    return session.scalar(
        select(VillageTarget)
        .where(VillageTarget.village_id == village.id, VillageTarget.year == year)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _refuse_later(day: date, now: datetime) -> None:
    if not FIRST_DAY <= day <= clock.wib_date(now):
        raise Unusable(_("Pilih tanggal hari ini atau sebelumnya."), field="day")


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
