"""Requests of one test are not counted in the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from ovop_market.extensions import limiter


@pytest.fixture(autouse=True)
def counted_anew(app: Flask) -> Iterator[None]:
    limiter.reset()
    yield
    limiter.reset()
