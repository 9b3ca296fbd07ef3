"""Which secrets are none."""

import secrets

import pytest

from ovop_market.core.tokens import easily_guessed


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "x" * 64,
        "0123456789" * 4,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "changemechangemechangemechangeme",
        "please-change-me-in-production-this-is-not-secret",
        "django-insecure-default-secret-key-1234",
        "your-secret-key-your-secret-key-ab",
        "dev dev dev dev dev dev dev dev dev dev",
    ],
)
def test_easily_guessed(secret: str) -> None:
    assert easily_guessed(secret)


def test_random_ones_are_not() -> None:
    for _ in range(2_000):
        assert not easily_guessed(secrets.token_urlsafe(32))
        assert not easily_guessed(secrets.token_hex(16))
    assert not easily_guessed("perahu berlayar pagi-pagi ke Tanjung Kalian membawa terasi")
