"""What is done at once when data have leaked (docs/operations.md)."""

from __future__ import annotations

import csv
import io

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent
from ovop_market.extensions import db
from ovop_market.orders.models import Purchase
from tests.factories import make_product, make_purchase, make_user, sign_in
from tests.privacy.planted import PHONE, plant


def actions(session: Session) -> list[str]:
    session.expire_all()
    return list(
        session.scalars(
            select(AuditEvent.action).where(AuditEvent.actor_id.is_(None)).order_by(AuditEvent.id)
        )
    )


def run(app: Flask, *arguments: str) -> str:
    db.session.commit()
    result = app.test_cli_runner().invoke(args=["privacy", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_everybody_is_signed_out(app: Flask, client: FlaskClient, session: Session) -> None:
    buyer = make_user(session)
    session.commit()
    sign_in(client, buyer)
    assert client.get("/account").status_code == 200
    assert "1 accounts" in run(app, "sign-out-everybody")
    assert client.get("/account").status_code == 303
    assert "everybody signed out" in actions(session)
    sign_in(client, buyer)


def test_old_links_open_nothing(app: Flask, client: FlaskClient, session: Session) -> None:
    product = make_product(session, ready=9)
    old = [make_purchase(session, [(product, 1)]).token for _ in range(2)]
    session.commit()
    run(app, "renew-links", "--yes")
    assert [client.get(f"/purchases/{token}").status_code for token in old] == [404, 404]
    session.expire_all()
    for purchase in session.scalars(select(Purchase)).all():
        assert client.get(f"/purchases/{purchase.token}").status_code == 200
    assert "links renewed" in actions(session)


def test_people_to_tell_are_listed_once(app: Flask, session: Session) -> None:
    plant(session, app.config["OVOP"].media)
    plant(session, app.config["OVOP"].media)
    rows = list(csv.DictReader(io.StringIO(run(app, "people-to-tell"))))
    assert [row["phone"] for row in rows if row["kind"] == "purchase"] == [PHONE]
    assert len([row for row in rows if row["kind"] == "account"]) == 4
    none = run(app, "people-to-tell", "--since", "2026-11-25", "--until", "2026-11-26")
    assert PHONE not in none
    some = run(app, "people-to-tell", "--since", "2026-11-24", "--until", "2026-11-24")
    assert PHONE in some
    assert actions(session).count("contacts taken") == 3
