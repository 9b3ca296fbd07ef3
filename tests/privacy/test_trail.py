"""Who looked at whose data: noted once an hour, in one statement, and never in the page's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts import trail
from ovop_market.accounts.models import PersonalDataView, Role
from ovop_market.extensions import db
from ovop_market.extensions.database import apart
from ovop_market.orders.models import Order
from ovop_market.orders.states import OrderState
from tests.counting import counted
from tests.factories import NOW, make_order, make_producer, make_product, make_user, sign_in


@pytest.fixture
def order(session: Session, client: FlaskClient) -> Order:
    staff = make_user(session, Role.PRODUCER)
    product = make_product(session, make_producer(session, staff=staff), capacity=99)
    made = make_order(session, OrderState.READY, product=product)
    for _more in range(4):
        make_order(session, OrderState.READY, product=product)
    session.commit()
    sign_in(client, staff)
    return made


def views(session: Session) -> list[PersonalDataView]:
    session.expire_all()
    return list(session.scalars(select(PersonalDataView).order_by(PersonalDataView.id)))


def test_a_list_is_noted_in_one_statement(
    client: FlaskClient, session: Session, order: Order
) -> None:
    with counted() as statements:
        assert client.get("/inbox").status_code == 200
    inserts = [s for s in statements if s.startswith("INSERT INTO personal_data_view")]
    assert len(inserts) == 1
    found = views(session)
    assert len(found) == 5
    assert {(v.page, v.role, v.producer_id) for v in found} == {
        ("inbox", Role.PRODUCER, order.producer_id)
    }
    assert {v.subject for v in found} == {f"purchase {n}" for n in _purchases(session)}


def _purchases(session: Session) -> list[int]:
    return list(session.scalars(select(Order.purchase_id)))


def test_what_was_looked_for_is_not_written_for_ever(app: Flask) -> None:
    asked = "/x?kind=visit&from=2026-01-01&q=Sari+Contoh&login=0812&village=Sari+Contoh"
    with app.test_request_context(asked):
        answer = Response(headers={"Content-Disposition": 'attachment; filename="a.csv"'})
        line = trail._file_line(answer, 1, NOW)
    choices = ["kind=visit", "from=2026-01-01", "q", "login", "village"]
    assert line["details"]["choices"] == choices


def test_the_same_look_is_noted_once_an_hour(
    client: FlaskClient,
    session: Session,
    order: Order,
    clock_at: Callable[[datetime], None],
) -> None:
    for minute in (5, 20, 59, 61):
        clock_at(NOW.replace(minute=0) + timedelta(minutes=minute))
        client.get(f"/inbox/{order.number}")
    assert [v.at.hour for v in views(session)] == [NOW.hour, NOW.hour + 1]


def test_each_kind_of_page_is_noted(client: FlaskClient, session: Session, order: Order) -> None:
    for path in ("/inbox", f"/inbox/{order.number}", f"/inbox/{order.number}/label",
                 "/inbox/labels", "/inbox/packing"):  # fmt: skip
        assert client.get(path).status_code == 200
    assert {v.page for v in views(session)} == {"inbox", "inbox order", "labels", "packing"}


def test_what_is_not_shown_is_not_noted(
    app: Flask, client: FlaskClient, session: Session, order: Order
) -> None:
    stranger = app.test_client()
    sign_in(stranger, make_user(session, Role.PRODUCER))
    assert stranger.get(f"/inbox/{order.number}").status_code == 404
    # The buyer's own page is the buyer's.
    assert client.get(f"/purchases/{order.purchase.token}").status_code == 200
    assert views(session) == []


def test_an_answer_to_a_tap_is_noted_too(
    client: FlaskClient, session: Session, order: Order
) -> None:
    """A form that is refused shows the order again."""
    token = client.csrf("/register")
    answer = client.post(f"/inbox/{order.number}/shipment", data={"csrf_token": token})
    assert answer.status_code == 422
    assert [v.page for v in views(session)] == ["inbox order"]


def test_a_page_is_sent_though_its_look_cannot_be_written(
    client: FlaskClient,
    session: Session,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[str] = []

    class Log:
        def error(self, event: str, **values: object) -> None:
            lines.append(f"{event} {values}")

    def full(_engine: object) -> object:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(trail, "apart", full)
    monkeypatch.setattr(trail, "log", Log())
    page = client.get(f"/inbox/{order.number}")
    assert page.status_code == 200 and order.purchase.name in page.text
    said = "\n".join(lines)
    assert "view not recorded" in said and f"purchase {order.purchase_id}" in said
    # The log names ids, and nobody.
    assert order.purchase.name not in said and order.purchase.phone not in said
    monkeypatch.undo()
    assert client.get(f"/inbox/{order.number}").status_code == 200
    assert len(views(session)) == 1


def test_a_writer_holds_a_look_up_for_a_second_at_most(
    app: Flask, client: FlaskClient, session: Session, order: Order
) -> None:
    """SQLite has one writer: whoever holds the lock for long does not hold pages up."""
    if db.engine.dialect.name != "sqlite":
        return
    client.get("/inbox/today")
    with db.engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        driver.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
        try:
            with pytest.raises(OperationalError), apart(db.engine) as other:
                other.exec_driver_sql("DELETE FROM cart")
        finally:
            driver.execute("ROLLBACK")  # type: ignore[union-attr]
