"""The same thing done to many: shown first, done as it was shown, taken back."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.bulk import services
from ovop_market.bulk.models import Batch, BatchItem
from ovop_market.bulk.registry import ACTIONS, MOST, By
from ovop_market.catalogue.listings import approvals, reviews, values
from ovop_market.catalogue.listings import services as listings
from ovop_market.catalogue.listings.states import ListingAction, ListingState, state_of
from ovop_market.catalogue.models import Product, Review, StockReason
from ovop_market.catalogue.services import Cause, change_ready
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.notices.models import Notice
from ovop_market.notices.states import Channel, NoticeState
from ovop_market.payments.models import StatementLine
from ovop_market.payments.states import LineState
from ovop_market.villages import producer_services
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from tests.counting import counted
from tests.factories import NOW, make_order, make_producer, make_product, make_user, sign_in
from tests.pages import value_of
from tests.payments import bank

P, L = ProducerState, ListingState
WAITING = {"listed": False, "review": Review.SUBMITTED, "review_since": NOW}
APPROVE = "/desk/bulk/producers-approve"


def body(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def form_of(page: str) -> dict[str, Any]:
    """What the form of a preview says back."""
    return {
        "csrf_token": value_of(page, "csrf_token"),
        "seen": value_of(page, "seen"),
        "idempotency_key": value_of(page, "idempotency_key"),
        "id": re.findall(r'name="id" value="(\d+)"', page),
    }


@pytest.fixture
def operator(session: Session) -> User:
    return make_user(session, Role.OPERATOR)


@pytest.fixture
def desk(client: FlaskClient, operator: User) -> FlaskClient:
    sign_in(client, operator)
    return client


def preview(desk: FlaskClient, name: str, *ids: int) -> dict[str, Any]:
    answer = desk.get(f"/desk/bulk/{name}", query_string={"id": list(ids)})
    assert answer.status_code == 200
    return form_of(body(answer))


def states(session: Session) -> list[ProducerState]:
    session.expire_all()
    return list(session.scalars(select(Producer.state).order_by(Producer.id)))


def undo(desk: FlaskClient, batch: str) -> TestResponse:
    return desk.post(f"{batch}/undo", data={"csrf_token": desk.csrf("/register")})


def test_shown_done_and_taken_back(desk: FlaskClient, session: Session) -> None:
    ids = [make_producer(session, state=P.APPLIED, name=f"Rumah {n}").id for n in "ABC"]
    ids.append(make_producer(session, name="Rumah Lama").id)
    session.commit()
    page = body(desk.get(APPROVE, query_string={"id": [*ids, 9999]}))
    assert "3 penjual boleh berjualan" in page
    assert "Tidak ikut: 1" in page and "sudah: Berjualan" in page
    assert states(session)[:3] == [P.APPLIED] * 3
    form = form_of(page)
    answers = [desk.post(APPROVE, data=form) for _twice in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    (location,) = {answer.headers["Location"] for answer in answers}
    assert session.scalar(select(func.count()).select_from(Batch)) == 1
    assert states(session) == [P.APPROVED] * 4
    done = body(desk.get(location))
    assert "Urungkan" in done and "Rumah Lama" in done and done.count("Selesai") == 3
    assert "Setujui penjual" in body(desk.get("/desk/batches"))
    for _twice in range(2):
        assert undo(desk, location).status_code == 303
    assert states(session) == [P.APPLIED] * 3 + [P.APPROVED]
    # Whoever waits again has waited since it applied.
    assert set(session.scalars(select(Producer.state_since))) == {NOW}
    actions = session.scalars(
        select(AuditEvent.action).where(AuditEvent.action.like("batch%")).order_by(AuditEvent.id)
    )
    assert actions.all() == ["batch done", "batch undone"]


def test_what_has_moved_since_is_left_and_named(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    kept, suspended, sold = (make_producer(session, state=P.APPLIED) for _ in range(3))
    session.commit()
    form = preview(desk, "producers-approve", kept.id, suspended.id, sold.id)
    location = desk.post(APPROVE, data=form).headers["Location"]
    session.expire_all()
    producer_services.move(
        session,
        suspended,
        ProducerAction.SUSPEND,
        actor_id=operator.id,
        now=clock.now(),
        reason="x",
    )
    make_order(session, product=make_product(session, sold, capacity=20))
    session.commit()
    assert undo(desk, location).status_code == 303
    assert states(session) == [P.APPLIED, P.SUSPENDED, P.APPROVED]
    page = body(desk.get(location))
    assert "sudah diputuskan lain" in page and "sudah ada pesanan" in page


def test_not_what_was_shown_is_not_done(
    desk: FlaskClient, session: Session, operator: User
) -> None:
    first, second = (make_producer(session, state=P.APPLIED, name=f"Rumah {n}") for n in "AB")
    session.commit()
    form = preview(desk, "producers-approve", first.id, second.id)
    producer_services.move(
        session,
        first,
        ProducerAction.REFUSE,
        actor_id=operator.id,
        now=clock.now(),
        reason="Bukan di sini.",
    )
    session.commit()
    answer = desk.post(APPROVE, data=form)
    assert answer.status_code == 409
    page = body(answer)
    assert "Ada yang berubah" in page and "sudah: Ditolak" in page
    assert states(session) == [P.REFUSED, P.APPLIED]
    # What is shown now can be done.
    assert desk.post(APPROVE, data=form_of(page)).status_code == 303
    assert states(session) == [P.REFUSED, P.APPROVED]


def test_too_late_to_undo(
    desk: FlaskClient, session: Session, later: Callable[[timedelta], None]
) -> None:
    producer = make_producer(session, state=P.APPLIED)
    session.commit()
    location = desk.post(APPROVE, data=preview(desk, "producers-approve", producer.id)).headers[
        "Location"
    ]
    later(timedelta(minutes=16))
    assert "Urungkan" not in body(desk.get(location))
    answer = undo(desk, location)
    assert answer.status_code == 409 and "lewat 15 menit" in body(answer)
    assert states(session) == [P.APPROVED]


def test_listings_are_approved_and_hidden(desk: FlaskClient, session: Session) -> None:
    household = make_producer(session, on_probation=True)
    waiting = make_product(session, household, **WAITING)
    unseen = make_product(session, review_since=NOW)
    fine = make_product(session)
    session.commit()
    products = [waiting, unseen, fine]

    def now() -> list[tuple[ListingState, bool]]:
        session.expire_all()
        return [(state_of(p), p.review_since is not None) for p in products]

    before = now()
    ids = [product.id for product in products]
    form = preview(desk, "listings-approve", *ids)
    location = desk.post("/desk/bulk/listings-approve", data=form).headers["Location"]
    assert now() == [(L.SHOWN, False)] * 3 and not household.on_probation
    assert undo(desk, location).status_code == 303
    assert now() == before and household.on_probation
    form = preview(desk, "listings-hide", *ids)
    without = desk.post("/desk/bulk/listings-hide", data=form)
    assert without.status_code == 422 and 'id="reason-error"' in body(without)
    assert now() == before
    form |= {"reason": "Fotonya bukan milik sendiri."}
    location = desk.post("/desk/bulk/listings-hide", data=form).headers["Location"]
    assert [state for state, _since in now()] == [L.SUBMITTED, L.HIDDEN, L.HIDDEN]
    assert undo(desk, location).status_code == 303
    assert now() == before


def test_a_batch_undone_leaves_a_newcomer_on_probation(desk: FlaskClient, session: Session) -> None:
    """The first of its listings to be approved made way for the second; the way back is the way."""
    household = make_producer(session, on_probation=True)
    ids = [make_product(session, household, **WAITING).id for _ in range(3)]
    session.commit()
    form = preview(desk, "listings-approve", *ids)
    location = desk.post("/desk/bulk/listings-approve", data=form).headers["Location"]
    session.expire_all()
    assert not household.on_probation
    assert undo(desk, location).status_code == 303
    session.expire_all()
    assert household.on_probation


def test_a_listing_that_became_another_is_not_approved_with_the_rest(
    desk: FlaskClient, session: Session, operator: User, app: Flask
) -> None:
    products = [make_product(session, **WAITING) for _ in range(2)]
    session.commit()
    form = preview(desk, "listings-approve", *(product.id for product in products))
    products[0].variants[0].price += 1
    session.commit()
    answer = desk.post("/desk/bulk/listings-approve", data=form)
    assert answer.status_code == 409 and "Ada yang berubah" in body(answer)
    # So it is in the moment between the look at all of them and the lock on one.
    action, by = ACTIONS["listings-approve"], By(operator.id, clock.now(), mark="old")
    with app.test_request_context(), pytest.raises(Conflict):
        action.do(session, products[0].id, by)
    session.rollback()
    session.expire_all()
    assert [state_of(product) for product in products] == [L.SUBMITTED] * 2


def test_lines_are_set_aside(desk: FlaskClient, session: Session, operator: User) -> None:
    told = [(clock.wib_date(NOW), text_, amount) for text_, amount in (("BUNGA", 12), ("X", 99))]
    bank.take_in(session, operator, bank.csv_of(told), NOW)
    session.commit()
    lines = bank.lines(session)
    page = body(desk.get("/desk/statements/lines?pick=all"))
    assert page.count(" checked") == 2 and 'form="bulk"' in page
    form = preview(desk, "lines-set-aside", *(line.id for line in lines)) | {"reason": "Bunga."}
    location = desk.post("/desk/bulk/lines-set-aside", data=form).headers["Location"]

    def now() -> set[LineState]:
        session.expire_all()
        return set(session.scalars(select(StatementLine.state)))

    assert now() == {LineState.SET_ASIDE}
    assert undo(desk, location).status_code == 303
    assert now() == {LineState.OPEN}


def test_failed_messages(desk: FlaskClient, session: Session) -> None:
    at = clock.now()
    notices = [
        Notice(
            kind="payout",
            key=f"payout {n}",
            channel=Channel.EMAIL,
            recipient=f"user {n}",
            details={},
            language="id",
            state=NoticeState.FAILED,
            made_at=at - timedelta(days=days),
            due_at=at,
        )
        for n, days in enumerate((0, 0, 9))
    ]
    session.add_all(notices)
    session.commit()
    ids = [notice.id for notice in notices]
    page = body(desk.get("/desk/bulk/notices-retry", query_string={"id": ids}))
    assert "2 pesan segera dikirim lagi" in page and "lebih dari 3 hari" in page
    assert "Tidak bisa diurungkan" in page
    location = desk.post("/desk/bulk/notices-retry", data=form_of(page)).headers["Location"]
    assert undo(desk, location).status_code == 409
    form = preview(desk, "notices-drop", *ids)
    assert desk.post("/desk/bulk/notices-drop", data=form).status_code == 303
    session.expire_all()
    assert [notice.state for notice in notices] == [
        NoticeState.PENDING,
        NoticeState.PENDING,
        NoticeState.DROPPED,
    ]


NAMES = (
    "lines-set-aside",
    "listings-approve",
    "listings-hide",
    "notices-drop",
    "notices-retry",
    "producers-approve",
)


def test_what_can_be_done_to_many(app: Flask) -> None:
    assert tuple(sorted(ACTIONS)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_nothing_chosen_and_nonsense(desk: FlaskClient, session: Session, name: str) -> None:
    odd = ["", "x", "-1", "0", str(2**31), str(2**63), "1e3", "%00", "１２", "9" * 400]
    for ids in ([], odd, ["999999"]):
        answer = desk.get(f"/desk/bulk/{name}", query_string={"id": ids})
        assert answer.status_code == 200
        assert "Belum ada yang dipilih" in body(answer)
        token = desk.csrf("/register")
        fields = {"csrf_token": token, "id": ids, "seen": "x", "reason": "x"}
        assert desk.post(f"/desk/bulk/{name}", data=fields).status_code == 409
    assert session.scalar(select(func.count()).select_from(Batch)) == 0


def test_no_such_action_or_batch(desk: FlaskClient) -> None:
    for path in ("/desk/bulk/x", "/desk/batches/1", f"/desk/batches/{2**63}", "/desk/batches/x"):
        assert desk.get(path).status_code == 404
    token = desk.csrf("/register")
    for path in ("/desk/bulk/x", "/desk/batches/1/undo"):
        assert desk.post(path, data={"csrf_token": token}).status_code == 404


def test_a_hundred_in_one_go(desk: FlaskClient, session: Session) -> None:
    village = make_producer(session).village
    ids = [make_producer(session, village, state=P.APPLIED).id for _ in range(MOST + 3)]
    session.commit()
    page = body(desk.get(APPROVE, query_string={"id": ids}))
    assert "3 lagi tidak ikut" in page
    assert desk.post(APPROVE, data=form_of(page)).status_code == 303
    assert states(session).count(P.APPROVED) == MOST + 1


def test_a_preview_costs_the_same_for_many(desk: FlaskClient, session: Session) -> None:
    ids = [make_product(session, **WAITING).id for _ in range(8)]
    session.commit()
    desk.get("/desk/bulk/listings-approve", query_string={"id": ids[:1]})
    with counted() as few:
        desk.get("/desk/bulk/listings-approve", query_string={"id": ids[:1]})
    with counted() as many:
        desk.get("/desk/bulk/listings-approve", query_string={"id": ids})
    assert len(many) == len(few)


@pytest.mark.parametrize("role", [Role.BUYER, Role.PRODUCER, Role.OFFICIAL])
def test_only_operators(client: FlaskClient, session: Session, role: Role) -> None:
    producer = make_producer(session, state=P.APPLIED)
    sign_in(client, make_user(session, role))
    fields = {"csrf_token": client.csrf("/register"), "id": [producer.id]}
    assert client.post(APPROVE, data=fields).status_code == 403
    assert client.get("/desk/batches").status_code == 403
    assert states(session) == [P.APPLIED]


def test_what_the_database_refuses(session: Session, operator: User) -> None:
    batch = Batch(action="listings-hide", made_by_id=operator.id, at=NOW, key="k")
    session.add(batch)
    session.flush()
    session.add(BatchItem(batch_id=batch.id, subject_id=1, done=True))
    session.commit()
    for statement in (
        "UPDATE desk_batch_item SET problem = 'x'",
        "UPDATE desk_batch_item SET undo_problem = 'x'",
        "UPDATE desk_batch_item SET done = false, problem = 'x', undone = true",
        f"UPDATE desk_batch SET undone_by_id = {operator.id}",
        "UPDATE desk_batch SET made_by_id = 0",
        "INSERT INTO desk_batch (action, made_by_id, at, key, reason)"
        f" VALUES ('x', {operator.id}, '2026-01-01', 'k', '')",
    ):
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
            session.commit()
        session.rollback()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_two_operators_at_once(app: Flask, session: Session) -> None:
    """Each thing is done by one of them; what the other was quicker with is left out, or the whole
    of it shown again. (SQLite has one writer at a time.)"""
    producers = [make_producer(session, state=P.APPLIED) for _ in range(6)]
    ids, people = [p.id for p in producers], [make_user(session, Role.OPERATOR).id for _ in "ab"]
    session.commit()
    session.close()
    gate, raised = threading.Barrier(2), []

    def approve(who: int) -> None:
        with app.test_request_context(), Session(db.engine) as own:
            action, by = ACTIONS["producers-approve"], By(who, clock.now())
            seen = services.plan(own, action, ids, by).seen
            own.rollback()
            gate.wait(20)
            try:
                services.run(own, action, ids, seen=seen, key=f"k{who}", by=by)
                own.commit()
            except (Conflict, Unusable) as refusal:
                raised.append(refusal)

    threads = [threading.Thread(target=approve, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert states(session) == [P.APPROVED] * 6
    done = session.scalar(select(func.count()).select_from(BatchItem).where(BatchItem.done))
    assert done == 6
    made = session.scalar(select(func.count()).select_from(Batch))
    assert made == 2 - len(raised)


def test_undoing_a_listing_that_moved(session: Session, operator: User, app: Flask) -> None:
    product = make_product(session, review_since=NOW)
    action, by = ACTIONS["listings-hide"], By(operator.id, clock.now(), "sebab")
    with app.test_request_context():
        seen = services.plan(session, action, [product.id], by).seen
        batch = services.run(session, action, [product.id], seen=seen, key="k", by=by)
        reviews.decide(session, product, ListingAction.SUBMIT, actor_id=operator.id, now=NOW)
        services.undo(session, batch, by)
    (item,) = batch.items
    assert item.undone is False and "sudah diubah" in item.undo_problem
    assert state_of(session.get_one(Product, product.id)) is L.SUBMITTED


def test_undoing_a_listing_that_became_another(
    session: Session, operator: User, app: Flask
) -> None:
    """Hidden by an operator, renamed by its producer: it does not come back as something else. What
    only its stock has changed of does."""
    renamed, fine = (make_product(session, ready=2) for _ in range(2))
    action, by = ACTIONS["listings-hide"], By(operator.id, clock.now(), "sebab")
    ids = [renamed.id, fine.id]
    with app.test_request_context():
        seen = services.plan(session, action, ids, by).seen
        batch = services.run(session, action, ids, seen=seen, key="k", by=by)
        said = replace(values.listing_of(renamed), name="Obat kuat impor")
        listings.revise(session, renamed, said, seen=None, actor_id=operator.id, now=NOW)
        change_ready(session, fine.variants[0].offers[0].id, 5, Cause(StockReason.MADE, NOW))
        services.undo(session, batch, by)
    assert {item.subject_id: item.undone for item in batch.items} == {ids[0]: False, ids[1]: True}
    assert "sudah diubah" in next(item.undo_problem for item in batch.items if not item.undone)
    assert (state_of(renamed), state_of(fine)) == (L.HIDDEN, L.SHOWN)
    assert fine.review_since is None


def test_an_approval_that_is_undone_was_none(session: Session, operator: User, app: Flask) -> None:
    """What was approved before it counts again; of what was never approved, nothing does."""
    known, new = (make_product(session) for _ in range(2))
    new.review_since = NOW
    word: dict[str, Any] = {"actor_id": operator.id, "now": NOW}
    said = replace(values.listing_of(known), name="Obat kuat impor")
    listings.revise(session, known, said, seen=None, **word)
    before = approvals.known(session, [known.id, new.id])
    action, by, ids = (
        ACTIONS["listings-approve"],
        By(operator.id, clock.now()),
        [known.id, new.id],
    )
    with app.test_request_context():
        seen = services.plan(session, action, ids, by).seen
        batch = services.run(session, action, ids, seen=seen, key="k", by=by)
        assert approvals.known(session, ids)[known.id]["name"] == "Obat kuat impor"
        services.undo(session, batch, by)
    assert all(item.undone for item in batch.items)
    assert approvals.known(session, ids) == before and [*before] == [known.id]
    for product in (known, new):
        assert product.review_since == NOW
        listings.withdraw(session, product, **word)
        product.review_since = None
        listings.publish(session, product, **word)
        assert product.review_since == NOW
