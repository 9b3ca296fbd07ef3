"""Rules of the house that a reader of the source can check."""

from __future__ import annotations

import ast
import gzip
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ovop_market"
OUR_OWN = {".css", ".js", ".svg", ".webmanifest"}
# What would be another's: minified bundles, fonts, archives, compiled code.
FOREIGN = re.compile(r"\.(min\.(js|css)|woff2?|ttf|otf|eot|whl|zip|gz|so|pyc|map)$|node_modules/")


def tracked() -> list[str]:
    """The files of the project: what git tracks, and what it would be asked to."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [name for name in listed if (ROOT / name).exists()]


@cache
def modules() -> list[tuple[Path, ast.Module]]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return [(path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))) for path in paths]


def calls(tree: ast.AST, *names: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    ]


def test_only_the_clock_reads_the_time() -> None:
    wrong = [
        f"{path}:{call.lineno}"
        for path, tree in modules()
        if path.as_posix() != "ovop_market/core/clock.py"
        for call in calls(tree, "now", "utcnow", "today")
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("datetime", "date", "dt")
    ]
    assert not wrong


def test_services_flush_and_views_commit() -> None:
    wrong = [
        f"{path}:{call.lineno}"
        for path, tree in modules()
        if "services" in path.as_posix() or path.name in ("queries.py", "policy.py")
        for call in calls(tree, "commit")
    ]
    assert not wrong


def test_a_view_commits_once() -> None:
    wrong = [
        f"{path}: {function.name}"
        for path, tree in modules()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and function.decorator_list
        and "views" in path.as_posix()
        and len(calls(function, "commit")) > 1
    ]
    assert not wrong


def test_state_is_changed_in_one_place() -> None:
    """Only services assign to `.state`, of an order or of a payment."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if "services" not in path.as_posix() and "seeds" not in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and target.attr == "state"
    ]
    assert not wrong


def test_money_is_never_a_float() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if path.name in ("models.py", "money.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in ("float", "Float", "Numeric", "Decimal")
    ]
    assert not wrong


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(folder: str) -> None:
    wrong = []
    for path in sorted((ROOT / folder).rglob("*.*")):
        text = path.read_text("utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r'\sstyle="|<style|\son\w+="|javascript:|\|\s*safe\b', line):
                wrong.append(f"{path.name}:{number}: inline")
            loads = re.search(
                r"(src|srcset)=[\"']?(https?:)?//|url\([\"']?(https?:)?//|@import", line
            )
            linked = re.search(r"<link[^>]+href=[\"']?(https?:)?//", line)
            if loads or linked:
                wrong.append(f"{path.name}:{number}: from elsewhere")
    assert not wrong


def test_no_third_party_asset_is_committed() -> None:
    files = tracked()
    assert files
    assert not [name for name in files if FOREIGN.search(name)]
    static = [Path(name).suffix for name in files if name.startswith("static/")]
    assert set(static) <= OUR_OWN


def test_the_locks_pin_by_hash_and_name_no_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert not re.search(
            r"^\s*(-i|--index-url|--extra-index-url|--find-links)|https?://", text, re.M
        )
        pins = re.findall(r"^([a-z0-9-]+)==[^ ]+ \\\n    --hash=sha256:", text, re.M)
        assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.M)) > 30


def test_css_stays_within_its_budget() -> None:
    css = b"".join(path.read_bytes() for path in (ROOT / "static" / "css").glob("*.css"))
    assert len(gzip.compress(css, 9)) <= 12 * 1024


def test_files_stay_within_a_few_screens() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in sorted(PACKAGE.rglob("*.py"))
        if "seeds" not in path.parts
    }
    assert not {name: lines for name, lines in long.items() if lines > 400}
