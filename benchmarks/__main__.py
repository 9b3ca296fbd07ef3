"""`python -m benchmarks`: measures and prints. See the package for how to read it."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from benchmarks import guessing, load, matching
from benchmarks.checkouts import THREADS, Checkouts, buy, buy_from_all
from benchmarks.load import Sample, Target, percentile
from benchmarks.pairs import Pair, compare
from benchmarks.rendering import Rendering, checkout_statements, measure
from benchmarks.scratch import application, let_go, prepare
from benchmarks.table import fine_milliseconds, milliseconds, table, whole
from tests.process.server import Server, running

# What is measured under load, beside a bare page.
COMPARED = (
    "/",
    "/products",
    "/villages/belo-laut",
    "/products/pempek-udang-belo-laut",
    "/products?q=pempek",
)
# What is rendered without load as well.
RENDERED = (*COMPARED, "/villages", "/products?village=dendang&sort=price", "/regions?q=bandung")
MOST_STATEMENTS = 6


def say(message: str) -> None:
    """Progress, apart from the figures."""
    print(message, file=sys.stderr, flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="for each page, and for checkouts (default 4)"
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        default="",
        help="prepared and written to, with many purchases; a scratch SQLite file if not given",
    )
    parser.add_argument(
        "--encoding", default="", help="Accept-Encoding of the clients, such as br (default: none)"
    )
    return parser.parse_args()


def main() -> None:
    chosen = options()
    with (
        tempfile.TemporaryDirectory(prefix="ovop-bench-") as name,
        ProcessPoolExecutor(load.PROCESSES, multiprocessing.get_context("spawn")) as pool,
    ):
        folder = Path(name)
        url = chosen.database or f"sqlite:///{folder / 'market.sqlite3'}"
        variants = prepare(url, folder / "media", say)
        renderings, steps = render(url, folder / "media", variants[0])
        sizes = {r.path: r.size for r in renderings if r.path in COMPARED}
        market = Server(folder, {"DATABASE_URL": url, "OVOP_MEDIA": str(folder / "media")})
        bare = Server(folder, {}, app="benchmarks.bare:app", alive="/1000")
        with running([market, bare]):
            pairs = compare(pool, market, bare, sizes, chosen.seconds, chosen.encoding, say)
            done = checkouts(pool, market, variants, chosen.seconds)
            busy = while_buying(pool, market, variants, chosen.seconds)
        booked = matching.measure(url, folder / "media", say)
        guessed = guessing.measure(url, folder / "media", say)
    print(heading(url, chosen.encoding, chosen.seconds))
    print(kept_pages(pairs))
    print(checkout_table(done))
    print(busy_line(*busy))
    print(rendering_table(renderings, steps))
    print(matching.matching_table(booked))
    print(guessing.guessing_table(guessed))


def render(
    url: str, media: Path, variant_id: int
) -> tuple[list[Rendering], Mapping[str, Sequence[str]]]:
    """What pages cost un-kept, while no server runs."""
    say("rendering each page …")
    renderings = [measure(lambda: application(url, media), path) for path in RENDERED]
    app = application(url, media)
    steps = checkout_statements(app, variant_id)
    let_go(app)
    return renderings, steps


def checkouts(pool: Executor, market: Server, variants: Sequence[int], seconds: float) -> Checkouts:
    say("checkouts …")
    buy_from_all(pool, market.port, variants, 0.5)
    return buy_from_all(pool, market.port, variants, seconds)


def while_buying(
    pool: Executor, market: Server, variants: Sequence[int], seconds: float
) -> tuple[Sample, Checkouts]:
    """The front page as one client process sees it while the other buys: nothing is kept long."""
    say("the front page while others buy …")
    buying = pool.submit(buy, market.port, variants, seconds)
    looking = pool.submit(load.ask, Target(market.port, "/"), seconds)
    return looking.result(), buying.result()


def heading(url: str, encoding: str, seconds: float) -> str:
    engine = "PostgreSQL" if url.startswith("postgres") else "SQLite"
    workers = os.environ.get("WEB_CONCURRENCY", "2")
    return (
        f"OVOP Market: demo data on {engine}; gunicorn with {workers} workers; "
        f"{os.cpu_count()} cores, shared by servers and clients; "
        f"Python {platform.python_version()}\n"
        f"Clients: {load.PROCESSES} processes with {load.CONNECTIONS} open connections each; "
        f"{seconds:g} s a page; Accept-Encoding: {encoding or 'none'}\n"
    )


def kept_pages(pairs: Sequence[Pair]) -> str:
    heads = ["kept page", "bytes", "requests/s", "p99 ms", "cpu ms", "client"]
    heads += ["bare requests/s", "p99 ms", "cpu ms", "client", "ratio"]
    rows = []
    for pair in pairs:
        row = [pair.path, whole(pair.size)]
        for series in (pair.market, pair.bare):
            row += [
                whole(series.rate),
                milliseconds(series.p99),
                fine_milliseconds(series.cpu_each),
                f"{series.client_share:.0%}",
            ]
        rows.append([*row, f"{pair.ratio:.2f}"])
    return table(heads, rows) + "\n"


def checkout_table(done: Checkouts) -> str:
    said = (
        f"{len(done.took) / done.seconds:.1f} checkouts/s, of three requests each, by "
        f"{load.PROCESSES * THREADS} visitors at a time; {done.refused} refused\n"
    )
    if not done.took:
        return said
    rows = []
    for name in ("add", "form", "place", "whole"):
        values = [getattr(took, name) for took in done.took]
        rows.append([name, *(milliseconds(percentile(values, part)) for part in (0.5, 0.99))])
    return table(["checkout", "median ms", "p99 ms"], rows) + "\n" + said


def busy_line(looking: Sample, buying: Checkouts) -> str:
    rate, p99 = len(buying.took) / buying.seconds, percentile(looking.latencies, 0.99)
    return (
        f"/ while {THREADS} visitors buy ({rate:.1f} checkouts/s): "
        f"{whole(looking.rate)} requests/s, p99 {milliseconds(p99)} ms\n"
    )


def rendering_table(renderings: Sequence[Rendering], steps: Mapping[str, Sequence[str]]) -> str:
    heads = ["rendering, nothing kept", "statements", "first ms", "again ms", "slowest", "cpu ms"]
    rows = [
        [
            r.path,
            str(len(r.statements)) + ("!" if len(r.statements) > MOST_STATEMENTS else ""),
            *map(milliseconds, (r.first.clock, r.again, r.slowest, r.cpu)),
        ]
        for r in renderings
    ]
    rows += [
        [f"checkout: {name}", str(len(statements)), *["–"] * 4]
        for name, statements in steps.items()
    ]
    return table(heads, rows) + "\n"


if __name__ == "__main__":
    main()
