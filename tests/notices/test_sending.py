"""The job: who may send what when, and what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.core.errors import Conflict, MoveRefused
from ovop_market.extensions import db
from ovop_market.notices import sending, services
from ovop_market.notices.channels import ChannelDown, Outgoing
from ovop_market.notices.models import Notice
from ovop_market.notices.states import (
    BACK_OFF,
    DELIVERED,
    LEASE,
    NOTICE_MOVES,
    OLDEST,
    Channel,
    Failure,
    NoticeAction,
    NoticeState,
    Outcome,
    later,
    never,
    notice_after,
)
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.services import claims
from ovop_market.villages.models import Producer, ProducerStaff
from tests.counting import counted
from tests.factories import NOW, make_order, make_user, pay
from tests.notices.conftest import BUYER, STAFF, Send
from tests.notices.post_office import PostOffice

S, N = OrderState, NoticeState


class Hand:
    """A courier that does as it is told, and says what it was given."""

    def __init__(self, do: Callable[[Outgoing], Outcome] = lambda _outgoing: DELIVERED) -> None:
        self.given: list[Outgoing] = []
        self.do = do

    def __enter__(self) -> Hand:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def send(self, outgoing: Outgoing) -> Outcome:
        self.given.append(outgoing)
        return self.do(outgoing)


def states(session: Session) -> list[str]:
    return [str(state) for state in session.scalars(select(Notice.state).order_by(Notice.id))]


@pytest.fixture
def three(session: Session, by_mail: PostOffice, household: Producer) -> list[int]:
    """Three notices to the staff."""
    for _ in range(3):
        make_order(session, producer=household)
    session.commit()
    return list(session.scalars(select(Notice.id).order_by(Notice.id)))


def test_nothing_is_sent_while_a_transaction_is_open(
    app: Flask, session: Session, three: list[int], send: Send
) -> None:
    def look(_outgoing: Outgoing) -> Outcome:
        assert not db.session().in_transaction()
        return DELIVERED

    assert send(couriers={Channel.EMAIL: Hand(look)}) == 3
    assert states(session) == ["SENT"] * 3


def test_what_is_claimed_is_another_workers_until_its_lease_runs_out(
    session: Session, three: list[int], send: Send
) -> None:
    ids, until = services.claim(session, NOW, [Channel.EMAIL], limit=2)
    assert ids == three[:2]
    hand = Hand()
    assert send(couriers={Channel.EMAIL: hand}) == 1
    assert send(NOW + LEASE - timedelta(seconds=1), couriers={Channel.EMAIL: hand}) == 0
    assert send(NOW + LEASE, couriers={Channel.EMAIL: hand}) == 2
    assert sorted(out.notice_id for out in hand.given) == three
    # The first worker comes back from the dead: what it says is not written.
    assert not services.settle(session, ids[0], until, 0, never(Failure.CONTENT), NOW)
    assert states(session) == ["SENT"] * 3


def test_a_worker_that_took_too_long_does_not_undo_what_another_did(
    session: Session, three: list[int], send: Send
) -> None:
    def too_long(outgoing: Outgoing) -> Outcome:
        if outgoing.notice_id == three[0]:
            assert send(NOW + LEASE, couriers={Channel.EMAIL: Hand()}) == 3
        return later(Failure.NOT_NOW, 450)

    assert send(couriers={Channel.EMAIL: Hand(too_long)}) == 3
    assert states(session) == ["SENT"] * 3


def test_two_workers_at_once_never_send_the_same(
    app: Flask, session: Session, by_mail: PostOffice, household: Producer
) -> None:
    for _ in range(12):
        make_order(session, producer=household)
    session.commit()
    hands = [Hand(), Hand()]
    start = threading.Barrier(2)

    def work(hand: Hand) -> None:
        start.wait()
        while sending.run(app, NOW, limit=2, couriers={Channel.EMAIL: hand}):
            pass

    threads = [threading.Thread(target=work, args=(hand,)) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = [out.notice_id for hand in hands for out in hand.given]
    assert len(given) == len(set(given)) == 12
    assert states(session) == ["SENT"] * 12


def test_a_channel_that_is_down_costs_one_try_and_leaves_the_others_alone(
    session: Session, three: list[int], send: Send
) -> None:
    def down(_outgoing: Outgoing) -> Outcome:
        raise ChannelDown(Failure.SIGN_IN, 535)

    hand = Hand(down)
    assert send(couriers={Channel.EMAIL: hand}) == 3
    assert len(hand.given) == 1
    notices = session.scalars(select(Notice)).all()
    assert {(n.state, n.failure, n.tries, n.due_at) for n in notices} == {
        (N.PENDING, "sign-in 535", 1, NOW + BACK_OFF[0])
    }


def test_a_library_that_fails_in_its_own_way_is_survived(
    session: Session, three: list[int], send: Send
) -> None:
    def fail(outgoing: Outgoing) -> Outcome:
        if outgoing.notice_id == three[0]:
            raise LookupError
        return DELIVERED

    assert send(couriers={Channel.EMAIL: Hand(fail)}) == 3
    assert states(session) == ["PENDING", "SENT", "SENT"]


def test_a_text_that_cannot_be_made_keeps_back_no_other(
    session: Session, three: list[int], send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.query(Notice).filter(Notice.id == three[0]).update({"kind": "unheard of"})
    hand = Hand()
    assert send(couriers={Channel.EMAIL: hand}) == 3
    assert states(session) == ["FAILED", "SENT", "SENT"]
    assert session.get_one(Notice, three[0]).failure == "text"


def test_what_is_left_when_the_time_is_over_is_given_back(
    session: Session, three: list[int], send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LONGEST", -1)
    assert send(couriers={Channel.EMAIL: Hand()}) == 0
    notices = session.scalars(select(Notice)).all()
    assert {(n.state, n.tries, n.claimed_until) for n in notices} == {(N.PENDING, 0, None)}


def test_a_worker_that_is_told_to_stop_gives_back_the_rest(
    session: Session, three: list[int], send: Send
) -> None:
    hand = Hand()
    assert send(couriers={Channel.EMAIL: hand}, stopped=lambda: bool(hand.given)) == 1
    assert states(session) == ["SENT", "PENDING", "PENDING"]


def test_a_look_that_finds_nothing_writes_nothing(
    session: Session, by_mail: PostOffice, send: Send
) -> None:
    with counted() as statements:
        assert send() == 0
    assert len(statements) == 1 and statements[0].startswith("SELECT")


def test_a_channel_that_is_not_configured_any_more_waits(
    session: Session, three: list[int], send: Send
) -> None:
    assert send(couriers={Channel.PUSH: Hand()}) == 0
    assert states(session) == ["PENDING"] * 3


def test_what_happened_three_days_ago_is_not_told(
    session: Session, three: list[int], send: Send
) -> None:
    hand = Hand()
    assert send(NOW + OLDEST + timedelta(seconds=1), couriers={Channel.EMAIL: hand}) == 3
    assert hand.given == []
    assert states(session) == ["DROPPED"] * 3


def test_nobody_is_asked_to_pay_what_is_paid(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    order = make_order(session, S.ACCEPTED, producer=household, email=BUYER)
    notes.remind(session, order, NOW + timedelta(hours=49))
    pay(session, order)
    send(NOW + timedelta(hours=49))
    subjects = by_mail.subjects(BUYER)
    assert "Pembayaran Anda sudah masuk" in subjects
    assert not [s for s in subjects if "menunggu pembayaran" in s]


def test_nobody_is_reminded_to_pay_who_says_to_have_paid(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    order = make_order(session, S.ACCEPTED, producer=household, email=BUYER)
    notes.remind(session, order, NOW + timedelta(hours=49))
    payment = session.scalars(select(Payment)).one()
    claims.claim(session, payment, NOW, reference="BCA", proof_key=None, by=By(Actor.BUYER))
    send(NOW + timedelta(hours=49))
    assert not [s for s in by_mail.subjects(BUYER) if "menunggu pembayaran" in s]


def test_no_producer_is_told_to_make_what_was_cancelled(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    order = make_order(session, S.ACCEPTED, producer=household)
    pay(session, order)
    lifecycle.act(session, order, Action.REVOKE, By(Actor.OPERATOR), NOW, reason="banjir")
    send()
    assert by_mail.subjects(STAFF) == [f"Pesanan {order.number} dibatalkan pengelola"]


@pytest.mark.parametrize("left", [True, False])
def test_who_has_left_the_producer_is_told_nothing(
    session: Session,
    by_mail: PostOffice,
    household: Producer,
    maker: User,
    send: Send,
    left: bool,
) -> None:
    make_order(session, producer=household)
    if left:
        # Somebody else owns it by now: a producer keeps an owner.
        other = make_user(session, Role.PRODUCER)
        session.add(ProducerStaff(user_id=other.id, producer_id=household.id))
        session.flush()
        session.query(ProducerStaff).filter_by(user_id=maker.id).delete()
    else:
        maker.disabled_at = NOW
    assert send() == 1
    assert by_mail.mails == []
    assert states(session) == ["DROPPED"]


def test_no_kind_is_dropped_as_long_as_it_is_true(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    """On the way of an order, each message that is sent at once arrives."""
    order = make_order(session, producer=household, email=BUYER)
    for step in (S.ACCEPTED, S.PREPARING, S.READY, S.SHIPPED, S.DISPUTED):
        send()
        session.refresh(order)
        ways = {S.ACCEPTED: "accept", S.PREPARING: "pay", S.READY: "finish"}
        if step in ways:
            _one_step(session, order, ways[step])
        elif step is S.SHIPPED:
            by = By(Actor.PRODUCER)
            lifecycle.ship(session, order, by, NOW, courier="JNE", tracking_number="JP1")
        else:
            lifecycle.act(session, order, Action.DISPUTE, By(Actor.BUYER), NOW, reason="rusak")
    send()
    assert set(states(session)) == {"SENT"}
    number = order.number
    assert by_mail.subjects(BUYER) == [
        f"Pesanan {number} sudah kami terima",
        f"Pesanan {number} diterima penjual",
        "Pembayaran Anda sudah masuk",
        f"Pesanan {number} dikirim",
    ]
    assert by_mail.subjects(STAFF) == [
        f"Pesanan baru {number}",
        f"Pesanan {number} sudah dibayar",
        f"Ada keluhan untuk pesanan {number}",
    ]


def _one_step(session: Session, order: object, step: str) -> None:
    from tests.factories import _take

    _take(session, order, step, NOW)  # type: ignore[arg-type]


def test_retry_and_drop(session: Session, three: list[int], send: Send) -> None:
    operator = make_user(session, Role.OPERATOR)
    session.query(Notice).update({"state": "FAILED", "tries": 7, "failure": "not now 450"})
    first, second, third = (session.get_one(Notice, id_) for id_ in three)
    for _ in range(2):
        services.retry(session, first, operator.id, NOW)
        services.drop(session, second, operator.id, NOW)
    with pytest.raises(Conflict):
        services.drop(session, first, operator.id, NOW)
    with pytest.raises(MoveRefused):
        services.retry(session, second, operator.id, NOW)
    with pytest.raises(Conflict, match="3 hari"):
        services.retry(session, third, operator.id, NOW + OLDEST + timedelta(seconds=1))
    assert (first.state, first.tries, first.due_at) == (N.PENDING, 0, NOW)
    assert (second.state, third.state) == (N.DROPPED, N.FAILED)
    assert send() == 1
    assert states(session) == ["SENT", "DROPPED", "FAILED"]
    with pytest.raises(MoveRefused):
        services.drop(session, session.get_one(Notice, three[0]), operator.id, NOW)


def test_the_table_knows_no_other_moves() -> None:
    for state in NoticeState:
        for action in NoticeAction:
            if (state, action) not in NOTICE_MOVES:
                with pytest.raises(MoveRefused):
                    notice_after(state, action)
    ends = {state for state in NoticeState if not any(s is state for s, _a in NOTICE_MOVES)}
    assert ends == {N.SENT, N.DROPPED}


def test_back_off_grows_and_ends_within_the_time_in_which_it_is_worth_telling() -> None:
    assert list(BACK_OFF) == sorted(set(BACK_OFF))
    assert sum(BACK_OFF, timedelta()) < OLDEST


def test_due_in_the_order_of_time(session: Session, three: list[int], send: Send) -> None:
    def set_due(notice_id: int, due_at: datetime) -> None:
        session.query(Notice).filter(Notice.id == notice_id).update({"due_at": due_at})

    set_due(three[0], NOW + timedelta(minutes=1))
    set_due(three[2], NOW - timedelta(minutes=1))
    hand = Hand()
    assert send(couriers={Channel.EMAIL: hand}) == 2
    assert [out.notice_id for out in hand.given] == [three[2], three[1]]
