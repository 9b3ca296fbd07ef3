"""Which event makes which notice for whom, in the transaction of the event."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Product
from ovop_market.notices import browsers, queries
from ovop_market.notices.kinds import Kind
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.services import Owed, owe
from ovop_market.notices.states import Channel, NoticeState
from ovop_market.notices.texts import buyer
from ovop_market.orders.models import Order, PaymentMethod
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, Payout, PayoutAccount, PayoutBatch, Refund
from ovop_market.payments.services import claims, corrections, payouts, receiving, refunds
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.signals import payouts_sent
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import StaffRole
from tests.counting import counted
from tests.factories import (
    NOW,
    advance,
    make_order,
    make_packer,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
)
from tests.notices.browsers import ENDPOINT, make_keys, session_of
from tests.notices.conftest import BUYER, Configure, outbox
from tests.notices.post_office import PostOffice
from tests.payments.earned import name_account, received

S = OrderState
LATER = NOW + timedelta(minutes=5)


def bought(session: Session, household: Producer, state: OrderState, **values: object) -> Order:
    """An order in a state, of a buyer with an e-mail address, with an empty outbox."""
    order = make_order(session, S.PLACED, producer=household, **values)
    order.purchase.email = BUYER
    advance(session, order, state)
    session.query(Notice).delete()
    return order


def still_told(session: Session, now: datetime) -> list[tuple[str, datetime]]:
    """What in the outbox would be sent now, and when it happened."""
    session.flush()
    session.expire_all()
    notices = session.scalars(select(Notice).order_by(Notice.id)).all()
    stories = [(notice, queries.story_of(session, notice)) for notice in notices]
    return [
        (notice.kind, notice.made_at)
        for notice, story in stories
        if queries.useless(session, notice, story, now) is None
    ]


@pytest.mark.usefixtures("by_mail")
class TestMoves:
    """By e-mail: the buyer has an address, and so has the producer's staff."""

    @pytest.mark.parametrize(
        ("state", "action", "actor", "told"),
        [
            (S.PLACED, Action.ACCEPT, Actor.PRODUCER, [("accepted", "buyer")]),
            (S.PLACED, Action.DECLINE, Actor.PRODUCER, [("declined", "buyer")]),
            (S.PLACED, Action.CANCEL, Actor.BUYER, [("cancelled", "user")]),
            (S.PLACED, Action.LAPSE, Actor.CLOCK, [("expired", "buyer")]),
            (S.COUNTERED, Action.AGREE, Actor.BUYER, [("agreed", "user")]),
            (S.SHIPPED, Action.DISPUTE, Actor.BUYER, [("complaint", "user")]),
            (
                S.ACCEPTED,
                Action.REVOKE,
                Actor.OPERATOR,
                [("revoked", "buyer"), ("called_off", "user")],
            ),
        ],
    )
    def test_who_is_told(
        self,
        session: Session,
        household: Producer,
        state: OrderState,
        action: Action,
        actor: Actor,
        told: list[tuple[str, str]],
    ) -> None:
        order = bought(session, household, state)
        lifecycle.act(session, order, action, By(actor), NOW, reason="alasan")
        assert sorted(outbox(session)) == sorted(told)

    def test_the_way_to_the_buyer(self, session: Session, household: Producer) -> None:
        order = bought(session, household, S.READY)
        by = By(Actor.PRODUCER)
        lifecycle.ship(session, order, by, NOW, courier="JNE", tracking_number="JP1")
        assert outbox(session) == [("shipped", "buyer")]
        lifecycle.receive(session, order, By(Actor.BUYER), NOW)
        assert outbox(session) == [("shipped", "buyer")]

    @pytest.mark.parametrize("state", [S.ACCEPTED, S.PREPARING, S.READY])
    def test_a_buyer_who_does_not_come_is_told(
        self, session: Session, household: Producer, state: OrderState
    ) -> None:
        order = bought(session, household, state, method=PaymentMethod.COD)
        lifecycle.act(session, order, Action.GIVE_UP, By(Actor.PRODUCER), NOW, reason="alasan")
        assert outbox(session) == [("given_up", "buyer")]

    @pytest.mark.parametrize("for_buyer", [True, False])
    def test_a_dispute_is_settled(
        self, session: Session, household: Producer, for_buyer: bool
    ) -> None:
        order = bought(session, household, S.DISPUTED)
        by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
        lifecycle.settle(session, order, by, NOW, for_buyer=for_buyer, reason="foto")
        told = {("settled", "buyer"), ("decided", "user")}
        assert set(outbox(session)) == told | ({("refund_due", "buyer")} if for_buyer else set())

    def test_an_order_is_told_to_buyer_and_producer(
        self, session: Session, household: Producer
    ) -> None:
        product = make_product(session, household, capacity=100)
        make_purchase(session, [(product, 2)], email=BUYER)
        assert sorted(outbox(session)) == [("new_order", "user"), ("placed", "buyer")]

    def test_a_purchase_of_two_orders_is_told_to_the_buyer_once(
        self, session: Session, household: Producer
    ) -> None:
        other = make_producer(session, staff=make_user(session, Role.PRODUCER))
        wanted = [(make_product(session, shop, capacity=9), 1) for shop in (household, other)]
        make_purchase(session, wanted, email=BUYER)
        assert sorted(outbox(session)) == [
            ("new_order", "user"),
            ("new_order", "user"),
            ("placed", "buyer"),
        ]

    def test_a_buyer_without_an_address_has_the_link_only(
        self, session: Session, household: Producer
    ) -> None:
        make_order(session, S.ACCEPTED, producer=household)
        assert outbox(session) == [("new_order", "user")]

    def test_other_producers_and_disabled_accounts_hear_nothing(
        self, session: Session, household: Producer, maker: User
    ) -> None:
        make_producer(session, staff=make_user(session, Role.PRODUCER))
        maker.disabled_at = NOW
        make_order(session, producer=household)
        assert outbox(session) == []

    def test_only_what_is_fetched_is_ready_for_the_buyer(
        self, session: Session, household: Producer
    ) -> None:
        sent = bought(session, household, S.PREPARING)
        lifecycle.act(session, sent, Action.FINISH, By(Actor.PRODUCER), NOW)
        assert outbox(session) == []
        product = make_product(session, household, capacity=9)
        fetched = bought(
            session, household, S.PREPARING, product=product, way="pickup", region="19.05.01.2006"
        )
        lifecycle.act(session, fetched, Action.FINISH, By(Actor.PRODUCER), NOW)
        assert outbox(session) == [("ready", "buyer")]

    def test_money_that_comes(self, session: Session, household: Producer) -> None:
        order = bought(session, household, S.ACCEPTED)
        pay(session, order)
        assert sorted(outbox(session)) == [("paid", "buyer"), ("start", "user")]

    def test_too_little_and_too_late(self, session: Session, household: Producer) -> None:
        order = bought(session, household, S.ACCEPTED)
        payment = session.scalars(select(Payment)).one()
        by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
        receiving.receive(session, [Receipt(payment.id, 10_000)], by, NOW)
        assert outbox(session) == [("part_paid", "buyer")]
        pay(session, order)
        session.query(Notice).delete()
        receiving.receive(session, [Receipt(payment.id, 5_000)], by, NOW)
        assert sorted(outbox(session)) == [("late_paid", "buyer"), ("refund_due", "buyer")]

    def test_a_claim_that_is_rejected_and_a_confirmation_taken_back(
        self, session: Session, household: Producer
    ) -> None:
        bought(session, household, S.ACCEPTED)
        payment = session.scalars(select(Payment)).one()
        operator = make_user(session, Role.OPERATOR)
        by = By(Actor.OPERATOR, operator.id)
        claims.claim(session, payment, NOW, reference="BCA", proof_key=None, by=By(Actor.BUYER))
        assert outbox(session) == []
        claims.reject(session, payment, operator.id, NOW, reason="tidak ada")
        assert outbox(session) == [("not_found", "buyer")]
        receiving.confirm(session, payment, by, NOW)
        session.query(Notice).delete()
        corrections.take_back(session, payment, by, NOW, reason="salah baris")
        assert sorted(outbox(session)) == [("stop", "user"), ("taken_back", "buyer")]

    def test_money_that_goes_back(self, session: Session, household: Producer) -> None:
        order = bought(session, household, S.PREPARING)
        lifecycle.act(session, order, Action.REVOKE, By(Actor.OPERATOR), NOW, reason="banjir")
        assert sorted(outbox(session)) == [
            ("called_off", "user"),
            ("refund_due", "buyer"),
            ("revoked", "buyer"),
        ]
        session.query(Notice).delete()
        refund = session.scalars(select(Refund)).one()
        operator = make_user(session, Role.OPERATOR)
        refunds.send(session, refund, operator.id, NOW, reference="TRX 1")
        refunds.send(session, refund, operator.id, NOW, reference="TRX 1")
        assert outbox(session) == [("refund_sent", "buyer")]

    def test_what_was_not_sent_after_all(self, session: Session, household: Producer) -> None:
        """It is told of when it is really sent, with that sending's reference, once."""
        order = bought(session, household, S.PREPARING)
        lifecycle.act(session, order, Action.REVOKE, By(Actor.OPERATOR), NOW, reason="banjir")
        session.query(Notice).delete()
        refund = session.scalars(select(Refund)).one()
        operator = make_user(session, Role.OPERATOR)
        refunds.send(session, refund, operator.id, NOW, reference="TRX 1")
        refunds.recall(session, refund, By(Actor.OPERATOR, operator.id), NOW)
        assert still_told(session, NOW) == []
        later = NOW + timedelta(hours=1)
        refunds.send(session, refund, operator.id, later, reference="TRX 2")
        assert still_told(session, later) == [("refund_sent", later)]

    def test_a_payout_that_was_not_sent_after_all(
        self, session: Session, household: Producer
    ) -> None:
        operator = make_user(session, Role.OPERATOR)
        by = By(Actor.OPERATOR, operator.id)
        name_account(session, household)
        received(session, household)
        batch, sent_at = payouts.make_batch(session, by, NOW), NOW
        session.query(Notice).delete()
        payouts.mark_sent(session, batch, by, sent_at, reference="B 1")
        payouts.recall(session, batch, by, sent_at)
        assert still_told(session, sent_at) == []
        later = sent_at + timedelta(hours=1)
        payouts.mark_sent(session, batch, by, later, reference="B 2")
        assert still_told(session, later) == [("payout", later)]

    @pytest.mark.parametrize(
        ("booked", "again", "kept"),
        [(50_000, False, True), (None, False, True), (None, True, False), (200_000, False, True)],
    )
    def test_what_was_taken_back_is_told_unless_it_has_come_since(
        self,
        session: Session,
        household: Producer,
        booked: int | None,
        again: bool,
        kept: bool,
    ) -> None:
        bought(session, household, S.ACCEPTED)
        payment = session.scalars(select(Payment)).one()
        operator = make_user(session, Role.OPERATOR)
        by = By(Actor.OPERATOR, operator.id)
        receiving.confirm(session, payment, by, NOW, amount=booked)
        session.query(Notice).delete()
        corrections.take_back(session, payment, by, NOW, reason="uang orang lain")
        if again:
            receiving.confirm(session, payment, By(Actor.OPERATOR, operator.id, "again"), NOW)
        assert (("taken_back", NOW) in still_told(session, NOW)) is kept

    @pytest.mark.parametrize(
        ("state", "after", "told"),
        [
            (S.PLACED, timedelta(hours=13), ("unanswered", "user")),
            (S.COUNTERED, timedelta(hours=13), ("offer_reminder", "buyer")),
            (S.ACCEPTED, timedelta(hours=49), ("pay_reminder", "buyer")),
            (S.SHIPPED, timedelta(days=6), ("arrived", "buyer")),
        ],
    )
    def test_reminders(
        self,
        session: Session,
        household: Producer,
        state: OrderState,
        after: timedelta,
        told: tuple[str, str],
    ) -> None:
        order = bought(session, household, state)
        assert notes.remind(session, order, NOW + after) is not None
        assert outbox(session) == [told]

    def test_payouts(self, session: Session, household: Producer, maker: User) -> None:
        batch = PayoutBatch(state="MADE", made_at=NOW, made_by_id=maker.id)
        batch.payouts.append(
            Payout(producer=household, amount=90_000, bank="BRI", number="123", holder="Mawar")
        )
        session.add(batch)
        session.flush()
        payouts_sent.send(batch, session=session, at=NOW)
        payouts_sent.send(batch, session=session, at=NOW)
        assert outbox(session) == [("payout", "user")]

    def test_another_bank_account_is_told_to_every_owner(
        self, session: Session, household: Producer, maker: User
    ) -> None:
        """Whoever named it too: it may not have been they. Packers hear nothing of money."""
        second = make_packer(session, maker)
        session.get_one(ProducerStaff, (second.id, household.id)).role = StaffRole.OWNER
        make_packer(session, maker)
        for _ in range(2):
            payouts.name_account(
                session,
                household,
                bank="Bank Contoh",
                number="123456",
                holder="Mawar",
                actor_id=maker.id,
                now=NOW,
            )
        told = session.scalars(select(Notice).where(Notice.kind == "payout_account")).all()
        assert {notice.user_id for notice in told} == {maker.id, second.id}
        assert len(told) == 2 and "123456" not in str([notice.details for notice in told])
        assert len(still_told(session, NOW)) == 2
        session.get_one(PayoutAccount, household.id).changed_at = LATER
        assert still_told(session, LATER) == [], "of what it became since, another one tells"

    def test_what_is_undone_was_never_owed(self, session: Session, household: Producer) -> None:
        order = bought(session, household, S.PLACED)
        session.commit()
        lifecycle.accept(session, order, By(Actor.PRODUCER), NOW)
        assert outbox(session) == [("accepted", "buyer")]
        session.rollback()
        assert outbox(session) == []

    def test_a_repeated_tap_tells_nothing_again(
        self, session: Session, household: Producer
    ) -> None:
        order = bought(session, household, S.PLACED)
        for _ in range(2):
            by = By(Actor.PRODUCER, idempotency_key="satu ketukan")
            lifecycle.accept(session, order, by, NOW)
        assert outbox(session) == [("accepted", "buyer")]


def test_nothing_is_owed_where_nothing_is_configured(
    session: Session, configure: Configure, household: Producer
) -> None:
    configure(smtp_url="", vapid_key="")
    order = make_order(session, producer=household)
    order.purchase.email = BUYER
    with counted() as statements:
        lifecycle.accept(session, order, By(Actor.PRODUCER), NOW)
    assert not [s for s in statements if "notice" in s or "push_subscription" in s]
    pay(session, order)
    assert outbox(session) == []


def test_each_browser_of_the_staff_and_of_a_signed_in_buyer(
    session: Session, configure: Configure, household: Producer, maker: User
) -> None:
    configure(smtp_url="")
    buyer = make_user(session)
    for user, name in ((maker, "a"), (maker, "b"), (buyer, "c")):
        point, secret = make_keys()[1:]
        browsers.subscribe(
            session,
            user,
            session_id=session_of(session, user),
            endpoint=ENDPOINT + name,
            p256dh=point,
            auth=secret,
            language="en",
            now=NOW,
        )
    make_purchase(session, [(make_product(session, household, capacity=9), 1)], buyer=buyer)
    notices = session.scalars(select(Notice).order_by(Notice.id)).all()
    assert sorted((n.kind, n.user_id) for n in notices) == sorted(
        [("new_order", maker.id), ("new_order", maker.id), ("placed", buyer.id)]
    )
    assert {(n.channel, n.language, n.state) for n in notices} == {
        (Channel.PUSH, "en", NoticeState.PENDING)
    }
    asked = session.scalars(select(PushSubscription.id)).all()
    assert {n.recipient for n in notices} == {f"browser {id_}" for id_ in asked}


def test_many_payments_cost_as_many_statements_as_few(
    session: Session, by_mail: PostOffice, household: Producer
) -> None:
    product_id = make_product(session, household, capacity=900).id
    by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)

    def receive(count: int) -> list[str]:
        product = session.get_one(Product, product_id)
        for _ in range(count):
            make_order(session, S.ACCEPTED, product=product, quantity=1, email=BUYER)
        awaited = session.scalars(select(Payment).where(Payment.confirmed_by_id.is_(None))).all()
        receipts = [Receipt(payment.id, payment.amount) for payment in awaited]
        session.query(Notice).delete()
        session.commit()
        session.expunge_all()
        with counted() as statements:
            receiving.receive(session, receipts, by, NOW)
        return [s for s in statements if not s.startswith("UPDATE")]

    few = receive(2)
    assert sorted(outbox(session)) == sorted([("paid", "buyer"), ("start", "user")] * 2)
    many = receive(60)
    assert len(outbox(session)) == 120
    ours = [s for s in many if "INTO notice" in s or "producer_staff" in s]
    assert len(ours) == len([s for s in few if "INTO notice" in s or "producer_staff" in s]) == 3
    # What the notices need is loaded with the payments: nothing is loaded one by one.
    selects = [s for s in many if s.startswith("SELECT")]
    assert len(selects) <= len([s for s in few if s.startswith("SELECT")])


def test_owing_ten_thousand_takes_few_statements(
    session: Session, by_mail: PostOffice, household: Producer
) -> None:
    order = make_order(session, producer=household, email=BUYER)
    session.query(Notice).delete()
    owed = [
        Owed(
            kind=kind,
            thing=f"order event {number}",
            at=NOW,
            purchase=order.purchase,
            order=order,
            producer_id=household.id,
        )
        for number in range(5_000)
        for kind in (Kind.ACCEPTED, Kind.START)
    ]
    with counted() as statements:
        owe(session, owed, {Channel.EMAIL, Channel.PUSH})
        owe(session, owed, {Channel.EMAIL, Channel.PUSH})
    assert len(statements) <= 6
    assert session.query(Notice).count() == 10_000


def test_cash_orders_start_at_once(
    session: Session, by_mail: PostOffice, household: Producer
) -> None:
    product = make_product(session, household, ready=9)
    make_purchase(session, [(product, 1)], method=PaymentMethod.COD, email=BUYER)
    assert sorted(outbox(session)) == [("new_order", "user"), ("placed", "buyer")]


@pytest.mark.usefixtures("by_mail")
def test_paid_is_not_told_once_it_is_taken_back(session: Session, household: Producer) -> None:
    by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    bought(session, household, OrderState.ACCEPTED)
    payment = session.scalars(select(Payment)).one()
    receiving.confirm(session, payment, by, NOW)
    corrections.take_back(session, payment, by, LATER, reason="uang orang lain")
    assert "paid" not in [kind for kind, _ in still_told(session, LATER)], still_told(
        session, LATER
    )


@pytest.mark.usefixtures("by_mail")
def test_a_booking_that_was_made_twice(session: Session, household: Producer) -> None:
    """The second booking is taken back: the buyer's payment has come all the same."""

    by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    bought(session, household, OrderState.ACCEPTED)
    payment = session.scalars(select(Payment)).one()
    receiving.confirm(session, payment, By(by.actor, by.user_id, "1"), NOW, amount=payment.amount)
    receiving.confirm(session, payment, By(by.actor, by.user_id, "2"), NOW, amount=payment.amount)
    corrections.take_back(session, payment, by, LATER, reason="dua kali dicatat")
    assert payment.state == "CONFIRMED"
    told = still_told(session, LATER)
    assert "taken_back" not in [k for k, _ in told] and "late_paid" not in [k for k, _ in told], (
        told
    )


@pytest.mark.usefixtures("by_mail")
def test_no_money_is_given_back_to_who_has_not_paid(session: Session) -> None:

    by = By(Actor.OPERATOR, make_user(session, Role.OPERATOR).id)
    producer = make_producer(session, cash_on_delivery=True)
    order = make_order(session, OrderState.PLACED, producer=producer, method=PaymentMethod.COD)
    order.purchase.email = BUYER
    lifecycle.accept(session, order, By(Actor.PRODUCER), NOW)
    lifecycle.act(session, order, Action.FINISH, By(Actor.PRODUCER), NOW)
    lifecycle.ship(session, order, By(Actor.PRODUCER), NOW, courier="JNE", tracking_number="1")
    lifecycle.act(session, order, Action.DISPUTE, By(Actor.BUYER), NOW, reason="rusak")
    lifecycle.settle(session, order, by, LATER, for_buyer=True, reason="rusak")  # has not paid
    assert order.paid == 0
    session.flush()
    notice = session.scalars(select(Notice).where(Notice.kind == "settled")).one()
    said = buyer.TEXTS["settled"](queries.story_of(session, notice))
    assert "dikembalikan" not in str(said.todo), said.todo
