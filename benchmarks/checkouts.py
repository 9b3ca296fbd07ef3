"""Whole checkouts of new visitors, one after the other in a few threads of each client process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from benchmarks.load import PROCESSES
from tests.process.visitor import Visitor

THREADS = 4  # of each process
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Took:
    """How long each step of one checkout took, in seconds."""

    add: float
    form: float
    place: float

    @property
    def whole(self) -> float:
        return self.add + self.form + self.place


@dataclass(frozen=True, slots=True)
class Checkouts:
    """What happened within `seconds`; `refused` counts answers that were no purchase."""

    took: Sequence[Took]
    refused: int
    seconds: float


def _timed(step: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    result = step()
    return time.perf_counter() - begun, result


def _one(port: int, variant_id: int) -> Took | None:
    visitor = Visitor(port)
    add, added = _timed(lambda: visitor.fill_cart(variant_id))
    if added.status != 303:
        return None
    show, form = _timed(lambda: visitor.checkout_form("Pembeli Contoh"))
    place, answer = _timed(lambda: visitor.place(form))
    return Took(add, show, place) if answer.status == 303 else None


def _stream(port: int, variant_ids: Sequence[int], seconds: float) -> list[Took | None]:
    took: list[Took | None] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        took.append(_one(port, variant_ids[len(took) % len(variant_ids)]))
    return took


def buy(port: int, variant_ids: Sequence[int], seconds: float) -> Checkouts:
    """Buys one pack after the other, of one variant after the other."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        streams = [
            threads.submit(_stream, port, [*variant_ids[n:], *variant_ids[:n]], seconds)
            for n in range(THREADS)
        ]
        all_took = list(chain.from_iterable(stream.result() for stream in streams))
    took = [t for t in all_took if t is not None]
    return Checkouts(took, len(all_took) - len(took), time.perf_counter() - begun)


def buy_from_all(
    pool: Executor, port: int, variant_ids: Sequence[int], seconds: float
) -> Checkouts:
    """Buys from all client processes at the same time."""
    waiting = [pool.submit(buy, port, variant_ids, seconds) for _ in range(PROCESSES)]
    done = [future.result() for future in waiting]
    return Checkouts(
        [took for checkouts in done for took in checkouts.took],
        sum(checkouts.refused for checkouts in done),
        max(checkouts.seconds for checkouts in done),
    )
