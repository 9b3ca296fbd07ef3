"""PostgreSQL cuts the connection before the first statement of a request, the second, and so on to
the last: whoever is signed in reads that it cannot be done now, or the true answer; nothing is ever
done by half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, make_url, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.catalogue.models import Offer
from ovop_market.extensions import db
from ovop_market.orders import queries
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.payments.queries import books
from tests.factories import BANDUNG, make_delivery, make_product, make_user, sign_in
from tests.process.visitor import SAME_ORIGIN, filled

pytestmark = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
READY = 60
# More than any of these asks: whoever gets there asks without end.
MOST_STATEMENTS = 120


@dataclass(eq=False)
class Cutter:
    """Ends the connection on which the statement (or commit) of a number is about to be sent."""

    eye: psycopg.Connection
    at: int = 0
    seen: int = 0

    def __call__(self, connection: Any, *_more: object) -> None:
        self.seen += 1
        if self.seen != self.at:
            return
        pid = connection.connection.dbapi_connection.info.backend_pid
        ended = self.eye.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,)).fetchone()
        assert ended == (True,)

    def asked(self, at: int, ask: Callable[[], TestResponse]) -> tuple[TestResponse, bool]:
        """The answer, and whether it was cut."""
        self.at, self.seen = at, 0
        engine = db.engine
        event.listen(engine, "before_cursor_execute", self)
        event.listen(engine, "commit", self)
        try:
            answer = ask()
        finally:
            event.remove(engine, "before_cursor_execute", self)
            event.remove(engine, "commit", self)
        return answer, self.seen >= at


@pytest.fixture
def cutter(app: Flask) -> Iterator[Cutter]:
    url = make_url(app.config["OVOP"].database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(False), autocommit=True) as eye:
        yield Cutter(eye)


@pytest.fixture
def variant_id(client: FlaskClient, session: Session) -> int:
    make_delivery(session)
    product = make_product(session, ready=READY, slug="pempek", name="Pempek udang")
    sign_in(client, make_user(session, name="Ibu Sari"))
    return product.variants[0].id


def form_for_one(client: FlaskClient, variant_id: int) -> dict[str, str]:
    """One pack in the cart, and the form in front of the person."""
    line = {"variant_id": str(variant_id), "quantity": "1"}
    assert client.post("/cart/lines", data=line, headers=SAME_ORIGIN).status_code == 303
    return filled(client.get(f"/checkout?region_code={BANDUNG}").text, "Ibu Sari")


def is_ours(answer: TestResponse) -> bool:
    return '<main id="main"' in answer.text and "no-store" in answer.headers["Cache-Control"]


def placed(session: Session) -> int:
    """How many orders there are; all of them whole."""
    session.rollback()
    count = session.scalar(select(func.count(Purchase.id))) or 0
    assert session.scalar(select(func.count(Order.id))) == count
    told = session.scalar(select(func.count(func.distinct(OrderEvent.order_id))))
    assert told == count
    assert session.scalars(select(Offer.ready)).one() == READY - count
    assert list(queries.stock_differences(session)) == []
    session.rollback()
    return count


def test_an_order(client: FlaskClient, session: Session, cutter: Cutter, variant_id: int) -> None:
    form, count = form_for_one(client, variant_id), 0
    answers: list[int] = []
    for at in range(1, MOST_STATEMENTS):
        answer, cut = cutter.asked(at, partial(client.post, "/checkout", data=form))
        answers.append(answer.status_code)
        if not cut:
            break
        assert answer.status_code in (303, 503), (at, answer.text[:2000])
        done = placed(session)
        if answer.status_code == 503:
            assert is_ours(answer)
            assert "Kirim lagi" in answer.text
        if done == count:
            assert answer.status_code == 503, at
            continue
        # It was kept. Whoever sends it again, since no answer came or to be sure, is told so.
        assert done == count + 1
        again = client.post("/checkout", data=form)
        assert again.status_code == 303, at
        assert placed(session) == done
        form, count = form_for_one(client, variant_id), done
    print(f"{len(answers)} statements: {answers}")
    assert answers[-1] == 303
    assert placed(session) == count + 1
    assert list(books.differences(session)) == []
    assert len(answers) > 10, "nothing was cut"


@pytest.mark.parametrize("page", ["/account", "/account/purchases", "/cart", "/checkout"])
def test_a_page(client: FlaskClient, cutter: Cutter, variant_id: int, page: str) -> None:
    form_for_one(client, variant_id)
    for at in range(1, MOST_STATEMENTS):
        answer, cut = cutter.asked(at, lambda: client.get(page))
        if not cut:
            break
        assert answer.status_code in (200, 503), (at, answer.text[:2000])
        assert is_ours(answer) or answer.status_code == 200
    assert (answer.status_code, cut) == (200, False)
    assert at > 1
