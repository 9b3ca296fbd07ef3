"""E-mail, to a real SMTP server: what arrives, and what becomes of what does not."""

from __future__ import annotations

import smtplib
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.core.errors import ConfigurationError
from ovop_market.core.money import format_rupiah
from ovop_market.notices.channels import ChannelDown, Outgoing
from ovop_market.notices.channels.mail import Mailer, compose, server_of
from ovop_market.notices.models import Notice
from ovop_market.notices.states import BACK_OFF, Failure, NoticeAction, NoticeState
from ovop_market.notices.texts import Message
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor
from ovop_market.payments.models import Payment
from ovop_market.villages.models import Producer
from tests.factories import NOW, make_order, make_product
from tests.notices.conftest import BUYER, SITE, STAFF, Configure, Send
from tests.notices.post_office import PostOffice, plain, rich
from tests.process.server import HOST, free_port

MESSAGE = Message(
    subject="Pesanan “7K4M-2XQ9” dikirim",
    todo="Buka <halaman> Anda & lihat.",
    link=f"{SITE}/purchases/rahasia",
    path="/account/purchases",
    button="Buka pesanan",
    rows=[("Kurir", "JNE"), ("Nomor resi", "JP1")],
    notes=["Simpan."],
)


def outgoing(address: str = BUYER, **values: object) -> Outgoing:
    found: dict[str, object] = {
        "notice_id": 7,
        "name": "notice-7.abc",
        "message": MESSAGE,
        "language": "id",
        "at": NOW,
        "reader": "Sari",
        "address": address,
        **values,
    }
    return Outgoing(**found)  # type: ignore[arg-type]


def failures(session: Session) -> list[tuple[str, str | None, int]]:
    rows = session.execute(select(Notice.state, Notice.failure, Notice.tries).order_by(Notice.id))
    return [(str(row.state), row.failure, row.tries) for row in rows]


@pytest.mark.parametrize(("language", "prefix"), [("id", ""), ("en", "/en")])
def test_buyer_and_producer_get_what_is_theirs(
    session: Session,
    by_mail: PostOffice,
    household: Producer,
    send: Send,
    language: str,
    prefix: str,
) -> None:
    order = make_order(session, producer=household, email=BUYER)
    session.query(Notice).update({"language": language})
    token, number = order.purchase.token, order.number
    assert send() == 2
    assert send() == 0
    assert by_mail.connections == 1
    (to_buyer,), (to_staff,) = by_mail.to(BUYER), by_mail.to(STAFF)
    for mail in (to_buyer, to_staff):
        assert mail.get_content_type() == "multipart/alternative"
        assert mail["From"] == "OVOP Market <noreply@ovop.example>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"].datetime == NOW.replace(microsecond=0)
        assert str(mail["Message-ID"]).endswith("@ovop.example>")
        assert number in mail["Subject"]
        assert mail["Content-Language"] == language
    link = f"{SITE}{prefix}/purchases/{token}"
    assert link in plain(to_buyer) and f'href="{link}"' in rich(to_buyer)
    assert token not in plain(to_staff) + rich(to_staff)
    assert f"{SITE}{prefix}/inbox/{number}" in plain(to_staff)
    greeting = {"id": "Halo Sari Contoh,", "en": "Hello Sari Contoh,"}[language]
    assert plain(to_buyer).startswith(greeting)
    until = {"id": "25 November 2026, 10.05 WIB", "en": "25 November 2026, 10.05 WIB"}[language]
    assert until in plain(to_staff)
    assert by_mail.envelopes[0][0] == "noreply@ovop.example"
    assert failures(session) == [("SENT", None, 1)] * 2


def test_names_and_numbers_of_people_are_in_no_subject(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    make_order(session, producer=household, email=BUYER)
    send()
    for mail in by_mail.mails:
        assert "Sari" not in mail["Subject"] and "6281" not in mail["Subject"]
    assert "81234567890" not in "".join(map(str, by_mail.to(STAFF)))


def test_the_html_part_escapes_and_is_whole(app: Flask) -> None:
    mail = compose(app, "OVOP <a@ovop.example>", outgoing(reader="<b>Sari</b>"))
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "&lt;halaman&gt; Anda &amp; lihat." in html
    assert "&lt;b&gt;Sari&lt;/b&gt;" in html and "<b>Sari" not in html
    assert html.startswith("<!doctype html>")
    text = plain(mail)
    assert text == (
        "Halo <b>Sari</b>,\n\nBuka <halaman> Anda & lihat.\n\nKurir: JNE\nNomor resi: JP1\n\n"
        f"Simpan.\n\nBuka pesanan:\n{SITE}/purchases/rahasia\n\n-- \nOVOP Market, Bangka Barat\n"
    )


@pytest.mark.parametrize(
    "address",
    [
        "sari@pembeli.example\nBcc: semua@lain.example",
        "sari@pembeli.example\r\n\r\nisi lain",
        "sari@pembeli.example, lain@lain.example",
        "Sari <sari@pembeli.example>",
        "bukan alamat",
        "",
    ],
)
def test_no_address_adds_a_header_or_a_recipient(
    app: Flask, post_office: PostOffice, address: str
) -> None:
    with Mailer(app, post_office.url, "a@ovop.example") as mailer:
        outcome = mailer.send(outgoing(address))
    assert (outcome.action, outcome.failure) == (NoticeAction.GIVE_UP, Failure.ADDRESS)
    assert post_office.mails == []


@pytest.mark.parametrize("subject", ["satu\nBcc: semua@lain.example", "satu\r\n\r\ndua"])
def test_no_subject_adds_a_header(app: Flask, subject: str) -> None:
    message = Message(subject, "x", SITE, "/", "x")
    with pytest.raises(ValueError, match=r"CR and LF|linefeed"):
        compose(app, "a@ovop.example", outgoing(message=message))


def test_the_message_id_is_the_same_for_every_try(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    make_order(session, producer=household)
    by_mail.refuse_data = lambda: "451 later"
    assert send() == 1
    assert failures(session) == [("PENDING", "not now 451", 1)]
    names = set()
    for _ in range(2):
        by_mail.refuse_data = lambda: None
        session.query(Notice).update({"state": "PENDING", "due_at": NOW, "sent_at": None})
        assert send() == 1
        names.add(str(by_mail.mails[-1]["Message-ID"]))
    assert len(names) == 1


def test_an_address_that_is_refused_for_good_fails_at_once_and_alone(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    by_mail.refuse = lambda a: f"550 5.1.1 <{a}> unknown" if a == BUYER else None
    make_order(session, producer=household, email=BUYER)
    assert send() == 2
    assert len(by_mail.to(STAFF)) == 1
    assert sorted(failures(session)) == [("FAILED", "address 550", 1), ("SENT", None, 1)]
    assert BUYER not in str(failures(session))


def test_a_busy_server_is_asked_again_until_it_is_given_up(
    session: Session, by_mail: PostOffice, household: Producer, send: Send
) -> None:
    by_mail.refuse = lambda _address: "450 4.2.1 later"
    make_order(session, producer=household)
    now = NOW
    for tries, wait in enumerate(BACK_OFF):
        assert send(now) == 1
        assert failures(session) == [("PENDING", "not now 450", tries + 1)]
        assert send(now + wait - timedelta(seconds=1)) == 0
        now += wait
    assert send(now) == 1
    assert failures(session) == [("FAILED", "not now 450", len(BACK_OFF) + 1)]
    assert send(now + timedelta(days=1)) == 0


def test_a_server_out_of_reach_is_tried_once_for_all(
    session: Session, configure: Configure, household: Producer, send: Send
) -> None:
    configure(smtp_url=f"smtp://{HOST}:{free_port()}", vapid_key="")
    make_order(session, producer=household, email=BUYER)
    assert send() == 2
    assert failures(session) == [("PENDING", "unreachable", 1)] * 2
    with PostOffice() as office:
        configure(smtp_url=office.url)
        assert send(NOW + BACK_OFF[0]) == 2
        assert len(office.mails) == 2
    assert failures(session) == [("SENT", None, 2)] * 2


def test_a_lost_connection_costs_one_message_and_no_more(
    app: Flask, post_office: PostOffice
) -> None:
    with Mailer(app, post_office.url, "a@ovop.example") as mailer:
        assert mailer.send(outgoing()).action is NoticeAction.DELIVER
        assert mailer._connection is not None
        mailer._connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        assert mailer.send(outgoing()).action is NoticeAction.POSTPONE
        assert mailer.send(outgoing()).action is NoticeAction.DELIVER
    assert (len(post_office.mails), post_office.connections) == (2, 2)


def test_a_server_that_hangs_up_with_421_is_called_again(
    app: Flask, post_office: PostOffice
) -> None:
    post_office.refuse = lambda _address: "421 4.3.2 closing"
    with Mailer(app, post_office.url, "a@ovop.example") as mailer:
        outcome = mailer.send(outgoing())
        assert (outcome.action, outcome.code) == (NoticeAction.POSTPONE, 421)
        post_office.refuse = lambda _address: None
        assert mailer.send(outgoing()).action is NoticeAction.DELIVER


def test_user_and_password_are_decoded(app: Flask) -> None:
    with PostOffice(password=("kotak@ovop", "s/l@h: 100%")) as office:
        place = office.url.removeprefix("smtp://")
        url = f"smtp://kotak%40ovop:s%2Fl%40h%3A%20100%25@{place}"
        with Mailer(app, url, "a@ovop.example") as mailer:
            assert mailer.send(outgoing()).action is NoticeAction.DELIVER
        wrong = Mailer(app, f"smtp://kotak:salah@{place}", "a@ovop.example")
        with wrong as mailer, pytest.raises(ChannelDown) as down:
            mailer.send(outgoing())
        assert (down.value.failure, down.value.code) == (Failure.SIGN_IN, 535)
        assert len(office.mails) == 1


def test_a_password_is_not_sent_in_the_clear_to_another_machine(
    app: Flask, post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(smtplib.SMTP, "login", lambda *given, **_more: said.append(given))
    monkeypatch.setattr("ovop_market.notices.channels.mail._LOOPBACK", frozenset())
    url = post_office.url.replace("smtp://", "smtp://kotak:rahasia@")
    with Mailer(app, url, "a@ovop.example") as mailer, pytest.raises(ChannelDown):
        mailer.send(outgoing())
    assert said == []


def test_starttls_is_used_where_it_is_offered(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a certificate that nobody vouches for is not believed, except on this machine."""
    with PostOffice(tls=certificate(tmp_path)) as office:
        with Mailer(app, office.url, "a@ovop.example") as mailer:
            assert mailer.send(outgoing()).action is NoticeAction.DELIVER
        assert office.encrypted == [True]
        monkeypatch.setattr("ovop_market.notices.channels.mail._LOOPBACK", frozenset())
        with Mailer(app, office.url, "a@ovop.example") as mailer, pytest.raises(ChannelDown):
            mailer.send(outgoing())
        assert len(office.mails) == 1


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for this machine, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = NOW - timedelta(days=3650)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=7300))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "both.pem"
    path.write_bytes(secret + signed.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_urls() -> None:
    server = server_of("smtps://a%40b:c%3Ad@[::1]:2465")
    assert (server.host, server.port, server.encrypted) == ("::1", 2465, True)
    assert (server.user, server.password, server.near) == ("a@b", "c:d", True)
    assert server_of("smtp://surat.example").port == 25
    assert server_of("smtps://surat.example").port == 465
    for url in ("smtp://surat.example:port", "http://surat.example", "smtp://a:99999"):
        with pytest.raises(ConfigurationError):
            server_of(url)


def test_an_accepted_order_says_how_much_and_until_when(
    session: Session, by_mail: PostOffice, household: Producer, maker: User, send: Send
) -> None:
    product = make_product(session, household, capacity=9)
    order = make_order(session, product=product, email=BUYER)
    lifecycle.accept(session, order, By(Actor.PRODUCER, maker.id), NOW)
    amount = format_rupiah(session.scalars(select(Payment.amount)).one())
    send()
    mail = next(m for m in by_mail.to(BUYER) if "diterima penjual" in m["Subject"])
    assert "Bayar paling lambat 27 November 2026, 10.05 WIB." in plain(mail)
    assert f"Jumlah yang harus dibayar: {amount}\n" in plain(mail)
    assert [state for state, *_rest in failures(session)].count(NoticeState.SENT) == len(
        by_mail.mails
    )
