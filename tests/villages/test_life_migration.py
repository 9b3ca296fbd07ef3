"""Back and forth over the life of producers: who had closed stays closed since that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product, Review
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_models import ProducerEvent
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from tests.factories import NOW, make_producer, make_product

pytestmark = pytest.mark.rebuilds
S = ProducerState
BEFORE, TODAY = NOW - timedelta(days=30), clock.wib_date(NOW)


def test_states_come_and_go(app: Flask, session: Session) -> None:
    make_producer(session, slug="jual")
    make_producer(session, slug="tutup", state=S.CLOSED, state_since=BEFORE, closed_from=TODAY)
    stopped = make_producer(session, slug="henti", state=S.SUSPENDED)
    make_product(session, stopped, slug="henti")
    make_product(session, make_producer(session), slug="tampil", review_since=NOW)
    make_product(
        session,
        make_producer(session),
        slug="tunggu",
        listed=False,
        review=Review.SUBMITTED,
        review_since=NOW,
    )
    session.commit()
    db.session.remove()
    downgrade(revision="0026")
    ended = session.execute(
        text("SELECT slug FROM producer WHERE ended_at IS NOT NULL ORDER BY slug")
    )
    assert ended.scalars().all() == ["tutup"]
    # Without states, who was stopped would sell again: it is closed, and lists nothing.
    still = session.execute(
        text(
            "SELECT slug FROM producer WHERE closed_from IS NOT NULL AND closed_to IS NULL"
            " ORDER BY slug"
        )
    )
    assert still.scalars().all() == ["henti", "tutup"]
    listed = session.execute(text("SELECT slug FROM product WHERE listed ORDER BY slug"))
    assert listed.scalars().all() == ["tampil"]
    session.commit()
    db.session.remove()
    upgrade()
    check()
    found = {p.slug: p for p in session.scalars(select(Producer))}
    assert found["jual"].state is S.APPROVED
    assert found["jual"].state_since == found["jual"].created_at
    assert (found["tutup"].state, found["tutup"].ended_at) == (S.CLOSED, BEFORE)
    (event,) = session.scalars(select(ProducerEvent))
    assert (event.action, event.at) == (ProducerAction.CLOSE, BEFORE)
    assert not session.scalars(select(Product.id).where(Product.review.is_not(None))).all()
    session.commit()
    for statement in (
        "DELETE FROM producer_event",
        "UPDATE product SET review = 'hidden' WHERE listed",
        "UPDATE product SET review = 'submitted', listed = false, review_since = NULL",
        "UPDATE product SET review = 'lost', listed = false",
    ):
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
        session.rollback()
    # The triggers of the search are still there.
    session.execute(text("UPDATE product SET search_title = 'lempok' WHERE slug = 'tampil'"))
    session.commit()
    assert session.scalar(text("SELECT count(*) FROM product WHERE slug = 'tampil'")) == 1
