"""Invitations: by mail, and once only."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import invitations, links
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Role, User
from ovop_market.core import clock
from ovop_market.notices.models import Notice
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.staff_models import StaffInvitation
from tests.factories import PASSWORD, make_invitation, make_producer, make_user, sign_in
from tests.notices.conftest import *  # noqa: F403 - the post office and its fixtures
from tests.notices.conftest import Send
from tests.notices.post_office import PostOffice
from tests.villages.test_staff import at_once

INVITED = "bantu@ovop.example"


def test_a_link_goes_by_mail_and_is_shown_to_nobody(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send
) -> None:
    owner = make_user(session, Role.PRODUCER, name="Ibu Contoh")
    producer = make_producer(session, staff=owner, name="Rumah Contoh")
    sign_in(client, owner)
    answer = client.send(
        "/shop/staff",
        f"/shop/producers/{producer.slug}/invitations",
        login=INVITED,
        role="packer",
    )
    body = answer.get_data(as_text=True)
    assert "dikirim lewat email" in body and "handed-link" not in body
    client.send("/account", "/sign-out")
    send(clock.now())
    (mail,) = [each for each in by_mail.mails if INVITED in each["To"]]
    assert mail["Subject"] == "Anda diundang ke OVOP Market"
    text = mail.get_body(("plain",)).get_content()
    assert "Ibu Contoh" in text and "Rumah Contoh" in text and "pengemas" in text
    token = re.findall(r"/invitations/([\w-]+)", text)[0]
    # The outbox holds it sealed.
    notice = session.scalars(select(Notice).where(Notice.kind == "invited")).one()
    assert token not in str(notice.details)
    client.send(
        f"/invitations/{token}",
        f"/invitations/{token}/account",
        name="Pak Bantu",
        password=PASSWORD,
    )
    made = session.scalars(select(User).where(User.email == INVITED)).one()
    # Who has the link reads that mail.
    assert made.verified_at is not None
    assert session.get(ProducerStaff, (made.id, producer.id)) is not None


def test_what_was_withdrawn_is_not_mailed(
    session: Session, by_mail: PostOffice, send: Send
) -> None:
    owner = make_user(session, Role.PRODUCER)
    invitation, _token = make_invitation(
        session, make_producer(session, staff=owner), owner, login=INVITED
    )
    invitations.withdraw(session, invitation, by_id=owner.id, now=clock.now())
    send(clock.now())
    assert by_mail.mails == []


def test_one_invitation_used_twice_at_once(app: Flask, session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    invitation, _token = make_invitation(session, producer, owner, login=INVITED)
    helper_id, invitation_id = make_user(session, login=INVITED).id, invitation.id
    producer_id = producer.id
    session.commit()

    def accepting(own: Session) -> None:
        asked, user = own.get_one(Invitation, invitation_id), own.get_one(User, helper_id)
        invitations.accept(own, asked, user, clock.now())

    assert at_once(app, accepting, accepting) == ["Conflict", "done"]
    assert session.get(ProducerStaff, (helper_id, producer_id)) is not None


def test_accepted_and_withdrawn_at_once(app: Flask, session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    invitation, _token = make_invitation(session, producer, owner, login=INVITED)
    helper_id, invitation_id = make_user(session, login=INVITED).id, invitation.id
    owner_id, producer_id = owner.id, producer.id
    session.commit()

    def accepting(own: Session) -> None:
        asked, user = own.get_one(Invitation, invitation_id), own.get_one(User, helper_id)
        invitations.accept(own, asked, user, clock.now())

    def withdrawing(own: Session) -> None:
        asked = own.get_one(Invitation, invitation_id)
        invitations.withdraw(own, asked, by_id=owner_id, now=clock.now())

    assert at_once(app, accepting, withdrawing) == ["Conflict", "done"]
    ended = session.get_one(Invitation, invitation_id)
    inside = session.get(ProducerStaff, (helper_id, producer_id)) is not None
    assert inside is (ended.accepted_at is not None) is (ended.withdrawn_at is None)


def test_old_invitations_are_thrown_away_with_the_logins(session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    old, _token = make_invitation(session, producer, owner, login=INVITED)
    links.sweep(session, old.expires_at + links.KEPT)
    session.expire_all()
    # The link may go first.
    assert old.link is None
    assert invitations.standing(old, old.expires_at) is invitations.Standing.EXPIRED
    assert invitations.sweep(session, old.expires_at) == 0
    assert invitations.sweep(session, old.expires_at + links.KEPT) == 1
    assert session.scalars(select(Invitation)).all() == []
    assert session.scalars(select(StaffInvitation)).all() == []


def test_who_is_erased_is_invited_no_more(session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    make_invitation(session, producer, owner, login=INVITED)
    make_invitation(session, producer, owner)
    invitations.forget(session, make_user(session, login=INVITED))
    (left,) = session.scalars(select(Invitation)).all()
    assert left.email != INVITED
