"""Runs the server or the worker by a clock that a file puts forward and back while they run.

    python -m tests.faults.jumping FILE gunicorn|flask ARGUMENTS…

Everything in the process that asks what time it is is told so: ours, huey's, and whatever signs and
checks moments. Waiting is measured by another clock, which no jump touches. (libfaketime does the
same one level below, but makes sleeping fail now and then.)
"""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def follow(file: Path) -> None:
    """From now on, this process reads its clock from the file: seconds from the right time."""
    right_time, right_moment = time.time, datetime.datetime

    def ahead() -> float:
        return float(file.read_text("ascii"))

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return right_moment.now(tz) + datetime.timedelta(seconds=ahead())

        @classmethod
        def utcnow(cls) -> Any:
            return right_moment.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(
                seconds=ahead()
            )

    time.time = lambda: right_time() + ahead()

    import huey.api
    import huey.utils

    from ovop_market.core import clock

    huey.utils.utcnow = huey.api.utcnow = Jumping.utcnow
    huey.utils.datetime = huey.api.datetime = SimpleNamespace(
        datetime=Jumping, timedelta=datetime.timedelta, timezone=datetime.timezone
    )
    clock.datetime = Jumping  # type: ignore[misc]


def main() -> None:
    _own, file, program, *arguments = sys.argv
    follow(Path(file))
    sys.argv = [program, *arguments]
    if program == "gunicorn":
        from gunicorn.app.wsgiapp import run

        run()
    else:
        import flask.cli
        from huey.consumer import Scheduler

        from tests.faults.helping import SECONDS_OF_A_MINUTE

        Scheduler.periodic_task_seconds = SECONDS_OF_A_MINUTE
        flask.cli.main()


if __name__ == "__main__":
    main()
