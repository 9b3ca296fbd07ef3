"""The page of members: who may do what, with what words, and other people's groups."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Product
from ovop_market.villages.models import Producer
from tests.factories import make_group, make_producer, make_user, sign_in


@pytest.fixture
def coordinator(session: Session) -> User:
    return make_user(session, Role.PRODUCER)


@pytest.fixture
def members(session: Session, coordinator: User) -> list[User]:
    _product, people = make_group(session, (40, 40), staff=coordinator)
    session.commit()
    return [person for person in people if person is not None]


def group_of(session: Session) -> Producer:
    return session.scalars(select(Product)).one().producer


def do(client: FlaskClient, url: str, **fields: Any) -> TestResponse:
    return client.post(url, data={"csrf_token": client.csrf("/shop/members"), **fields})


def test_the_coordinator_adds_and_removes(
    client: FlaskClient, session: Session, coordinator: User, members: list[User]
) -> None:
    sign_in(client, coordinator)
    slug = group_of(session).slug
    wrong = do(client, f"/shop/producers/{slug}/members", name="Rumah Ibu Baru", phone="bukan")
    assert wrong.status_code == 422
    assert 'value="Rumah Ibu Baru"' in wrong.text
    added = do(
        client, f"/shop/producers/{slug}/members", name="Rumah <b>Baru</b>", phone="08123456"
    )
    assert added.status_code in (303, 422)
    do(client, f"/shop/producers/{slug}/members", name="Rumah Ibu Baru", phone="081234567890")
    page = client.get("/shop/members").text
    assert page.count("data-member=") == 3
    assert "koordinator yang menjawab" in page
    member = session.scalars(select(Producer).where(Producer.name == "Rumah Ibu Baru")).one()
    url = f"/shop/producers/{slug}/members/{member.slug}/removal"
    assert do(client, url, reason="pindah").status_code == 303
    session.expire_all()
    assert member.group_id is None
    assert do(client, url).status_code == 404


def test_a_household_leaves_and_asks_to_come_back(
    client: FlaskClient, session: Session, coordinator: User, members: list[User]
) -> None:
    group = group_of(session)
    household = group.members[0]
    sign_in(client, members[0])
    assert do(client, f"/shop/producers/{household.slug}/departure").status_code == 303
    session.expire_all()
    assert household.group_id is None
    assert household.slug in client.get("/shop/members").text
    # What it made for the group is in its shop no more.
    assert "data-offer=" not in client.get("/shop/offers").text
    asked = do(client, f"/shop/producers/{household.slug}/application", group=group.slug)
    assert asked.status_code == 303
    assert do(client, f"/shop/producers/{household.slug}/application", group="x").status_code == 422
    client.post("/sign-out", data={"csrf_token": client.csrf("/shop/members")})
    sign_in(client, coordinator)
    assert "minta bergabung" in client.get("/shop/members").text
    url = f"/shop/producers/{group.slug}/members/{household.slug}/admission"
    assert do(client, url).status_code == 303
    assert do(client, url).status_code == 409
    session.expire_all()
    assert household.group_id == group.id


def test_other_peoples_groups_are_not_there(
    client: FlaskClient, session: Session, coordinator: User, members: list[User]
) -> None:
    group = group_of(session)
    first, second = group.members
    sign_in(client, members[0])
    for url in (
        f"/shop/producers/{group.slug}/members",
        f"/shop/producers/{group.slug}/members/{second.slug}/removal",
        f"/shop/producers/{group.slug}/members/{second.slug}/admission",
        f"/shop/producers/{group.slug}/ending",
        f"/shop/producers/{second.slug}/departure",
        f"/shop/producers/{second.slug}/ending",
        "/shop/producers/tidak-ada/departure",
    ):
        answer = do(client, url, name="x", phone="081234567890", sure="1")
        assert answer.status_code == 404, url
    stranger = make_producer(session)
    session.commit()
    client.post("/sign-out", data={"csrf_token": client.csrf("/shop/members")})
    sign_in(client, coordinator)
    url = f"/shop/producers/{group.slug}/members/{stranger.slug}/removal"
    assert do(client, url).status_code == 404
    session.expire_all()
    assert {first.group_id, second.group_id} == {group.id}


def test_closing_for_good_is_meant(
    client: FlaskClient, session: Session, coordinator: User, members: list[User]
) -> None:
    household = group_of(session).members[0]
    sign_in(client, members[0])
    url = f"/shop/producers/{household.slug}/ending"
    assert do(client, url).status_code == 422
    assert do(client, url, sure="1").status_code == 303
    session.expire_all()
    assert household.ended_at is not None
    reopened = client.post(
        f"/shop/producers/{household.slug}/reopening",
        data={"csrf_token": client.csrf("/register")},
    )
    assert reopened.status_code == 409
