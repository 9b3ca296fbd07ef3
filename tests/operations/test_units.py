"""The backup's unit: its lines as systemd runs them, with a program that only makes the file."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from ovop_market.config import ROOT

UNIT = (ROOT / "deploy/systemd/ovop-market-backup.service").read_text()
# As `flask backup` does, it replaces nothing.
PROGRAM = '#!/bin/sh\nset -C\n: > "$4"\n'


def run(setting: str, program: Path, kept: Path) -> None:
    """Runs the line of a setting. systemd takes away one `$`, `%` and backslash of two."""
    (line,) = re.findall(rf"^{setting}=/bin/sh -c '(.*)'$", UNIT, re.MULTILINE)
    script = re.sub(r"([$%\\])\1", r"\1", line)
    environ = {**os.environ, "STATE_DIRECTORY": str(kept)}
    subprocess.run(["/bin/sh", "-c", script], cwd=program, env=environ, check=True)


def test_a_second_backup_within_a_minute_is_made_and_fourteen_are_kept(tmp_path: Path) -> None:
    program, kept = tmp_path / "program", tmp_path / "kept"
    flask = program / ".venv/bin/flask"
    flask.parent.mkdir(parents=True)
    flask.write_text(PROGRAM)
    flask.chmod(0o700)
    kept.mkdir()
    # As an earlier release named them, and what is not the unit's.
    older = [f"2020-01-{day:02}-0230.zip" for day in range(1, 17)]
    for name in (*older, "by-hand.zip", "2020-01-17-0230.zip.part"):
        (kept / name).touch()
    for _time in range(2):
        run("ExecStart", program, kept)
        run("ExecStartPost", program, kept)
        run("ExecStopPost", program, kept)
        time.sleep(1.05)
    left = sorted(path.name for path in kept.iterdir())
    assert left[:12] == older[4:] and left[-1] == "by-hand.zip"
    assert len(left) == 15
