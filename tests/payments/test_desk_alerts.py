"""What stands still behind the desk, who wants to sell, and the desk's one navigation."""

from __future__ import annotations

import re
from collections import namedtuple
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Review
from ovop_market.core import clock
from ovop_market.payments.queries import alerts
from ovop_market.villages.producer_states import ProducerState
from ovop_market.web import beats, disks
from tests.counting import counted
from tests.factories import NOW, make_producer, make_product, make_user, sign_in

Usage = namedtuple("Usage", "total used free")
GB = 1_000_000_000


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> FlaskClient:
    sign_in(client, make_user(session, Role.OPERATOR))
    return client


def page(client: FlaskClient, path: str = "/desk") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def alerted(client: FlaskClient) -> list[str]:
    return re.findall(r'data-alert="(\w+)"', page(client))


def room(monkeypatch: pytest.MonkeyPatch, free: int, total: int) -> None:
    monkeypatch.setattr(disks.shutil, "disk_usage", lambda _path: Usage(total, total - free, free))


def test_a_silent_worker(
    desk: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(monkeypatch, 50 * GB, 100 * GB)
    assert alerted(desk) == ["worker"] and "Belum pernah terlihat" in page(desk)
    beats.beat(session, clock.now())
    assert alerted(desk) == []
    beats.beat(session, clock.now() - timedelta(minutes=3))
    assert alerted(desk) == ["worker"] and "Terakhir terlihat" in page(desk)


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (50 * GB, 100 * GB, False),
        (10 * GB, 100 * GB, False),
        (10 * GB - 1, 100 * GB, True),
        (GB - 1, 5 * GB, True),
        (GB, 5 * GB, False),
        (0, 0, True),
    ],
)
def test_little_room(
    desk: FlaskClient,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    total: int,
    low: bool,
) -> None:
    beats.beat(session, clock.now())
    room(monkeypatch, free, total)
    assert (alerted(desk) != []) is low


def test_room_in_words(app: Flask, monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    beats.beat(session, NOW)
    room(monkeypatch, 840_000_000, 20 * GB)
    with app.test_request_context():
        (found,) = alerts.alerts(session, app.config["OVOP"], NOW)[:1]
    assert "840 MB" in found.text and "20" in found.text and "4%" in found.text


def test_a_place_that_cannot_be_asked_is_left_out(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Any) -> Any:
        raise OSError

    monkeypatch.setattr(disks.shutil, "disk_usage", fail)
    assert disks.low_disks(app.config["OVOP"]) == []


def test_who_wants_to_sell_is_stuck_until_answered(desk: FlaskClient, session: Session) -> None:
    producer = make_producer(session, state=ProducerState.APPLIED, name="Rumah Baru")
    values = {"listed": False, "review": Review.SUBMITTED, "review_since": NOW}
    make_product(session, name="Keripik", **values)
    told = page(desk)
    assert set(re.findall(r'data-stuck="(\w+)"', told)) == {"producers", "listings"}
    only = page(desk, "/desk?kind=producers")
    assert re.findall(r'data-stuck="(\w+)"', only) == ["producers"]
    assert f"/desk/producers/{producer.slug}" in only
    with counted() as few:
        page(desk)
    for _ in range(4):
        make_producer(session, state=ProducerState.APPLIED)
        make_product(session, **values)
    session.commit()
    with counted() as many:
        page(desk)
    assert len(many) == len(few)


@pytest.mark.parametrize("language", ["", "/en"])
def test_every_page_of_the_navigation_is_there_and_knows_itself(
    desk: FlaskClient, language: str
) -> None:
    first = page(desk, f"{language}/desk")
    nav = first.split('<div class="desk-nav">')[1].split("</div>")[0]
    todo, seen = re.findall(r'href="([^"]+)"', nav), set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        nav = page(desk, path).split('<div class="desk-nav">')[1].split("</div>")[0]
        current = re.findall(r'href="([^"]+)" aria-current="page"', nav)
        assert path in current or len(current) == 1, path
        todo += re.findall(r'href="([^"]+)"', nav)
    assert {f"{language}{p}" for p in ("/desk/producers", "/desk/listings", "/programme")} <= seen


def test_officials_have_no_desk(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session, Role.OFFICIAL))
    for path in ("/programme", "/mentoring"):
        assert "desk-nav" not in page(client, path)
