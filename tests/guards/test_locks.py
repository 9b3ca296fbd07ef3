"""What is pinned is enough on each Python that the market is said to run on, not only on the one
with which the pins were made."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.guards.test_source import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")


def pinned(lock: str) -> set[str]:
    text = (ROOT / lock).read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.M))


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("python", ["3.11.0", "3.11.14", "3.12.0", "3.13.0", "3.14.0"])
def test_what_packages_ask_for_is_pinned(lock: str, python: str) -> None:
    environment = {str(key): str(value) for key, value in default_environment().items()}
    environment |= {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "extra": "",
    }
    pins = pinned(lock)
    lacking = set()
    for name in pins:
        try:
            asked = [Requirement(line) for line in requires(name) or ()]
        except PackageNotFoundError:
            continue  # not for the Python that runs this
        lacking |= {
            f"{canonicalize_name(one.name)}, for {name}"
            for one in asked
            if one.marker is None or one.marker.evaluate(environment)
            if canonicalize_name(one.name) not in pins
        }
    assert not lacking
