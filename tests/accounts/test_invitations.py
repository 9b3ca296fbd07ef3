"""Invitations: by mail, and once only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from ovop_market.accounts import erasure, invitations, links
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import Role, User, UserSession
from ovop_market.accounts.personal import Whose
from ovop_market.core import clock
from ovop_market.core.errors import Conflict
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
    body = mail.get_body(("plain",)).get_content()
    assert "Ibu Contoh" in body and "Rumah Contoh" in body and "pengemas" in body
    token = re.findall(r"/invitations/([\w-]+)", body)[0]
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
    assert session.scalars(select(Notice)).all() == []
    send(clock.now())
    assert by_mail.mails == []


def test_a_later_invitation_with_the_id_of_one_thrown_away_is_mailed(
    session: Session, by_mail: PostOffice, send: Send
) -> None:
    """SQLite gives an id again; PostgreSQL is made to."""
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    first, _token = make_invitation(session, producer, owner, login=INVITED)
    id_ = first.id
    session.commit()
    send(clock.now())
    invitations.sweep(session, first.expires_at + links.KEPT)
    session.expire_all()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ALTER SEQUENCE account_invitation_id_seq RESTART WITH {id_}"))
    second, _token = make_invitation(session, producer, owner, login="lain@ovop.example")
    assert (second.id, second.mailed) == (id_, True)
    session.commit()
    send(clock.now())
    assert [mail["To"] for mail in by_mail.mails] == [INVITED, "lain@ovop.example"]


def test_who_is_erased_or_swept_away_is_not_mailed(session: Session, by_mail: PostOffice) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    make_invitation(session, producer, owner, login=INVITED)
    invitations.forget(session, make_user(session, login=INVITED))
    assert session.scalars(select(Notice)).all() == []
    old, _token = make_invitation(session, producer, owner, login=INVITED)
    invitations.sweep(session, old.expires_at + links.KEPT)
    assert session.scalars(select(Notice)).all() == []


def test_an_erased_account_leaves_no_login_of_before(session: Session) -> None:
    owner, guest = make_user(session, Role.PRODUCER), make_user(session, login=INVITED)
    asked, _token = make_invitation(
        session, make_producer(session, staff=owner), owner, login=INVITED
    )
    asked.accepted_by_id, asked.accepted_at = guest.id, clock.now()
    guest.email = "lain@ovop.example"
    session.flush()
    invitations.forget(session, guest)
    assert session.scalars(select(invitations.Invitation)).all() == []


def test_whom_an_erased_account_invited_comes_in_no_more(session: Session) -> None:
    owner = make_user(session, Role.PRODUCER)
    asked, _token = make_invitation(session, make_producer(session, staff=owner), owner)
    erasure.erase(session, Whose(owner.id), clock.now())
    session.expire_all()
    assert invitations.standing(asked, clock.now()) is invitations.Standing.WITHDRAWN


def office(session: Session, login: str) -> str:
    """The link of an invitation to be an operator."""
    by_id = make_user(session, Role.OPERATOR).id
    now = clock.now()
    _asked, token = invitations.invite(
        session, login=login, role=Role.OPERATOR, by_id=by_id, now=now
    )
    session.commit()
    return token


def test_another_role_ends_all_sessions(app: Flask, client: FlaskClient, session: Session) -> None:
    user = make_user(session, login=INVITED)
    token = office(session, INVITED)
    other = app.test_client()
    for each in (client, other):
        sign_in(each, user)
    answer = client.send(f"/invitations/{token}", f"/invitations/{token}/acceptance")
    assert answer.status_code == 303
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_a_link_that_was_handed_on_asks_whose_it_is(client: FlaskClient, session: Session) -> None:
    page = f"/invitations/{office(session, '081234567891')}"
    assert "7891" not in client.get(page).text and "•••• ••891" in client.get(page).text
    fields = {"name": "Pak Lain", "password": PASSWORD}
    for login in ("", "0812 3456 7890"):
        assert client.send(page, f"{page}/account", login=login, **fields).status_code == 422
    answer = client.send(page, f"{page}/account", login="0812 3456 7891", **fields)
    assert answer.status_code == 303


def test_who_becomes_an_operator_types_the_password_again(
    client: FlaskClient, session: Session
) -> None:
    user = make_user(session, login=INVITED)
    token = office(session, INVITED)
    sign_in(client, user)
    session.execute(update(UserSession).values(began_at=clock.now() - timedelta(hours=1)))
    session.commit()
    path = f"/invitations/{token}/acceptance"
    answer = client.send("/account", path)
    assert answer.headers["Location"].startswith("/account/confirmation?next=")
    assert session.get_one(User, user.id, populate_existing=True).role is Role.BUYER
    client.send(answer.headers["Location"], "/account/confirmation", current=PASSWORD)
    assert client.send("/account", path).status_code == 303
    assert session.get_one(User, user.id, populate_existing=True).role is Role.OPERATOR


def test_a_session_that_was_left_open_does_not_become_a_new_one_by_a_strangers_invitation(
    client: FlaskClient, session: Session, later: Callable[[timedelta], None]
) -> None:
    """Whoever sells here can invite any login: accepting begins a new session, which would count as
    a moment ago, and a second factor could be switched on without the password."""
    thief = make_user(session, Role.PRODUCER)
    user = make_user(session, login=INVITED)
    _asked, token = make_invitation(
        session,
        make_producer(session, staff=thief),
        thief,
        login=INVITED,
        now=clock.now() + timedelta(minutes=16),
    )
    sign_in(client, user)
    later(timedelta(minutes=16))
    answer = client.send("/account", f"/invitations/{token}/acceptance")
    assert answer.headers["Location"].startswith("/account/confirmation?next=")
    assert session.get_one(User, user.id, populate_existing=True).role is Role.BUYER
    page = "/account/second-factor"
    assert client.send(page, page).headers["Location"].startswith("/account/confirmation")


def test_a_shut_account_accepts_nothing(session: Session) -> None:
    """It is read again under a lock: it may have been shut since the page was asked for."""
    user = make_user(session, login=INVITED)
    found = invitations.by_token(session, office(session, INVITED))
    assert user.disabled_at is None
    session.execute(
        update(User).where(User.id == user.id).values(disabled_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    with pytest.raises(Conflict):
        invitations.accept(session, found, user, clock.now())


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
