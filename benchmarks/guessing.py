"""Whether the clock tells who has an account: known logins and others, in turns, each time another.

`python -m benchmarks.guessing` measures it alone, on a scratch SQLite file.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from benchmarks.load import percentile
from benchmarks.scratch import application, let_go
from benchmarks.table import milliseconds, table
from ovop_market.accounts import passwords
from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.extensions import db

TURNS = 25
# What the medians of the two may differ by: ± 50 ms (issue 6).
ALLOWED = 0.05
_WRONG = "perahu-hijau-di-teluk"


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds that a form took for logins that have an account, and for others."""

    form: str
    known: Sequence[float]
    unknown: Sequence[float]

    @property
    def apart(self) -> float:
        """How far the medians are from each other."""
        return abs(percentile(self.known, 0.5) - percentile(self.unknown, 0.5))


def measure(url: str, media: Path, say: Callable[[str], object]) -> list[Compared]:
    """Asks each form in turns. The site sends mail, as one that is open to the public does."""
    say("known and unknown logins …")
    app = application(url, media, SMTP_URL="smtp://127.0.0.1:9")
    with app.app_context():
        upgrade()
        kept, now = passwords.hashed("kata-sandi-contoh"), clock.now()
        mark = f"{now.timestamp():.0f}"
        db.session.add_all(
            User(
                role=Role.BUYER,
                name="Orang",
                email=f"known{n}-{mark}@ovop.example",
                password_hash=kept,
                epoch=0,
                created_at=now,
            )
            for n in range(3 * TURNS)
        )
        db.session.commit()
    forms = [
        ("/sign-in", {"password": _WRONG}, 422),
        ("/password/reset", {}, 303),
        ("/register", {"name": "Orang", "password": _WRONG}, 303),
    ]
    found = [
        _compared(app, path, fields, status, mark, at * TURNS)
        for at, (path, fields, status) in enumerate(forms)
    ]
    let_go(app)
    return found


def _compared(
    app: Flask, path: str, fields: dict[str, str], status: int, mark: str, start: int
) -> Compared:
    took: dict[str, list[float]] = {"known": [], "unknown": []}
    for n in range(start, start + TURNS):
        for who, seconds in took.items():
            client = app.test_client()
            # Nobody is slowed down: each comes from an address of his own.
            client.environ_base["REMOTE_ADDR"] = f"10.{len(who)}.{n // 200}.{n % 200}"
            page = client.get(path).get_data(as_text=True)
            token = re.search(r'name="csrf_token" value="([^"]+)"', page)
            assert token is not None
            form = {"csrf_token": token.group(1), "login": f"{who}{n}-{mark}@ovop.example"}
            begun = time.perf_counter()
            answer = client.post(path, data={**form, **fields})
            seconds.append(time.perf_counter() - begun)
            assert answer.status_code == status, answer.status
    # The first of each compiles its statements.
    return Compared(path, took["known"][2:], took["unknown"][2:])


def guessing_table(compared: Sequence[Compared]) -> str:
    heads = ["who has an account?", "known ms", "unknown ms", "apart ms"]
    rows = [
        [
            each.form,
            milliseconds(percentile(each.known, 0.5)),
            milliseconds(percentile(each.unknown, 0.5)),
            milliseconds(each.apart) + ("!" if each.apart > ALLOWED else ""),
        ]
        for each in compared
    ]
    return table(heads, rows) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ovop-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'market.sqlite3'}"
        print(guessing_table(measure(url, folder / "media", lambda m: print(m, file=sys.stderr))))


if __name__ == "__main__":
    main()
