"""Permits: said by their producer, shown while they are valid, reminded of before they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market import jobs
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.catalogue.models import Category
from ovop_market.catalogue.permits import needed_permits, needs
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.notices import queries as notices
from ovop_market.notices.models import Notice
from ovop_market.notices.states import Failure
from ovop_market.notices.texts import Links, message
from ovop_market.villages import permit_queries
from ovop_market.villages.models import Permit, PermitKind, Producer
from ovop_market.villages.permit_rules import looks_usual, reminder
from tests.counting import counted
from tests.factories import (
    make_producer,
    make_product,
    make_user,
    make_village,
    sign_in,
)
from tests.pages import value_of

PAGE = "/shop/permits"
HTMX = {"HX-Request": "true"}
NOON = datetime(2026, 11, 24, 5, 0, tzinfo=clock.now().tzinfo)


@pytest.fixture
def producer(session: Session, client: FlaskClient) -> Producer:
    """A household whose staff is signed in."""
    staff = make_user(session, Role.PRODUCER, login="p@ovop.example")
    found = make_producer(session, staff=staff, slug="rumah-mawar")
    session.commit()
    sign_in(client, staff)
    return found


def send(client: FlaskClient, kind: str, action: str = "", **fields: Any) -> TestResponse:
    slug, headers = fields.pop("slug", "rumah-mawar"), fields.pop("headers", {})
    fields.setdefault("csrf_token", client.csrf(PAGE))
    url = f"/shop/producers/{slug}/permits/{kind}{action}"
    return client.post(url, data=fields, headers=headers)


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def seen_of(client: FlaskClient, kind: str) -> str:
    return value_of(text(client.get(PAGE)).split(f'data-permit="{kind}"')[1], "seen")


def permits(session: Session, producer: Producer) -> dict[PermitKind, Permit]:
    session.expire_all()
    return {permit.kind: permit for permit in producer.permits}


def in_days(days: int) -> date:
    return clock.wib_date(clock.now()) + timedelta(days=days)


@pytest.mark.parametrize(
    ("kind", "number", "usual"),
    [
        (PermitKind.NIB, "1234567890123", True),
        (PermitKind.NIB, "1234 5678 90123", True),
        (PermitKind.NIB, "123456789012", False),
        (PermitKind.PIRT, "P-IRT No. 2.15.1905.01.0012-29", True),
        (PermitKind.PIRT, "P-IRT No. 2151905010012", False),
        (PermitKind.PIRT, "215190501001229", True),
        (PermitKind.HALAL, "ID00410000128660720", True),
        (PermitKind.HALAL, "00410000128660720", False),
        (PermitKind.NIB, "١٢٣٤٥٦٧٨٩٠١٢٣", False),
    ],
)
def test_what_numbers_look_like(kind: PermitKind, number: str, usual: bool) -> None:
    assert looks_usual(kind, number) is usual


@pytest.mark.parametrize(
    ("days", "due"),
    [(61, None), (60, 60), (15, 60), (14, 14), (1, 14), (0, 14), (-1, 0), (-400, 0)],
)
def test_when_one_is_reminded(days: int, due: int | None) -> None:
    today = date(2026, 11, 24)
    assert reminder(today + timedelta(days=days), today) == due


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_saying_a_permit(
    client: FlaskClient, session: Session, producer: Producer, headers: dict[str, str]
) -> None:
    ends = in_days(400)
    fields = {
        "number": "215190501001229",
        "expires_on": ends.isoformat(),
        "seen": seen_of(client, "pirt"),
        "producer_id": "99",
        "headers": headers,
    }
    answer = send(client, "pirt", **fields)
    if headers:
        assert text(answer).lstrip().startswith('<section class="panel stack" id="permits-rumah')
    else:
        assert (answer.status_code, answer.location) == (303, f"{PAGE}#permits-rumah-mawar")
    # Sent twice, with what was seen before: it is the same.
    assert send(client, "pirt", **fields).status_code == (200 if headers else 303)
    permit = permits(session, producer)[PermitKind.PIRT]
    assert (permit.number, permit.expires_on) == ("215190501001229", ends)
    recorded = session.scalars(
        select(AuditEvent.details).where(AuditEvent.action == "permit changed")
    ).all()
    assert recorded == [
        {
            "kind": "pirt",
            "number": [None, "215190501001229"],
            "expires_on": [None, ends.isoformat()],
        }
    ]


def test_an_unusual_number_is_kept_and_asked_about(
    client: FlaskClient, session: Session, producer: Producer
) -> None:
    assert send(client, "nib", number="NIB lama 12").status_code == 303
    assert "lain dari biasanya" in text(client.get(PAGE))
    send(client, "nib", number="1234567890123")
    assert "lain dari biasanya" not in text(client.get(PAGE))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"number": ""}, "Isi bagian ini"),
        ({"number": "x" * 61}, "huruf"),
        ({"number": "1", "expires_on": "besok"}, "Tulis tanggal"),
        ({"number": "1", "expires_on": "9999-12-31"}, "terlalu jauh"),
        ({"number": "1", "expires_on": "0001-01-01"}, "terlalu jauh"),
    ],
)
def test_what_cannot_be(
    client: FlaskClient, session: Session, producer: Producer, fields: dict[str, str], said: str
) -> None:
    answer = send(client, "halal", **fields)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not permits(session, producer)


def test_two_people_at_once(client: FlaskClient, session: Session, producer: Producer) -> None:
    seen = seen_of(client, "nib")
    send(client, "nib", number="1111111111111")
    late = send(client, "nib", number="2222222222222", seen=seen)
    assert late.status_code == 409
    body = text(late)
    assert 'value="2222222222222"' in body
    assert body.count("1111111111111") >= 2
    assert send(client, "nib", "/removal", seen=seen).status_code == 409
    assert permits(session, producer)[PermitKind.NIB].number == "1111111111111"


def test_removing(client: FlaskClient, session: Session, producer: Producer) -> None:
    send(client, "nib", number="1111111111111")
    for _twice in range(2):
        assert send(client, "nib", "/removal").status_code == 303
    assert not permits(session, producer)
    removed = session.scalars(
        select(AuditEvent.details).where(AuditEvent.action == "permit removed")
    ).all()
    assert [(d or {})["number"] for d in removed] == [["1111111111111", None]]


def test_other_peoples_permits_are_not_there(
    client: FlaskClient, session: Session, producer: Producer
) -> None:
    other = make_producer(session, group=None)
    session.commit()
    for action in ("", "/removal"):
        assert send(client, "nib", action, slug=other.slug, number="1").status_code == 404
        assert send(client, "sni", action, number="1").status_code == 404


def test_the_product_page_shows_valid_permits_alone(
    client: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, ready=1)
    session.commit()
    send(client, "nib", number="1111111111111")
    send(client, "pirt", number="222222222222222", expires_on=in_days(0).isoformat())
    send(client, "halal", number="ID33333333333333333", expires_on=in_days(-1).isoformat())
    page = text(client.get(f"/products/{product.slug}"))
    assert "1111111111111" in page
    assert "222222222222222" in page
    assert "ID33333333333333333" not in page


@pytest.fixture
def mailed(app: Flask) -> Any:
    """E-mail is configured."""
    kept = app.config["OVOP"]
    app.config["OVOP"] = replace(kept, smtp_url="smtp://127.0.0.1:1", vapid_key="")
    yield app
    app.config["OVOP"] = kept


def look(app: Flask) -> None:
    db.session.commit()  # the test's own transaction
    job = next(job for job in jobs.JOBS if job.name == "permits")
    assert not jobs.run(app, job).failed


def told(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(select(Notice.kind).order_by(Notice.id)))


def test_reminders_come_once_each(
    mailed: Flask,
    session: Session,
    producer: Producer,
    clock_at: Callable[[datetime], None],
) -> None:
    today = clock.wib_date(NOON)
    permit = Permit(
        producer_id=producer.id,
        kind=PermitKind.PIRT,
        number="1",
        expires_on=today + timedelta(days=61),
    )
    session.add(permit)
    session.commit()
    expected: list[str] = []
    for days, new in (
        (0, []),
        (1, ["permit_ending"]),
        (2, []),
        # The worker was off for the day itself.
        (49, ["permit_ending"]),
        (61, []),
        (62, ["permit_ended"]),
        (300, []),
    ):
        clock_at(NOON + timedelta(days=days))
        expected += new
        for _twice in range(2):
            look(mailed)
        assert told(session) == expected, days
    assert len(set(session.scalars(select(Notice.key)))) == 3


def test_nobody_is_woken(
    mailed: Flask, session: Session, producer: Producer, clock_at: Callable[[datetime], None]
) -> None:
    session.add(
        Permit(
            producer_id=producer.id,
            kind=PermitKind.PIRT,
            number="1",
            expires_on=clock.wib_date(NOON),
        )
    )
    session.commit()
    for hours, count in ((-5, 0), (9, 0), (20, 1)):
        clock_at(NOON + timedelta(hours=hours))
        look(mailed)
        assert len(told(session)) == count


def test_a_renewed_permit_has_new_reminders(
    mailed: Flask, client: FlaskClient, session: Session, producer: Producer
) -> None:
    # What is over when it is entered is not told: whoever entered it knows.
    send(client, "pirt", number="1", expires_on=in_days(40).isoformat())
    permit = permits(session, producer)[PermitKind.PIRT]
    assert permit.reminded == 60
    permit.reminded = 0
    session.commit()
    send(client, "pirt", number="1", expires_on=in_days(1800).isoformat())
    assert permits(session, producer)[PermitKind.PIRT].reminded is None
    send(client, "pirt", number="2", expires_on=in_days(1800).isoformat())
    assert permits(session, producer)[PermitKind.PIRT].reminded is None
    send(client, "pirt", number="2")
    assert permits(session, producer)[PermitKind.PIRT].reminded is None


def test_the_words_and_when_they_are_worth_nothing(
    mailed: Flask,
    session: Session,
    producer: Producer,
    clock_at: Callable[[datetime], None],
) -> None:
    clock_at(NOON)
    permit = Permit(
        producer_id=producer.id,
        kind=PermitKind.HALAL,
        number="ID1",
        expires_on=clock.wib_date(NOON) + timedelta(days=14),
    )
    session.add(permit)
    session.commit()
    look(mailed)
    notice = session.scalars(select(Notice)).one()
    story = notices.story_of(session, notice)
    said = message(story, Links(mailed, "https://contoh.example", "id"))
    assert said.subject == "Sertifikat halal segera berakhir"
    assert ("Berlaku sampai", "8 Desember 2026") in said.rows
    assert said.link == "https://contoh.example/shop/permits"
    assert notices.useless(session, notice, story, NOON) is None
    permit.expires_on = date(2031, 1, 1)
    session.commit()
    assert notices.useless(session, notice, story, NOON) is Failure.NOT_NEEDED


def test_the_operator_sees_what_ends(client: FlaskClient, session: Session) -> None:
    for days, number in ((-10, "1"), (30, "2"), (61, "3")):
        owner = make_producer(session, name=f"Rumah {days}")
        session.add(
            Permit(
                producer_id=owner.id, kind=PermitKind.PIRT, number=number, expires_on=in_days(days)
            )
        )
    operator: User = make_user(session, Role.OPERATOR)
    session.commit()
    sign_in(client, operator)
    panel = text(client.get("/desk")).split('id="permits"')[1].split("</section>")[0]
    assert panel.index("Rumah -10") < panel.index("Rumah 30")
    assert "Rumah 61" not in panel


@pytest.mark.parametrize(
    ("categories", "needed"),
    [
        (set(), set()),
        ({Category.CRAFT}, {PermitKind.NIB}),
        ({Category.CARE}, {PermitKind.NIB}),
        ({Category.CRAFT, Category.CARE}, {PermitKind.NIB}),
        ({Category.CRAFT, Category.TEA}, set(PermitKind)),
        *(({each}, set(PermitKind)) for each in Category if each not in ("craft", "care")),
    ],
)
def test_what_is_needed(categories: set[Category], needed: set[PermitKind]) -> None:
    assert needed_permits(categories) == needed


def test_crafts_are_asked_for_what_crafts_need(session: Session) -> None:
    village = make_village(session)
    weaver, cook, mixed, _new, former = (
        make_producer(session, village, slug=slug, name=slug)
        for slug in ("anyam", "dapur", "serba", "baru", "dulu")
    )
    make_product(session, weaver, category=Category.CRAFT)
    # What is not listed is not sold.
    make_product(session, weaver, category=Category.SNACK, listed=False)
    make_product(session, former, category=Category.SNACK, listed=False)
    make_product(session, cook, category=Category.SEAFOOD)
    for category in (Category.CRAFT, Category.SNACK):
        make_product(session, mixed, category=category)
    assert needs(session) == {
        weaver.id: {PermitKind.NIB},
        cook.id: set(PermitKind),
        mixed.id: set(PermitKind),
    }

    def lacking() -> dict[str, set[PermitKind]]:
        session.expire_all()
        found = permit_queries.lacking(session, village.id, in_days(0))
        return {each.producer: set(each.kinds) for each in found}

    everything = {"dapur": set(PermitKind), "serba": set(PermitKind)}
    assert lacking() == {"anyam": {PermitKind.NIB}, **everything}
    # What it does not need may end.
    for kind, days in ((PermitKind.NIB, 0), (PermitKind.PIRT, -1)):
        session.add(Permit(producer_id=weaver.id, kind=kind, number="1", expires_on=in_days(days)))
    session.flush()
    assert lacking() == everything
    weaver.permits[0].expires_on = in_days(-1)
    session.flush()
    assert lacking() == {"anyam": {PermitKind.NIB}, **everything}
    with counted() as statements:
        permit_queries.lacking(session, village.id, in_days(0))
    assert len(statements) == 3


WORDS = ("Belum ada", "Tidak perlu", "Boleh diisi", "Berlaku<")


def test_what_the_pages_ask_for(
    app: Flask, client: FlaskClient, session: Session, producer: Producer
) -> None:
    office = app.test_client()
    sign_in(office, make_user(session, Role.OFFICIAL))
    session.commit()

    def said() -> list[str]:
        rows = text(client.get(PAGE)).split("data-permit=")[1:]
        heads = [row.split("<details")[0] for row in rows]
        return [word for head in heads for word in WORDS if word in head]

    def told(words: str) -> int:
        page = text(office.get(f"/mentoring/producers/{producer.slug}"))
        return page.split('id="permits"')[1].split("</section>")[0].count(f"{words}</span>")

    assert said() == ["Boleh diisi"] * 3
    assert told("belum ada produk") == 3
    make_product(session, producer, category=Category.CRAFT)
    session.commit()
    assert said() == ["Belum ada", "Tidak perlu", "Tidak perlu"]
    assert (told("belum ada"), told("tidak perlu")) == (1, 2)
    # It may be said all the same.
    assert send(client, "halal", number="ID33333333333333333").status_code == 303
    assert said() == ["Belum ada", "Tidak perlu", "Berlaku<"]
    make_product(session, producer, category=Category.TEA)
    session.commit()
    assert said() == ["Belum ada", "Belum ada", "Berlaku<"]
    assert told("belum ada") == 2
