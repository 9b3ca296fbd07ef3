"""The demo of CONTRACT.md: Bangka Barat's OVOP villages after two years on the market.

Everything is planted in one transaction: an interrupted planting leaves nothing behind, and the
next one begins anew. Names, numbers and orders are invented; villages and their codes are real.
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
from ovop_market.reach import services as reach
from ovop_market.regions.models import Region
from ovop_market.seeds import demo_market, demo_rows
from ovop_market.seeds.demo_history import History
from ovop_market.seeds.demo_producers import ACCOUNTS
from ovop_market.seeds.demo_stories import Teller
from ovop_market.seeds.demo_villages import VILLAGES
from ovop_market.seeds.pictures import store_drawings


def is_present(session: Session) -> bool:
    """Whether the demo has been planted here."""
    logins = [account.login for account in ACCOUNTS]
    return session.scalar(select(User.id).where(User.email.in_(logins)).limit(1)) is not None


def plant(
    session: Session,
    now: datetime,
    *,
    say: Callable[[str], object] = lambda _message: None,
    pictures: bool = True,
) -> None:
    """Plants the demo as of `now` and commits. Regions must be loaded; `say` tells the progress.

    Without `pictures`, products and villages have none. Raises ValueError when the demo is there
    already, LookupError when the regions are not.
    """
    _refuse_unless_possible(session)
    begun = time.monotonic()

    def done(what: str) -> None:
        say(f"{what} ({time.monotonic() - begun:.1f} s)")

    media = current_app.config["OVOP"].media
    names = demo_market.picture_names() if pictures else ()
    stored = store_drawings(names, media, say)
    market = demo_market.plant(session, now, stored)
    done("villages, producers, products, couriers, accounts")
    history = History(session, market, now)
    drafts = history.drafts()
    demo_rows.write(session, drafts, history.shelves, history.rng)
    done(f"{len(drafts)} orders of the last two years")
    told = Teller(session, market, history.places, history.rng).tell(now)
    done(f"{told} purchases under way")
    reach.rebuild(session)
    search.index_all(session)
    session.commit()
    done("reach and search")


def _refuse_unless_possible(session: Session) -> None:
    if is_present(session):
        raise ValueError("the demo has been planted already")
    codes = {village.code for village in VILLAGES}
    if set(session.scalars(select(Region.code).where(Region.code.in_(codes)))) != codes:
        raise LookupError("the regions of the demo's villages are missing: load the regions first")
    # Drawings are rendered before the first statement that changes anything: on SQLite nobody else
    # can write from there on.
    session.rollback()
