"""People who help: roles, invitations, and the owner that always remains."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.accounts import invitations, throttle
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotAllowed, NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.villages import policy, staff_queries, staff_services
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import Duty, StaffRole
from ovop_market.villages.producer_states import ProducerState
from tests.factories import (
    NOW,
    PASSWORD,
    make_invitation,
    make_packer,
    make_producer,
    make_user,
    sign_in,
)
from tests.pages import value_of

LATER = timedelta(days=8)


@pytest.fixture
def owner(session: Session) -> User:
    return make_user(session, Role.PRODUCER, name="Ibu Contoh")


@pytest.fixture
def producer(session: Session, owner: User) -> Producer:
    return make_producer(session, staff=owner, name="Rumah Contoh", slug="rumah-contoh")


def staff_of(session: Session, producer: Producer) -> dict[int, StaffRole]:
    session.expire_all()
    rows = session.scalars(
        select(ProducerStaff).where(ProducerStaff.producer_id == producer.id)
    ).all()
    return {row.user_id: row.role for row in rows}


def actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def test_what_is_not_given_to_packers_is_the_owners() -> None:
    assert {duty for duty in Duty if policy.may(StaffRole.PACKER, duty)} == policy.PACKER_MAY
    assert all(policy.may(StaffRole.OWNER, duty) for duty in Duty)
    assert not any(policy.may(None, duty) for duty in Duty)
    assert Duty.OWN not in policy.PACKER_MAY
    assert policy.roles_for(Duty.OWN) == (StaffRole.OWNER,)


def test_an_owner_invites_and_sees_the_link_once(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    sign_in(client, owner)
    path = f"/shop/producers/{producer.slug}/invitations"
    answer = client.send("/shop/staff", path, login="0812 3456 7890", role="packer")
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Hanya terlihat sekarang" in body
    assert "https://wa.me/6281234567890?text=" in body
    assert "/invitations/" in body
    again = client.get("/shop/staff").get_data(as_text=True)
    assert "+6281234567890" in again
    assert "/invitations/" not in again.replace(path, "")
    twice = client.send("/shop/staff", path, login="+62 812-3456-7890", role="owner")
    assert twice.status_code == 422
    assert "Orang ini sudah diundang" in twice.get_data(as_text=True)
    assert actions(session)[-2:] == ["invited", "staff invited"]


@pytest.fixture
def packer(
    client: FlaskClient, session: Session, owner: User, later: Callable[[timedelta], None]
) -> User:
    """Somebody who packs for an owner who signed in a while ago."""
    packs = make_packer(session, owner)
    sign_in(client, owner)
    later(timedelta(minutes=16))
    return packs


def test_who_is_let_in_is_let_in_by_somebody_who_is_there(
    client: FlaskClient,
    session: Session,
    owner: User,
    producer: Producer,
    packer: User,
) -> None:
    """An owner's phone stays signed in for months. Whoever is let in stays."""
    base = f"/shop/producers/{producer.slug}"
    role = client.send("/shop/staff", f"{base}/staff/{packer.id}/role", role="owner")
    assert role.headers["Location"].startswith("/account/confirmation?next=/shop/staff?of")
    fields = {"login": "maling@ovop.example", "role": "owner"}
    asked = client.send("/shop/staff", f"{base}/invitations", **fields).headers["Location"]
    assert asked.startswith("/account/confirmation?next=/shop/staff?of")
    assert staff_of(session, producer)[packer.id] is StaffRole.PACKER
    assert "invited" not in actions(session)
    back = value_of(client.get(asked).text, "next")
    answer = client.send(asked, "/account/confirmation", current=PASSWORD, next=back)
    page = client.get(answer.headers["Location"]).text
    assert value_of(page, "login") == "maling@ovop.example"
    assert client.send("/shop/staff", f"{base}/invitations", **fields).status_code == 200
    role = client.send("/shop/staff", f"{base}/staff/{packer.id}/role", role="owner")
    assert role.headers["Location"] == "/shop/staff"
    assert staff_of(session, producer)[packer.id] is StaffRole.OWNER


def test_a_role_that_was_held_up_is_said_to_be_as_it_was(
    client: FlaskClient,
    session: Session,
    owner: User,
    producer: Producer,
    packer: User,
) -> None:
    path = f"/shop/producers/{producer.slug}/staff/{packer.id}/role"
    asked = client.send("/shop/staff", path, role="owner").headers["Location"]
    back = value_of(client.get(asked).text, "next")
    answer = client.send(asked, "/account/confirmation", current=PASSWORD, next=back)
    page = client.get(answer.headers["Location"]).text
    assert "Belum tersimpan" in page
    assert staff_of(session, producer)[packer.id] is StaffRole.PACKER


def test_nobody_floods_strangers_with_invitations(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    sign_in(client, owner)
    path = f"/shop/producers/{producer.slug}/invitations"
    for n in range(throttle.INVITATION.free + 1):
        asked = client.send("/shop/staff", path, login=f"asing{n}@ovop.example", role="packer")
        assert asked.status_code == 200, n
        (open_one,) = staff_services.open_invitations(session, producer.id, clock.now())
        withdrawn = client.send("/shop/staff", f"{path}/{open_one.invitation_id}/withdrawal")
        assert withdrawn.status_code == 303
    refused = client.send("/shop/staff", path, login="terlalu@ovop.example", role="packer")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    body = refused.get_data(as_text=True)
    assert "Terlalu sering dicoba" in body and "terlalu@ovop.example" in body


@pytest.mark.parametrize(
    ("state", "mailed"),
    [
        (ProducerState.APPLIED, False),
        (ProducerState.REFUSED, False),
        (ProducerState.APPROVED, True),
        (ProducerState.SUSPENDED, True),
    ],
)
def test_an_applicants_words_are_mailed_to_nobody(
    client: FlaskClient, session: Session, owner: User, state: ProducerState, mailed: bool
) -> None:
    """Nobody has looked at the name that it gave itself: its owner hands the link on."""
    producer = make_producer(
        session, staff=owner, state=state, name="Menang hadiah: hadiah.example"
    )
    sign_in(client, owner)
    path = f"/shop/producers/{producer.slug}/invitations"

    def post(*_sender: object, **_said: object) -> bool:
        return True

    with invitations.invited.connected_to(post):
        answer = client.send("/shop/staff", path, login="asing@ovop.example", role="packer")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert ("Undangan dikirim lewat email" in page) is mailed
    assert ("Hanya terlihat sekarang" in page) is not mailed
    (asked,) = staff_services.open_invitations(session, producer.id, clock.now())
    assert asked.invitation.mailed is mailed


def test_a_producer_whose_only_owner_is_shut_out_gets_another(
    session: Session, owner: User, producer: Producer
) -> None:
    operator = make_user(session, Role.OPERATOR)

    def ask() -> str:
        _asked, token = staff_services.invite_first_owner(
            session,
            slug=producer.slug,
            login="baru@ovop.example",
            actor_id=operator.id,
            now=clock.now(),
        )
        return token

    assert staff_queries.without_owner(session) == []
    with pytest.raises(Unusable):
        ask()
    owner.disabled_at = NOW
    session.flush()
    assert staff_queries.without_owner(session) == [("rumah-contoh", "Rumah Contoh, Belo Laut")]
    new = make_user(session, login="baru@ovop.example")
    invitation = invitations.by_token(session, ask())
    invitations.accept(session, invitation, new, clock.now())
    assert staff_of(session, producer)[new.id] is StaffRole.OWNER
    assert staff_queries.without_owner(session) == []


@pytest.mark.parametrize("login", ["", "bukan apa-apa", "12", "a@b"])
def test_a_login_that_is_none_is_said_beside_the_field(
    client: FlaskClient, owner: User, producer: Producer, login: str
) -> None:
    sign_in(client, owner)
    path = f"/shop/producers/{producer.slug}/invitations"
    answer = client.send("/shop/staff", path, login=login, role="packer")
    assert answer.status_code == 422
    assert f'id="{producer.slug}-login-error"' in answer.get_data(as_text=True)
    assert client.send("/shop/staff", path, login="a@ovop.example", role="boss").status_code == 422


def test_who_has_an_account_signs_in_and_accepts(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    helper = make_user(session, Role.BUYER, login="bantu@ovop.example")
    _, token = make_invitation(session, producer, owner, login="Bantu@ovop.example")
    page = client.get(f"/invitations/{token}").get_data(as_text=True)
    assert "Rumah Contoh" in page and "Belo Laut" in page and "pengemas" in page
    assert "Ibu Contoh mengundang Anda" in page
    assert "Masuk untuk menerima" in page
    sign_in(client, helper)
    answer = client.send(f"/invitations/{token}", f"/invitations/{token}/acceptance")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/inbox"
    assert staff_of(session, producer)[helper.id] is StaffRole.PACKER
    assert session.get_one(User, helper.id).role is Role.PRODUCER
    row = session.get_one(ProducerStaff, (helper.id, producer.id))
    assert row.since is not None and row.invited_by_id == owner.id
    assert client.get("/inbox").status_code == 200
    assert client.get("/shop/products").status_code == 403


def test_who_has_no_account_makes_one_on_the_page(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    _, token = make_invitation(session, producer, owner, login="0812 3456 7891")
    path = f"/invitations/{token}"
    answer = client.send(path, f"{path}/account", name="", password="pendek")
    assert answer.status_code == 422
    answer = client.send(
        path, f"{path}/account", login="081234567891", name="Pak Kemas", password=PASSWORD
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
    made = session.scalars(select(User).where(User.phone == "+6281234567891")).one()
    assert (made.name, made.role) == ("Pak Kemas", Role.PRODUCER)
    assert staff_of(session, producer)[made.id] is StaffRole.PACKER
    used = client.get(path)
    assert used.status_code == 410
    assert "sudah dipakai" in used.get_data(as_text=True)


def test_a_link_that_was_passed_on_lets_nobody_else_in(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    other = make_user(session, Role.BUYER)
    _, token = make_invitation(session, producer, owner, login="bantu@ovop.example")
    sign_in(client, other)
    page = client.get(f"/invitations/{token}").get_data(as_text=True)
    assert "Undangan ini untuk akun lain" in page
    # Whose it is, is not told to whoever it is not for.
    assert "bantu@ovop.example" not in page
    assert "b•••@ovop.example" in page
    answer = client.send(f"/invitations/{token}", f"/invitations/{token}/acceptance")
    assert answer.status_code == 403
    joined = client.send(
        f"/invitations/{token}", f"/invitations/{token}/account", name="X", password=PASSWORD
    )
    assert joined.status_code == 303
    assert set(staff_of(session, producer)) == {owner.id}
    assert session.get_one(User, other.id).role is Role.BUYER


@pytest.mark.parametrize("role", [Role.OFFICIAL, Role.OPERATOR])
def test_officials_and_operators_are_nobodys_staff(
    client: FlaskClient, session: Session, owner: User, producer: Producer, role: Role
) -> None:
    user = make_user(session, role, login="dinas@ovop.example")
    _, token = make_invitation(session, producer, owner, login="dinas@ovop.example")
    sign_in(client, user)
    answer = client.send(f"/invitations/{token}", f"/invitations/{token}/acceptance")
    assert answer.status_code == 409
    assert set(staff_of(session, producer)) == {owner.id}
    # Nothing was used up.
    assert client.get(f"/invitations/{token}").status_code == 200
    assert session.get_one(User, user.id).role is role


def test_old_and_withdrawn_and_unknown_links_say_so(
    client: FlaskClient,
    session: Session,
    owner: User,
    producer: Producer,
    later: Callable[[timedelta], None],
) -> None:
    withdrawn, token = make_invitation(session, producer, owner)
    sign_in(client, owner)
    answer = client.send(
        "/shop/staff", f"/shop/producers/{producer.slug}/invitations/{withdrawn.id}/withdrawal"
    )
    assert answer.status_code == 303
    page = client.get(f"/invitations/{token}")
    assert page.status_code == 410
    assert "sudah ditarik" in page.get_data(as_text=True)
    _, old = make_invitation(session, producer, owner)
    later(LATER)
    page = client.get(f"/invitations/{old}")
    assert page.status_code == 410
    assert "lewat 7 hari" in page.get_data(as_text=True)
    client.send("/account", "/sign-out")
    answer = client.send("/register", f"/invitations/{old}/account", name="X", password=PASSWORD)
    assert answer.status_code == 410
    assert client.get("/invitations/nothing").status_code == 404
    assert set(staff_of(session, producer)) == {owner.id}


def test_who_is_removed_is_shut_out_at_once_and_told(
    app: Flask, client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    packer = make_packer(session, owner)
    session.commit()
    theirs = app.test_client()
    sign_in(theirs, packer)
    assert theirs.get("/inbox/today").status_code == 200
    sign_in(client, owner)
    path = f"/shop/producers/{producer.slug}/staff/{packer.id}/removal"
    assert client.send("/shop/staff", path).status_code == 303
    body = theirs.get("/inbox").get_data(as_text=True)
    assert "tidak bekerja untuk penjual mana pun" in body
    assert "tidak bekerja untuk penjual mana pun" in theirs.get("/shop/staff").get_data(
        as_text=True
    )
    assert client.send("/shop/staff", path).status_code == 404
    assert "staff removed" in actions(session)


def test_who_packs_sees_what_they_are_and_leaves(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    packer = make_packer(session, owner)
    sign_in(client, packer)
    body = client.get("/shop/staff").get_data(as_text=True)
    assert owner.email and owner.email not in body
    assert "Keluarkan" not in body and "Undang orang" not in body
    answer = client.send("/shop/staff", f"/shop/producers/{producer.slug}/staff/departure")
    assert answer.status_code == 303
    assert set(staff_of(session, producer)) == {owner.id}
    assert "staff left" in actions(session)


def test_another_producers_people_are_not_there(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    other = make_user(session, Role.PRODUCER)
    theirs = make_producer(session, staff=other)
    packer = make_packer(session, other)
    invited, _token = make_invitation(session, theirs, other)
    sign_in(client, owner)
    mine = f"/shop/producers/{producer.slug}"
    for path in (
        f"/shop/producers/{theirs.slug}/invitations",
        f"/shop/producers/{theirs.slug}/staff/{packer.id}/removal",
        f"/shop/producers/{theirs.slug}/staff/departure",
        f"{mine}/staff/{packer.id}/removal",
        f"{mine}/staff/{2**63 - 1}/removal",
        f"{mine}/invitations/{invited.id}/withdrawal",
    ):
        assert client.send("/shop/staff", path).status_code == 404, path
    assert len(staff_of(session, theirs)) == 2


def test_the_last_owner_stays(
    client: FlaskClient, session: Session, owner: User, producer: Producer
) -> None:
    packer = make_packer(session, owner)
    sign_in(client, owner)
    base = f"/shop/producers/{producer.slug}/staff"
    for path, fields in (
        (f"{base}/departure", {}),
        (f"{base}/{owner.id}/removal", {}),
        (f"{base}/{owner.id}/role", {"role": "packer"}),
    ):
        answer = client.send("/shop/staff", path, **fields)
        assert answer.status_code == 409
        assert "harus punya pemilik" in answer.get_data(as_text=True)
    up = client.send("/shop/staff", f"{base}/{packer.id}/role", role="owner")
    assert up.status_code == 303
    assert client.send("/shop/staff", f"{base}/departure").status_code == 303
    assert staff_of(session, producer) == {packer.id: StaffRole.OWNER}


def test_an_owner_whose_account_is_shut_is_no_owner_that_remains(
    session: Session, owner: User, producer: Producer
) -> None:
    second = make_packer(session, owner)
    staff_services.change_role(
        session, producer, second.id, StaffRole.OWNER, actor_id=owner.id, now=NOW
    )
    second.disabled_at = NOW
    session.flush()
    with pytest.raises(Conflict):
        staff_services.leave(session, producer, owner, now=NOW)


def test_the_database_itself_keeps_an_owner(
    session: Session, owner: User, producer: Producer
) -> None:
    make_packer(session, owner)
    session.commit()
    for statement in (
        delete(ProducerStaff).where(ProducerStaff.user_id == owner.id),
        update(ProducerStaff)
        .where(ProducerStaff.user_id == owner.id)
        .values(role=StaffRole.PACKER),
    ):
        with pytest.raises(IntegrityError):
            session.execute(statement)
        session.rollback()
    # Where nobody packs it is for the services to say: an account may be erased.
    session.execute(delete(ProducerStaff).where(ProducerStaff.user_id != owner.id))
    with pytest.raises(IntegrityError):
        session.execute(update(ProducerStaff).values(role=StaffRole.PACKER))
    session.rollback()
    session.execute(delete(ProducerStaff).where(ProducerStaff.user_id != owner.id))
    session.execute(delete(ProducerStaff).where(ProducerStaff.user_id == owner.id))


def test_who_is_no_owner_any_more_has_let_in_nobody(
    session: Session, owner: User, producer: Producer
) -> None:
    """No link made while still an owner opens the door again."""
    second = make_packer(session, owner)
    staff_services.change_role(
        session, producer, second.id, StaffRole.OWNER, actor_id=owner.id, now=NOW
    )
    asked, _token = make_invitation(session, producer, second)
    staff_services.remove(session, producer, second.id, actor_id=owner.id, now=clock.now())
    session.refresh(asked)
    assert asked.withdrawn_at is not None
    with pytest.raises(NotFound):
        staff_services.remove(session, producer, owner.id, actor_id=second.id, now=clock.now())


def test_a_packer_invites_nobody_even_past_the_door(
    session: Session, owner: User, producer: Producer
) -> None:
    packer = make_packer(session, owner)
    with pytest.raises(NotAllowed):
        make_invitation(session, producer, packer)
    # Nor does who was an owner when the page was asked for, and is on the staff no more.
    with pytest.raises(NotFound):
        make_invitation(session, producer, make_user(session, Role.PRODUCER))
    with pytest.raises(NotAllowed):
        staff_services.change_role(
            session, producer, packer.id, StaffRole.OWNER, actor_id=packer.id, now=NOW
        )


def at_once(app: Flask, *acts: Callable[[Session], object]) -> list[str]:
    """Does them at the same time, each on a connection of its own; what became of each."""
    barrier = threading.Barrier(len(acts))
    said: list[str] = []

    def run(act: Callable[[Session], object]) -> None:
        with app.app_context(), app.test_request_context():
            barrier.wait()
            try:
                act(db.session())
                db.session.commit()
                said.append("done")
            except MarketError as refusal:
                db.session.rollback()
                said.append(type(refusal).__name__)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(said)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_an_owner_who_is_removed_while_inviting(
    app: Flask,
    session: Session,
    owner: User,
    producer: Producer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The door was still open; the lock comes after the removal. (SQLite has one writer.)"""
    second = make_packer(session, owner)
    staff_services.change_role(
        session, producer, second.id, StaffRole.OWNER, actor_id=owner.id, now=NOW
    )
    ids, producer_id = (owner.id, second.id), producer.id
    session.commit()
    session.close()
    real, calls = staff_services._lock, itertools.count()

    def remove_then_lock(own: Session, which: Producer) -> None:
        if next(calls) == 0:
            with app.app_context(), Session(db.engine) as theirs:
                there = theirs.get_one(Producer, producer_id)
                staff_services.remove(theirs, there, ids[1], actor_id=ids[0], now=NOW)
                theirs.commit()
        real(own, which)

    monkeypatch.setattr(staff_services, "_lock", remove_then_lock)
    with Session(db.engine) as own:
        # It is in hand as an owner's, as after the door.
        assert own.get_one(ProducerStaff, (ids[1], producer_id)).role is StaffRole.OWNER
        with pytest.raises(NotFound):
            make_invitation(own, own.get_one(Producer, producer_id), own.get_one(User, ids[1]))
        own.rollback()


def test_two_owners_who_leave_at_once(
    app: Flask, session: Session, owner: User, producer: Producer
) -> None:
    second = make_packer(session, owner)
    staff_services.change_role(
        session, producer, second.id, StaffRole.OWNER, actor_id=owner.id, now=NOW
    )
    ids, producer_id = (owner.id, second.id), producer.id
    session.commit()

    def leaving(user_id: int) -> Callable[[Session], object]:
        return lambda own: staff_services.leave(
            own, own.get_one(Producer, producer_id), own.get_one(User, user_id), now=NOW
        )

    assert at_once(app, *map(leaving, ids)) == ["Conflict", "done"]
    assert len(staff_of(session, producer)) == 1
