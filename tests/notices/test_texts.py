"""What is said: in both languages, with the right link, and no more than the reader may know."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.listings import reviews
from ovop_market.catalogue.listings.states import ListingAction
from ovop_market.catalogue.models import Product, Review
from ovop_market.core.clock import wib_date
from ovop_market.notices import permits, queries
from ovop_market.notices.channels import Outgoing
from ovop_market.notices.channels.push import payload
from ovop_market.notices.kinds import TO_OWNER, TO_STAFF, Kind
from ovop_market.notices.models import Notice
from ovop_market.notices.texts import Links, Message, message
from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services import coordinating, lifecycle, notes, shares
from ovop_market.orders.services.allocating import shares_of
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payment, Payout, PayoutBatch, Refund
from ovop_market.payments.services import claims, corrections, payouts, receiving, refunds
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.signals import payouts_sent
from ovop_market.payments.states import RefundKind
from ovop_market.villages import producer_services
from ovop_market.villages.models import Permit, PermitKind, Producer
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from ovop_market.web.language import speaking
from tests.factories import (
    BELO_LAUT,
    NOW,
    advance,
    make_group,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
)
from tests.notices.conftest import BUYER, SITE
from tests.notices.post_office import PostOffice

S = OrderState
PHONE, STREET, NAME = "81234567890", "Jalan Contoh 2", "Sari Contoh"
REASON = "udangnya habis"


def everything(session: Session, household: Producer, maker: User) -> None:
    """Makes every notice that there is, by what makes it."""
    operator = make_user(session, Role.OPERATOR)
    by = By(Actor.OPERATOR, operator.id)
    buyer, producer, clock = By(Actor.BUYER), By(Actor.PRODUCER), By(Actor.CLOCK)
    product = make_product(session, household, capacity=900)

    def order(state: OrderState, **values: object) -> Order:
        made = make_order(session, S.PLACED, product=product, email=BUYER, **values)
        advance(session, made, state)
        return made

    def payment_of(found: Order) -> Payment:
        return session.scalars(
            select(Payment).where(Payment.purchase_id == found.purchase_id)
        ).one()

    for state, after in (
        (S.PLACED, timedelta(hours=13)),
        (S.COUNTERED, timedelta(hours=13)),
        (S.ACCEPTED, timedelta(hours=49)),
        (S.SHIPPED, timedelta(days=6)),
    ):
        assert notes.remind(session, order(state), NOW + after)
    lifecycle.agree(session, order(S.COUNTERED), buyer, NOW)
    lifecycle.act(session, order(S.PLACED), Action.DECLINE, producer, NOW, reason=REASON)
    kept = order(S.READY, method=PaymentMethod.COD)
    lifecycle.act(session, kept, Action.GIVE_UP, producer, NOW, reason=REASON)
    lifecycle.act(session, order(S.PLACED), Action.CANCEL, buyer, NOW, reason=REASON)
    lifecycle.act(session, order(S.PLACED), Action.LAPSE, clock, NOW)
    order(S.READY, way="pickup", region=BELO_LAUT)
    for side in (True, False):
        disputed = order(S.DISPUTED)
        lifecycle.settle(session, disputed, by, NOW, for_buyer=side, reason=REASON)
    order(S.DISPUTED)
    notes.track(session, order(S.SHIPPED), producer, NOW, courier="JNE", tracking_number="JP999")
    lifecycle.act(session, order(S.PREPARING), Action.REVOKE, by, NOW, reason=REASON)
    for refund in session.scalars(select(Refund)).all():
        refunds.send(session, refund, operator.id, NOW, reference="TRX 1")
    lifecycle.act(session, order(S.PREPARING), Action.REVOKE, by, NOW, reason=REASON)
    part = refunds.owe_part(
        session, order(S.SHIPPED), RefundKind.GOODS, 1_000, by, NOW, reason="kurang"
    )
    corrections.withdraw_refund(session, part, by, NOW, reason=REASON)
    short = order(S.ACCEPTED)
    receiving.receive(session, [Receipt(payment_of(short).id, 7_000)], by, NOW)
    pay(session, short)
    receiving.receive(session, [Receipt(payment_of(short).id, 5_000)], by, NOW)
    lost = payment_of(order(S.ACCEPTED))
    claims.claim(session, lost, NOW, reference="BCA", proof_key=None, by=buyer)
    claims.reject(session, lost, operator.id, NOW, reason=REASON)
    mistaken = payment_of(order(S.ACCEPTED))
    receiving.confirm(session, mistaken, by, NOW)
    corrections.take_back(session, mistaken, by, NOW, reason=REASON)
    batch = PayoutBatch(state="MADE", made_at=NOW, made_by_id=operator.id)
    payout = Payout(
        producer=household, amount=90_000, bank="BRI", number="0123456789", holder="Mawar"
    )
    batch.payouts.append(payout)
    session.add(batch)
    session.flush()
    payouts_sent.send(batch, session=session, at=NOW)
    payouts.name_account(
        session,
        household,
        bank="BRI",
        number="0011223344",
        holder=NAME,
        actor_id=maker.id,
        now=NOW,
    )
    for kind, days in ((PermitKind.PIRT, 14), (PermitKind.HALAL, -1)):
        ends = wib_date(NOW) + timedelta(days=days)
        permit = Permit(producer_id=household.id, kind=kind, number="ID1", expires_on=ends)
        session.add(permit)
        session.flush()
        assert permits.remind(session, permit.id, NOW)


def everything_decided(session: Session, maker: User) -> None:
    """What operators decide of producers, and of what they list."""
    operator = make_user(session, Role.OPERATOR)

    def decide(state: ProducerState, *actions: ProducerAction) -> None:
        producer = make_producer(session, staff=maker, state=state, closed_from=wib_date(NOW))
        for action in actions:
            producer_services.move(
                session, producer, action, actor_id=operator.id, now=NOW, reason=REASON
            )

    decide(ProducerState.APPLIED, ProducerAction.APPROVE, ProducerAction.RECALL)
    decide(ProducerState.APPLIED, ProducerAction.REFUSE)
    decide(ProducerState.APPROVED, ProducerAction.SUSPEND, ProducerAction.RESUME)
    decide(ProducerState.APPROVED, ProducerAction.CLOSE)
    shop = make_producer(session, staff=maker)
    for number, action in enumerate(
        (
            ListingAction.APPROVE,
            ListingAction.RECALL,
            ListingAction.RETURN,
            ListingAction.HIDE,
            ListingAction.UNHIDE,
        )
    ):
        shown = action in (ListingAction.RECALL, ListingAction.HIDE)
        hidden = action is ListingAction.UNHIDE
        review = None if shown else Review.HIDDEN if hidden else Review.SUBMITTED
        since = NOW if review is Review.SUBMITTED else None
        product = make_product(session, shop, listed=shown, review=review, review_since=since)
        at = NOW + timedelta(seconds=number)
        reviews.decide(session, product, action, actor_id=operator.id, now=at, reason=REASON)


def everything_of_groups(session: Session, coordinator: User) -> None:
    """What is told about shares: to households, and to their coordinator."""
    operator = make_user(session, Role.OPERATOR)
    by, own = By(Actor.OPERATOR, operator.id), By(Actor.PRODUCER, coordinator.id)
    product, people = make_group(session, (400, 400), staff=coordinator)
    tight, others = make_group(session, (60, 60), staff=coordinator)

    def order(of: Product, packs: int) -> Order:
        return make_purchase(session, [(of, packs)], email=BUYER).orders[0]

    def tap(person: User | None) -> By:
        assert person is not None
        return By(Actor.PRODUCER, person.id)

    covered = order(product, 20)
    for share, person in zip(list(shares_of(covered)), people, strict=True):
        shares.take(session, share, tap(person), NOW)
    pay(session, covered)
    payment = session.scalars(
        select(Payment).where(Payment.purchase_id == covered.purchase_id)
    ).one()
    corrections.take_back(session, payment, by, NOW, reason=REASON)
    accepted = order(product, 20)
    lifecycle.accept(session, accepted, own, NOW)
    buyer = By(Actor.BUYER)
    lifecycle.act(session, accepted, Action.CANCEL, buyer, NOW, reason=REASON)
    decided = order(product, 20)
    first = next(iter(shares_of(decided)))
    packs = {(first.line_id, first.offer_id): 4}
    coordinating.share_out(session, decided, own, NOW, packs=packs, reason=REASON)
    lifecycle.accept(session, decided, own, NOW)
    coordinating.share_out(
        session, decided, own, NOW, packs={(first.line_id, first.offer_id): 2}, reason=REASON
    )
    late = order(tight, 60)
    shares.decline(session, next(iter(shares_of(late))), tap(others[0]), NOW)
    uncovered = order(tight, 200)
    shares.decline(session, next(iter(shares_of(uncovered))), tap(others[0]), NOW)


@pytest.fixture
def told(
    app: Flask, session: Session, by_mail: PostOffice, household: Producer, maker: User
) -> dict[str, list[tuple[Notice, Message]]]:
    """By language: every notice with its message."""
    everything(session, household, maker)
    everything_of_groups(session, maker)
    everything_decided(session, maker)
    ids = session.scalars(select(Notice.id)).all()
    found: dict[str, list[tuple[Notice, Message]]] = {}
    for code in ("id", "en"):
        links = Links(app, SITE, code)
        with speaking(code):
            found[code] = [
                (notice, message(queries.story_of(session, notice), links))
                for notice in queries.notices_of(session, ids)
            ]
    return found


Told = dict[str, list[tuple[Notice, Message]]]


def words_of(said: Message) -> list[str]:
    rows = [text for row in said.rows for text in row]
    return [said.subject, said.todo, said.button, *rows, *said.notes]


def shown_on_a_phone(said: Message) -> str:
    outgoing = Outgoing(1, "notice-1.x", said, "id", NOW)
    return payload(outgoing)


def check_every_kind(told: Told) -> None:
    # What owners of accounts are told: tests/notices/test_account_mail.py; whoever is invited:
    # tests/accounts/test_invitations.py.
    others = TO_OWNER | {Kind.INVITED}
    assert {notice.kind for notice, _said in told["id"]} == set(Kind) - others


def test_texts(told: Told, session: Session) -> None:
    """All kinds at once: making them takes longer than looking at them."""
    check_every_kind(told)
    tokens = set(session.scalars(select(Purchase.token)))
    for code, prefix in (("id", ""), ("en", "/en")):
        for notice, said in told[code]:
            text = "\n".join(words_of(said))
            assert all(words_of(said)), notice.kind
            assert "%(" not in text and "None" not in text, notice.kind
            assert said.link.startswith(f"{SITE}{prefix}/"), said.link
            assert said.path.startswith(f"{prefix}/"), said.path
            check_secrets(notice, said, text, tokens)
            check_phone(said, tokens)
    check_languages(told)


def check_secrets(notice: Notice, said: Message, text: str, tokens: set[str]) -> None:
    """The secret is in the buyer's link and nowhere else; the buyer's address is nowhere."""
    to_staff = notice.kind in TO_STAFF
    if to_staff:
        assert not any(token in said.link for token in tokens)
        assert ("/inbox/" if notice.order_id else page_of(Kind(notice.kind))) in said.link
        assert NAME not in text
    else:
        assert said.link.endswith(f"/purchases/{notice.purchase.token}")  # type: ignore[union-attr]
    assert not any(token in text for token in tokens)
    assert PHONE not in text and STREET not in text


def page_of(kind: Kind) -> str:
    if kind in (Kind.REFUSED, Kind.APPROVAL_RECALLED):
        return "/sell"
    if kind in (Kind.SUSPENDED, Kind.RESUMED, Kind.CLOSED):
        return "/shop/offers"
    if kind is Kind.APPROVED or kind.startswith("listing"):
        return "/shop/products"
    return "/shop/permits" if "permit" in kind else "/shop/statement"


def check_phone(said: Message, tokens: set[str]) -> None:
    """A locked screen shows the number and what to do; neither secrets nor people nor money."""
    shown = shown_on_a_phone(said)
    assert json.loads(shown)["title"] == said.subject
    assert not any(token in shown for token in tokens)
    for private in (PHONE, STREET, NAME, BUYER, REASON):
        assert private not in shown
    assert not re.search(r"Rp\d", shown)


def check_languages(told: Told) -> None:
    """English is English: no text but names, numbers and what people wrote is the same in both."""
    for (notice, said), (_same, english) in zip(told["id"], told["en"], strict=True):
        assert said.subject != english.subject, notice.kind
        assert said.todo != english.todo, notice.kind
        assert said.button != english.button, notice.kind
        for (label, _value), (english_label, _other) in zip(said.rows, english.rows, strict=True):
            known = label == english_label and (label.startswith("Pempek") or "-" in label)
            assert known or label != english_label, label


def test_amounts_and_reasons_are_in_the_rows(told: Told) -> None:
    rows = {notice.kind: dict(said.rows) for notice, said in told["id"]}
    assert rows["declined"]["Alasannya"] == REASON
    assert rows["part_paid"]["Uang yang masuk"] == "Rp7.000"
    assert rows["late_paid"]["Uang yang masuk"] == "Rp5.000"
    assert rows["shipped"]["Nomor resi"] in ("JP123", "JP999")
    assert rows["tracked"]["Nomor resi"] == "JP999"
    assert rows["payout"]["Ke rekening"] == "BRI …6789"
    assert rows["payout_account"]["Rekening baru"] == "BRI …3344"
    assert rows["refund_sent"]["Keterangan transfer"] == "TRX 1"
    assert re.fullmatch(r"Rp[\d.]+", rows["pay_reminder"]["Jumlah yang harus dibayar"])


def test_links_are_made_without_a_request(app: Flask) -> None:
    assert Links(app, "", "id").to("inbox.inbox") == "http://127.0.0.1:8000/inbox"
    assert Links(app, SITE, "en").to("inbox.order", number="A-1") == f"{SITE}/en/inbox/A-1"
    below = Links(app, "https://name.example/pasar", "en")
    assert below.path("inbox.inbox") == "/pasar/en/inbox"
