"""Bank statements and the worklist over HTTP."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.orders.models import OrderEvent
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action
from ovop_market.payments.models import (
    BankMapping,
    BankStatement,
    StatementState,
)
from ovop_market.payments.services import receiving
from ovop_market.payments.states import LineState, PaymentState
from tests.counting import counted
from tests.factories import make_producer, make_product, make_user, sign_in
from tests.payments.bank import (
    awaited,
    bank_balance,
    csv_of,
    fresh,
    lines,
    opened_line,
    take_in,
    today,
)

P, L = PaymentState, LineState
HTMX = {"HX-Request": "true"}


def send(desk: FlaskClient, action: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    fields["csrf_token"] = desk.csrf("/desk/statements")
    return desk.post(action, data=fields, headers=headers)


def upload(desk: FlaskClient, content: bytes, name: str = "mutasi.csv") -> TestResponse:
    return send(desk, "/desk/statements", file=(io.BytesIO(content), name))


def figure(body: str, name: str) -> int:
    found = re.search(rf'data-count="{name}" data-value="(\d+)"', body)
    assert found, name
    return int(found.group(1))


def columns_digest(body: str) -> str:
    found = re.search(r'name="columns" value="([0-9a-f]{64})"', body)
    assert found
    return found.group(1)


def test_the_whole_way_over_http(desk: FlaskClient, session: Session) -> None:
    order, payment = awaited(session)
    told = [(today(), "SARI", payment.amount), (today(), "<b>LAIN</b>", 7_000), (today(), "A", -5)]
    text = csv_of(told) + "24/13/2026;RUSAK;;1.000;\n"
    answer = upload(desk, text.encode("utf-16"), "Mutasi <November>.csv")
    assert answer.status_code == 303
    path = answer.location
    body = desk.get(path).get_data(as_text=True)
    assert [figure(body, n) for n in ("new", "known", "matching", "unread")] == [3, 0, 1, 1]
    assert "Baris 5" in body and "&lt;b&gt;LAIN" in body
    # The same file again is the same preview.
    assert upload(desk, text.encode("utf-16")).location == path
    for _ in range(2):
        answer = send(desk, f"{path}/import", columns=columns_digest(body))
        assert (answer.status_code, answer.location) == (303, path)
    body = desk.get(path).get_data(as_text=True)
    assert [figure(body, n) for n in ("MATCHED", "OPEN", "SET_ASIDE")] == [1, 1, 1]
    assert fresh(session, order).paid == order.total
    assert "Sudah dimasukkan" in desk.get("/desk/statements").get_data(as_text=True)
    body = desk.get(upload(desk, text.encode()).location).get_data(as_text=True)
    assert [figure(body, n) for n in ("new", "known", "matching")] == [0, 3, 0]


def test_what_is_recognised_is_named_beforehand(
    desk: FlaskClient, session: Session, by: By
) -> None:
    _order, asked = awaited(session)
    _order, confirmed = awaited(session)
    receiving.confirm(session, confirmed, by, clock.now())
    session.commit()
    told = [(today(), "SARI", asked.amount), (today(), "BUDI", confirmed.amount)]
    path = upload(desk, csv_of([*told, (today(), "ENTAH", 7_000)]).encode()).location
    body = desk.get(path).get_data(as_text=True)
    named = re.findall(r'<li data-payment="(\d+)">(.*?)</li>', body, re.DOTALL)
    assert [int(payment_id) for payment_id, _text in named] == [asked.id, confirmed.id]
    assert all(escape(asked.purchase.name) in text for _id, text in named)
    assert ["dengan tangan" in text for _id, text in named] == [False, True]
    send(desk, f"{path}/import", columns=columns_digest(body))
    listed = desk.get("/desk/statements").get_data(as_text=True)
    assert "3 baris baru · <b>1 menunggu keputusan</b>" in listed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "kosong"),
        (b"PK\x03\x04", "bukan berkas CSV"),
        (b"kata\nkata", "Tidak ada tabel"),
        (b"a,b\n" * 21_000, "20.000 baris"),
        (b"x" * (5 * 1024 * 1024 + 1), "5 MB"),
    ],
)
def test_files_that_are_refused(desk: FlaskClient, content: bytes, said: str) -> None:
    answer = upload(desk, content)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_no_file_at_all(desk: FlaskClient) -> None:
    for fields in ({}, {"file": "not a file"}, {"file": (io.BytesIO(b""), "")}):
        answer = send(desk, "/desk/statements", **fields)
        assert answer.status_code == 422
        assert "Pilih berkasnya" in answer.get_data(as_text=True)


def mapping(**values: Any) -> dict[str, Any]:
    base = dict.fromkeys(("detail", "mark", "credit", "debit", "balance", "amount"), "")
    return {**base, "bank": "Bank Contoh", "order": "dmy", "decimal": ",", **values}


def test_the_columns_are_corrected_and_kept(desk: FlaskClient, session: Session) -> None:
    order, payment = awaited(session)
    header = "Hari ke;Isi;Angka 1;Angka 2\n"
    text = f"{header}{today():%m/%d/%Y};SARI;{payment.amount}.00;99\n"
    path = upload(desk, text.encode()).location
    body = desk.get(path).get_data(as_text=True)
    assert "Kolomnya belum dikenali" in body and "Angka 1: " in body
    wrong = send(desk, f"{path}/mapping", **mapping(date="0", description="1"))
    assert wrong.status_code == 422
    assert "Pilih kolom tanggal" in wrong.get_data(as_text=True)
    for fields in (
        mapping(date="0", amount="77"),
        mapping(amount="2"),
        mapping(date="0", amount="2", order="?"),
        mapping(date="0", amount="2", bank=""),
        mapping(date="0", amount="0"),
        {},
    ):
        assert send(desk, f"{path}/mapping", **fields).status_code == 422
    right = mapping(date="0", description="1", amount="2", order="mdy", decimal=".")
    answer = send(desk, f"{path}/mapping", **right, headers=HTMX)
    body = answer.get_data(as_text=True)
    assert body.lstrip().startswith('<div id="statement"')
    assert figure(body, "matching") == 1
    assert "Bank Contoh" in body
    assert session.scalars(select(BankMapping.bank)).all() == ["Bank Contoh"]
    # The next file with this header is understood at once; correcting it again changes the same.
    second = upload(desk, text.replace("SARI", "BUDI").encode()).location
    assert figure(desk.get(second).get_data(as_text=True), "matching") == 1
    send(desk, f"{second}/mapping", **(right | {"bank": "Bank Lain"}))
    assert session.scalars(select(BankMapping.bank)).all() == ["Bank Lain"]
    digest = columns_digest(desk.get(path).get_data(as_text=True))
    assert send(desk, f"{path}/import", columns=digest, headers=HTMX).status_code == 200
    assert fresh(session, order).paid == order.total
    assert send(desk, f"{path}/mapping", **right).status_code == 409


def test_what_is_not_seen_is_not_taken_in(desk: FlaskClient, session: Session) -> None:
    path = upload(desk, csv_of([(today(), "SARI", 7_000)]).encode()).location
    answer = send(desk, f"{path}/import", columns="what I saw before")
    assert answer.status_code == 409
    assert "kolomnya baru saja diubah" in answer.get_data(as_text=True)
    assert not lines(session)


def test_another_operator_is_told(desk: FlaskClient, session: Session, client: FlaskClient) -> None:
    path = upload(desk, csv_of([(today(), "SARI", 7_000)]).encode()).location
    digest = columns_digest(desk.get(path).get_data(as_text=True))
    other = make_user(session, Role.OPERATOR)
    session.commit()
    theirs = client.application.test_client()
    sign_in(theirs, other)
    assert send(theirs, f"{path}/import", columns=digest).status_code == 303
    answer = send(desk, f"{path}/import", columns=digest)
    assert answer.status_code == 409
    assert f"sudah dimasukkan oleh {other.name}" in answer.get_data(as_text=True)
    assert len(lines(session)) == 1


def test_throwing_a_preview_away(desk: FlaskClient, session: Session) -> None:
    text = csv_of([(today(), "SARI", 7_000)])
    path = upload(desk, text.encode()).location
    for _ in range(2):
        assert send(desk, f"{path}/removal").location == "/desk/statements"
    assert desk.get(path).status_code == 404
    assert not session.scalars(select(BankStatement.id)).all()
    path = upload(desk, text.encode()).location
    send(desk, f"{path}/import", columns=columns_digest(desk.get(path).get_data(as_text=True)))
    assert send(desk, f"{path}/removal").status_code == 409
    assert session.scalars(select(BankStatement.state)).all() == [StatementState.IMPORTED]


def test_the_same_money_from_another_export_is_pointed_out(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    take_in(session, operator, csv_of([(today(), "SARI VIA APP", 7_000)]), clock.now())
    path = upload(desk, csv_of([(today(), "SARI VIA WEB", 7_000)]).encode()).location
    assert "Mungkin uang yang sama" in desk.get(path).get_data(as_text=True)


def test_the_same_file_by_other_columns_is_pointed_out(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    content = f"Tanggal;Isi;Uang Masuk;Lain\n{today():%d/%m/%Y};SARI;7000;8000\n".encode()
    same = "Berkas yang sama sudah dimasukkan"
    path = upload(desk, content).location
    body = desk.get(path).get_data(as_text=True)
    assert same not in body
    send(desk, f"{path}/import", columns=columns_digest(body))
    path = upload(desk, content).location
    body = desk.get(path).get_data(as_text=True)
    # Read as before, nothing of it is new.
    assert same not in body and figure(body, "new") == 0
    other = mapping(date="0", description="1", amount="3")
    body = send(desk, f"{path}/mapping", **other, headers=HTMX).get_data(as_text=True)
    assert same in body and figure(body, "new") == 1


@pytest.mark.parametrize("back", ["", "worklist"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_picking_a_payment_on_the_worklist(
    desk: FlaskClient, session: Session, operator: User, back: str, headers: dict[str, str]
) -> None:
    order, payment = awaited(session, name="Melati Anggrek")
    line = opened_line(session, operator, payment.amount + 1, "TRSF ANGGREK")
    body = desk.get("/desk/statements/lines").get_data(as_text=True)
    assert f'data-line="{line.id}"' in body and "Melati Anggrek" in body
    assert "Lebih Rp1 dari yang ditagih" in body
    home = f"/desk/statements/lines/{line.id}"
    for _ in range(2):
        answer = send(desk, f"{home}/match", payment_id=payment.id, back=back, headers=headers)
        if headers:
            root = "lines" if back else "line"
            assert answer.get_data(as_text=True).lstrip().startswith(f'<div id="{root}"')
            assert answer.status_code == 200
        else:
            there = "/desk/statements/lines" if back else home
            assert (answer.status_code, answer.location) == (303, there)
    assert fresh(session, order).paid == order.total
    assert bank_balance(session) == payment.amount + 1
    body = desk.get("/desk/statements/lines?state=MATCHED").get_data(as_text=True)
    assert "Ibu Pengelola" in body
    _other, second = awaited(session)
    answer = send(desk, f"{home}/match", payment_id=second.id, back=back, headers=headers)
    assert answer.status_code == 409
    assert "sudah diputuskan: Sudah dicocokkan" in answer.get_data(as_text=True)


def test_setting_aside_over_http(desk: FlaskClient, session: Session, operator: User) -> None:
    line = opened_line(session, operator, 1_000)
    home = f"/desk/statements/lines/{line.id}"
    answer = send(desk, f"{home}/setting-aside", note=" ")
    assert answer.status_code == 422
    assert "Isi bagian ini" in answer.get_data(as_text=True)
    assert send(desk, f"{home}/setting-aside", note="bunga bank").status_code == 303
    assert "bunga bank" in desk.get(home).get_data(as_text=True)
    answer = send(desk, f"{home}/setting-aside", note="lain")
    assert answer.status_code == 409 and "Disisihkan" in answer.get_data(as_text=True)
    assert send(desk, f"{home}/reopening").status_code == 303
    assert fresh(session, line).state is L.OPEN
    for payment_id in ("", "x", "0", "99999999999", "-1"):
        assert send(desk, f"{home}/match", payment_id=payment_id).status_code == 422
    assert send(desk, f"{home}/match", payment_id=4_000).status_code == 404


def test_searching_over_http(desk: FlaskClient, session: Session, operator: User) -> None:
    _order, payment = awaited(session, name="Melati Anggrek")
    line = opened_line(session, operator, 1_000)
    home = f"/desk/statements/lines/{line.id}"
    body = desk.get(home).get_data(as_text=True)
    assert "Tidak ada pembayaran yang mirip" in body
    assert f'data-payment="{payment.id}"' in desk.get(f"{home}?q=anggrek").get_data(as_text=True)
    for q in ("tidak ada", "%", "<script>", "x" * 500):
        assert desk.get(home, query_string={"q": q}).status_code == 200


def test_odd_addresses(desk: FlaskClient, session: Session, operator: User) -> None:
    opened_line(session, operator, 1_000)
    for query in ("state=?", "page=0", "page=99", "statement=x", f"statement={'9' * 30}"):
        assert desk.get(f"/desk/statements/lines?{query}").status_code == 200
    for path in ("/desk/statements/4000", "/desk/statements/lines/4000"):
        assert desk.get(path).status_code == 404
        assert desk.get("/en" + path).status_code == 404


def test_a_wrong_match_is_taken_back_at_the_payment(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    order, payment = awaited(session)
    take_in(session, operator, csv_of([(today(), "SARI", payment.amount)]), clock.now())
    path = f"/desk/payments/{payment.id}"
    answer = send(desk, f"{path}/reversal", reason="milik orang lain")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    (line,) = lines(session)
    assert (line.state, line.payment_id) == (L.OPEN, None)
    assert (fresh(session, payment).state, fresh(session, order).paid) == (P.REJECTED, 0)
    # What a person has taken back does not match by itself the next time.
    take_in(session, operator, csv_of([(today(), "SARI", line.amount)]), clock.now())
    assert [x.state for x in lines(session)] == [L.OPEN]


def test_the_desk_shows_what_waits(desk: FlaskClient, session: Session, operator: User) -> None:
    line = opened_line(session, operator, 1_000, "TRSF ENTAH SIAPA")
    body = desk.get("/desk").get_data(as_text=True)
    assert 'data-stuck="lines"' in body and "TRSF ENTAH SIAPA" in body
    assert f"/desk/statements/lines/{line.id}" in body
    assert "/desk/statements" in desk.get("/desk/payments").get_data(as_text=True)


def test_the_worklist_costs_the_same_however_long(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    producer = make_producer(session)
    product = make_product(session, producer, capacity=900)

    def more(number: int) -> None:
        for n in range(number):
            _order, payment = awaited(session, product=product)
            opened_line(session, operator, payment.amount + 7, f"SETORAN {n} SARI")

    costs = []
    for number in (1, 6):
        more(number)
        session.commit()
        with counted() as statements:
            desk.get("/desk/statements/lines")
        costs.append(len(statements))
    assert costs[0] == costs[1]


def test_each_booking_is_told_once(session: Session, operator: User) -> None:
    order, payment = awaited(session)
    take_in(session, operator, csv_of([(today(), "SARI", payment.amount)]), clock.now())
    paid = select(func.count()).where(OrderEvent.order_id == order.id)
    assert session.scalar(paid.where(OrderEvent.action == Action.PAY)) == 1
    assert [e.action for e in fresh(session, payment).events][-1] == "confirm"


def test_in_english(desk: FlaskClient) -> None:
    assert "Bank statements" in desk.get("/en/desk/statements").get_data(as_text=True)
