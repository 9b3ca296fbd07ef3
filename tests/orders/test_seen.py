"""Who decides on what is no longer there is told instead of taken at their word."""

from __future__ import annotations

import re
from functools import partial

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.core.errors import MoveRefused
from ovop_market.orders.models import Order
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from tests.factories import NOW, make_order
from tests.pages import token_in

S = OrderState
PRODUCER = By(Actor.PRODUCER)


def cancel(session: Session, order: Order, seen: str | None) -> None:
    by = By(Actor.BUYER, seen=seen)
    lifecycle.act(session, order, Action.CANCEL, by, NOW, reason="tidak jadi")


@pytest.mark.parametrize("seen", [S.PLACED, S.COUNTERED, "KARANGAN"])
def test_a_move_that_is_still_possible_is_refused_all_the_same(session: Session, seen: str) -> None:
    order = make_order(session, S.ACCEPTED)
    with pytest.raises(MoveRefused, match="sudah berubah") as refused:
        cancel(session, order, seen)
    assert refused.value.details["state"] is S.ACCEPTED
    assert order.state is S.ACCEPTED


@pytest.mark.parametrize("seen", [S.ACCEPTED, None])
def test_what_was_seen_or_not_said_is_done(session: Session, seen: str | None) -> None:
    order = make_order(session, S.ACCEPTED)
    cancel(session, order, seen)
    assert order.state is S.CANCELLED


def test_a_repeated_tap_still_shows_the_old_state(session: Session) -> None:
    order = make_order(session, S.ACCEPTED)
    again = partial(cancel, session, order, S.ACCEPTED)
    again()
    again()
    assert [event.action for event in order.events].count(Action.CANCEL) == 1


def test_each_form_of_the_purchase_page_says_it(client: FlaskClient, session: Session) -> None:
    order = make_order(session, S.COUNTERED)
    path = f"/purchases/{order.purchase.token}"
    page = client.get(path).get_data(as_text=True)
    forms = [f for f in re.findall(r"<form\b.*?</form>", page, re.S) if "/orders/" in f]
    assert len(forms) == 2
    assert all('name="seen" value="COUNTERED"' in form for form in forms)
    # Meanwhile, in another tab.
    lifecycle.agree(session, order, By(Actor.BUYER), NOW)
    answer = client.post(
        f"{path}/orders/{order.number}/cancellation",
        data={"csrf_token": token_in(page), "seen": "COUNTERED", "reason": "terlalu sedikit"},
    )
    assert answer.status_code == 409
    body = answer.get_data(as_text=True)
    assert 'data-state="ACCEPTED"' in body
    assert "terlalu sedikit" in body, "nothing that was typed is lost"
