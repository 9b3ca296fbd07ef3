"""How the demo's villages came through the programme: stages, certificates, targets.

The stages, stars and baselines that the villages have stay as they are; this tells how they came to
them. Invented, like everything of the demo but villages and codes.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core import clock
from ovop_market.extensions.database import write_rows
from ovop_market.seeds.demo_market import Market
from ovop_market.villages.models import Designation, Stage
from ovop_market.villages.programme_models import DesignationStep, StarAward, VillageTarget
from ovop_market.villages.programme_services import choose_product

# A year's stages: month and day of each, in years after the programme year.
_WAY: dict[Stage, tuple[int, int, int]] = {
    Stage.PROPOSAL: (0, 2, 15),
    Stage.SELECTION: (0, 5, 20),
    Stage.DESIGNATION: (0, 8, 17),
    Stage.MENTORING: (1, 1, 10),
    Stage.EVALUATION: (3, 10, 4),
}
# Two were designated late, so many days ago: until then they are villages not yet designated.
_LATE = {"air-kuang": 330, "teluk-limau": 12}
_LATE_NOTE = "Seleksi diulang setelah izin penjual lengkap."
_NOTES = {
    Stage.PROPOSAL: "Usulan desa lewat kecamatan.",
    Stage.DESIGNATION: "SK Bupati (contoh).",
}
# Products that the villages were designated for, by village and programme year.
_FLAGSHIPS = {
    ("belo-laut", 2016): "pempek-udang-belo-laut",
    ("dendang", 2016): "keranjang-rotan-dendang",
    ("dendang", 2021): "nampan-resam-dendang",
    ("air-nyatoh", 2017): "teri-asin-air-nyatoh",
    ("tanjung-niur", 2017): "terasi-udang-tanjung-niur",
    ("terentang", 2021): "keranjang-buah-rotan-terentang",
    ("pangkal-beras", 2021): "madu-kelulut-pangkal-beras",
    ("teluk-limau", 2021): "teh-daun-kelor-teluk-limau",
    ("ketap", 2021): "teh-tayu-ketap",
}
_LASTS = 3  # years that a certificate is good for
# Orders, regencies and revenue aimed at, last year and this; None: not aimed at.
_TARGETS: dict[str, tuple[tuple[int | None, int | None, int | None], ...]] = {
    "belo-laut": ((350, 30, 40_000_000), (300, 40, 55_000_000)),
    "dendang": ((120, 20, 18_000_000), (90, 30, None)),
    "air-nyatoh": ((60, 25, None), (80, 30, 6_000_000)),
    "tanjung-niur": ((60, 24, 5_000_000), (80, 32, 6_000_000)),
    "terentang": ((30, 18, None), (50, 24, 12_000_000)),
    "pangkal-beras": ((40, 15, None), (60, 22, 14_000_000)),
    "ketap": ((40, None, 4_000_000), (70, 24, 8_000_000)),
    "air-kuang": ((None, 8, None), (40, 14, 8_000_000)),
}


def is_present(session: Session) -> bool:
    """Whether any designation has a history already."""
    return session.scalar(select(DesignationStep.id).limit(1)) is not None


def tell(session: Session, market: Market, now: datetime) -> int:
    """Adds the history of every designation, certificates and targets, unless they are there.
    Returns the number of steps."""
    if is_present(session):
        return 0
    official = market.users["pejabat@ovop.example"].id
    today = clock.wib_date(now)
    steps: list[dict[str, object]] = []
    awards: list[dict[str, object]] = []
    targets: list[dict[str, object]] = []
    for slug, village in market.villages.items():
        for each in village.designations:
            steps += _steps(each, _LATE.get(slug), official, today, now)
            awards += _award(each, slug, official, today, now)
            if product := _FLAGSHIPS.get((slug, each.year)):
                choose_product(session, each, product, seen=None, actor_id=official, now=now)
        for back, aims in enumerate(reversed(_TARGETS.get(slug, ()))):
            names = ("orders", "regencies", "revenue")
            aimed = dict(zip(names, aims, strict=True))
            year = today.year - back
            targets.append({"village_id": village.id, "year": year, **aimed})
            details: dict[str, object] = {"year": year, **{n: [None, a] for n, a in aimed.items()}}
            record(session, "target set", f"village {village.id}", now, official, details)
    write_rows(session, DesignationStep, steps)
    write_rows(session, StarAward, awards)
    write_rows(session, VillageTarget, targets)
    session.flush()
    return len(steps)


def _steps(
    designation: Designation, late: int | None, official: int, today: date, now: datetime
) -> list[dict[str, object]]:
    """Up to the stage that it has, none later than today."""
    found: list[dict[str, object]] = []
    for stage, (years, month, day) in _WAY.items():
        on, note = date(designation.year + years, month, day), _NOTES.get(stage, "")
        if stage is Stage.DESIGNATION and late is not None:
            on, note = today - timedelta(days=late), _LATE_NOTE
        found.append(
            {
                "designation_id": designation.id,
                "stage": stage,
                "day": min(on, today),
                "note": note,
                "noted_at": now,
                "noted_by_id": official,
            }
        )
        if stage is designation.stage:
            break
    return found


def _award(
    designation: Designation, slug: str, official: int, today: date, now: datetime
) -> list[dict[str, object]]:
    if designation.stars is None:
        return []
    late = _LATE.get(slug)
    # Some are good for long, some for weeks: the ministry looks again every three years.
    day = today - timedelta(days=late - 5 if late else 365 + 83 * (designation.id % 9))
    return [
        {
            "designation_id": designation.id,
            "stars": designation.stars,
            "day": day,
            "certificate": f"OVOP-{day.year}-{designation.id:03d}-CONTOH",
            "expires_on": day.replace(year=day.year + _LASTS, day=min(day.day, 28)),
            "noted_at": now,
            "noted_by_id": official,
        }
    ]
