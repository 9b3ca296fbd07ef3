"""A market left to itself under a mixed load: does it grow?

    make soak                    30 minutes
    SOAK_MINUTES=5 make soak     fewer

Server and worker run as in production. Every few seconds the memory that is each process's own part
(PSS), its open files and its connections to the database are written down. It fails when the last
third of the run differs from the middle one by more than a tenth, or when files or connections
have become more; the first third is for filling what is kept.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import psutil

from benchmarks.scratch import prepare
from benchmarks.table import table
from tests.pages import token_in
from tests.process.server import Server, Worker, running
from tests.process.visitor import Answer, Visitor, ready_to_buy

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
THREADS = 4
PAUSE = 0.05  # seconds between two things that one visitor does: a busy day, not a race
TENTH = 0.10
PASSWORD = "ovop-demo-2016"
PUBLIC = (
    "/",
    "/products",
    "/products?q=pempek",
    "/villages",
    "/villages/belo-laut",
    "/regions?q=men",
)
STAFF: Mapping[str, Sequence[str]] = {
    "produsen@ovop.example": ("/inbox", "/shop/offers", "/shop/statement"),
    "pejabat@ovop.example": ("/reach", "/reach/export.csv"),
    "operator@ovop.example": ("/desk/payments", "/desk"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at a moment: its memory in MB, and what it holds open."""

    at: float
    memory: float
    files: int
    connections: int


@dataclass
class Watch:
    """Looks at processes until it is told to stop."""

    watched: Mapping[str, int]
    every: float
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    # Processes that ended while they were watched.
    ended: set[str] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        begun = time.monotonic()
        while not self.stop.wait(self.every):
            for name, pid in self.watched.items():
                try:
                    sample = _sample(psutil.Process(pid), time.monotonic() - begun)
                except psutil.NoSuchProcess:
                    self.ended.add(name)
                else:
                    self.samples.setdefault(name, []).append(sample)


def _sample(process: psutil.Process, at: float) -> Sample:
    connections = len(process.net_connections("all"))
    return Sample(at, process.memory_full_info().pss / 1e6, process.num_fds(), connections)


@dataclass
class Load:
    """Visitors, buyers and staff, each in a thread, until the time is over."""

    port: int
    variants: Sequence[int]
    until: float
    done: int = 0
    # What was not done, and how it was answered.
    failed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        staff = {login: _signed_in(self.port, login) for login in STAFF}
        threads = [threading.Thread(target=self._work, args=(staff,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, staff: Mapping[str, Visitor]) -> None:
        while time.monotonic() < self.until:
            try:
                problem = random.choices([self._look, self._buy, self._serve], [6, 2, 2])[0](staff)
            except (OSError, HTTPException) as error:
                problem = type(error).__name__
            with self._lock:
                if problem:
                    self.failed[problem] += 1
                else:
                    self.done += 1
            time.sleep(PAUSE)

    def _look(self, _staff: Mapping[str, Visitor]) -> str:
        page = random.choice(PUBLIC)
        return _problem(page, Visitor(self.port).get(page))

    def _buy(self, _staff: Mapping[str, Visitor]) -> str:
        buyer = ready_to_buy(self.port, random.choice(self.variants), "Pembeli Contoh")
        placed = buyer.place()
        if problem := _problem("an order", placed, 303):
            return problem
        return _problem("a purchase", buyer.visitor.get(placed.location))

    def _serve(self, staff: Mapping[str, Visitor]) -> str:
        login = random.choice(list(STAFF))
        page = random.choice(STAFF[login])
        return _problem(page, staff[login].get(page))


def _problem(what: str, answer: Answer, wanted: int = 200) -> str:
    """What was asked for and how it was answered; empty where that was meant."""
    return "" if answer.status == wanted else f"{what}: {answer.status}"


def _signed_in(port: int, login: str) -> Visitor:
    visitor = Visitor(port)
    form = {"login": login, "password": PASSWORD}
    form["csrf_token"] = token_in(visitor.get("/sign-in").body)
    assert visitor.ask("POST", "/sign-in", form).status == 303
    return visitor


@dataclass(frozen=True, slots=True)
class Judgement:
    """A process in the middle and in the last third of the run."""

    name: str
    middle: Sample
    last: Sample

    @property
    def growth(self) -> float:
        return self.last.memory / self.middle.memory - 1

    @property
    def steady(self) -> bool:
        # What comes and goes with requests, a few at a time, is no growth.
        return (
            abs(self.growth) <= TENTH
            and self.last.files <= self.middle.files + THREADS
            and self.last.connections <= self.middle.connections + THREADS
        )


def judge(name: str, samples: Sequence[Sample]) -> Judgement:
    third = len(samples) // 3
    return Judgement(name, _usual(samples[third : 2 * third]), _usual(samples[2 * third :]))


def _usual(samples: Sequence[Sample]) -> Sample:
    def middle(of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, samples))

    return Sample(
        middle(lambda s: s.at),
        middle(lambda s: s.memory),
        int(middle(lambda s: s.files)),
        int(middle(lambda s: s.connections)),
    )


def picture(samples: Mapping[str, Sequence[Sample]], width: int = 640, height: int = 200) -> str:
    """The memory of each process over time, as SVG."""
    long = max(s.at for some in samples.values() for s in some)
    most = max(s.memory for some in samples.values() for s in some) * 1.1
    colours = ("#0B5563", "#8A4F1D", "#2B6638", "#B23A22", "#7A5A00")
    drawn = []
    for number, (name, some) in enumerate(samples.items()):
        points = " ".join(
            f"{s.at / long * width:.1f},{height - s.memory / most * height:.1f}" for s in some
        )
        colour = colours[number % len(colours)]
        drawn.append(f'<polyline fill="none" stroke="{colour}" points="{points}"/>')
        drawn.append(
            f'<text x="4" y="{height + 16 + number * 14}" fill="{colour}" font-size="12">'
            f"{name}: {some[-1].memory:.0f} MB</text>"
        )
    box = f"0 0 {width} {height + 20 + len(samples) * 14}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{"".join(drawn)}</svg>\n'


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ovop-soak-") as name:
        folder = Path(name)
        url = os.environ.get("SOAK_DATABASE_URL") or f"sqlite:///{folder / 'market.sqlite3'}"
        variants = prepare(url, folder / "media", lambda said: print(said, file=sys.stderr))
        environ = {"DATABASE_URL": url, "OVOP_MEDIA": str(folder / "media")}
        server, worker = Server(folder, environ), Worker(folder, environ)
        with running([server, worker]):
            watched = {f"server {n}": pid for n, pid in enumerate(sorted(server.workers()), 1)}
            seconds = MINUTES * 60
            watch = Watch({**watched, "worker": worker.group}, max(0.5, seconds / 300))
            load = Load(server.port, variants, time.monotonic() + seconds)
            watching = threading.Thread(target=watch.run)
            watching.start()
            load.run()
            watch.stop.set()
            watching.join()
    for gone in sorted(watch.ended):
        print(f"{gone} ended on the way")
    sys.exit(report(watch.samples, load, not watch.ended))


def report(samples: Mapping[str, Sequence[Sample]], load: Load, alive: bool) -> int:
    """Prints what was seen; returns the exit code."""
    judged = [judge(name, some) for name, some in samples.items()]
    rows = [
        [
            one.name,
            f"{one.middle.memory:.1f}",
            f"{one.last.memory:.1f}",
            f"{one.growth:+.1%}",
            f"{one.middle.files} → {one.last.files}",
            f"{one.middle.connections} → {one.last.connections}",
            "steady" if one.steady else "GROWS",
        ]
        for one in judged
    ]
    heads = ("process", "middle MB", "last MB", "difference", "open files", "sockets", "")
    print(f"{MINUTES:g} minutes, {load.done} things done, {load.failed.total()} not")
    for problem, times in load.failed.most_common():
        print(f"  {times} × {problem}")
    print(table(heads, rows))
    drawing = Path(tempfile.gettempdir()) / "ovop-soak.svg"
    drawing.write_text(picture(samples), "utf-8")
    print(f"memory over time: {drawing}")
    return 0 if alive and not load.failed and all(one.steady for one in judged) else 1


if __name__ == "__main__":
    main()
