"""Visits of the office: noted, shown to those who oversee the village, done, withdrawn."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from PIL import Image
from sqlalchemy import func, inspect, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from ovop_market import jobs
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, NotAllowed, Unusable
from ovop_market.extensions import db
from ovop_market.villages import visit_queries, visit_services
from ovop_market.villages.models import Producer
from ovop_market.villages.visit_models import Topic, Visit, VisitPhoto
from ovop_market.villages.visit_services import Said
from ovop_market.web import pictures
from tests.factories import NOW, make_producer, make_user, sign_in

TODAY = clock.wib_date(NOW)


def photo(colour: str = "red", **exif: str) -> io.BytesIO:
    file = io.BytesIO()
    image = Image.new("RGB", (40, 30), colour)
    data = image.getexif()
    data[0x010F] = "Kamera Contoh"
    image.save(file, "JPEG", exif=data)
    file.seek(0)
    return file


def noted(session: Session, producer: Producer, by: User, **values: object) -> Visit:
    said = {"day": TODAY, "topic": Topic.QUALITY, "advice": "Timbang garamnya.", **values}
    key = str(said.pop("key", f"k{said['day']}{said['advice']}"))
    return visit_services.note(session, producer, Said(**said), key=key, actor_id=by.id, now=NOW)


def enter(client, session: Session, role: Role, **values: object) -> User:
    user = make_user(session, role, **values)
    session.flush()
    session.expunge(user)
    session.commit()
    sign_in(client, user)
    return user


FORM = {"day": "2026-11-20", "topic": "packaging", "advice": "Pakai plastik vakum."}


def test_noted_once_however_often_it_is_sent(client, session) -> None:
    producer = make_producer(session, slug="rumah-uji")
    official = enter(client, session, Role.OFFICIAL)
    page = "/mentoring/producers/rumah-uji"
    token = client.csrf(page)
    for _ in range(2):
        data = {**FORM, "csrf_token": token, "idempotency_key": "abc"}
        data |= {"next_step": "Beli mesin vakum.", "next_by": "2026-12-20"}
        data["photo"] = [(photo("red"), "a.jpg"), (photo("blue"), "b.jpg")]
        answer = client.post(f"{page}/visits", data=data, content_type="multipart/form-data")
        assert answer.status_code == 303
    visit = session.scalars(select(Visit)).one()
    assert (visit.producer_id, visit.by_id, visit.day) == (
        producer.id,
        official.id,
        date(2026, 11, 20),
    )
    assert session.scalar(select(func.count()).select_from(VisitPhoto)) == 2
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "visit noted")).one()
    assert "plastik" not in str(event.details)
    body = client.get(page).get_data(as_text=True)
    assert "Pakai plastik vakum." in body and "Beli mesin vakum." in body
    assert 'class="pin"' in body
    other = {**FORM, "csrf_token": token, "idempotency_key": "abc", "advice": "Lain."}
    assert client.post(f"{page}/visits", data=other).status_code == 409


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"day": "2099-01-01"}, "day"),
        ({"day": "1999-12-31"}, "day"),
        ({"day": ""}, "day"),
        ({"advice": ""}, "advice"),
        ({"advice": "a" * 2001}, "advice"),
        ({"topic": "party"}, "topic"),
        ({"next_by": "2026-12-20"}, "next_step"),
        ({"next_step": "Coba.", "next_by": "2026-11-01"}, "next_by"),
        ({"photo": b"no picture"}, "-"),
    ],
)
def test_what_cannot_be(client, session, said: dict[str, object], field: str) -> None:
    make_producer(session, slug="rumah-uji")
    enter(client, session, Role.OFFICIAL)
    page = "/mentoring/producers/rumah-uji"
    data = {**FORM, "csrf_token": client.csrf(page), **said}
    if "photo" in data:
        data["photo"] = [(io.BytesIO(data["photo"]), "a.jpg")]
    answer = client.post(f"{page}/visits", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    body = answer.get_data(as_text=True)
    assert field == "-" or f'id="{field}-error"' in body
    assert session.scalar(select(func.count()).select_from(Visit)) == 0


def test_photos_are_few(client, session) -> None:
    make_producer(session, slug="rumah-uji")
    enter(client, session, Role.OFFICIAL)
    page = "/mentoring/producers/rumah-uji"
    five = [(photo(c), "a.jpg") for c in ("red", "blue", "green", "black", "white")]
    data = {**FORM, "csrf_token": client.csrf(page), "photo": five}
    answer = client.post(f"{page}/visits", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert 'id="photo-error"' in answer.get_data(as_text=True)


def test_photos_are_guarded(app: Flask, session, tmp_path: Path) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    visit = noted(session, producer, make_user(session, Role.OFFICIAL))
    media = app.config["OVOP"].media
    key = pictures.store_private(photo().getvalue(), media)
    stored = pictures.private_picture(media, key)
    assert (stored.width, stored.height) == (40, 30)
    with Image.open(pictures.private_path(media, key)) as image:
        assert not image.getexif()
    row = VisitPhoto(visit_id=visit.id, key=key, alt="", width=40, height=30, position=0)
    session.add(row)
    session.flush()
    address = f"/mentoring/visits/{visit.id}/photos/{row.id}"
    people = {
        "official": (make_user(session, Role.OFFICIAL), 200),
        "operator": (make_user(session, Role.OPERATOR), 200),
        "province": (make_user(session, Role.OFFICIAL, area="19"), 200),
        "elsewhere": (make_user(session, Role.OFFICIAL, area="16"), 404),
        "neighbour": (make_user(session, Role.OFFICIAL, area="19.71"), 404),
        "buyer": (make_user(session), 403),
        "producer": (owner, 403),
    }
    session.commit()
    got = {}
    for name, (user, _wanted) in people.items():
        client = app.test_client()
        sign_in(client, user)
        answer = client.get(address)
        got[name] = answer.status_code
        if answer.status_code == 200:
            assert answer.headers["Cache-Control"] == "private, no-store"
    assert got == {name: wanted for name, (_user, wanted) in people.items()}
    assert app.test_client().get(address).status_code == 303
    assert app.test_client().get(f"/media/{key}-400.webp").status_code == 404
    # The sweep throws away what nothing shows, and keeps this. First what other tests left: the
    # folder is that of the whole run.
    jobs.sweep_proofs(session, clock.now() + timedelta(days=1), media)
    lonely = pictures.store_private(photo("blue").getvalue(), media)
    assert jobs.sweep_proofs(session, clock.now() + timedelta(days=1), media) == 1
    assert pictures.private_path(media, key).exists()
    assert not pictures.private_path(media, lonely).exists()


def test_only_of_the_own_area(client, session) -> None:
    producer = make_producer(session, slug="rumah-uji")
    visit = noted(session, producer, make_user(session, Role.OFFICIAL), next_step="Coba.")
    enter(client, session, Role.OFFICIAL, area="16")
    token = client.csrf("/account")
    assert client.get("/mentoring/producers/rumah-uji").status_code == 404
    data = {**FORM, "csrf_token": token, "why": "salah"}
    for address in (
        "/mentoring/producers/rumah-uji/visits",
        f"/mentoring/visits/{visit.id}/completion",
        f"/mentoring/visits/{visit.id}/withdrawal",
    ):
        assert client.post(address, data=data).status_code == 404


def test_a_step_is_done_once(client, session) -> None:
    producer = make_producer(session)
    visit = noted(session, producer, make_user(session, Role.OFFICIAL), next_step="Coba.")
    enter(client, session, Role.OFFICIAL)
    page = f"/mentoring/producers/{producer.slug}"
    for _ in range(2):
        assert client.send(page, f"/mentoring/visits/{visit.id}/completion").status_code == 303
    session.expire_all()
    assert visit.done_at is not None
    assert session.query(AuditEvent).filter_by(action="visit step done").count() == 1
    assert "Tandai selesai" not in client.get(page).get_data(as_text=True)


def test_withdrawn_by_whom_it_noted_or_an_operator(session) -> None:
    official, other = make_user(session, Role.OFFICIAL), make_user(session, Role.OFFICIAL)
    operator = make_user(session, Role.OPERATOR)
    first = noted(session, make_producer(session), official)
    second = noted(session, make_producer(session), official, key="2")
    with pytest.raises(NotAllowed):
        visit_services.withdraw(session, first, other, why="x", now=NOW)
    visit_services.withdraw(session, first, official, why="salah rumah", now=NOW)
    visit_services.withdraw(session, first, operator, why="lagi", now=NOW)
    visit_services.withdraw(session, second, operator, why="ganda", now=NOW)
    assert (first.withdrawn_by_id, first.withdrawn_why) == (official.id, "salah rumah")
    assert second.withdrawn_by_id == operator.id
    with pytest.raises(Conflict):
        visit_services.finish(session, first, actor_id=official.id, now=NOW)


def test_withdrawal_needs_its_reason(client, session) -> None:
    producer = make_producer(session)
    official = enter(client, session, Role.OFFICIAL)
    visit = noted(session, producer, official)
    page, address = f"/mentoring/producers/{producer.slug}", f"/mentoring/visits/{visit.id}"
    refused = client.send(page, f"{address}/withdrawal", why="x" * 201)
    assert refused.status_code == 422
    told = f'aria-invalid="true" aria-describedby="why-{visit.id}-error"'
    assert told in refused.text and f'value="{"x" * 201}"' in refused.text
    assert client.send(page, f"{address}/withdrawal", why="salah hari").status_code == 303
    body = client.get(page).get_data(as_text=True)
    assert "salah hari" in body and 'class="pin"' not in body


def test_producers_see_their_own(client, session) -> None:
    owner = make_user(session, Role.PRODUCER)
    official = make_user(session, Role.OFFICIAL)
    noted(session, make_producer(session, staff=owner), official, advice="Untuk rumah ini.")
    noted(session, make_producer(session), official, advice="Untuk rumah lain.")
    session.flush()
    session.expunge(owner)
    sign_in(client, owner)
    body = client.get("/shop/visits").get_data(as_text=True)
    assert "Untuk rumah ini." in body and "Untuk rumah lain." not in body
    assert "/withdrawal" not in body


def test_the_database_keeps_what_was_noted(session) -> None:
    visit = noted(session, make_producer(session), make_user(session, Role.OFFICIAL))
    session.commit()
    refused = (IntegrityError, OperationalError, ProgrammingError)
    for change in ("SET advice = 'lain'", "SET day = '2026-01-01'"):
        with pytest.raises(refused):
            session.execute(db.text(f"UPDATE mentoring_visit {change} WHERE id = {visit.id}"))
        session.rollback()
    with pytest.raises(Exception, match=r"append-only|refuse|changed"):
        session.execute(db.text("DELETE FROM mentoring_visit"))
    session.rollback()


def test_too_many_pictures_at_once(session) -> None:
    with pytest.raises(Unusable):
        visit_services.refuse_too_many(5)


def test_marks_do_not_cover_each_other(session) -> None:
    official, producer = make_user(session, Role.OFFICIAL), make_producer(session)
    for days in (0, 1, 2, 400):
        noted(session, producer, official, day=TODAY - timedelta(days=days))
    rows = visit_queries.visits_to(session, official, producer, TODAY)
    assert visit_queries.sales_of is not None
    months = visit_queries.sales_of(session, producer.id, TODAY)
    found = visit_queries.marks(rows, months)
    assert [mark.number for mark in found] == [1, 2, 3, 4]
    assert [mark.level for mark in found] == [0, 0, 1, 2]
    assert all(0 <= mark.at <= 1000 for mark in found)


@pytest.mark.rebuilds
def test_back_and_forth_with_visits(app: Flask, session) -> None:
    owner = make_user(session, Role.OFFICIAL)
    visit = noted(session, make_producer(session), owner, next_step="Coba.", next_by=TODAY)
    session.add(VisitPhoto(visit_id=visit.id, key="a" * 40, alt="", width=1, height=1, position=0))
    session.commit()
    db.session.remove()
    downgrade(revision="0018")
    assert "mentoring_visit" not in inspect(db.engine).get_table_names()
    upgrade()
    check()
    assert session.scalar(select(func.count()).select_from(Visit)) == 0
    assert session.scalar(select(func.count()).select_from(Producer)) == 1
    noted(session, session.scalars(select(Producer)).one(), session.scalars(select(User)).one())
