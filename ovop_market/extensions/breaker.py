"""Whether to wait for something that others have just waited for in vain (docs/adr/0042)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg

# Seconds for which nobody tries again after it has failed: requests that would wait one after the
# other are answered at once.
AGAIN_AFTER = 1.0


class NotTried(psycopg.OperationalError):
    """Somebody has found out a moment ago that it is out of reach."""


class CutShort(psycopg.OperationalError):
    """There was so little time left that nobody can tell why it was not enough."""


class Breaker:
    """Whether something is worth the wait: not just after it has failed, and not for more than one
    at a time until somebody has got through."""

    def __init__(self, enough: int = 1) -> None:
        self._enough = enough
        self._failures = 0
        self._failed_at: float | None = None
        self._answered_at = float("-inf")
        self._counting = threading.Lock()
        self._trying = threading.Lock()
        self._trier: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has failed, often enough, and nobody has got through since."""
        return self._failed_at is not None

    def failed(self, since: float | None = None) -> None:
        """Once more, it was waited for in vain. Does not count where somebody got through `since`
        then: what takes long may only be slow."""
        with self._counting:
            if since is not None and self._answered_at >= since:
                return
            self._failures += 1
            if self._failures >= self._enough:
                self._failed_at = monotonic()

    def went_well(self) -> None:
        """Somebody has got through."""
        self._answered_at = monotonic()
        if self._failures:
            with self._counting:
                self._failures, self._failed_at = 0, None

    @contextmanager
    def attempt(self) -> Iterator[bool]:
        """An attempt; tells whether it is one to find out whether it still fails. Raises NotTried
        where it is not worth one."""
        failed_at = self._failed_at
        if self._trier == threading.get_ident():
            yield False  # A part of one, which has not got through before the whole has.
            return
        if failed_at is None:
            with self._attempted():
                yield False
            return
        if monotonic() - failed_at < AGAIN_AFTER or not self._trying.acquire(blocking=False):
            raise NotTried("out of reach a moment ago")
        self._trier = threading.get_ident()
        try:
            with self._attempted():
                yield True
        finally:
            self._trier = None
            self._trying.release()

    @contextmanager
    def _attempted(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            # What was not tried says nothing, and what was tried in haste opens nothing.
            in_haste = isinstance(error, CutShort) and not self.is_open
            if not (in_haste or isinstance(error, NotTried)):
                self.failed()
            raise
        self.went_well()
