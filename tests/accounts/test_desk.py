"""Accounts on the operators' desk."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import (
    desk_queries,
    desk_services,
    erasure,
    recovery,
    second_factor,
    trail,
)
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.accounts.personal import Whose
from ovop_market.core import clock
from ovop_market.core.errors import Conflict
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole
from tests.factories import (
    NOW,
    PASSWORD,
    make_invitation,
    make_producer,
    make_user,
    sign_in,
)
from tests.villages.test_staff import at_once


@pytest.fixture
def operator(session: Session, client: FlaskClient) -> User:
    user = make_user(session, Role.OPERATOR, name="Pengelola Satu")
    sign_in(client, user)
    return user


def path_of(user: User, what: str = "") -> str:
    return f"/desk/users/{user.id}" + (f"/{what}" if what else "")


def last(session: Session, subject: str) -> AuditEvent:
    session.expire_all()
    found = session.scalars(
        select(AuditEvent).where(AuditEvent.subject == subject).order_by(AuditEvent.id.desc())
    ).first()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "mawar"}, True),
        ({"q": "MAWAR@ovop"}, True),
        ({"q": "0812 3456 7890"}, False),
        ({"q": "100%"}, False),
        ({"role": "buyer"}, True),
        ({"role": "official"}, False),
        ({"state": "disabled"}, False),
        ({"state": "active", "role": "buyer", "q": "bunga"}, True),
        ({"role": "king", "state": "gone", "page": "999999999999"}, True),
        ({"q": "\x00"}, None),
    ],
)
def test_searching(
    client: FlaskClient,
    session: Session,
    operator: User,
    asked: dict[str, str],
    found: bool | None,
) -> None:
    user = make_user(session, login="mawar@ovop.example", name="Bunga Mawar")
    answer = client.get("/desk/users", query_string=asked)
    if found is None:
        assert answer.status_code == 400
        return
    assert (f'data-user="{user.id}"' in answer.get_data(as_text=True)) is found


def test_people_are_found_by_telephone(
    client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session, login="0812 3456 7890")
    for words in ("0812-3456-7890", "+62 812 3456 7890", "34567890"):
        body = client.get("/desk/users", query_string={"q": words}).get_data(as_text=True)
        assert f'data-user="{user.id}"' in body, words


def test_an_erased_account_is_nobodys(
    session: Session, client: FlaskClient, operator: User
) -> None:
    gone = make_user(session, name="Mawar", login="mawar@ovop.example")
    erasure.erase(session, Whose(user_id=gone.id), NOW)
    session.commit()
    listed = client.get("/desk/users").text
    assert "None" not in listed
    assert f'data-user="{gone.id}"' not in listed
    # Nor is anything done with it.
    page = client.get(path_of(gone))
    assert page.status_code == 404
    assert "atas permintaan orangnya" in page.text
    sent = client.send("/desk/users", path_of(gone, "enabling"), reason="Salah tekan")
    assert sent.status_code == 404
    assert session.get_one(User, gone.id).disabled_at is not None


def test_a_closed_account_is_dead_at_once_everywhere(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session)
    session.commit()
    theirs = app.test_client()
    sign_in(theirs, user)
    assert theirs.get("/account").status_code == 200
    assert client.send(path_of(user), path_of(user, "disabling"), reason="").status_code == 422
    answer = client.send(path_of(user), path_of(user, "disabling"), reason="HP dicuri")
    assert answer.status_code == 303
    assert theirs.get("/account").status_code == 303
    line = last(session, f"user {user.id}")
    assert (line.action, line.actor_id) == ("account disabled", operator.id)
    assert line.details == {"reason": "HP dicuri"}
    refused = theirs.send("/sign-in", "/sign-in", login=user.email, password=PASSWORD)
    assert refused.status_code == 422
    assert client.send(path_of(user), path_of(user, "enabling"), reason="ketemu").status_code == 303
    # The old session stays dead; a new one begins.
    assert theirs.get("/account").status_code == 303
    sign_in(theirs, session.get_one(User, user.id))


def test_all_sessions_end(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session)
    session.commit()
    theirs = app.test_client()
    sign_in(theirs, user)
    assert "1 sedang masuk" in client.get(path_of(user)).get_data(as_text=True)
    assert client.send(path_of(user), path_of(user, "sessions/removal")).status_code == 303
    assert theirs.get("/account").status_code == 303
    assert "0 sedang masuk" in client.get(path_of(user)).get_data(as_text=True)


def test_nobody_changes_their_own_account_here(
    client: FlaskClient, session: Session, operator: User
) -> None:
    make_user(session, Role.OPERATOR)
    body = client.get(path_of(operator)).get_data(as_text=True)
    assert "akun Anda sendiri" in body and "Tutup akun" not in body
    shut = client.send("/account", path_of(operator, "disabling"), reason="x")
    assert shut.status_code == 409
    changed = client.send("/desk/users", path_of(operator, "role"), role="buyer", reason="x")
    assert changed.status_code == 409
    session.expire_all()
    kept = session.get_one(User, operator.id)
    assert (kept.role, kept.disabled_at) == (Role.OPERATOR, None)


def test_the_last_operator_remains(session: Session) -> None:
    """As the services see it: over HTTP whoever asks is another one."""
    only = make_user(session, Role.OPERATOR)
    make_user(session, Role.OPERATOR).disabled_at = NOW
    session.flush()
    with pytest.raises(Conflict):
        desk_services.disable(session, only, reason="x", actor_id=0, now=NOW)
    with pytest.raises(Conflict):
        desk_services.change_role(
            session,
            only,
            role=Role.BUYER,
            region_code=None,
            seen=None,
            reason="x",
            actor_id=0,
            now=NOW,
        )


def test_two_operators_who_shut_each_other_out_at_once(app: Flask, session: Session) -> None:
    one, two = (make_user(session, Role.OPERATOR).id for _n in range(2))
    session.commit()

    def shutting(actor: int, other: int) -> Any:
        return lambda own: desk_services.disable(
            own, own.get_one(User, other), reason="x", actor_id=actor, now=NOW
        )

    assert at_once(app, shutting(one, two), shutting(two, one)) == ["Conflict", "done"]
    working = session.scalars(select(User).where(User.disabled_at.is_(None))).all()
    assert len(working) == 1


def test_a_role_is_changed_after_a_preview(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session, name="Pak Dinas")
    session.commit()
    theirs = app.test_client()
    sign_in(theirs, user)
    preview = path_of(user, "role") + "?role=official&region_code=19.05"
    body = client.get(preview).get_data(as_text=True)
    assert "Pak Dinas menjadi pejabat, Kabupaten Bangka Barat" in body
    assert "tanpa data pembeli" in body
    answer = client.send(
        preview,
        path_of(user, "role"),
        role="official",
        region_code="19.05",
        reason="SK dinas",
        seen="buyer",
    )
    assert answer.status_code == 303
    session.expire_all()
    changed = session.get_one(User, user.id)
    assert (changed.role, changed.region_code) == (Role.OFFICIAL, "19.05")
    assert theirs.get("/account").status_code == 303
    line = last(session, f"user {user.id}")
    assert line.details == {
        "from": "buyer",
        "to": "official",
        "area": "19.05",
        "reason": "SK dinas",
    }
    # The page from before says what is not so any more.
    late = client.send("/account", path_of(user, "role"), role="buyer", reason="x", seen="buyer")
    assert late.status_code == 409
    assert "baru saja diubah" in late.get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"role": "official", "region_code": "", "reason": "x"}, 422),
        ({"role": "official", "region_code": "99", "reason": "x"}, 422),
        ({"role": "official", "region_code": "19.05.01.2006", "reason": "x"}, 422),
        ({"role": "king", "reason": "x"}, 422),
        ({"role": "operator", "reason": ""}, 422),
    ],
)
def test_a_change_that_is_none(
    client: FlaskClient, session: Session, operator: User, fields: dict[str, str], status: int
) -> None:
    user = make_user(session)
    answer = client.send(path_of(user), path_of(user, "role"), **fields)
    assert answer.status_code == status
    session.expire_all()
    assert session.get_one(User, user.id).role is Role.BUYER


def test_an_erased_account_stays_as_it_is(
    client: FlaskClient, session: Session, operator: User
) -> None:
    gone = make_user(session)
    make_invitation(session, make_producer(session, staff=operator), operator)
    erasure.erase(session, Whose(gone.id), NOW)
    session.commit()
    # It is nobody's any more: there is no page, and nothing to be done with it.
    assert client.get(path_of(gone)).status_code == 404
    answer = client.send("/account", path_of(gone, "enabling"), reason="Ia minta kembali")
    assert answer.status_code == 404
    answer = client.send(
        "/account", path_of(gone, "role"), role="operator", reason="Ia minta", seen="buyer"
    )
    assert answer.status_code == 404
    with pytest.raises(Conflict):
        desk_services.enable(session, gone, reason="Ia minta", actor_id=operator.id, now=NOW)
    # It has no login: no invitation is to it.
    assert desk_queries.page_of(session, gone, clock.now()).invitations == []


def test_the_field_asks_to_name_nobody_else(
    client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session)
    session.commit()
    assert "Tanpa nama orang lain" in client.get(path_of(user)).get_data(as_text=True)


def test_who_works_for_a_producer_is_no_official(
    client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session, Role.PRODUCER)
    make_producer(session, staff=user, name="Rumah Contoh")
    body = client.get(path_of(user)).get_data(as_text=True)
    assert "Rumah Contoh, Belo Laut (pemilik)" in body
    body = client.get(path_of(user, "role") + "?role=operator").get_data(as_text=True)
    assert "Masih bekerja untuk Rumah Contoh" in body
    answer = client.send(path_of(user), path_of(user, "role"), role="operator", reason="x")
    assert answer.status_code == 409


def test_who_waits_for_help_gets_a_link_that_is_shown_once(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session, login="0812 3456 7890", name="Bu Telepon")
    recovery.ask_to_reset(session, user, NOW)
    body = client.get("/desk/users").get_data(as_text=True)
    assert f'data-waiting="{user.id}"' in body
    answer = client.send("/desk/users", path_of(user, "reset-link"))
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "/password/reset/" in body and "https://wa.me/6281234567890?text=" in body
    assert "/password/reset/" not in client.get(path_of(user)).get_data(as_text=True)
    assert "data-waiting" not in client.get("/desk/users").get_data(as_text=True)
    line = last(session, f"user {user.id}")
    assert (line.action, line.actor_id) == ("password link made", operator.id)
    shut = make_user(session)
    shut.disabled_at = NOW
    assert client.send("/desk/users", path_of(shut, "reset-link")).status_code == 409


def test_a_lost_second_factor_is_taken_away(
    client: FlaskClient, session: Session, operator: User
) -> None:
    user = make_user(session, Role.OPERATOR)
    second_factor.begin(session, user, clock.now())
    user.totp_since = NOW
    assert "menyala sejak" in client.get(path_of(user)).get_data(as_text=True)
    answer = client.send(path_of(user), path_of(user, "second-factor/removal"))
    assert answer.status_code == 303
    session.expire_all()
    assert session.get_one(User, user.id).totp_since is None
    assert last(session, f"user {user.id}").action == "second factor cleared"
    own = client.send("/account", path_of(operator, "second-factor/removal"))
    assert own.status_code == 409


def test_an_official_is_invited_and_not_given_a_password(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    asked = {"login": "pejabat.baru@ovop.example", "role": "official", "region_code": "19.05"}
    answer = client.send("/desk/users", "/desk/users/invitations", **asked)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "/invitations/" in body
    token = body.split('id="handed-link">')[1].split("<")[0].rpartition("/")[2]
    theirs = app.test_client()
    page = theirs.get(f"/invitations/{token}").get_data(as_text=True)
    assert "pejabat" in page and "Kabupaten Bangka Barat" in page
    joined = theirs.send(
        f"/invitations/{token}",
        f"/invitations/{token}/account",
        login=asked["login"],
        name="Pak Baru",
        password=PASSWORD,
    )
    assert (joined.status_code, joined.headers["Location"]) == (303, "/reach")
    made = session.scalars(select(User).where(User.email == asked["login"])).one()
    assert (made.role, made.region_code) == (Role.OFFICIAL, "19.05")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"login": "x", "role": "operator"}, "login"),
        ({"login": "a@ovop.example", "role": "official"}, "region_code"),
        ({"login": "a@ovop.example", "role": "producer"}, "producer"),
        ({"login": "a@ovop.example", "role": "producer", "producer": "tidak-ada"}, "producer"),
        ({"login": "a@ovop.example", "role": "buyer"}, "role"),
    ],
)
def test_an_invitation_that_is_none_is_said_beside_the_field(
    client: FlaskClient, session: Session, operator: User, fields: dict[str, str], field: str
) -> None:
    answer = client.send("/desk/users", "/desk/users/invitations", **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.get_data(as_text=True)
    assert session.scalars(select(Invitation)).all() == []


def test_the_first_owner_of_a_producer_is_invited_by_an_operator(
    app: Flask, client: FlaskClient, session: Session, operator: User
) -> None:
    home = make_producer(session, name="Rumah Baru", slug="rumah-baru")
    owned = make_producer(session, staff=make_user(session, Role.PRODUCER), slug="rumah-lama")
    body = client.get("/desk/users").get_data(as_text=True)
    assert 'value="rumah-baru"' in body and 'value="rumah-lama"' not in body
    asked = {"login": "0812 3456 7890", "role": "producer", "producer": "rumah-baru"}
    body = client.send("/desk/users", "/desk/users/invitations", **asked).get_data(as_text=True)
    token = body.split('id="handed-link">')[1].split("<")[0].rpartition("/")[2]
    theirs = app.test_client()
    theirs.send(
        f"/invitations/{token}",
        f"/invitations/{token}/account",
        login=asked["login"],
        name="Bu Baru",
        password=PASSWORD,
    )
    rows = session.scalars(select(ProducerStaff).where(ProducerStaff.producer_id == home.id)).all()
    assert [row.role for row in rows] == [StaffRole.OWNER]
    assert theirs.get("/shop/offers").status_code == 200
    assert owned.slug == "rumah-lama"


def test_who_is_shut_out_has_let_in_nobody(
    client: FlaskClient, session: Session, operator: User
) -> None:
    owner = make_user(session, Role.PRODUCER)
    producer = make_producer(session, staff=owner)
    asked, token = make_invitation(session, producer, owner)
    client.send(path_of(owner), path_of(owner, "disabling"), reason="curang")
    session.expire_all()
    assert session.get_one(Invitation, asked.id).withdrawn_at is not None
    assert client.get(f"/invitations/{token}").status_code == 410


def test_an_operator_withdraws(client: FlaskClient, session: Session, operator: User) -> None:
    asked = {"login": "a@ovop.example", "role": "operator"}
    client.send("/desk/users", "/desk/users/invitations", **asked)
    (invitation,) = session.scalars(select(Invitation)).all()
    path = f"/desk/users/invitations/{invitation.id}/withdrawal"
    assert f'data-invitation="{invitation.id}"' in client.get("/desk/users").get_data(as_text=True)
    assert client.send("/desk/users", path).status_code == 303
    assert client.send("/desk/users", path).status_code == 303
    assert "data-invitation" not in client.get("/desk/users").get_data(as_text=True)


def test_whose_data_a_page_shows_is_said(
    client: FlaskClient,
    session: Session,
    operator: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, set[int]]] = []
    monkeypatch.setattr(trail, "viewed_users", lambda page, ids: told.append((page, set(ids))))
    user = make_user(session)
    client.get(path_of(user))
    client.get("/desk/users")
    assert told == [("user", {user.id}), ("users", {user.id, operator.id})]


def test_ids_that_are_none(client: FlaskClient, operator: User) -> None:
    for wrong in ("0", "-1", str(2**63), "abc", "1.5"):
        assert client.get(f"/desk/users/{wrong}").status_code == 404, wrong
