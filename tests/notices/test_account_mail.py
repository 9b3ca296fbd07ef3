"""What the owner of an account is told of it, by mail: in the language of the page, with a link
whose secret is in the mail alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import links, login_changes, recovery, sealing, second_factor
from ovop_market.accounts.login_changes import Login
from ovop_market.accounts.models import Link, Purpose, Role, User
from ovop_market.accounts.signals import ADDRESS, Told, account_told
from ovop_market.core import clock
from ovop_market.notices import failures
from ovop_market.notices.kinds import ACCOUNT_KINDS, Kind
from ovop_market.notices.models import Notice
from ovop_market.notices.states import NoticeState
from tests.factories import PASSWORD, make_user, sign_in
from tests.notices.conftest import SITE, Configure, Send
from tests.notices.post_office import PostOffice, plain, rich

LOGIN = "sari@pembeli.example"
NEW = "perahu-hijau-di-teluk"


def link_in(mail: str) -> str:
    found = re.search(rf"{SITE}(/\S+)", mail)
    assert found
    return found.group(1)


def register(client: FlaskClient, prefix: str = "") -> None:
    fields = {"name": "Sari Melati", "login": LOGIN, "password": NEW}
    client.send(f"{prefix}/register", f"{prefix}/register", **fields)


@pytest.mark.parametrize(
    ("prefix", "subject"), [("", "Pastikan email Anda"), ("/en", "Confirm your e-mail")]
)
def test_registering_sends_a_link_that_works(
    client: FlaskClient,
    session: Session,
    by_mail: PostOffice,
    send: Send,
    prefix: str,
    subject: str,
) -> None:
    register(client, prefix)
    assert send(clock.now()) == 1
    (mail,) = by_mail.mails
    assert (mail["To"], mail["Subject"]) == (LOGIN, subject)
    link = link_in(plain(mail))
    assert link.startswith(f"{prefix}/verify/")
    assert f'href="{SITE}{link}"' in rich(mail)
    assert client.send(link, link).status_code == 303
    assert session.scalars(select(User)).one().verified_at is not None
    # To register once more is answered by another mail.
    register(client, prefix)
    assert send(clock.now()) == 1
    assert "/sign-in" in link_in(plain(by_mail.mails[1]))
    assert len(session.scalars(select(User)).all()) == 1


def test_a_forgotten_password(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send
) -> None:
    make_user(session, login=LOGIN)
    for login in (LOGIN, "tidak@ada.example"):
        client.send("/password/reset", "/password/reset", login=login)
    assert send(clock.now()) == 1
    link = link_in(plain(by_mail.mails[0]))
    client.send(link, link, password=NEW)
    assert send(clock.now()) == 1
    assert by_mail.mails[1]["Subject"] == "Kata sandi sudah diganti"


def test_a_link_that_is_over_is_not_sent(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send
) -> None:
    user = make_user(session, login=LOGIN)
    client.send("/password/reset", "/password/reset", login=LOGIN)
    recovery.ask_to_verify(session, user, clock.now())
    # Asked for twice: the first link is none any more.
    client.send("/password/reset", "/password/reset", login=LOGIN)
    send(clock.now() + timedelta(hours=2))
    states = dict.fromkeys(session.scalars(select(Notice.state)))
    assert list(states) == [NoticeState.DROPPED, NoticeState.SENT]
    assert [mail["Subject"] for mail in by_mail.mails] == ["Pastikan email Anda"]


def test_an_account_that_is_closed_is_told_nothing(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send
) -> None:
    user = make_user(session, login=LOGIN)
    client.send("/password/reset", "/password/reset", login=LOGIN)
    user.disabled_at = clock.now()
    send(clock.now())
    assert by_mail.mails == []


def test_all_texts(app: Flask, session: Session, by_mail: PostOffice, send: Send) -> None:
    user = make_user(session, login=LOGIN, name="Ibu Teratai")
    now = clock.now()
    recovery.ask_to_verify(session, user, now)
    recovery.tell_taken(session, user, now)
    operator = make_user(session, Role.OPERATOR)
    for what in (
        Told.PASSWORD_CHANGED,
        Told.SECOND_FACTOR_ON,
        Told.RECOVERY_CODE_USED,
        Told.PHONE_CHANGED,
        Told.LOGIN_WANTED,
    ):
        account_told.send(user, session=session, what=what, at=now, link="")
    second_factor.clear(session, user, operator.id, now)
    # Last: a link for a new password ends with the sessions.
    recovery.ask_to_reset(session, user, now)
    login_changes.ask(session, user, Login.EMAIL, "baru@pembeli.example", now)
    was = sealing.seal(ADDRESS, "dulu@pembeli.example")
    account_told.send(user, session=session, what=Told.EMAIL_GONE, at=now, link="", to=was)
    kinds = {Kind(kind) for kind in session.scalars(select(Notice.kind))}
    assert kinds == set(ACCOUNT_KINDS.values())
    kept = " ".join(str(vars(each)) for each in session.scalars(select(Notice)))
    send(now)
    assert len(by_mail.mails) == len(kinds)
    elsewhere = {mail["To"] for mail in by_mail.mails} - {LOGIN}
    assert elsewhere == {"baru@pembeli.example", "dulu@pembeli.example"}
    assert "pembeli.example" not in kept
    for mail in by_mail.mails:
        text = plain(mail)
        assert "Ibu Teratai" in text and "%(" not in text and "None" not in text
        secret = link_in(text).rpartition("/")[2]
        assert len(secret) < 32 or secret not in kept
        assert not any(link.digest in text for link in session.scalars(select(Link)))


def test_a_mail_that_failed_is_found_on_the_desk(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send
) -> None:
    by_mail.refuse = lambda _address: "550 no such user"
    register(client)
    send(clock.now())
    (row,), _total = failures.failed(session, clock.now())
    assert (row.who, row.order) == ("Sari Melati", "")


def test_a_new_address_by_mail(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send
) -> None:
    """The new one gets the link; the old one hears of it, without the new one's name, as long as it
    has not happened; then it hears that it has."""
    user = make_user(session, login=LOGIN)
    sign_in(client, user)
    fields = {"email": "baru@pembeli.example", "current": PASSWORD}
    client.send("/account/email", "/account/email", **fields)
    assert send(clock.now()) == 2
    new, old = by_mail.mails
    assert (new["To"], old["To"]) == ("baru@pembeli.example", LOGIN)
    assert "baru@" not in plain(old) + rich(old)
    assert link_in(plain(old)) == "/password/reset"
    link = link_in(plain(new))
    assert client.send(link, link).headers["Location"] == "/account"
    assert send(clock.now()) == 1
    gone = by_mail.mails[2]
    assert (gone["To"], gone["Subject"]) == (LOGIN, "Email ini tidak dipakai lagi")
    assert "baru@" not in plain(gone)


def test_what_is_over_is_not_told_of_a_new_address(
    client: FlaskClient, session: Session, by_mail: PostOffice, send: Send, configure: Configure
) -> None:
    user = make_user(session, login=LOGIN)
    login_changes.ask(session, user, Login.EMAIL, "baru@pembeli.example", clock.now())
    link = links.open_of(session, Purpose.EMAIL, user.id, clock.now())
    assert link is not None
    login_changes.confirm_email(session, link, clock.now())
    send(clock.now())
    assert [(mail["To"], mail["Subject"]) for mail in by_mail.mails] == [
        (LOGIN, "Email ini tidak dipakai lagi")
    ]
    # With another SECRET_KEY the address cannot be read: nobody else is told instead.
    user.phone = "+6281234567890"
    session.flush()
    login_changes.remove(session, user, Login.EMAIL, clock.now())
    session.commit()
    configure(secret_key="another " * 8)
    send(clock.now())
    assert len(by_mail.mails) == 1
    assert NoticeState.DROPPED in session.scalars(select(Notice.state)).all()
