"""0029 over live data: down and up again, erased rows stay erased, histories stay append-only."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ovop_market.extensions import db
from ovop_market.privacy import services
from ovop_market.web import pictures
from tests.factories import NOW
from tests.privacy.planted import found_in, plant

pytestmark = pytest.mark.rebuilds


def test_down_and_up_again(app: Flask, session: Session) -> None:
    media = app.config["OVOP"].media
    planted = plant(session, media, account=True)
    kept = plant(session, media, color=7)
    assert planted.buyer is not None
    services.erase(session, services.of_user(session, planted.buyer), NOW)
    session.commit()
    purchase_id, user_id, kept_id = planted.purchase.id, planted.buyer.id, kept.purchase.id
    db.session.remove()
    downgrade(revision="0026")
    left = "SELECT name, street FROM purchase WHERE id = :id"
    assert tuple(db.session.execute(text(left), {"id": purchase_id}).one()) == ("", "")
    for statement in (
        "UPDATE order_event SET reason = NULL",
        "DELETE FROM order_event",
        "UPDATE payment_event SET reason = NULL",
        "DELETE FROM payment_event",
    ):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(text(statement))
        db.session.rollback()
    db.session.remove()
    upgrade()
    check()
    session = db.session()
    # Nobody is named again; who is not erased still is.
    assert len(found_in(session)) > 5
    session.execute(text("SELECT 1"))
    email = session.execute(
        text("SELECT email FROM user_account WHERE id = :id"), {"id": user_id}
    ).scalar_one()
    assert email == f"erased-{user_id}@erased.invalid"
    services.erase(session, services.Whose(None, (kept_id,)), NOW)
    session.commit()
    assert found_in(session) == []
    for key in (planted.proof, kept.proof):
        pictures.discard_private(media, key)
