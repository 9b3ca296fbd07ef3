"""Who packs: what they see and do, and what is the owner's (docs/adr/0038)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import NotAllowed
from ovop_market.notices import kinds
from ovop_market.notices.kinds import TO_STAFF, Kind
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.policy import duty_of, share_duty_of
from ovop_market.orders.services import lifecycle, shares
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.share_states import ShareAction
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.services import payouts
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import Duty, StaffRole
from tests.factories import (
    NOW,
    make_group,
    make_order,
    make_packer,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
    sign_in,
)
from tests.pages import words

S = OrderState
BINDING = (Action.ACCEPT, Action.COUNTER, Action.DECLINE)


@pytest.fixture
def owner(session: Session) -> User:
    return make_user(session, Role.PRODUCER)


@pytest.fixture
def household(session: Session, owner: User) -> Producer:
    return make_producer(session, staff=owner, name="Rumah Contoh", cash_on_delivery=True)


@pytest.fixture
def packer(session: Session, owner: User, household: Producer) -> User:
    return make_packer(session, owner)


def test_what_binds_is_the_owners() -> None:
    assert {action for action in Action if duty_of(action) is not Duty.OWN} == {
        Action.START,
        Action.FINISH,
        Action.SHIP,
        Action.HAND_OVER,
        Action.TRACK,
    }
    assert [a for a in ShareAction if share_duty_of(a) is not Duty.OWN] == [ShareAction.HAND_IN]


@pytest.mark.parametrize("action", BINDING)
def test_a_packer_answers_no_order_even_past_the_door(
    session: Session, household: Producer, packer: User, action: Action
) -> None:
    order = make_order(session, producer=household)
    with pytest.raises(NotAllowed) as refusal:
        lifecycle.act(session, order, action, By(Actor.PRODUCER, packer.id), NOW, reason="x")
    assert "Minta pemilik Rumah Contoh" in refusal.value.message
    assert order.state is S.PLACED


def test_an_order_is_seen_from_the_yes_onwards(
    client: FlaskClient, session: Session, household: Producer, packer: User
) -> None:
    placed = make_order(session, producer=household)
    accepted = make_order(session, S.ACCEPTED, producer=household)
    ready = make_order(session, S.READY, producer=household)
    numbers = [order.number for order in (placed, accepted, ready)]
    sign_in(client, packer)
    assert [client.get(f"/inbox/{n}").status_code for n in numbers] == [404, 200, 200]
    body = client.get("/inbox").get_data(as_text=True)
    assert numbers[0] not in body and numbers[2] in body
    assert "Pesanan baru" not in body and "Belum bayar" not in body
    assert "Pendapatan" not in body and "Stok dan jadwal" not in body


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (S.ACCEPTED, False),
        (S.PREPARING, True),
        (S.READY, True),
        (S.SHIPPED, True),
        (S.RECEIVED, False),
        (S.DISPUTED, False),
    ],
)
def test_the_address_is_there_as_long_as_the_parcel_needs_it(
    client: FlaskClient,
    session: Session,
    household: Producer,
    packer: User,
    state: OrderState,
    told: bool,
) -> None:
    order = make_order(session, state, producer=household)
    sign_in(client, packer)
    body = client.get(f"/inbox/{order.number}").get_data(as_text=True)
    assert ("Jalan Contoh 2" in body) is told
    assert ("+6281234567890" in body) is told


def test_no_page_of_a_packer_shows_what_it_costs(
    client: FlaskClient, session: Session, household: Producer, packer: User
) -> None:
    order = make_order(session, S.PREPARING, producer=household)
    number = order.number
    sign_in(client, packer)
    pages = ("/inbox", f"/inbox/{number}", "/inbox/today", "/inbox/packing")
    for path in (*pages, f"/inbox/{number}/label"):
        assert "Rp" not in words(client.get(path).text), path


def test_cash_to_collect_is_said_to_whoever_hands_it_over(
    client: FlaskClient, session: Session, household: Producer, packer: User
) -> None:
    order = make_order(session, S.READY, producer=household, method=PaymentMethod.COD)
    number, total = order.number, order.outstanding
    sign_in(client, packer)
    body = client.get(f"/inbox/{number}").get_data(as_text=True)
    assert "Tagih tunai" in body and f'value="{total}"' in body


def test_a_packer_prepares_and_sends(
    client: FlaskClient, session: Session, household: Producer, packer: User
) -> None:
    order = make_order(session, S.ACCEPTED, producer=household)
    pay(session, order)
    page = f"/inbox/{order.number}"
    sign_in(client, packer)
    for verb in ("preparation", "readiness", "shipment", "tracking"):
        answer = client.send(page, f"{page}/{verb}", courier="JNE", tracking_number="JP1")
        assert answer.status_code == 303, verb
    session.expire_all()
    found = session.get_one(Order, order.id)
    assert found.state is S.SHIPPED
    assert {e.actor_id for e in found.events if e.action is Action.SHIP} == {packer.id}


def test_who_owns_one_and_packs_for_another(
    client: FlaskClient, session: Session, owner: User, household: Producer
) -> None:
    """The owner's pages are open, and show nothing of the producer they only pack for."""
    both = make_user(session, Role.PRODUCER)
    own = make_producer(session, staff=both, name="Rumah Sendiri")
    make_product(session, own)
    theirs = make_product(session, household, capacity=99)
    session.add(
        ProducerStaff(user_id=both.id, producer_id=household.id, role=StaffRole.PACKER, since=NOW)
    )
    preparing = make_order(session, S.PREPARING, product=theirs)
    mine = make_order(session, producer=own)
    sign_in(client, both)
    page = f"/inbox/{preparing.number}"
    assert client.get(page).status_code == 200
    for path in ("/shop/products", "/shop/offers", "/shop/permits", "/shop/statement"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "Rumah Contoh" not in answer.get_data(as_text=True), path
    assert client.get(f"/shop/products/{theirs.slug}").status_code == 404
    refused = client.send(page, f"{page}/decline", reason="tidak")
    assert refused.status_code == 403
    assert "Minta pemilik Rumah Contoh" in refused.get_data(as_text=True)
    done = client.send(f"/inbox/{mine.number}", f"/inbox/{mine.number}/acceptance")
    assert done.status_code == 303
    body = client.get("/inbox").get_data(as_text=True)
    assert preparing.number in body


def test_giving_up_a_buyer_is_the_owners(
    client: FlaskClient, session: Session, household: Producer, packer: User
) -> None:
    order = make_order(session, S.READY, producer=household, method=PaymentMethod.COD)
    session.commit()
    sign_in(client, packer)
    page = f"/inbox/{order.number}"
    assert f"{page}/cancellation" not in client.get(page).get_data(as_text=True)
    assert client.send(page, f"{page}/cancellation", reason="x").status_code == 403
    with pytest.raises(NotAllowed):
        by = By(Actor.PRODUCER, packer.id)
        lifecycle.act(session, order, Action.GIVE_UP, by, NOW, reason="x")


def test_a_refusal_says_whom_to_ask(client: FlaskClient, household: Producer, packer: User) -> None:
    sign_in(client, packer)
    answer = client.get("/shop/offers")
    body = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "Minta pemilik Rumah Contoh" in body
    assert "Ke halaman saya" in body


def test_shares_are_handed_in_by_packers_and_answered_by_owners(
    client: FlaskClient, session: Session
) -> None:
    coordinator = make_user(session, Role.PRODUCER)
    product, people = make_group(session, (40, 40), staff=coordinator)
    order = make_purchase(session, [(product, 10)]).orders[0]
    share = order.lines[0].allocations[0]
    home = session.get_one(Producer, share.offer.producer_id)
    member = next(
        user for user in people if session.get(ProducerStaff, (user.id, home.id)) is not None
    )
    packer = make_packer(session, member)
    page = f"/inbox/allocations/{share.id}"
    sign_in(client, packer)
    assert client.get(page).status_code == 404
    with pytest.raises(NotAllowed):
        shares.take(session, share, By(Actor.PRODUCER, packer.id), NOW)
    session.rollback()
    lifecycle.accept(session, order, By(Actor.PRODUCER, coordinator.id), NOW)
    pay(session, order)
    body = client.get(page).get_data(as_text=True)
    assert "Sudah disetor semua" in body
    assert "Tidak jadi sanggup" not in body and "Rp" not in words(body)
    token = client.csrf("/inbox")
    declined = client.post(f"{page}/decline", data={"csrf_token": token, "reason": "x"})
    assert declined.status_code == 403
    done = client.post(
        f"{page}/completion", data={"csrf_token": token, "quantity": str(share.packs)}
    )
    assert done.status_code == 303


def test_where_earnings_go_is_the_owners(
    session: Session, household: Producer, packer: User
) -> None:
    with pytest.raises(NotAllowed):
        payouts.name_account(
            session,
            household,
            bank="BRI",
            number="1234567890",
            holder="X",
            actor_id=packer.id,
            now=NOW,
        )


def test_packers_are_told_what_to_do_and_nothing_of_money() -> None:
    told = {kind for kind in TO_STAFF if kinds.told(StaffRole.PACKER, kind)}
    assert told == {Kind.START, Kind.STOP, Kind.CALLED_OFF, Kind.SHARE_START, Kind.SHARE_STOP}
    assert all(kinds.told(StaffRole.OWNER, kind) for kind in TO_STAFF)


def test_a_household_whose_people_only_pack_is_answered_for(app: Flask, session: Session) -> None:
    """Its coordinator answers, as for a household without an account."""
    from ovop_market.orders.services.asking_households import _with_account

    home = make_producer(session)
    user = make_user(session, Role.PRODUCER)
    session.add(
        ProducerStaff(user_id=user.id, producer_id=home.id, role=StaffRole.PACKER, since=NOW)
    )
    session.flush()
    assert _with_account(session, [home.id]) == set()
