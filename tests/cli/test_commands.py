"""The commands that people and scripts rely on."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import links, second_factor
from ovop_market.accounts.models import Purpose, Role, User
from ovop_market.catalogue.models import Offer
from ovop_market.core import clock
from ovop_market.delivery.models import CollectionPoint
from ovop_market.orders.states import OrderState
from ovop_market.reach.models import ReachDay
from tests.factories import make_delivery, make_order, make_product, make_user

POINT = {
    "--slug": "jebus",
    "--name": "Jebus",
    "--region": "19.05",
    "--address": "Pasar",
    "--hours": "Senin",
    "--serves": "19.05",
}


def run(app: Flask, *words: str, input: str | None = None):  # type: ignore[no-untyped-def]
    return app.test_cli_runner().invoke(args=list(words), input=input)


def test_stock_verify_says_where(app: Flask, session: Session) -> None:
    product = make_product(session, ready=5)
    session.commit()
    assert run(app, "stock", "verify").exit_code == 0
    offer = session.get_one(Offer, product.variants[0].offers[0].id)
    offer.ready = 9
    session.commit()
    answer = run(app, "stock", "verify")
    assert answer.exit_code == 1
    assert f"offer {offer.id}: 9 packs ready, movements say 5" in answer.output


def test_reach_verify_and_rebuild(app: Flask, session: Session) -> None:
    make_order(session, OrderState.RECEIVED)
    session.commit()
    assert run(app, "reach", "verify").exit_code == 0
    session.scalars(select(ReachDay)).one().units += 1
    session.commit()
    assert run(app, "reach", "verify").exit_code == 1
    assert run(app, "reach", "rebuild").exit_code == 0
    assert run(app, "reach", "verify").exit_code == 0


def test_users_create_reads_the_password_from_standard_input(app: Flask, session: Session) -> None:
    words = ("users", "create", "--role", "operator", "--login", "Baru@ovop.example")
    assert run(app, *words, input="panjang-sekali\n").exit_code == 0
    user = session.scalars(select(User)).one()
    assert (user.role, user.email) == (Role.OPERATOR, "baru@ovop.example")
    assert run(app, *words, input="panjang-sekali\n").exit_code == 1
    assert run(app, *words[:-1], "lain@ovop.example", input="pendek\n").exit_code == 1


def test_who_cannot_get_in_is_helped_from_the_terminal(app: Flask, session: Session) -> None:
    user = make_user(session, Role.OPERATOR, login="op@ovop.example")
    second_factor.begin(session, user, clock.now())
    session.commit()
    answer = run(app, "users", "password-link", "--login", "op@ovop.example")
    token = answer.output.strip().rpartition("/password/reset/")[2]
    assert links.find(session, Purpose.RESET, token, clock.now()) is not None
    session.commit()
    assert run(app, "users", "clear-second-factor", "--login", "op@ovop.example").exit_code == 0
    session.refresh(user)
    assert user.totp_secret is None
    session.commit()
    for command in ("password-link", "clear-second-factor"):
        assert run(app, "users", command, "--login", "tidak@ada.example").exit_code == 1


def test_a_second_collection_point(app: Flask, session: Session) -> None:
    make_delivery(session)
    session.commit()

    def add(**changed: str) -> int:
        options = {**POINT, **{f"--{name}": value for name, value in changed.items()}}
        words = [word for option in options.items() for word in option]
        return int(run(app, "collection-points", "add", *words).exit_code)

    assert add() == 0
    assert set(session.scalars(select(CollectionPoint.slug))) == {"mentok", "jebus"}
    assert add() == 1
    assert add(slug="lain", region="99.99") == 1


@pytest.mark.parametrize("words", [("seed", "demo"), ("seed", "scale")])
def test_seeds_have_no_place_in_production(
    app: Flask, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    from dataclasses import replace

    live = replace(app.config["OVOP"], environment="production")
    monkeypatch.setitem(app.config, "OVOP", live)
    numbers = ("--villages", "1", "--products", "1", "--orders", "1")
    more = numbers if words[-1] == "scale" else ()
    answer = run(app, *words, *more)
    assert answer.exit_code == 1
    assert "no place in production" in answer.output


def test_the_balances_of_the_book(app: Flask, session: Session) -> None:
    order = make_order(session, OrderState.PREPARING)
    session.commit()
    answer = run(app, "ledger", "balances")
    assert answer.exit_code == 0
    said = dict(line.split() for line in answer.output.splitlines())
    figures = {kind: int(amount.replace(".", "")) for kind, amount in said.items()}
    assert figures["producer"] == order.goods
    assert figures["bank"] == order.total + figures["rounding"]
