"""A site that sends mail, what it tells the owners of accounts, and people with a second factor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts import sealing, second_factor
from ovop_market.accounts.models import User
from ovop_market.accounts.signals import ADDRESS, LINK, Told, account_told
from ovop_market.core import clock
from tests.factories import PASSWORD

Configure = Callable[..., None]


@pytest.fixture
def configure(app: Flask) -> Iterator[Configure]:
    """Changes the configuration for one test: configure(smtp_url=…)."""
    usual = app.config["OVOP"]

    def change(**values: Any) -> None:
        app.config["OVOP"] = replace(app.config["OVOP"], **values)

    yield change
    app.config["OVOP"] = usual


@pytest.fixture
def by_mail(configure: Configure) -> None:
    """The site sends mail; nothing is listening, and nothing is sent unless a worker runs."""
    configure(smtp_url="smtp://127.0.0.1:9")


@dataclass(frozen=True)
class Word:
    """What the owner of an account was told; `link` is the secret of a link."""

    what: Told
    to: str
    link: str


@pytest.fixture
def told(app: Flask) -> Iterator[list[Word]]:
    """What owners are told, in order."""
    words: list[Word] = []

    def note(user: User, *, what: Told, link: str, to: str = "", **_rest: Any) -> None:
        address = sealing.unseal(ADDRESS, to) or user.email or user.phone or ""
        words.append(Word(what, address, sealing.unseal(LINK, link) or ""))

    account_told.connect(note)
    yield words
    account_told.disconnect(note)


def set_up(session: Session, user: User) -> tuple[pyotp.TOTP, list[str]]:
    """Switches the second factor on; returns the app and the codes on paper. The step of the code
    is that of two minutes ago, so that the codes of now can be used."""
    second_factor.begin(session, user, clock.now())
    secret = second_factor.secret_of(user)
    assert secret
    totp, now = pyotp.TOTP(secret), clock.now()
    second_factor.confirm(session, user, totp.at(now), now)
    codes = second_factor.new_codes(user.id)
    second_factor.keep_codes(session, user, codes.values(), now)
    user.totp_step -= 4
    session.commit()
    return totp, list(codes)


def give_password(client: FlaskClient, user: User, password: str = PASSWORD, **fields: str):  # type: ignore[no-untyped-def]
    """The first step of signing in."""
    login = str(user.email or user.phone)
    return client.send("/register", "/sign-in", login=login, password=password, **fields)
