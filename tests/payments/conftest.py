"""An operator, signed in."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from tests.factories import make_user, sign_in


@pytest.fixture
def operator(session: Session) -> User:
    user = make_user(session, Role.OPERATOR, name="Ibu Pengelola")
    session.commit()
    return user


@pytest.fixture
def desk(client: FlaskClient, operator: User) -> FlaskClient:
    """The operator's browser."""
    sign_in(client, operator)
    return client
