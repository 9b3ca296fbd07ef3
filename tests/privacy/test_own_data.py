"""One's own data: all of it, in two forms that say the same, and nobody else's."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.accounts.personal import Section, Whose
from ovop_market.orders.models import Purchase
from ovop_market.payments import own_data as payments
from ovop_market.payments.models import PayoutAccount
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole
from tests.factories import (
    NOW,
    make_group,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
    sign_in,
)
from tests.privacy.planted import MARK, PHONE, plant


def secrets_of(session: Session) -> list[str]:
    """What no file may hold, of anybody."""
    session.expire_all()
    found = []
    for purchase in session.scalars(select(Purchase)):
        key = session.scalar(select(Purchase.buyer_key).where(Purchase.id == purchase.id))
        found += [purchase.token, purchase.token_digest, purchase.submission_digest, str(key)]
    return found


@pytest.mark.parametrize("prefix", ["", "/en"])
def test_a_buyer_takes_everything_away(
    app: Flask, client: FlaskClient, session: Session, prefix: str
) -> None:
    planted = plant(session, app.config["OVOP"].media, account=True)
    stranger = make_purchase(
        session, [(make_product(session, ready=5), 1)], name="Orang Lain", phone="+6281299998888"
    )
    session.commit()
    assert planted.buyer is not None
    sign_in(client, planted.buyer)
    # Somebody looks.
    other = app.test_client()
    sign_in(other, planted.operator)
    other.get(f"/desk/orders/{planted.order.number}")
    page = f"{prefix}/account/privacy"
    html = client.send(page, f"{prefix}/account/export", format="html")
    plain = client.send(page, f"{prefix}/account/export", format="json")
    both = client.send(page, f"{prefix}/account/export")
    name = "my-data" if prefix else "data-saya"
    assert html.headers["Content-Disposition"] == f'attachment; filename="{name}.html"'
    found = json.loads(plain.data)
    with zipfile.ZipFile(io.BytesIO(both.data)) as archive:
        assert sorted(archive.namelist()) == [f"{name}.html", f"{name}.json"]
        packed = json.loads(archive.read(f"{name}.json"))
    assert packed["purchases"] == found["purchases"]
    bought = found["purchases"][0]
    assert (bought["name"], bought["phone"]) == (f"{MARK} nama", PHONE)
    assert bought["orders"][0]["number"] == planted.order.number
    assert found["payments"][0]["reference"] == f"BCA {MARK}"
    assert found["refunds"][0]["destination"] == f"BCA 123 a.n. {MARK}"
    assert {view["page"] for view in found["viewed"]}
    assert found["account"][0]["email"] == planted.buyer.email
    for text in (html.text, plain.text):
        for value in (PHONE, f"Jalan {MARK} 1", planted.order.number, f"pecah {MARK}"):
            assert value in text
        for foreign in ("Orang Lain", "81299998888", stranger.orders[0].number,
                        planted.operator.name, planted.staff.name,
                        planted.order.producer.phone):  # fmt: skip
            assert foreign not in text
        assert not [secret for secret in secrets_of(session) if secret in text]
    # Both say the same: every value of the one is in the other.
    shown = re.sub(r"<[^>]+>", " ", html.text)
    for record in found["purchases"][0]["orders"][0]["lines"]:
        assert record["product"] in shown
    noted = select(AuditEvent).where(AuditEvent.action == "own data taken").order_by(AuditEvent.id)
    taken = session.scalars(noted).all()
    assert [event.details for event in taken] == [{"as": "html"}, {"as": "json"}, {"as": "zip"}]


def test_a_guest_takes_the_purchase_away(app: Flask, client: FlaskClient, session: Session) -> None:
    planted = plant(session, app.config["OVOP"].media)
    page = f"/purchases/{planted.purchase.token}/privacy"
    answer = client.send(page, page.replace("privacy", "export"), format="json")
    found = json.loads(answer.data)
    assert len(found["purchases"]) == 1 and "account" not in found
    assert not [secret for secret in secrets_of(session) if secret in answer.text]
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_group_does_not_tell_the_buyer_of_its_households(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    product, people = make_group(session, (40, 40), staff=make_user(session, Role.PRODUCER))
    bought = make_purchase(session, [(product, 50)])
    session.commit()
    page = f"/purchases/{bought.token}/privacy"
    text = client.send(page, page.replace("privacy", "export"), format="json").text
    households = [offer.producer.name for offer in product.variants[0].offers]
    assert households and not [name for name in households if f'"{name}"' in text]
    assert people


def test_a_producers_person_takes_what_is_theirs(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    staff = make_user(session, Role.PRODUCER, name="Ibu Contoh")
    producer = make_producer(session, staff=staff, name="Dapur Contoh")
    order = make_order(session, product=make_product(session, producer, ready=9))
    pay(session, order, NOW)
    session.commit()
    sign_in(client, staff)
    found = json.loads(client.send("/account", "/account/export", format="json").data)
    assert found["account"][0]["name"] == "Ibu Contoh"
    assert found["producers"][0]["name"] == "Dapur Contoh"
    assert found["purchases"] == [] if "purchases" in found else True
    assert "Sari Contoh" not in json.dumps(found)


def test_who_packs_does_not_take_the_producers_account_away(session: Session) -> None:
    owner, packer = make_user(session, Role.PRODUCER), make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    session.add(
        ProducerStaff(user_id=packer.id, producer_id=producer.id, role=StaffRole.PACKER, since=NOW)
    )
    session.add(
        PayoutAccount(
            producer_id=producer.id, bank="Bank Contoh", number="0099", holder="Ibu", changed_at=NOW
        )
    )
    session.flush()

    def accounts(user: User) -> list[Section]:
        found = payments.own_data(session, Whose(user.id))
        return [each for each in found if each.key == "payout_accounts"]

    assert accounts(owner) and not accounts(packer)


def test_who_looked_is_shown_without_their_name(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    planted = plant(session, app.config["OVOP"].media)
    page = f"/purchases/{planted.purchase.token}/privacy"
    assert "Belum ada penjual atau pengelola" in client.get(page).text
    for person, path in (
        (planted.staff, f"/inbox/{planted.order.number}"),
        (planted.operator, f"/desk/orders/{planted.order.number}"),
    ):
        looking = app.test_client()
        sign_in(looking, person)
        assert looking.get(path).status_code == 200
    text = client.get(page).text
    assert "Halaman pesanan penjual" in text and "Halaman pesanan pengelola" in text
    assert planted.order.producer.name in text and "Pengelola" in text
    assert planted.staff.name not in text and planted.operator.name not in text


def test_codes_are_words_to_people_and_the_proof_can_be_looked_at(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    planted = plant(session, app.config["OVOP"].media, account=True)
    assert planted.buyer is not None
    sign_in(client, planted.buyer)
    page = "/account/privacy"
    html = client.send(page, "/account/export", format="html").text
    found = client.send(page, "/account/export", format="json").get_json()
    bought = found["purchases"][0]
    assert (bought["payment_method"], bought["language"]) == ("transfer", "id")
    assert "Transfer bank" in html and "Bahasa Indonesia" in html
    assert not re.search(r"<b>(transfer|id|email)</b>", html)
    addresses = [p["proof_address"] for p in found["payments"] if p["proof"]]
    assert len(addresses) == 1 and f'href="{addresses[0]}"' in html
    path = addresses[0].removeprefix("http://localhost")
    picture = client.get(path)
    assert (picture.status_code, picture.mimetype) == (200, "image/webp")
    assert picture.headers["Cache-Control"] == "private, no-store"
    stranger = app.test_client()
    assert stranger.get(path).status_code == 303
    sign_in(stranger, make_user(session))
    assert stranger.get(path).status_code == 404
