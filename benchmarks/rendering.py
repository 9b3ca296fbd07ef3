"""What a page costs when nothing is kept: statements and time, in this process."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from benchmarks.scratch import let_go
from tests.factories import BANDUNG
from tests.process.visitor import SAME_ORIGIN, filled

TIMES = 25
_NOT_COUNTED = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|PRAGMA)\b", re.IGNORECASE)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that all databases of this process are asked within."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not _NOT_COUNTED.match(statement):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@dataclass(frozen=True, slots=True)
class Took:
    """How long a rendering took by the clock, and of the processor's time; in seconds."""

    clock: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a page costs un-kept; its size in bytes."""

    path: str
    size: int
    statements: Sequence[str]
    first: Took
    later: Sequence[Took]

    @property
    def again(self) -> float:
        return statistics.median(took.clock for took in self.later)

    @property
    def slowest(self) -> float:
        return max(took.clock for took in self.later)

    @property
    def cpu(self) -> float:
        return statistics.median(took.cpu for took in self.later)


def _render(app: Flask, path: str) -> tuple[int, Took]:
    """Bytes, and what they took."""
    app.extensions["kept pages"].clear()
    environ = EnvironBuilder(path=path).get_environ()
    clock, cpu = time.perf_counter(), time.process_time()
    body, status, _headers = run_wsgi_app(app.wsgi_app, environ, buffered=True)
    size = sum(map(len, body))
    took = Took(time.perf_counter() - clock, time.process_time() - cpu)
    if status[:3] != "200":
        raise RuntimeError(f"{path} answers {status}")
    return size, took


def measure(make_app: Callable[[], Flask], path: str) -> Rendering:
    """Renders the page in an application of its own, again and again, never from what is kept."""
    app = make_app()
    try:
        with counted() as statements:
            size, first = _render(app, path)
        later = [_render(app, path)[1] for _ in range(TIMES)]
    finally:
        let_go(app)
    return Rendering(path, size, statements, first, later)


def checkout_statements(app: Flask, variant_id: int) -> dict[str, list[str]]:
    """The statements of each step of one checkout of one pack, as a guest."""
    client = app.test_client()
    steps: dict[str, list[str]] = {}

    def step(name: str, expected: int, ask: Callable[[FlaskClient], TestResponse]) -> str:
        with counted() as statements:
            answer = ask(client)
        if answer.status_code != expected:
            raise RuntimeError(f"{name}: {answer.status}")
        steps[name] = statements
        return answer.get_data(as_text=True)

    line = {"variant_id": str(variant_id), "quantity": "1"}
    step("add to cart", 303, lambda c: c.post("/cart/lines", data=line, headers=SAME_ORIGIN))
    step("the cart", 200, lambda c: c.get("/cart"))
    page = step("the form", 200, lambda c: c.get(f"/checkout?region_code={BANDUNG}"))
    form = filled(page, "Pembeli Contoh")
    step("place", 303, lambda c: c.post("/checkout", data=form))
    return steps
