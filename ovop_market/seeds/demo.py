"""The demo of CONTRACT.md: Bangka Barat's OVOP villages after two years on the market.

Everything but pictures is planted in one transaction: an interrupted planting leaves nothing
behind, and the next one begins anew. Names, numbers and orders are invented; villages and their
codes are real.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.catalogue import search
from ovop_market.orders.services import maker_pages
from ovop_market.reach import services as reach
from ovop_market.regions.models import Region
from ovop_market.seeds import (
    demo_arrival,
    demo_desk,
    demo_market,
    demo_money,
    demo_pictures,
    demo_programme,
    demo_rows,
    demo_sales,
    demo_staff,
    demo_views,
    demo_visits,
    demo_weeks,
)
from ovop_market.seeds.demo_history import History
from ovop_market.seeds.demo_producers import ACCOUNTS
from ovop_market.seeds.demo_stories import Teller
from ovop_market.seeds.demo_villages import VILLAGES


def _silently(_message: str) -> None:
    pass


def is_present(session: Session) -> bool:
    """Whether the demo has been planted here."""
    logins = [account.login for account in ACCOUNTS]
    return session.scalar(select(User.id).where(User.email.in_(logins)).limit(1)) is not None


def plant(
    session: Session,
    now: datetime,
    *,
    say: Callable[[str], object] = _silently,
    pictures: bool = True,
) -> None:
    """Plants the demo as of `now` and commits. Regions must be loaded; `say` tells the progress.

    Pictures follow after that commit (see `hang_pictures`), or not at all. Raises ValueError when
    the demo is there already, LookupError when the regions are not.
    """
    _refuse_unless_possible(session)
    begun = time.monotonic()

    def done(what: str) -> None:
        say(f"{what} ({time.monotonic() - begun:.1f} s)")

    market = demo_market.plant(session, now)
    demo_staff.invite(session, market, now)
    demo_arrival.plant(session, market)
    done("villages, producers, products, couriers, accounts")
    history = History(session, market, now)
    drafts = history.drafts()
    demo_rows.write(session, drafts, history.shelves, history.rng)
    done(f"{len(drafts)} orders of the last two years")
    demo_money.accounts(session, market, now)
    demo_money.pay_out(session, market, now)
    done("producers paid")
    told = Teller(session, market, history.places, history.rng).tell(now)
    demo_money.take_in_statement(session, market, now)
    demo_weeks.plan(session, market, now)
    done(f"{told} purchases under way")
    reported = demo_sales.report(session, market, now)
    done(f"{reported} sales reported")
    visited = demo_visits.note(session, market, now)
    done(f"{visited} visits noted")
    demo_desk.plant(session, market, now)
    demo_programme.tell(session, market, now)
    done("the villages' way through the programme")
    demo_views.look(session, market, now)
    maker_pages.catch_up(session)
    reach.rebuild(session)
    search.index_all(session)
    session.commit()
    done("reach and search")
    if pictures:
        hang_pictures(session, say=say)
        done("pictures")


def hang_pictures(session: Session, *, say: Callable[[str], object] = _silently) -> int:
    """Gives villages and products of the demo the pictures that they do not have yet, which takes
    a second or two for each; commits after each, so that it may run while others read and write.
    Returns their number."""
    return demo_pictures.hang(session, current_app.config["OVOP"].media, say)


def _refuse_unless_possible(session: Session) -> None:
    if is_present(session):
        raise ValueError("the demo has been planted already")
    codes = {village.code for village in VILLAGES}
    if set(session.scalars(select(Region.code).where(Region.code.in_(codes)))) != codes:
        raise LookupError("the regions of the demo's villages are missing: load the regions first")
