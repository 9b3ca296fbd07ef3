"""Back and forth over the programme: designations keep their stage, stars and baseline."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ovop_market.extensions import db
from ovop_market.villages.models import Designation, Stage
from ovop_market.villages.programme_models import DesignationStep
from tests.factories import make_producer, make_product, make_village

pytestmark = pytest.mark.rebuilds


def test_designations_get_the_first_line_of_their_history(app: Flask, session: Session) -> None:
    village = make_village(session)
    village.designations[0].baseline_sales = 7_000_000
    village.designations.append(Designation(year=2025, flagship="teri", stage=Stage.SELECTION))
    session.commit()
    db.session.remove()
    # Twice, as where an upgrade had to be taken back.
    for _ in range(2):
        downgrade(revision="0018")
        upgrade()
    check()
    found = session.execute(
        select(Designation.year, Designation.baseline_sales, DesignationStep)
        .join(DesignationStep, DesignationStep.designation_id == Designation.id)
        .order_by(Designation.year)
    ).all()
    assert [(year, step.stage, step.day) for year, _sales, step in found] == [
        (2016, Stage.MENTORING, None),
        (2025, Stage.SELECTION, None),
    ]
    assert found[0].baseline_sales == 7_000_000
    assert all(step.noted_at.tzinfo and step.noted_by_id is None for *_, step in found)
    session.commit()
    for statement in ("DELETE FROM designation_step", "UPDATE designation SET baseline_sales = 2"):
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
        session.rollback()


def test_products_of_designations_come_and_go(app: Flask, session: Session) -> None:
    village = make_village(session)
    product = make_product(session, make_producer(session, village))
    (designation,) = village.designations
    designation.baseline_sales, designation.flagship_product_id = 7_000_000, product.id
    session.commit()
    number, chosen = designation.id, product.id
    db.session.remove()

    def baseline_stands() -> None:
        with pytest.raises(DBAPIError, match="a baseline is entered once"):
            session.execute(text("UPDATE designation SET baseline_sales = 2"))
        session.rollback()

    def row() -> tuple[object, ...]:
        found = session.execute(text("SELECT id, flagship, baseline_sales FROM designation"))
        (only,) = map(tuple, found)
        session.rollback()
        return only

    kept = (number, "pempek udang", 7_000_000)
    for _twice in range(2):
        downgrade(revision="0023")
        assert row() == kept
        baseline_stands()
        upgrade()
        assert row() == kept
        baseline_stands()
    check()
    # The words stay, the choice is made again; a product that there is not is none.
    assert session.scalar(select(Designation.flagship_product_id)) is None
    session.execute(text("UPDATE designation SET flagship_product_id = :id"), {"id": chosen})
    session.commit()
    with pytest.raises(DBAPIError):
        session.execute(text("UPDATE designation SET flagship_product_id = 999999"))
        session.commit()
    session.rollback()
