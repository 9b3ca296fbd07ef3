"""Each public page in turns with a bare page of the same size."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import Sample, Target, ask_from_all, percentile
from tests.process.server import Server

TURNS = 4
# Before the first turn: every worker has rendered the page, and opened what it needs.
SECONDS_TO_WARM_UP = 0.3


@dataclass(slots=True)
class Series:
    """The samples of one page in the order of the turns, and the server's own processor time."""

    samples: list[Sample] = field(default_factory=list)
    cpu: float | None = 0.0

    @property
    def rate(self) -> float:
        """Requests a second, the median of the turns."""
        return statistics.median(sample.rate for sample in self.samples)

    @property
    def p99(self) -> float:
        """Seconds, over all turns."""
        return percentile([t for sample in self.samples for t in sample.latencies], 0.99)

    @property
    def cpu_each(self) -> float | None:
        """The server's processor time for one answer, in seconds; None where nobody tells."""
        count = sum(len(sample.latencies) for sample in self.samples)
        return None if self.cpu is None else self.cpu / count

    @property
    def client_share(self) -> float:
        return statistics.median(sample.client_share for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Pair:
    """A page of the market and the bare page beside it."""

    path: str
    size: int
    market: Series
    bare: Series

    @property
    def ratio(self) -> float:
        """The market's rate divided by the bare page's, the median of the turns."""
        pairs = zip(self.market.samples, self.bare.samples, strict=True)
        return statistics.median(market.rate / bare.rate for market, bare in pairs)


def processor_seconds(group: int) -> float | None:
    """The processor time of a group of processes so far, or None where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def compare(
    pool: Executor,
    market: Server,
    bare: Server,
    sizes: Mapping[str, int],
    seconds: float,
    encoding: str,
    say: Callable[[str], object],
) -> Sequence[Pair]:
    """Asks for each page (path to bytes) and its bare page for so many seconds each."""
    pairs = [Pair(path, size, Series(), Series()) for path, size in sizes.items()]
    for turn in range(-1, TURNS):
        say("warming up …" if turn < 0 else f"turn {turn + 1} of {TURNS} …")
        length = SECONDS_TO_WARM_UP if turn < 0 else seconds / TURNS
        for pair in pairs:
            for server, path, series in (
                (market, pair.path, pair.market),
                (bare, f"/{pair.size}", pair.bare),
            ):
                before = processor_seconds(server.group)
                target = Target(server.port, path, encoding)
                sample = ask_from_all(pool, target, length)
                if turn >= 0:
                    series.samples.append(sample)
                    _add_cpu(series, before, processor_seconds(server.group))
    return pairs


def _add_cpu(series: Series, before: float | None, after: float | None) -> None:
    if before is None or after is None or series.cpu is None:
        series.cpu = None
    else:
        series.cpu += after - before
