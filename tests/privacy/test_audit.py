"""The audit on the desk: all histories in one list, searched, paged, and taken as a file."""

from __future__ import annotations

import ast
import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ovop_market.accounts.actions import ACTIONS, PAGES, sentence, subject_text
from ovop_market.accounts.models import AuditEvent, PersonalDataView, Role, User
from ovop_market.accounts.personal import Whose
from ovop_market.accounts.services import record
from ovop_market.catalogue.models import StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.orders.states import OrderState
from ovop_market.privacy import audit_queries as queries
from ovop_market.privacy.audit_search import Kind, Wanted
from ovop_market.privacy.own_data import views_of
from tests.factories import NOW, make_order, make_user, sign_in
from tests.privacy.planted import Planted, plant

PACKAGE = Path(__file__).resolve().parents[2] / "ovop_market"


@pytest.fixture
def planted(app: Flask, session: Session) -> Planted:
    found = plant(session, app.config["OVOP"].media)
    offer = found.order.lines[0].variant.offers[0]
    change_ready(session, offer.id, 3, Cause(StockReason.MADE, NOW, found.staff.id))
    session.commit()
    return found


@pytest.fixture
def desk(client: FlaskClient, planted: Planted) -> FlaskClient:
    sign_in(client, planted.operator)
    return client


def all_lines(session: Session, app: Flask, wanted: Wanted, size: int) -> list[str]:
    """Every line, page by page."""
    found: list[str] = []
    after = ""
    with app.test_request_context():
        while True:
            page = queries.page(session, wanted, after, size)
            found += [f"{line.kind}-{line.id}" for line in page.lines]
            if not page.following:
                return found
            after = page.following


def test_pages_miss_nothing_and_say_nothing_twice(
    app: Flask, session: Session, desk: FlaskClient, planted: Planted
) -> None:
    """Many lines have the same moment."""
    desk.get(f"/desk/orders/{planted.order.number}")
    whole = all_lines(session, app, Wanted(), 1_000)
    assert len(whole) == len(set(whole)) > 15
    assert {line.partition("-")[0] for line in whole} == set(Kind)
    for size in (1, 2, 7):
        assert all_lines(session, app, Wanted(), size) == whole


def test_a_look_at_many_is_one_line(
    app: Flask, session: Session, client: FlaskClient, planted: Planted
) -> None:
    """One look at the list of payments; each buyer still finds it, and so does who asks for one."""
    for number in range(4):
        order = make_order(session, OrderState.ACCEPTED, phone=f"+62812000011{number}")
        assert order.purchase_id
    session.commit()
    sign_in(client, planted.operator)
    client.get("/desk/payments")
    seen = session.scalars(
        select(PersonalDataView).where(PersonalDataView.page == "desk payments")
    ).all()
    assert len(seen) >= 5
    page = client.get("/desk/audit?kind=views").text
    assert page.count("data-line=") == 1
    assert f"{len(seen)} pembeli" in page
    # It opens: whose data it were, by their orders.
    assert page.count('href="/desk/orders/') == len(seen)
    whole = all_lines(session, app, Wanted(), 1_000)
    for size in (1, 2, 7):
        assert all_lines(session, app, Wanted(), size) == whole
    one = client.get("/desk/audit", query_string={"kind": "views", "about": order.number}).text
    assert one.count("data-line=") == 1 and f"pesanan {order.number}" in one
    assert "<details>" not in one.partition("</form>")[2]
    both = client.get("/desk/audit", query_string={"kind": "views", "about": "0812 0000 110"}).text
    assert both.count("data-line=") == 1
    whose = Whose(None, (order.purchase_id,))
    with app.test_request_context():
        assert [what for _at, _who, what in views_of(session, whose, 9)] == ["Daftar pembayaran"]


def test_things_are_called_by_their_names(
    session: Session, client: FlaskClient, planted: Planted
) -> None:
    producer = planted.order.producer
    product = planted.order.lines[0].variant.product
    village = producer.village
    values: dict[str, object] = {"year": 2026, "orders": [None, None], "revenue": [None, 8000000]}
    for subject in (f"product {product.id}", f"producer {producer.id}", "producer 999999"):
        record(session, "target set", subject, NOW, planted.operator.id)
    record(session, "target set", f"village {village.id}", NOW, planted.operator.id, values)
    own = f"designation {village.designations[0].id}"
    record(session, "target set", own, NOW, planted.operator.id, {"listed": [False, True]})
    session.commit()
    sign_in(client, planted.operator)
    page = client.get("/desk/audit?kind=actions").text
    assert f'href="/desk/producers/{producer.slug}">{producer.name}<' in page
    assert f'href="/desk/listings/{product.slug}">{product.name}<' in page
    assert f"desa {village.name}" in page and f"penetapan {village.name} 2016" in page
    assert "penjual 999999" in page
    assert "tahun: 2026, omzet: – → Rp8.000.000" in page and "pesanan: –" not in page
    assert "ditampilkan: tidak → ya" in page


def test_the_file_has_a_line_for_each(
    session: Session, client: FlaskClient, planted: Planted
) -> None:
    for _number in range(3):
        make_order(session, OrderState.ACCEPTED)
    session.commit()
    sign_in(client, planted.operator)
    client.get("/desk/payments")
    answer = client.get("/desk/audit/export.csv?kind=views")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len(rows) >= 4 and all(row["about"].startswith("pesanan ") for row in rows)


def test_it_is_searched(app: Flask, session: Session, desk: FlaskClient, planted: Planted) -> None:
    desk.get(f"/desk/orders/{planted.order.number}")
    number = planted.order.number

    def kinds(**asked: str) -> set[str]:
        page = desk.get("/desk/audit", query_string=asked)
        assert page.status_code == 200
        return set(re.findall(r'data-line="(\w+)-', page.text))

    assert kinds() >= set(Kind) - {Kind.STOCK}
    assert kinds(kind="stock") == {"stock"}
    assert kinds(about=number) == {"orders", "payments", "views", "actions"}
    assert kinds(about=number.replace("-", "").lower()) == kinds(about=number)
    assert kinds(about="0897 7123 456") >= {"orders", "payments", "views"}
    assert kinds(about="PALSU-99") == set()
    assert kinds(about=planted.order.producer.name) >= {"orders", "stock"}
    assert kinds(who=planted.staff.name) == {"orders", "stock"}
    assert kinds(who=str(planted.staff.email)) == {"orders", "stock"}
    assert kinds(who=planted.operator.name, kind="views") == {"views"}
    own = f"akun {planted.operator.id}"
    assert kinds(about=own) == {"actions"} == kinds(about=f"user {planted.operator.id}")
    assert kinds(**{"from": "2030-01-01"}) == set()
    assert kinds(**{"to": "2020-01-01"}) == set()


def test_days_are_days_in_wib(app: Flask, session: Session) -> None:
    operator = make_user(session, Role.OPERATOR)
    late = NOW.replace(hour=17, minute=30)  # half past midnight of the 25th in WIB
    record(session, "target set", "village 1", late, operator.id)
    session.commit()
    client = app.test_client()
    sign_in(client, operator)
    shown = "Sasaran ditetapkan"
    assert shown in client.get("/desk/audit?from=2026-11-25&to=2026-11-25").text
    assert shown not in client.get("/desk/audit?from=2026-11-24&to=2026-11-24").text


@pytest.mark.parametrize("asked", ["from=x", "to=2026-13-01", "from=2026-11-25&to=2026-11-24"])
def test_a_date_that_is_none_is_said_beside_its_field(desk: FlaskClient, asked: str) -> None:
    for path in ("/desk/audit", "/desk/audit/export.csv"):
        page = desk.get(f"{path}?{asked}")
        assert page.status_code == 422 and 'aria-invalid="true"' in page.text


@pytest.mark.parametrize("after", ["x", "1-2-3", "9" * 18 + "-4-1", "-1-0-0", "1-9-1"])
def test_an_odd_cursor_is_no_error(desk: FlaskClient, after: str) -> None:
    assert desk.get(f"/desk/audit?after={after}").status_code == 200


def test_it_is_taken_as_a_file_which_is_audited(
    session: Session, desk: FlaskClient, planted: Planted
) -> None:
    answer = desk.get(f"/desk/audit/export.csv?about={planted.order.number}")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert {row["about"] for row in rows} >= {f"pesanan {planted.order.number}"}
    taken = session.scalars(select(AuditEvent).where(AuditEvent.action == "file taken")).one()
    assert (taken.actor_id, taken.subject) == (planted.operator.id, "file audit.csv")
    assert taken.details == {
        "page": "/desk/audit/export.csv",
        "choices": ["about"],
    }
    assert "Berkas diunduh" in desk.get("/desk/audit").text


def test_every_file_that_is_taken_is_audited(app: Flask, session: Session) -> None:
    """Of reach and of statements, in each format; and not what nobody signed in takes."""
    client = app.test_client()
    sign_in(client, make_user(session, Role.OPERATOR))
    session.commit()
    for path in ("/reach/export.csv", "/reach/export.xlsx", "/reach/export.pdf",
                 "/desk/tariffs/export.csv"):  # fmt: skip
        assert client.get(path).status_code == 200
    taken = list(
        session.scalars(select(AuditEvent.subject).where(AuditEvent.action == "file taken"))
    )
    assert len(taken) == 4
    assert {subject.rpartition(".")[2] for subject in taken} == {"csv", "xlsx", "pdf"}


def test_buyers_are_not_named(app: Flask, session: Session, client: FlaskClient) -> None:
    planted = plant(session, app.config["OVOP"].media, account=True)
    assert planted.buyer is not None
    record(session, "signed in", f"user {planted.buyer.id}", NOW, planted.buyer.id)
    session.commit()
    sign_in(client, planted.operator)
    page = client.get("/desk/audit").text
    assert planted.buyer.name not in page and f"pembeli, akun {planted.buyer.id}" in page


def test_an_undeclared_action_is_shown_as_it_is(desk: FlaskClient, session: Session) -> None:
    record(session, "something new done", "gadget 7", NOW + timedelta(days=1), None)
    session.commit()
    assert "something new done" in desk.get("/desk/audit").text
    assert (sentence("something new done"), subject_text("gadget 7")) == (
        "something new done",
        "gadget 7",
    )


def _recorded() -> set[str]:
    """The actions that the source records: the second argument of every record(…) call, or the
    texts that its name is given in the same module."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for call in ast.walk(tree):
            name = (
                getattr(call.func, "attr", getattr(call.func, "id", ""))
                if isinstance(call, ast.Call)
                else ""
            )
            if name not in ("record", "_decided") or not isinstance(call, ast.Call):
                continue
            place = 1 if name == "record" else 4
            if len(call.args) > place:
                found |= _texts(call.args[place], tree)
    return found


def _texts(node: ast.expr, tree: ast.Module) -> set[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _texts(node.body, tree) | _texts(node.orelse, tree)
    if isinstance(node, ast.Name):
        return {
            text
            for each in ast.walk(tree)
            if isinstance(each, ast.Assign)
            for target in each.targets
            if isinstance(target, ast.Name) and target.id == node.id
            for text in _texts(each.value, tree)
        }
    return set()


def test_every_action_is_declared() -> None:
    recorded = _recorded()
    assert len(recorded) > 40
    assert not sorted(recorded - ACTIONS.keys())


def test_every_page_that_notes_who_looked_is_declared() -> None:
    noted = set()
    for path in PACKAGE.rglob("*.py"):
        noted |= set(
            re.findall(r'trail\.viewed(?:_users)?\(\s*"([a-z ]+)"', path.read_text("utf-8"))
        )
    assert noted and noted <= PAGES.keys()


@pytest.mark.parametrize(
    "table", ["audit_event", "order_event", "payment_event", "personal_data_view"]
)
def test_a_page_is_read_by_an_index(app: Flask, session: Session, table: str) -> None:
    """Neither a scan nor a sort of the whole, however long the history."""
    for condition in ("at <= '2026-11-24 00:00:00'", "actor_id = 3"):
        statement = f"SELECT * FROM {table} WHERE {condition} ORDER BY at DESC, id DESC LIMIT 51"
        if session.get_bind().dialect.name == "sqlite":
            plan = str(session.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all())
            assert "USING INDEX" in plan and "TEMP B-TREE" not in plan
        else:
            # An empty table is read anyhow: what counts is that the index fits.
            for other in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
                session.execute(text(f"SET LOCAL {other} = off"))
            plan = str(session.execute(text(f"EXPLAIN {statement}")).all())
            assert "Index Scan Backward" in plan


def test_views_are_noted_once_an_hour(
    session: Session, desk: FlaskClient, planted: Planted
) -> None:
    for _again in range(3):
        desk.get(f"/desk/orders/{planted.order.number}")
    seen = session.scalars(
        select(PersonalDataView).where(PersonalDataView.page == "desk order")
    ).all()
    assert [(view.subject, view.role) for view in seen] == [
        (f"purchase {planted.purchase.id}", Role.OPERATOR)
    ]
    assert session.scalar(select(User.id).where(User.id == seen[0].actor_id))


@pytest.mark.parametrize("action", ["account disabled", "account enabled", "sign-in failed"])
def test_what_is_written_by_another_hand_has_a_sentence(app: Flask, action: str) -> None:
    """The guard reads only calls of `record` itself."""
    with app.test_request_context():
        assert sentence(action) != action
        assert subject_text("invitation 3") == "undangan 3"
        assert subject_text("batch 3") == "tindakan sekaligus 3"
