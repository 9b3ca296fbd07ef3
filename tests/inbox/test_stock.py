"""The shop's quick stock edit, its history, one week's number, and the weeks before Lebaran."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, User
from ovop_market.catalogue.models import CapacityWeek, Offer, StockMovement, StockReason
from ovop_market.core import clock
from ovop_market.villages.models import Producer
from tests.counting import counted
from tests.factories import NOW, make_product, make_purchase, sign_in
from tests.inbox.conftest import LOGIN
from tests.inbox.test_shop import HTMX, SHOP, offer_of, send

CLOCK = Callable[[datetime], None]


@pytest.fixture
def offer(session: Session, producer: Producer) -> Offer:
    product = make_product(session, producer, ready=5, capacity=12)
    session.commit()
    return offer_of(session, product)


def ready(session: Session, offer: Offer) -> int:
    session.refresh(offer)
    return offer.ready


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_ten_more_are_ready_once(
    maker: FlaskClient, session: Session, offer: Offer, headers: dict[str, str]
) -> None:
    path = f"{SHOP}/{offer.id}/movements"
    fields = {"packs": "10", "reason": "made", "idempotency_key": "halaman-ini"}
    first = send(maker, path, headers=headers, **fields)
    again = send(maker, path, headers=headers, **fields)
    assert first.status_code == again.status_code == (200 if headers else 303)
    if headers:
        assert "Tercatat." in first.text
        assert "tidak dihitung dua kali" in again.text
    assert ready(session, offer) == 15
    # Another button of the same page is another tap.
    send(maker, path, headers=headers, **{**fields, "packs": "1"})
    assert ready(session, offer) == 16
    # The header of a queued tap says so as well.
    for _n in range(2):
        queued = {**headers, "Idempotency-Key": "antre"}
        send(maker, path, headers=queued, packs="5", reason="made")
    assert ready(session, offer) == 21


@pytest.mark.parametrize("reason", ["sold_elsewhere", "spoiled", "used"])
def test_packs_that_are_gone(
    maker: FlaskClient, session: Session, offer: Offer, reason: str
) -> None:
    answer = send(maker, f"{SHOP}/{offer.id}/movements", packs="2", reason=reason)
    assert answer.status_code == 303
    assert ready(session, offer) == 3
    movement = session.scalars(select(StockMovement).order_by(StockMovement.id.desc())).first()
    assert movement is not None
    assert (movement.change, movement.reason) == (-2, StockReason(reason))
    assert movement.actor_id is not None


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("packs", "reason"),
    [("6", "used"), ("0", "made"), ("-1", "made"), ("", "made"), ("1", "held"), ("1", "")],
)
def test_what_cannot_be_noted(
    maker: FlaskClient,
    session: Session,
    offer: Offer,
    packs: str,
    reason: str,
    headers: dict[str, str],
) -> None:
    answer = send(
        maker, f"{SHOP}/{offer.id}/movements", packs=packs, reason=reason, headers=headers
    )
    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert ready(session, offer) == 5


def test_the_history_tells_who_did_what(maker: FlaskClient, session: Session, offer: Offer) -> None:
    send(maker, f"{SHOP}/{offer.id}/movements", packs="5", reason="made")
    send(maker, f"{SHOP}/{offer.id}/movements", packs="3", reason="spoiled")
    send(maker, f"{SHOP}/{offer.id}/capacity", weekly_capacity="30", lead_days="2")
    week = clock.monday(clock.wib_date(clock.now())).isoformat()
    send(maker, f"{SHOP}/{offer.id}/plan", week=week, planned="40")
    order = make_purchase(session, [(offer.variant.product, 2)], now=clock.now()).orders[0]
    session.commit()
    body = maker.get(f"{SHOP}/{offer.id}/movements").text
    lines = [
        re.sub(r"<[^>]+>|\s+", " ", part) for part in re.findall(r"<li class=.*?</li>", body, re.S)
    ]
    lines = [re.sub(" +", " ", line) for line in lines]
    assert "−2 Dipesan" in lines[0]
    assert f"Pembeli · pesanan {order.number}" in lines[0]
    assert "siap 5" in lines[0]
    assert "seperti biasa → 40" in lines[1]
    assert "per minggu 12 → 30" in lines[2]
    assert "−3 Rusak" in lines[3]
    assert "siap 7" in lines[3]
    assert "+5 Selesai dibuat" in lines[4]
    assert "Orang" in lines[4]
    assert "Stok awal" in lines[5]


def test_a_long_history_has_pages(maker: FlaskClient, session: Session, offer: Offer) -> None:
    for n in range(60):
        session.add(
            StockMovement(
                offer_id=offer.id,
                kind="ready",
                change=1 if n % 2 else -1,
                reason=StockReason.COUNTED,
                at=NOW + timedelta(minutes=n),
            )
        )
    session.commit()
    path = f"{SHOP}/{offer.id}/movements"
    first, second = maker.get(path).text, maker.get(f"{path}?page=2").text
    assert first.count("Hitung ulang") == 50
    assert second.count("Hitung ulang") == 10
    assert "Stok awal" in second
    assert maker.get(f"{path}?page=99").status_code == 200
    with counted() as sent:
        maker.get(path)
    assert len(sent) <= 8


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_number_for_one_week(
    maker: FlaskClient, session: Session, offer: Offer, headers: dict[str, str]
) -> None:
    week = clock.monday(clock.wib_date(clock.now())) + timedelta(weeks=1)
    path = f"{SHOP}/{offer.id}/plan"
    for _n in range(2):
        answer = send(maker, path, week=week.isoformat(), planned="44", headers=headers)
        assert answer.status_code == (200 if headers else 303)
    session.expire_all()
    assert session.get_one(CapacityWeek, (offer.id, week)).planned == 44
    assert "khusus 44" in maker.get(SHOP).text
    send(maker, path, week=week.isoformat(), planned="", headers=headers)
    session.expire_all()
    assert session.get_one(CapacityWeek, (offer.id, week)).planned is None
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.subject.like("offer%")))
    assert list(actions) == ["capacity planned"] * 2


@pytest.mark.parametrize(
    ("week", "planned"),
    [
        ("", "1"),
        ("besok", "1"),
        ("2026-11-24", "1"),
        ("2020-01-06", "1"),
        ("2999-01-04", "1"),
        ("9999-12-27", "1"),
        ("+0", "-1"),
        ("+0", "100000"),
        ("+0", "x"),
    ],
)
def test_weeks_that_cannot_be_planned(
    maker: FlaskClient, session: Session, offer: Offer, week: str, planned: str
) -> None:
    if week == "+0":
        week = clock.monday(clock.wib_date(clock.now())).isoformat()
    for headers in ({}, HTMX):
        answer = send(maker, f"{SHOP}/{offer.id}/plan", week=week, planned=planned, headers=headers)
        assert answer.status_code == 422
        assert 'class="error"' in answer.text
    assert not session.scalars(select(CapacityWeek)).all()


def test_the_weeks_before_lebaran(
    maker: FlaskClient, session: Session, offer: Offer, clock_at: CLOCK
) -> None:
    assert "Lebaran" not in maker.get(SHOP).text
    clock_at(datetime(2027, 1, 20, 3, tzinfo=UTC))
    # After so long the phone asks for the password again.
    sign_in(maker, session.scalars(select(User).where(User.email == LOGIN)).one())
    body = maker.get(SHOP).text
    assert "Lebaran 10 Maret 2027, 7 minggu lagi" in body
    weeks = re.findall(r'name="week" value="([^"]+)" checked', body)
    assert weeks == ["2027-02-08", "2027-02-15", "2027-02-22", "2027-03-01"]
    assert send(maker, "/shop/surge", week=weeks, percent="150").status_code == 303
    planned = session.execute(select(CapacityWeek.week, CapacityWeek.planned)).all()
    assert [tuple(row) for row in planned] == [(date.fromisoformat(w), 18) for w in weeks]
    assert send(maker, "/shop/surge", week=weeks[1:], percent="").status_code == 303
    session.expire_all()
    left = session.scalars(select(CapacityWeek.planned).order_by(CapacityWeek.week)).all()
    assert left == [18, None, None, None]
    for fields in ({}, {"week": "2027-01-25"}, {"week": "x"}, {"week": weeks, "percent": "7"}):
        assert send(maker, "/shop/surge", **fields).status_code == 422


def test_others_offers_have_no_history_here(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    other = make_product(session, ready=5)
    session.commit()
    path = f"{SHOP}/{offer_of(session, other).id}"
    assert maker.get(f"{path}/movements").status_code == 404
    assert send(maker, f"{path}/movements", packs="1", reason="made").status_code == 404
    assert send(maker, f"{path}/plan", week="2026-11-30", planned="1").status_code == 404
