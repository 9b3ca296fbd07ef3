"""Back and forth over the roles in a producer: who was there stays, and no packer becomes more."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.extensions import db
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole
from tests.factories import make_invitation, make_packer, make_producer, make_user

pytestmark = pytest.mark.rebuilds


def test_owners_stay_and_packers_go(app: Flask, session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    make_packer(session, owner)
    make_invitation(session, producer, owner)
    owner_id = owner.id
    session.commit()
    db.session.remove()
    # Twice, as where an upgrade had to be taken back.
    for _ in range(2):
        downgrade(revision="0027")
        upgrade()
    check()
    (row,) = session.scalars(select(ProducerStaff)).all()
    assert (row.user_id, row.role, row.since) == (owner_id, StaffRole.OWNER, None)
    session.commit()
    with pytest.raises(DBAPIError):
        session.execute(update(ProducerStaff).values(role=StaffRole.PACKER))
    session.rollback()
