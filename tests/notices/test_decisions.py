"""Owners hear what an operator has decided of their producer, and of what it lists."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote_plus

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.bulk import registry
from ovop_market.catalogue.listings import reviews
from ovop_market.catalogue.listings.states import ListingAction, ListingState
from ovop_market.catalogue.models import Product, Review
from ovop_market.core.clock import wib_date
from ovop_market.notices import browsers, decisions
from ovop_market.notices.kinds import Kind
from ovop_market.notices.labels import SUBJECTS
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.states import NoticeState
from ovop_market.orders.services import membership
from ovop_market.villages import producer_services
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_states import ProducerAction, ProducerState
from tests.factories import NOW, make_packer, make_producer, make_product, make_user, sign_in
from tests.notices.browsers import ENDPOINT, make_keys, session_of
from tests.notices.conftest import STAFF, Configure, Send, outbox
from tests.notices.post_office import PostOffice

LATER = NOW + timedelta(minutes=1)
REASON = "Fotonya belum jelas."
A, L = ProducerAction, ListingAction


@pytest.fixture
def operator(session: Session) -> User:
    return make_user(session, Role.OPERATOR)


@pytest.fixture
def applicant(session: Session, maker: User) -> Producer:
    return make_producer(session, staff=maker, name="Rumah Mawar", state=ProducerState.APPLIED)


def decide(session: Session, producer: Producer, action: A, by: User, **values: object) -> None:
    at = values.pop("now", NOW)
    producer_services.move(
        session, producer, action, actor_id=by.id, now=at, reason=REASON, **values
    )


def submitted(session: Session, household: Producer, count: int = 1) -> list[Product]:
    return [
        make_product(session, household, listed=False, review=Review.SUBMITTED, review_since=NOW)
        for _n in range(count)
    ]


def told(office: PostOffice) -> list[tuple[str, str]]:
    """To whom, and about what."""
    return [(str(mail["To"]), str(mail["Subject"])) for mail in office.mails]


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def test_the_desk_has_a_word_for_every_kind() -> None:
    assert set(SUBJECTS) == set(Kind)


@pytest.mark.usefixtures("by_mail")
class TestProducers:
    @pytest.mark.parametrize(
        ("state", "action", "kind"),
        [
            (ProducerState.APPLIED, A.APPROVE, "approved"),
            (ProducerState.APPLIED, A.REFUSE, "refused"),
            (ProducerState.APPROVED, A.SUSPEND, "suspended"),
            (ProducerState.SUSPENDED, A.RESUME, "resumed"),
            (ProducerState.APPROVED, A.CLOSE, "closed"),
        ],
    )
    def test_its_owner_is_told(
        self,
        session: Session,
        maker: User,
        operator: User,
        state: ProducerState,
        action: A,
        kind: str,
    ) -> None:
        producer = make_producer(session, staff=maker, state=state, closed_from=wib_date(NOW))
        decide(session, producer, action, operator)
        assert outbox(session) == [(kind, "user")]

    def test_the_same_tap_tells_once(
        self, session: Session, applicant: Producer, operator: User
    ) -> None:
        for _tap in range(2):
            decide(session, applicant, A.APPROVE, operator)
        assert outbox(session) == [("approved", "user")]

    def test_who_did_it_is_not_told(
        self, session: Session, household: Producer, maker: User
    ) -> None:
        membership.close_for_good(session, household, actor_id=maker.id, now=NOW)
        assert outbox(session) == []

    def test_packers_and_others_are_not_told(
        self, session: Session, household: Producer, maker: User, operator: User
    ) -> None:
        make_packer(session, maker)
        make_producer(session, staff=make_user(session, Role.PRODUCER))
        decide(session, household, A.SUSPEND, operator)
        assert session.scalars(select(Notice.user_id)).all() == [maker.id]

    def test_asking_tells_nobody(
        self, session: Session, maker: User, applicant: Producer, operator: User
    ) -> None:
        decide(session, applicant, A.REFUSE, operator)
        session.query(Notice).delete()
        decide(session, applicant, A.APPLY, maker, now=LATER)
        assert outbox(session) == []

    def test_what_was_taken_back_before_it_was_sent_is_not_told(
        self,
        session: Session,
        applicant: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        decide(session, applicant, A.APPROVE, operator)
        decide(session, applicant, A.RECALL, operator, now=LATER)
        assert send(LATER) == 2
        assert told(by_mail) == []

    def test_what_was_told_and_taken_back_is_told(
        self,
        session: Session,
        applicant: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        decide(session, applicant, A.APPROVE, operator)
        send(NOW)
        decide(session, applicant, A.RECALL, operator, now=LATER)
        send(LATER)
        assert told(by_mail) == [
            (STAFF, "Pendaftaran Anda disetujui"),
            (STAFF, "Pendaftaran Anda dilihat lagi"),
        ]

    def test_the_reason_is_in_the_mail_and_in_no_log(
        self,
        session: Session,
        applicant: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        decide(session, applicant, A.REFUSE, operator)
        send(NOW)
        text = words(by_mail.mails[0])
        assert REASON in text and "/sell" in text
        # Without what the server of the test says of itself.
        ours = [each.getMessage() for each in caplog.records if each.name != "mail.log"]
        logged = "".join([*ours, *capsys.readouterr()])
        assert not any(private in logged for private in (REASON, STAFF, "Mawar"))


@pytest.mark.parametrize(("failure", "told_again"), [("address", True), ("not needed", False)])
def test_whoever_was_told_by_a_person_hears_that_it_is_over(
    session: Session,
    household: Producer,
    operator: User,
    send: Send,
    by_mail: PostOffice,
    failure: str,
    told_again: bool,
) -> None:
    decide(session, household, A.SUSPEND, operator)
    notice = session.scalars(select(Notice)).one()
    notice.state, notice.failure = NoticeState.DROPPED, failure
    session.flush()
    decide(session, household, A.RESUME, operator, now=LATER)
    send(LATER)
    assert [subject for _to, subject in told(by_mail)] == (
        ["Anda boleh berjualan lagi"] if told_again else []
    )


@pytest.mark.usefixtures("by_mail")
class TestListings:
    @pytest.mark.parametrize(
        ("action", "kind"), [(L.APPROVE, "listing_shown"), (L.RETURN, "listing_returned")]
    )
    def test_what_was_submitted(
        self,
        session: Session,
        household: Producer,
        operator: User,
        action: L,
        kind: str,
    ) -> None:
        (product,) = submitted(session, household)
        reviews.decide(session, product, action, actor_id=operator.id, now=NOW, reason=REASON)
        assert outbox(session) == [(kind, "user")]

    def test_of_who_may_not_sell_yet_nothing_is_seen(
        self,
        session: Session,
        applicant: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        (product,) = submitted(session, applicant)
        reviews.decide(session, product, L.APPROVE, actor_id=operator.id, now=NOW)
        send(NOW)
        assert told(by_mail) == [(STAFF, "Produk Anda sudah diperiksa")]
        assert "begitu Anda boleh berjualan" in words(by_mail.mails[0])

    def test_that_all_is_well_is_no_news(
        self, session: Session, household: Producer, operator: User
    ) -> None:
        product = make_product(session, household)
        reviews.decide(session, product, L.APPROVE, actor_id=operator.id, now=NOW)
        assert outbox(session) == []

    def test_hidden(
        self,
        session: Session,
        household: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        product = make_product(session, household, name="Pempek lenjer")
        reviews.decide(session, product, L.HIDE, actor_id=operator.id, now=NOW, reason=REASON)
        send(NOW)
        text = words(by_mail.mails[0])
        assert "Pempek lenjer" in text and REASON in text
        assert f"/shop/products/{product.slug}" in text

    def test_many_at_once_are_one_message_for_each_producer(
        self,
        session: Session,
        household: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        login = "lain@ovop.example"
        other = make_producer(session, staff=make_user(session, Role.PRODUCER, login=login))
        mine = submitted(session, household, 12)
        bulk(session, [*mine, *submitted(session, other)], operator)
        send(NOW)
        assert sorted(told(by_mail)) == sorted(
            [(STAFF, "Produk Anda sudah tampil"), (login, "Produk Anda sudah tampil")]
        )
        (text,) = [words(mail) for mail in by_mail.mails if mail["To"] == STAFF]
        assert mine[0].name in text and "dan 2 lagi" in text

    def test_of_those_at_once_what_has_moved_on_is_left_out(
        self,
        session: Session,
        household: Producer,
        operator: User,
        maker: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        first, second = submitted(session, household, 2)
        bulk(session, [first, second], operator)
        reviews.lock(session, first)
        reviews.act(session, first, L.WITHDRAW, actor_id=maker.id, now=LATER)
        send(LATER)
        text = words(by_mail.mails[0])
        assert second.name in text and first.name not in text

    def test_undone_at_once(
        self,
        session: Session,
        household: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        products = submitted(session, household, 2)
        before = bulk(session, products, operator)
        undo(session, products, before, operator)
        send(LATER)
        assert told(by_mail) == []
        assert {n.state for n in session.scalars(select(Notice))} == {NoticeState.DROPPED}

    def test_undone_after_it_was_told(
        self,
        session: Session,
        household: Producer,
        operator: User,
        send: Send,
        by_mail: PostOffice,
    ) -> None:
        products = submitted(session, household, 2)
        before = bulk(session, products, operator)
        send(NOW)
        undo(session, products, before, operator)
        send(LATER)
        assert told(by_mail) == [
            (STAFF, "Produk Anda sudah tampil"),
            (STAFF, "Produk Anda diperiksa lagi"),
        ]


def bulk(
    session: Session, products: Sequence[Product], operator: User
) -> dict[int, dict[str, object]]:
    """Approves them as the desk does; returns what is needed to undo it."""
    action, found = registry.ACTIONS["listings-approve"], {}
    for product in products:
        reviews.look(session, product)
        by = registry.By(operator.id, NOW, mark=reviews.mark(product))
        found[product.id] = action.do(session, product.id, by)
    return found


def undo(
    session: Session,
    products: Sequence[Product],
    before: dict[int, dict[str, object]],
    operator: User,
) -> None:
    action = registry.ACTIONS["listings-approve"]
    assert action.undo is not None
    for product in products:
        action.undo(session, product.id, before[product.id], registry.By(operator.id, LATER))
    assert all(reviews.state_of(p) is ListingState.SUBMITTED for p in products)


class TestOnlyAPhone:
    """An applicant without an e-mail address: its phone is told, or a person tells it."""

    @pytest.fixture
    def applicant(self, session: Session) -> Producer:
        person = make_user(session, Role.PRODUCER, login="081211110000")
        session.commit()
        return make_producer(
            session, staff=person, name="Rumah Melati", state=ProducerState.APPLIED
        )

    def test_by_push(
        self, session: Session, applicant: Producer, operator: User, configure: Configure
    ) -> None:
        configure(smtp_url="", vapid_key="x")
        assert not decisions.is_told(session, applicant.id)
        _key, point, secret = make_keys()
        person = session.scalars(select(User).where(User.phone == "+6281211110000")).one()
        browsers.subscribe(
            session,
            person,
            session_id=session_of(session, person),
            endpoint=f"{ENDPOINT}1",
            p256dh=point,
            auth=secret,
            language="id",
            now=NOW,
        )
        decide(session, applicant, A.APPROVE, operator)
        assert outbox(session) == [("approved", "browser")]
        assert decisions.is_told(session, applicant.id)
        assert session.scalars(select(PushSubscription)).one().user_id == person.id

    @pytest.mark.usefixtures("by_mail")
    def test_the_desk_says_who_must_be_told_by_whatsapp(
        self, session: Session, applicant: Producer, operator: User, client: FlaskClient
    ) -> None:
        session.commit()
        sign_in(client, operator)
        address = f"/desk/producers/{applicant.slug}"
        assert "beri tahu lewat WhatsApp" in client.get(address).get_data(as_text=True)
        decide(session, applicant, A.REFUSE, operator)
        session.commit()
        page = client.get(f"/en{address}").get_data(as_text=True)
        assert REASON in unquote_plus(page.split("wa.me/")[1].split('"')[0])

    @pytest.mark.usefixtures("by_mail")
    def test_who_has_an_address_is_told_by_mail(
        self, session: Session, household: Producer, operator: User, client: FlaskClient
    ) -> None:
        sign_in(client, operator)
        page = client.get(f"/desk/producers/{household.slug}").get_data(as_text=True)
        assert "beri tahu lewat WhatsApp" not in page
        assert "Penjual diberi tahu lewat email atau HP" in page


def test_nothing_is_owed_where_nothing_is_configured(
    session: Session, household: Producer, operator: User, configure: Configure
) -> None:
    configure(smtp_url="", vapid_key="")
    decide(session, household, A.SUSPEND, operator)
    assert outbox(session) == []
