"""A look at something that may hang, for monitors who must not: asked by one thread beside, on a
connection of its own, and told within a second or two whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Generic, TypeVar

from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from ovop_market.extensions import db
from ovop_market.extensions.database import begin_as_reader

T = TypeVar("T")
# Of waiting, in seconds, for the database or for a connection to it.
PATIENCE = 2


class Probe(Generic[T]):
    """Asks the database at most once in `keep` seconds, and never twice at a time: who asks while
    it hangs costs nothing. Raises TimeoutError, or whatever the look raises."""

    def __init__(self, app: Flask, look: Callable[[Session], T], *, keep: float = 1.0) -> None:
        self._app, self._look, self._keep = app, look, keep
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._asked_at = -keep
        self._answer: Future[T] | None = None

    def ask(self) -> T:
        """What the look found, a second ago or now."""
        with self._lock:
            done = self._answer is None or self._answer.done()
            if done and time.monotonic() - self._asked_at >= self._keep:
                self._asked_at = time.monotonic()
                self._answer = Future()
                # A daemon: a database that hangs shall not keep the process from ending.
                threading.Thread(
                    target=self._look_into, args=(self._answer,), name="probe", daemon=True
                ).start()
            answer = self._answer
        assert answer is not None
        try:
            return answer.result(PATIENCE)
        except TooLate:
            raise TimeoutError from None

    def forget(self) -> None:
        """The next to ask is told anew."""
        with self._lock:
            self._asked_at = -self._keep

    def _look_into(self, answer: Future[T]) -> None:
        try:
            answer.set_result(self._asked())
        except BaseException as error:  # told to whoever asks
            answer.set_exception(error)

    def _asked(self) -> T:
        begin_as_reader(True)
        with Session(self._bind()) as session:
            return self._look(session)

    def _bind(self) -> Engine:
        """Past the pool of the pages, which may be used up just when somebody must be told so."""
        if self._engine is None:
            with self._app.app_context():
                url = db.engine.url
            more = {} if url.get_backend_name() == "sqlite" else {"connect_timeout": PATIENCE}
            self._engine = create_engine(url, poolclass=NullPool, connect_args=more)
        return self._engine
