"""Leaves an API alone that does not answer, so that its silence slows one page and not each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Seconds of rest after a first failure; each further one doubles them, up to the longest.
FIRST_REST = 30.0
LONGEST_REST = 600.0


class Breaker:
    """Shared by the threads of a process. After a rest one of them tries, the others still wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0

    def lets_through(self) -> bool:
        """Whether the API may be asked now."""
        with self._lock:
            if not self._failures:
                return True
            if self._clock() < self._rests_until:
                return False
            # This one tries; as long as nothing is known, nobody else does.
            self._rests_until = self._clock() + FIRST_REST
            return True

    def answered(self) -> None:
        """It is there again."""
        with self._lock:
            self._failures = 0

    def failed(self, wait: float = 0) -> None:
        """It did not answer; `wait` are the seconds that it asks for, if it does."""
        with self._lock:
            self._failures += 1
            rest = min(FIRST_REST * 2 ** min(self._failures - 1, 10), LONGEST_REST)
            self._rests_until = self._clock() + min(max(rest, wait), LONGEST_REST)
