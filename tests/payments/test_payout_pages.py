"""Payouts on the operator's pages, and the file for the bank."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import (
    PayoutAccount,
)
from ovop_market.payments.queries import payouts as queries
from ovop_market.payments.queries.desk import Kind
from ovop_market.payments.services import payouts
from tests.factories import (
    NOW,
    advance,
    make_order,
    make_producer,
    make_product,
    make_user,
    sign_in,
)
from tests.pages import token_in
from tests.payments.earned import (
    DAY,
    LONG_AGO,
    name_account,
    payable,
    received,
)

S = OrderState
HTMX = {"HX-Request": "true"}


def post(desk: FlaskClient, path: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    token = token_in(desk.get("/account").get_data(as_text=True))
    return desk.post(path, data={"csrf_token": token, **fields}, headers=headers)


def test_the_operators_way(desk: FlaskClient, session: Session) -> None:
    assert "Belum ada yang bisa dibayar" in desk.get("/desk/payouts").get_data(as_text=True)
    producer = payable(session, name="Rumah Ibu Melati", slug="melati")
    poor = make_producer(session, name="Rumah Ibu Soka", slug="soka")
    now = clock.now()
    order = received(session, producer, now - 3 * DAY)
    received(session, poor, now - 3 * DAY)
    body = desk.get("/desk/payouts").get_data(as_text=True)
    assert 'data-producer="melati"' in body and f'data-due="{order.total}"' in body
    assert body.index('id="waiting"') < body.index('data-producer="soka"')
    assert "wa.me/6281200000000" in body
    answer = post(desk, "/desk/payouts")
    assert answer.status_code == 303
    home = answer.headers["Location"]
    again = post(desk, "/desk/payouts", headers=HTMX)
    assert (again.status_code, again.headers["HX-Redirect"]) == (204, home)
    body = desk.get(home).get_data(as_text=True)
    assert order.number in body and "0000123456" in body and "Pertama kali dibayar" in body
    answer = post(desk, f"{home}/sending", reference="", headers=HTMX)
    assert answer.status_code == 422 and "<html" not in answer.get_data(as_text=True)
    assert post(desk, f"{home}/sending", reference="TRF-9").status_code == 303
    answer = post(desk, f"{home}/reversal")
    assert answer.status_code == 409
    assert "Sudah dikirim" in answer.get_data(as_text=True)
    assert 'data-state="SENT"' in desk.get("/desk/payouts").get_data(as_text=True)
    assert desk.get("/desk/payouts/999").status_code == 404


def test_undone_on_the_page(desk: FlaskClient, session: Session, by: By) -> None:
    received(session, payable(session))
    batch = payouts.make_batch(session, by, NOW)
    answer = post(desk, f"/desk/payouts/{batch.id}/reversal", headers=HTMX)
    assert answer.status_code == 200
    body = answer.get_data(as_text=True)
    assert 'data-state="UNDONE"' in body and "export.csv" not in body
    # A page that was open before still has the link.
    answer = desk.get(f"/desk/payouts/{batch.id}/export.csv")
    assert answer.status_code == 409 and "dibatalkan" in answer.get_data(as_text=True)


def test_recalled_on_the_page(desk: FlaskClient, session: Session, by: By) -> None:
    received(session, payable(session))
    batch = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, batch, by, NOW, reference="0")
    answer = post(desk, f"/desk/payouts/{batch.id}/recall", headers=HTMX)
    assert answer.status_code == 200
    assert 'data-state="MADE"' in answer.get_data(as_text=True)


def test_the_file_for_the_bank(desk: FlaskClient, session: Session, by: By) -> None:
    producer = payable(session)
    order = received(session, producer)
    account = session.get_one(PayoutAccount, producer.id)
    account.holder = '=HYPERLINK("x"), Ibu'
    batch = payouts.make_batch(session, by, NOW)
    answer = desk.get(f"/desk/payouts/{batch.id}/export.csv")
    assert answer.mimetype == "text/csv"
    header, line = answer.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert header == "Bank,Nomor rekening,Nama pemilik rekening,Jumlah,Keterangan"
    payout = batch.payouts[0]
    assert line == (
        f'Bank Contoh,0000123456,"\'=HYPERLINK(""x""), Ibu",{order.total},'
        f"OVOP {batch.id}-{payout.id}"
    )


def test_what_the_desk_is_told(desk: FlaskClient, session: Session, by: By) -> None:
    def told(now: datetime) -> list[tuple[str, int]]:
        return [(item.home, item.amount) for item in queries.on_desk(session, now)[0]]

    order = received(session, payable(session), NOW)
    assert told(NOW + 5 * DAY) == []
    assert told(NOW + 5 * DAY + timedelta(minutes=1)) == [("/desk/payouts", order.total)]
    batch = payouts.make_batch(session, by, NOW + 6 * DAY)
    home = f"/desk/payouts/{batch.id}"
    assert told(NOW + 6 * DAY) == [(home, order.total)]
    body = desk.get(f"/desk?kind={Kind.PAYOUTS}").get_data(as_text=True)
    assert home in body
    payouts.mark_sent(session, batch, by, NOW + 6 * DAY, reference="1")
    assert told(NOW + 30 * DAY) == []
    later = received(session, payable(session), NOW + 5 * DAY)
    assert told(NOW + 30 * DAY) == [("/desk/payouts", later.total)]


def test_others_have_no_business_there(client: FlaskClient, session: Session, by: By) -> None:
    received(session, payable(session))
    batch = payouts.make_batch(session, by, NOW)
    sign_in(client, make_user(session, Role.PRODUCER))
    for path in ("", f"/{batch.id}", f"/{batch.id}/export.csv"):
        assert client.get(f"/desk/payouts{path}").status_code == 403


def test_a_group_is_paid_for_its_members(session: Session, by: By) -> None:
    """The order is the group's, whoever has made its packs."""
    group = payable(session, kind="group")
    product = make_product(session, group, capacity=9)
    order = make_order(session, product=product, now=LONG_AGO)
    advance(session, order, S.RECEIVED, LONG_AGO)
    batch = payouts.make_batch(session, by, NOW)
    assert [payout.producer_id for payout in batch.payouts] == [group.id]


def test_an_account_that_changed_is_marked_before_and_after_the_batch_is_made(
    desk: FlaskClient, session: Session, by: By
) -> None:
    producer, mark = payable(session), "Rekening diganti sejak pembayaran terakhir"
    received(session, producer)
    batch = payouts.make_batch(session, by, NOW)
    payouts.mark_sent(session, batch, by, NOW, reference="1")
    received(session, producer)
    assert mark not in desk.get("/desk/payouts").text
    name_account(session, producer, "777777")
    assert mark in desk.get("/desk/payouts").text
    answer = post(desk, "/desk/payouts")
    assert mark in desk.get(answer.headers["Location"]).text
