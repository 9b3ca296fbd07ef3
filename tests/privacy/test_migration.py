"""0029 over live data: down and up again, erased rows stay erased, histories stay append-only."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ovop_market.extensions import db
from ovop_market.orders.models import Allocation, Purchase
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.privacy import services
from ovop_market.web import pictures
from tests.factories import NOW, make_group
from tests.orders.sharing import ordered
from tests.privacy.planted import MARK, found_in, plant

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


def test_words_that_outlived_erasure_go_and_browsers_ask_again(
    app: Flask, session: Session
) -> None:
    """0036: copies, and what was written later."""
    media = app.config["OVOP"].media
    planted, kept = plant(session, media), plant(session, media, account=True, color=7)
    product, _people = make_group(session, (40,))
    shared = ordered(session, product, 5)
    lifecycle.act(session, shared, Action.CANCEL, By(Actor.BUYER), NOW, reason="batal")
    for purchase in (planted.purchase, shared.purchase):
        services.erase(session, services.of_purchase(purchase), NOW)
    session.commit()
    purchase_id, buyer = planted.purchase.id, kept.buyer
    assert buyer is not None
    buyer_id, before = buyer.id, len(found_in(session))
    db.session.remove()
    downgrade(revision="0035")
    session = db.session()
    why = json.dumps({"rule": "coordinator", "capacity": 4, "said": f"Bu {MARK}"})
    for statement in (
        "UPDATE customer_order SET courier = :said WHERE purchase_id = :id",
        "UPDATE refund SET reason = :said WHERE purchase_id = :id",
        "UPDATE refund SET reference = :said WHERE purchase_id = :id",
    ):
        session.execute(text(statement), {"said": MARK, "id": purchase_id})
    session.execute(text("UPDATE allocation SET why = :why"), {"why": why})
    assert len(found_in(session)) > before
    assert session.scalar(text("SELECT count(*) FROM push_subscription")) == 1
    session.commit()
    db.session.remove()
    upgrade()
    check()
    session = db.session()
    # All that is left is of who is not erased, but for the browser, which asks anew.
    assert session.scalar(text("SELECT count(*) FROM push_subscription")) == 0
    assert session.scalars(select(Allocation)).one().why == {"rule": "coordinator", "capacity": 4}
    services.erase(session, services.Whose(buyer_id, (kept_purchase(session),)), NOW)
    session.commit()
    assert found_in(session) == []
    for key in (planted.proof, kept.proof):
        pictures.discard_private(media, key)


def kept_purchase(session: Session) -> int:
    """The one that nobody has erased."""
    return session.scalars(select(Purchase.id).where(Purchase.erased_at.is_(None))).one()
