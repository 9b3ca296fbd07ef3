"""Links that work once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import links
from ovop_market.accounts.models import Link, Purpose
from ovop_market.extensions import db
from tests.factories import NOW, make_user

HOUR = timedelta(hours=1)


def made(session: Session, purpose: Purpose = Purpose.RESET, user_id: int | None = None) -> str:
    user_id = user_id or make_user(session).id
    return links.make(session, purpose, now=NOW, user_id=user_id, lifetime=HOUR)


def test_a_link_is_found_by_its_secret_which_is_not_kept(session: Session) -> None:
    token = made(session)
    kept = session.scalars(select(Link)).one()
    assert token not in str(vars(kept))
    assert links.find(session, Purpose.RESET, token, NOW) is kept
    assert links.find(session, Purpose.RESET, kept.digest, NOW) is None


@pytest.mark.parametrize(("purpose", "after"), [(Purpose.VERIFY, HOUR / 2), (Purpose.RESET, HOUR)])
def test_it_is_for_one_thing_and_for_a_while(
    session: Session, purpose: Purpose, after: timedelta
) -> None:
    token = made(session)
    link = session.scalars(select(Link)).one()
    assert links.find(session, purpose, token, NOW + after) is None
    if after == HOUR:
        assert not links.use(session, link, NOW + after)


def test_it_works_once(session: Session) -> None:
    token = made(session)
    link = links.find(session, Purpose.RESET, token, NOW)
    assert link is not None
    assert links.use(session, link, NOW)
    assert link.used_at == NOW
    assert not links.use(session, link, NOW)
    assert links.find(session, Purpose.RESET, token, NOW) is None


def test_a_new_one_takes_the_place_of_the_older(session: Session) -> None:
    user, other = make_user(session), make_user(session)
    first, theirs = made(session, user_id=user.id), made(session, user_id=other.id)
    verify = made(session, Purpose.VERIFY, user.id)
    second = made(session, user_id=user.id)
    assert links.find(session, Purpose.RESET, first, NOW) is None
    for purpose, token in (
        (Purpose.RESET, second),
        (Purpose.RESET, theirs),
        (Purpose.VERIFY, verify),
    ):
        assert links.find(session, purpose, token, NOW), token


def test_an_invitation_is_to_nobody_yet_and_says_something(session: Session) -> None:
    says: dict[str, object] = {"producer": 7, "role": "packer"}
    tokens = [
        links.make(session, Purpose.INVITE, now=NOW, lifetime=HOUR, details=says) for _ in range(2)
    ]
    found = [links.find(session, Purpose.INVITE, token, NOW) for token in tokens]
    assert all(link and link.details == says for link in found), "both are open"
    assert found[0] is not None
    links.withdraw(session, found[0])
    assert links.find(session, Purpose.INVITE, tokens[0], NOW) is None
    assert links.find(session, Purpose.INVITE, tokens[1], NOW) is not None


def test_of_two_at_once_one_uses_it(app: Flask, session: Session) -> None:
    token = made(session)
    session.commit()
    ready = Barrier(2)

    def go(_who: int) -> bool:
        with app.app_context():
            mine = db.session()
            link = links.find(mine, Purpose.RESET, token, NOW)
            assert link is not None
            mine.commit()
            ready.wait(10)
            used = links.use(mine, link, NOW)
            mine.commit()
            return used

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, range(2))) == [False, True]


def test_old_ones_are_swept(session: Session) -> None:
    made(session)
    assert links.sweep(session, NOW + HOUR) == 0
    assert links.sweep(session, NOW + HOUR + timedelta(seconds=1)) == 1
