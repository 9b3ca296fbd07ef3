"""A market that sends e-mail to a real SMTP server on this machine, and a household with staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.notices import sending
from ovop_market.notices.models import Notice
from ovop_market.villages.models import Producer
from tests.factories import NOW, make_producer, make_user
from tests.notices.post_office import PostOffice

STAFF = "perajin@ovop.example"
BUYER = "sari@pembeli.example"
SITE = "https://pasar.ovop.example"

Configure = Callable[..., None]
Send = Callable[..., int]


@pytest.fixture
def configure(app: Flask) -> Iterator[Configure]:
    """Changes the configuration for one test: configure(smtp_url=…)."""
    usual = app.config["OVOP"]

    def change(**values: Any) -> None:
        app.config["OVOP"] = replace(app.config["OVOP"], **values)

    yield change
    app.config["OVOP"] = usual


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture
def by_mail(configure: Configure, post_office: PostOffice) -> PostOffice:
    """The market sends e-mail, and no pushes."""
    configure(smtp_url=post_office.url, vapid_key="", public_url=SITE)
    return post_office


@pytest.fixture
def maker(session: Session) -> User:
    user = make_user(session, Role.PRODUCER, login=STAFF, name="Ibu Mawar")
    session.commit()
    return user


@pytest.fixture
def household(session: Session, maker: User) -> Producer:
    """A household whose staff is `maker`."""
    found = make_producer(session, staff=maker, name="Rumah Mawar", cash_on_delivery=True)
    session.commit()
    return found


@pytest.fixture
def send(app: Flask, session: Session) -> Send:
    """Lets the worker's job run once; what the test has made is there for it, and the reverse."""

    def once(now: datetime = NOW, **values: Any) -> int:
        session.commit()
        done = sending.run(app, now, **values)
        session.expire_all()
        return done

    return once


def outbox(session: Session) -> list[tuple[str, str]]:
    """Kind and recipient (without its number) of all notices."""
    rows = session.execute(select(Notice.kind, Notice.recipient).order_by(Notice.id))
    return [(kind, recipient.partition(" ")[0]) for kind, recipient in rows]
