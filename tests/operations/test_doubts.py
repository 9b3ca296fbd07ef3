"""What a server in production says when it starts, though it does start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from ovop_market.operations.starting import doubts

SOUND = {
    "environment": "production",
    "public_url": "https://market.example",
    "trusted_proxies": 1,
    "require_2fa": True,
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"public_url": ""}, ["PUBLIC_URL"]),
        ({"require_2fa": False}, ["OVOP_REQUIRE_2FA"]),
        ({"trusted_proxies": 0}, ["TRUSTED_PROXIES"]),
        ({"trusted_proxies": 0, "public_url": "http://localhost:8000"}, []),
        ({"public_url": "", "require_2fa": False}, ["PUBLIC_URL", "OVOP_REQUIRE_2FA"]),
        ({"environment": "development", "public_url": "", "require_2fa": False}, []),
    ],
)
def test_doubts(
    app: Flask, monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], told: list[str]
) -> None:
    config = replace(app.config["OVOP"], **{**SOUND, **changed})
    monkeypatch.setitem(app.config, "OVOP", config)
    assert [doubt.split()[0] for doubt in doubts(app)] == told
