"""Who looks at the numbers, and worlds to look at. A module may have others of these names."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from tests.factories import make_user, sign_in
from tests.reach import dense
from tests.reach.dense import World


@pytest.fixture
def official(client: FlaskClient, session: Session) -> User:
    user = make_user(session, Role.OFFICIAL)
    # Taken out of the session: reading it later must not open a transaction, which on SQLite
    # would keep the sign-in waiting.
    session.expunge(user)
    session.commit()
    sign_in(client, user)
    return user


@pytest.fixture
def world(session: Session) -> World:
    """Nothing of it is withheld."""
    return dense.make(session)


@pytest.fixture
def thin(session: Session) -> World:
    """Something of it is."""
    return dense.make(session, dense.thin_part)
