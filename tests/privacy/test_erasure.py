"""Erasure: nothing that names the person is left anywhere, and every figure stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, Role, User, UserSession
from ovop_market.accounts.personal import Whose
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.orders import queries, share_labels
from ovop_market.orders.models import OrderEvent, Purchase
from ovop_market.orders.services import buyers, coordinating, lifecycle
from ovop_market.orders.services.history import event_of
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, PaymentEvent, Refund
from ovop_market.payments.queries import books
from ovop_market.payments.services import asking, refunds
from ovop_market.payments.states import PaymentAction, RefundKind, RefundState
from ovop_market.privacy import services
from ovop_market.privacy.services import ErasureRefused
from ovop_market.reach import services as reach
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.web import pictures
from tests.accounts.conftest import give_password, set_up
from tests.factories import (
    NOW,
    PASSWORD,
    make_group,
    make_order,
    make_producer,
    make_product,
    make_user,
    sign_in,
)
from tests.orders.sharing import COORDINATOR, ordered, shares_of
from tests.privacy.planted import DIGITS, MARK, PHONE, Planted, dump, found_in, plant
from tests.villages.test_staff import at_once

LATER = NOW + timedelta(days=3)


def media(app: Flask) -> Path:
    folder: Path = app.config["OVOP"].media
    return folder


def agreeing(session: Session) -> None:
    """All three accounts of the market agree: reach, ledger, stock."""
    assert list(reach.differences(session)) == []
    assert list(books.differences(session)) == []
    assert list(queries.stock_differences(session)) == []


def figures(session: Session) -> list[object]:
    tables = ("reach_day", "reach_village_month", "reach_place_month", "ledger_entry", "order_line")
    return [tuple(r) for t in tables for r in session.execute(text(f"SELECT * FROM {t}"))]


def test_a_guest_erases_a_purchase_by_its_link(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    planted = plant(session, media(app))
    assert len(found_in(session)) >= 8, "the mark was planted everywhere"
    before, purchase_id = figures(session), planted.purchase.id
    path = pictures.private_path(media(app), planted.proof)
    assert path.exists()
    page = f"/purchases/{planted.purchase.token}/privacy"
    answer = client.send(page, page.replace("privacy", "erasure"), phone="0897 7123 456", sure="1")
    assert answer.status_code == 303 and answer.headers["Location"].endswith("/privacy/erased")
    assert found_in(session) == []
    assert not path.exists()
    assert client.get(page).status_code == 404
    purchase = session.get_one(Purchase, purchase_id)
    assert (purchase.buyer_key, purchase.region_code) == (None, "32.73")
    assert purchase.erased_at is not None
    assert figures(session) == before
    agreeing(session)


def test_what_a_coordinator_wrote_about_a_share_goes_with_the_buyer(session: Session) -> None:
    product, _people = make_group(session, (40, 40, 40))
    order = ordered(session, product, 60)
    first, second, third = (o.id for o in product.variants[0].offers)
    wanted = {(order.lines[0].id, each): n for each, n in ((first, 30), (second, 30), (third, 0))}
    said = f"Bu {MARK} pembeli lama"
    coordinating.share_out(session, order, COORDINATOR, NOW, packs=wanted, reason=said)
    assert any(said in share_labels.reason(share) for share in shares_of(order))
    lifecycle.act(session, order, Action.CANCEL, By(Actor.BUYER), NOW, reason="batal")
    session.commit()
    assert found_in(session)
    services.erase(session, services.of_purchase(order.purchase), LATER)
    session.commit()
    assert found_in(session) == []
    session.expire_all()
    # Why it was so stays, as figures.
    assert {str(share.why["rule"]) for share in shares_of(order)} >= {"coordinator"}
    agreeing(session)


def test_what_is_written_after_erasure_is_not_stored(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    """Nobody erases twice. The operator's work goes on, and the page says what is not kept."""
    planted, desk = plant(session, media(app)), client
    sign_in(desk, planted.operator)
    services.erase(session, services.of_purchase(planted.purchase), LATER)
    session.commit()
    page = f"/desk/orders/{planted.order.number}"
    assert "tulisan ini tidak disimpan" in desk.get(page).get_data(as_text=True)
    said = {"part": "goods", "amount": "2.000", "reason": f"untuk {MARK}", "idempotency_key": "a"}
    for _ in range(2):
        assert desk.send("/register", f"{page}/refunds", **said).status_code == 303
    refund = session.scalars(select(Refund).where(Refund.amount == 2_000)).one()
    path = f"/desk/refunds/{refund.id}"
    assert "tulisan ini tidak disimpan" in desk.get(path).get_data(as_text=True)
    for _ in range(2):
        sent = desk.send("/register", f"{path}/sending", reference=f"BCA {MARK}")
        assert sent.status_code == 303
    assert "None" not in desk.get(path).get_data(as_text=True)
    assert "None" not in desk.get(page).get_data(as_text=True)
    # Nor in the histories, whatever is corrected.
    by = By(Actor.OPERATOR, planted.operator.id)
    payment = session.scalars(select(Payment)).one()
    asking.note(session, payment, PaymentAction.REJECT, by, LATER, f"bukan {MARK}")
    session.add(event_of(planted.order, Action.UNPAY, by, LATER, f"bukan {MARK}", None))
    session.commit()
    session.expire_all()
    assert (refund.state, refund.reason, refund.reference) == (RefundState.SENT, None, None)
    assert found_in(session) == []


def test_nothing_is_left_in_the_file_of_the_database(app: Flask, session: Session) -> None:
    """SQLite keeps what was deleted in free space unless it is told to overwrite it."""
    planted = plant(session, media(app))
    services.erase(session, services.of_purchase(planted.purchase), LATER)
    session.commit()
    pictures.discard_private(media(app), planted.proof)
    if session.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL's own vacuum does it
    session.close()
    with db.engine.connect() as connection:
        connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = Path(str(db.engine.url.database)).read_bytes()
    assert MARK.encode() not in content and DIGITS.encode() not in content


def test_nothing_is_left_beside_the_file_either(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    """SQLite's log holds what was written last, until it is emptied."""
    planted = plant(session, media(app))
    phone, page = planted.purchase.phone, f"/purchases/{planted.purchase.token}/privacy"
    session.commit()
    session.close()
    if db.engine.dialect.name != "sqlite":
        return
    path = Path(str(db.engine.url.database))
    beside = path.with_name(path.name + "-wal")
    assert MARK.encode() in beside.read_bytes()
    action = page.replace("/privacy", "/erasure")
    assert client.send(page, action, phone=phone, sure="1").status_code == 303
    for left in (path, beside):
        assert MARK.encode() not in left.read_bytes(), left.name


def test_an_account_is_erased_with_all_its_purchases(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    planted = plant(session, media(app), account=True)
    buyer = planted.buyer
    assert buyer is not None
    own_id, login = buyer.id, buyer.email
    sign_in(client, buyer)
    other = app.test_client()
    sign_in(other, buyer)
    answer = client.send("/account/erasure", "/account/erasure", password=PASSWORD, sure="1")
    assert answer.status_code == 303
    assert found_in(session) == []
    assert not pictures.private_path(media(app), planted.proof).exists()
    user = session.get_one(User, own_id)
    assert (user.name, user.email, user.phone, user.password_hash) == ("", None, None, "")
    # Every session is dead, here and elsewhere, and the login is nobody's.
    assert client.get("/account").status_code == 303
    assert other.get("/account").status_code == 303
    refused = client.send("/sign-in", "/sign-in", login=login, password=PASSWORD)
    assert refused.status_code == 422
    actions = set(session.scalars(select(AuditEvent.action).where(AuditEvent.actor_id == own_id)))
    assert {"account erased", "purchase erased"} <= actions
    agreeing(session)
    # The address may register again, as somebody new.
    assert make_user(session, login=str(login)).id != own_id


def test_a_device_that_was_idle_is_erased_without_a_fault(
    client: FlaskClient, session: Session
) -> None:
    """The row of the device, on which its use would be noted, is gone with the account."""
    buyer = make_user(session)
    sign_in(client, buyer)
    long_ago = clock.now() - timedelta(hours=1)
    session.execute(update(UserSession).values(seen_at=long_ago))
    session.commit()
    answer = client.send("/register", "/account/erasure", password=PASSWORD, sure="1")
    assert answer.status_code == 303
    assert session.get_one(User, buyer.id, populate_existing=True).erased_at is not None


def test_the_password_is_asked_again(app: Flask, client: FlaskClient, session: Session) -> None:
    buyer = make_user(session)
    session.commit()
    sign_in(client, buyer)
    for fields in ({"password": "salah-salah", "sure": "1"}, {"password": PASSWORD}, {}):
        answer = client.send("/account/erasure", "/account/erasure", **fields)
        assert answer.status_code == 422
    assert session.get_one(User, buyer.id).erased_at is None


def test_two_factors_are_asked_for_where_there_are_two(
    client: FlaskClient, session: Session
) -> None:
    buyer = make_user(session)
    _totp, codes = set_up(session, buyer)
    give_password(client, buyer)
    client.send("/sign-in/code", "/sign-in/code", code=codes[0])
    page = "/account/erasure"
    assert 'name="code"' in client.get(page).text
    for fields in ({}, {"code": "000000"}, {"code": codes[0]}):
        answer = client.send(page, page, password=PASSWORD, sure="1", **fields)
        assert answer.status_code == 422
    assert session.get_one(User, buyer.id, populate_existing=True).erased_at is None
    answer = client.send(page, page, password=PASSWORD, sure="1", code=codes[1])
    assert answer.status_code == 303
    assert session.get_one(User, buyer.id, populate_existing=True).erased_at is not None


def test_the_number_is_on_no_page_that_the_link_opens(
    client: FlaskClient, session: Session
) -> None:
    """Else it would be asked of nobody."""
    purchase = make_order(session, OrderState.RECEIVED).purchase
    session.commit()
    page, digits = f"/purchases/{purchase.token}", purchase.phone.lstrip("+")
    texts = [client.get(page).text, client.get(f"{page}/privacy").text]
    forms = ("json", "html")
    texts += [client.send(f"{page}/privacy", f"{page}/export", format=form).text for form in forms]
    for text_ in texts:
        assert digits not in text_ and digits[2:] not in text_
    assert purchase.phone[-3:] in texts[0]


def test_what_is_bought_while_an_account_is_erased_goes_as_well(session: Session) -> None:
    """The purchases are listed once the account is locked, not when the page was asked for."""
    buyer = make_user(session)
    whose = services.of_user(session, buyer)
    order = make_order(session, OrderState.RECEIVED)
    order.purchase.buyer_id = buyer.id
    session.flush()
    services.erase(session, whose, LATER)
    session.expire_all()
    assert order.purchase.erased_at is not None


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.PRODUCER])
def test_of_the_last_two_who_are_erased_at_once_one_stays(
    app: Flask, session: Session, role: Role
) -> None:
    people = [make_user(session, role), make_user(session, role)]
    if role is Role.PRODUCER:
        producer = make_producer(session, staff=people[0])
        session.add(
            ProducerStaff(
                user_id=people[1].id, producer_id=producer.id, role=StaffRole.OWNER, since=NOW
            )
        )
    ids = [each.id for each in people]
    session.commit()

    def going(user_id: int) -> Callable[[Session], object]:
        return lambda own: services.erase(own, Whose(user_id), LATER)

    assert at_once(app, *(going(each) for each in ids)) == ["ErasureRefused", "done"]


def test_the_number_is_asked_of_who_has_the_link(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    order = make_order(session, OrderState.RECEIVED)
    session.commit()
    page = f"/purchases/{order.purchase.token}/privacy"
    for fields in ({"phone": "081234567891", "sure": "1"}, {"phone": order.purchase.phone}, {}):
        answer = client.send(page, page.replace("privacy", "erasure"), **fields)
        assert answer.status_code == 422
    assert session.get_one(Purchase, order.purchase_id).erased_at is None


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (OrderState.PLACED, "pesanan berjalan"),
        (OrderState.ACCEPTED, "pesanan berjalan"),
        (OrderState.SHIPPED, "pesanan berjalan"),
        (OrderState.DISPUTED, "Keluhan belum diputuskan"),
    ],
)
def test_not_while_an_order_is_open(
    app: Flask, client: FlaskClient, session: Session, state: OrderState, words: str
) -> None:
    order = make_order(session, state)
    session.commit()
    page = f"/purchases/{order.purchase.token}/privacy"
    assert words in client.get(page).text
    token = client.csrf(page)
    phone = order.purchase.phone
    answer = client.post(
        page.replace("privacy", "erasure"),
        data={"csrf_token": token, "phone": phone, "sure": "1"},
    )
    assert answer.status_code == 409 and words in answer.text and order.number in answer.text


def test_not_while_money_is_owed(app: Flask, session: Session) -> None:
    order = make_order(session, OrderState.RECEIVED)
    by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    refunds.owe_part(session, order, RefundKind.GOODS, 5_000, by, NOW, reason="pecah")
    with pytest.raises(ErasureRefused) as refused:
        services.erase(session, services.of_purchase(order.purchase), LATER)
    assert "Rp5.000" in refused.value.reasons[0]


def test_a_producer_is_not_left_alone(app: Flask, client: FlaskClient, session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner, name="Dapur Contoh")
    session.commit()
    sign_in(client, owner)
    assert "Hanya akun Anda yang mengurus Dapur Contoh" in client.get("/account/erasure").text
    session.add(
        ProducerStaff(user_id=make_user(session, Role.PRODUCER).id, producer_id=producer.id)
    )
    session.commit()
    services.erase(session, services.of_user(session, session.get_one(User, owner.id)), LATER)
    assert session.get_one(User, owner.id).name == ""
    assert session.get(ProducerStaff, (owner.id, producer.id)) is None


def test_the_last_operator_stays(app: Flask, session: Session) -> None:
    last = make_user(session, Role.OPERATOR)
    whose = services.of_user(session, last)
    assert services.refusals(session, whose, LATER)
    make_user(session, Role.OPERATOR)
    assert services.refusals(session, whose, LATER) == []


def test_a_proof_that_another_payment_shows_stays(app: Flask, session: Session) -> None:
    first = plant(session, media(app))
    second = plant(session, media(app))
    assert first.proof == second.proof
    assert services.erase(session, services.of_purchase(first.purchase), LATER) == []
    assert services.erase(session, services.of_purchase(second.purchase), LATER) == [first.proof]
    pictures.discard_private(media(app), first.proof)


def test_only_words_of_erased_purchases_may_go(app: Flask, session: Session) -> None:
    """The histories stay append-only: of a purchase that is not erased nothing changes, and of one
    that is, nothing but the words."""
    planted: Planted = plant(session, media(app))
    event_id = session.scalar(select(OrderEvent.id).where(OrderEvent.reason == f"pecah {MARK}"))
    payment_event = session.scalar(
        select(PaymentEvent.id).where(PaymentEvent.reason.is_not(None)).limit(1)
    )
    blanking = [
        f"UPDATE order_event SET reason = NULL WHERE id = {event_id}",
        f"UPDATE payment_event SET reason = NULL WHERE id = {payment_event}",
    ]
    session.commit()
    for statement in blanking:
        _refused(session, statement)
    services.erase(session, services.of_purchase(planted.purchase), LATER)
    session.commit()
    for statement in (
        f"UPDATE order_event SET reason = 'x' WHERE id = {event_id}",
        f"UPDATE order_event SET reason = NULL, state = 'PLACED' WHERE id = {event_id}",
        f"UPDATE order_event SET at = '2020-01-01 00:00:00' WHERE id = {event_id}",
        f"UPDATE order_event SET actor_id = NULL, reason = NULL WHERE id = {event_id} - 1",
        f"DELETE FROM order_event WHERE id = {event_id}",
        f"UPDATE payment_event SET amount = 1 WHERE id = {payment_event}",
        f"UPDATE payment_event SET reason = 'x' WHERE id = {payment_event}",
        f"DELETE FROM payment_event WHERE id = {payment_event}",
    ):
        _refused(session, statement)


def _refused(session: Session, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(statement))
    session.rollback()


@pytest.mark.parametrize(
    "table", ["order_event", "payment_event", "personal_data_view", "audit_event"]
)
def test_nothing_is_truncated(app: Flask, session: Session, table: str) -> None:
    plant(session, media(app))
    sqlite = session.get_bind().dialect.name == "sqlite"
    if table == "personal_data_view":
        session.execute(
            text(
                "INSERT INTO personal_data_view (at, hour, actor_id, role, page, subject)"
                " VALUES ('2026-11-24 03:05:00', 1, 1, 'operator', 'desk', 'purchase 1')"
            )
        )
        session.commit()
        _refused(session, "UPDATE personal_data_view SET page = 'x'")
    _refused(session, f"DELETE FROM {table}" if sqlite else f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    "column", ["name", "phone", "email", "street", "postal_code", "note", "token", "buyer_key"]
)
def test_the_database_keeps_an_erased_purchase_blank(
    app: Flask, session: Session, column: str
) -> None:
    order = make_order(session, OrderState.RECEIVED)
    services.erase(session, services.of_purchase(order.purchase), LATER)
    session.commit()
    value = "x" * 64 if column == "buyer_key" else "x"
    with pytest.raises(IntegrityError):
        session.execute(update(Purchase).values({column: value}))
    session.rollback()


def test_the_database_keeps_an_erased_account_blank(app: Flask, session: Session) -> None:
    buyer = make_user(session)
    services.erase(session, services.of_user(session, buyer), LATER)
    session.commit()
    for values in ({"name": "x"}, {"email": "x@y.example"}, {"disabled_at": None}):
        with pytest.raises(IntegrityError):
            session.execute(update(User).where(User.id == buyer.id).values(values))
        session.rollback()


def test_who_is_erased_is_new_when_they_come_back(app: Flask, session: Session) -> None:
    """The key by which buyers are recognised went with the number."""
    product = make_product(session, ready=9)
    first = make_order(session, OrderState.RECEIVED, product=product)
    services.erase(session, services.of_purchase(first.purchase), LATER)
    again = make_order(session, OrderState.PLACED, product=product)
    assert buyers.villages_before(session, again.purchase) == frozenset()
    assert not again.repeat


def test_a_buyer_in_the_makers_village_is_still_counted_at_home(
    app: Flask, session: Session
) -> None:
    order = make_order(session, OrderState.RECEIVED, region="19.05.01.2006")
    other = make_order(session, OrderState.RECEIVED, region="19.05.01.1001")
    session.commit()
    for each in (order, other):
        services.erase(session, services.of_purchase(each.purchase), LATER)
    codes = set(session.scalars(select(Purchase.region_code)))
    assert codes == {"19.05.01.2006", "19.05"}
    agreeing(session)


def test_pages_about_an_erased_purchase_say_so(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    planted = plant(session, media(app))
    payment_id = session.scalar(select(Payment.id))
    services.erase(session, services.of_purchase(planted.purchase), LATER)
    session.commit()
    sign_in(client, planted.operator)
    number, day = planted.order.number, "27 November 2026"
    for path in (f"/desk/orders/{number}", f"/desk/payments/{payment_id}", "/desk/refunds/1"):
        page = client.get(path).text
        assert f"Data pembeli dihapus {day}" in page and 'href="https://wa.me/"' not in page
    assert "Data dihapus" in client.get(f"/desk/search?q={number}").text
    assert client.get("/desk/payments").status_code == 200
    producer = app.test_client()
    sign_in(producer, planted.staff)
    assert f"Data pembeli dihapus {day}" in producer.get(f"/inbox/{number}").text
    assert "Data dihapus" in producer.get("/inbox?tab=done").text


def test_erasing_again_changes_nothing(app: Flask, session: Session) -> None:
    planted = plant(session, media(app))
    whose = services.of_purchase(planted.purchase)
    services.erase(session, whose, LATER)
    session.commit()
    before = dump(session)
    assert services.erase(session, whose, LATER + timedelta(days=1)) == []
    session.commit()
    assert dump(session) == before
    assert session.scalar(select(Payment.amount)) and PHONE not in before
