"""A household with an account, and its inbox."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.villages.models import Producer
from tests.factories import make_producer, make_user, sign_in

LOGIN = "perajin@ovop.example"


@pytest.fixture
def producer(session: Session) -> Producer:
    """A household whose staff is `maker`."""
    user = make_user(session, Role.PRODUCER, login=LOGIN)
    found = make_producer(session, staff=user, cash_on_delivery=True, name="Rumah Mawar")
    session.commit()
    return found


@pytest.fixture
def maker(client: FlaskClient, session: Session, producer: Producer) -> FlaskClient:
    """The household's staff, signed in."""
    sign_in(client, session.scalars(select(User).where(User.email == LOGIN)).one())
    return client
