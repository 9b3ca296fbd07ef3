"""What all of these tests look at: how long an answer took, and what is on it."""

from __future__ import annotations

import html
import http.client
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.process.market import Market
from tests.process.server import Worker
from tests.process.visitor import Answer, Visitor

# What the market promises: an answer, be it that it cannot be done now.
SOON = 5.0
# How many times as long as usual the machine may make everything that is not waiting.
BUSY = 10
# Far longer than anything should take, on a machine that has other things to do.
PATIENCE = 60.0
SECONDS_OF_A_MINUTE = 3


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer and the seconds that it took."""

    answer: Answer
    seconds: float

    @property
    def status(self) -> int:
        return self.answer.status


def timed(ask: Callable[[], Answer]) -> Timed:
    begun = time.monotonic()
    answer = ask()
    return Timed(answer, time.monotonic() - begun)


def soon(*well: Timed) -> float:
    """What the market promises, and what the machine may add to it: it has other things to do.
    Measured by the same pages while all is well."""
    return SOON + BUSY * max(one.seconds for one in well)


def wait_until(what: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Waits until it is so; returns the seconds that it took."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < seconds, "it never came to be"
        time.sleep(0.05)
    return time.monotonic() - begun


def answers_200(port: int, path: str) -> bool:
    try:
        return Visitor(port).get(path).status == 200
    except (OSError, http.client.HTTPException):
        return False


def resent(answer: Answer) -> dict[str, str]:
    """The form that stands on the page of an error, as it would be sent by its button."""
    assert "Kirim lagi" in answer.body, answer.body[-3000:]
    form = answer.body.partition('class="stack tight resend"')[2].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    return found


def is_ours(answer: Answer) -> bool:
    """Whether it is a page in the site's own look, which nobody keeps."""
    return (
        '<main id="main"' in answer.body
        and "OVOP Market" in answer.body
        and "no-store" in answer.headers["Cache-Control"]
    )


@dataclass
class HastyWorker(Worker):
    """The background worker, for which a minute between two looks is a few seconds."""

    @property
    def command(self) -> Sequence[str]:
        hasty = (
            "import huey.consumer, flask.cli;"
            f"huey.consumer.Scheduler.periodic_task_seconds = {SECONDS_OF_A_MINUTE};"
            "flask.cli.main()"
        )
        return ["-c", hasty, "--app", "wsgi", "worker"]


def hasty_worker(market: Market, **environ: str) -> HastyWorker:
    return HastyWorker(market.folder, {**market.environ, **environ}, "hasty")
