"""What officials wait for, as the orders grow: `python -m benchmarks.reach`.

Plants the same villages and products into two scratch databases, one with `--orders` orders and one
with four times as many, and asks both for each view. `×` is the time of the larger one divided by
that of the smaller: 4 would mean that a page reads the orders, 1 that it reads the rows it shows.
At most 150 ms are wanted: when the process has answered the same before, and when it has kept
nothing and takes what is decided from the database. After that, what `reach rebuild`, `reach
settle` (all years) and `reach verify` take.

`--database URL` plants `--orders` there and measures only that (it must be empty); with `--kept` it
measures what has been planted there before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks.scratch import application, let_go
from benchmarks.table import milliseconds, table, whole
from ovop_market import jobs
from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Product
from ovop_market.core import clock
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders.models import Order
from ovop_market.reach import services, snapshots
from ovop_market.reach.filters import add_months
from ovop_market.reach.models import ReachProductMonth, ReachVillageMonth
from ovop_market.regions import services as regions
from ovop_market.seeds import scale
from ovop_market.villages.models import Designation, Village
from tests.factories import make_user, sign_in

TIMES = 7
WANTED_MS = 150
GROWTH = 4


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def views(session: Session) -> dict[str, str]:
    """The addresses that are asked, by name: the busiest village, product and programme year."""

    def busiest(model: type[ReachVillageMonth] | type[ReachProductMonth], key: str) -> int:
        column = getattr(model, key)
        found = select(column).group_by(column).order_by(func.sum(model.orders).desc())
        return session.scalars(found.limit(1)).one()

    village = session.get_one(Village, busiest(ReachVillageMonth, "village_id"))
    product = session.get_one(Product, busiest(ReachProductMonth, "product_id"))
    count = func.count()
    year = session.scalars(
        select(Designation.year).group_by(Designation.year).order_by(count.desc()).limit(1)
    ).one()
    start = add_months(clock.wib_date(clock.now()).replace(day=1), -35)
    return {
        "all villages, the usual period": "/reach",
        "all villages, 36 months": f"/reach?from={start}",
        "reported": "/reach?channel=reported",
        "one village": f"/reach?village={village.slug}",
        "one product": f"/reach?product={product.slug}",
        "one programme year": f"/reach?year={year}",
        "since when": "/reach?measure=first",
        "did it help?": "/programme/effect",
        "who is due": "/mentoring",
    }


def measure(app: Flask) -> tuple[int, dict[str, float]]:
    """Received orders, and the median seconds of each view: again, and at first."""
    with app.app_context():
        session = db.session()
        asked = views(session)
        orders = session.scalars(select(func.sum(ReachVillageMonth.orders))).one()
        official = make_user(session, Role.OPERATOR, login=f"{secret_token()[:12]}@ovop.example")
        session.expunge(official)
        session.commit()
        db.session.remove()
    client = app.test_client()
    sign_in(client, official)
    found = {name: _median(client, path) for name, path in asked.items()}
    at_first = {
        f"{name}, at first": _median(client, path, before=snapshots.forget)
        for name, path in asked.items()
    }
    return int(orders), found | at_first


def _median(client: FlaskClient, path: str, before: Callable[[], None] = lambda: None) -> float:
    def once() -> float:
        before()
        begun = time.perf_counter()
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answers {answer.status}")
        return time.perf_counter() - begun

    once()
    return statistics.median(once() for _ in range(TIMES))


def recount(app: Flask) -> str:
    """What rebuild and verify take."""

    def timed(what: Callable[[Session], object]) -> float:
        with app.app_context():
            begun = time.perf_counter()
            what(db.session())
            db.session.commit()
            return time.perf_counter() - begun

    with app.app_context():
        orders = db.session.scalar(select(func.count()).select_from(Order)) or 0
    rebuilt = timed(services.rebuild)
    begun = time.perf_counter()
    jobs.run(app, jobs.REACH)
    settled = time.perf_counter() - begun
    verified = timed(lambda session: list(services.differences(session)))
    times = f"rebuild {rebuilt:.1f} s, settle {settled:.1f} s, verify {verified:.1f} s"
    return f"{whole(orders)} orders: {times}"


def planted(url: str, media: Path, options: argparse.Namespace, orders: int) -> Flask:
    """A market with so many orders."""
    app = application(url, media)
    with app.app_context():
        upgrade()
        say("loading the regions …")
        regions.load(db.session())
        db.session.commit()
        scale.plant(
            db.session(),
            clock.now(),
            villages=options.villages,
            products=options.products,
            orders=orders,
            seed=1,
        )
    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reach", description=__doc__)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--villages", type=int, default=500)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--database", default="")
    parser.add_argument("--kept", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        media = Path(folder) / "media"
        if options.kept:
            apps = [application(options.database, media)]
        elif options.database:
            apps = [planted(options.database, media, options, options.orders)]
        else:
            apps = [
                planted(
                    f"sqlite:///{Path(folder) / f'{times}.sqlite3'}",
                    media,
                    options,
                    options.orders * times,
                )
                for times in (1, GROWTH)
            ]
        measured = [measure(app) for app in apps]
        (_, first), (_, last) = measured[0], measured[-1]
        rows = [
            (
                name,
                *(milliseconds(found[name]) for _orders, found in measured),
                f"{last[name] / first[name]:.1f}" if len(apps) > 1 else "–",
                str(WANTED_MS),
            )
            for name in last
        ]
        heads = [f"{whole(orders)} received" for orders, _found in measured]
        print(table(("view, ms", *heads, "×", "wanted"), rows))
        print(recount(apps[-1]))
        for app in apps:
            let_go(app)


if __name__ == "__main__":
    main()
