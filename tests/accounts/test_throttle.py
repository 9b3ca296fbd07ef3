"""Tries that wait longer and longer: counted once, by everybody together, and nobody locked out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from ovop_market.accounts import passwords, services, throttle
from ovop_market.accounts.models import Role, Throttle, User
from ovop_market.accounts.throttle import LONGEST_WAIT, Bucket, Rule, wait_after
from ovop_market.core import clock
from ovop_market.extensions import db
from tests.accounts.conftest import give_password
from tests.factories import NOW, PASSWORD, make_user, sign_in
from tests.pages import value_of

Later = Callable[[timedelta], None]
RULE = Rule("trying", 4)
SECOND = timedelta(seconds=1)


def guess(client: FlaskClient, login: str, password: str = "tebakan-saya", address: str = ""):  # type: ignore[no-untyped-def]
    fields = {"csrf_token": client.csrf("/sign-in"), "login": login, "password": password}
    environ = {"REMOTE_ADDR": address} if address else {}
    return client.post("/sign-in", data=fields, environ_base=environ)


def test_the_waits_grow_up_to_a_quarter_of_an_hour() -> None:
    waits = [wait_after(n, 4).total_seconds() for n in range(1, 18)]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_the_database_counts_as_the_rule_says(session: Session) -> None:
    bucket, now = Bucket(RULE, "somebody"), NOW
    for n in range(1, 20):
        assert throttle.take(session, [bucket], now) == 0, n
        wait = wait_after(n, RULE.free)
        if wait:
            assert throttle.take(session, [bucket], now) == wait.total_seconds()
            assert throttle.take(session, [bucket], now + wait - SECOND / 2) == 1
        now += wait
    # Never a lock: whoever waits is let in, and what is forgotten begins anew.
    assert throttle.take(session, [bucket], now) == 0
    now += RULE.forgets
    assert [throttle.take(session, [bucket], now) for _ in range(6)] == [0] * 5 + [1]


def test_a_clock_that_was_put_back_locks_nobody_out(session: Session) -> None:
    bucket = Bucket(RULE, "somebody")
    for _ in range(5):
        throttle.take(session, [bucket], NOW)
    assert throttle.take(session, [bucket], NOW) == 1
    assert throttle.take(session, [bucket], NOW - timedelta(hours=1)) == 0


def test_nobody_is_counted_where_another_says_no(session: Session) -> None:
    full, other = Bucket(Rule("full", 0), "a"), Bucket(RULE, "b")
    assert throttle.take(session, [full], NOW) == 0
    session.commit()
    assert throttle.take(session, [full, other], NOW) > 0
    session.rollback()
    assert session.scalars(select(Throttle.tries)).all() == [1]


def test_logins_and_addresses_are_not_in_the_table(client: FlaskClient, session: Session) -> None:
    guess(client, "ibu@ovop.example", address="203.0.113.9")
    keys = session.scalars(select(Throttle.key)).all()
    assert len(keys) == 3
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


def test_many_at_once_are_counted_one_by_one(app: Flask, session: Session) -> None:
    bucket = Bucket(Rule("at once", 3), "somebody")
    ready = Barrier(6)

    def go(_who: int) -> int:
        with app.app_context():
            ready.wait(20)
            seconds = throttle.take(db.session(), [bucket], NOW)
            if seconds:
                db.session.rollback()
            else:
                db.session.commit()
            return seconds

    with ThreadPoolExecutor(6) as pool:
        waits = list(pool.map(go, range(6)))
    assert sorted(waits) == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("login", ["ibu@ovop.example", "tidak@ada.example", "0812 3456 7890"])
def test_guessing_a_password(
    client: FlaskClient, session: Session, later: Later, login: str
) -> None:
    """Known logins and others alike."""
    make_user(session, login="ibu@ovop.example")
    statuses = [guess(client, login).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    for expected in (1, 2, 4, 8, 16, 32, 64):
        refused = guess(client, login)
        assert refused.status_code == 429
        left = int(refused.headers["Retry-After"])
        assert 1 <= left <= expected
        words = "menit" if left >= 60 else "detik"
        assert f"{words}, lalu coba lagi" in refused.text
        assert value_of(refused.text, "login") == login, "what was typed is kept"
        assert "tebakan-saya" not in refused.text
        later(timedelta(seconds=left))
        assert guess(client, login).status_code == 422
    later(LONGEST_WAIT)
    assert guess(client, login).status_code == 422


def test_the_right_password_waits_as_well_and_then_opens(
    client: FlaskClient, session: Session, later: Later
) -> None:
    user = make_user(session)
    for _ in range(5):
        guess(client, str(user.email))
    assert give_password(client, user).status_code == 429
    later(SECOND)
    assert give_password(client, user).status_code == 303
    # It began anew.
    client.send("/account", "/sign-out")
    assert [guess(client, str(user.email)).status_code for _ in range(6)] == [422] * 5 + [429]


def test_however_the_login_is_written_it_is_one(client: FlaskClient, session: Session) -> None:
    forms = ["0812 3456 7890", "+62 812-3456-7890", "081234567890", "6281234567890", "081234567890"]
    assert [guess(client, form).status_code for form in forms] == [422] * 5
    assert guess(client, "0812-3456-7890").status_code == 429


def test_a_stranger_locks_nobody_out(app: Flask, client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    sign_in(client, user)
    client.send("/account", "/sign-out")
    stranger = app.test_client()
    statuses = {guess(stranger, str(user.email)).status_code for _ in range(9)}
    assert statuses == {422, 429}
    # From the address that is closed for this account: the device is known.
    assert give_password(client, user).status_code == 303
    # From a new device elsewhere as well.
    elsewhere = app.test_client()
    answer = guess(elsewhere, str(user.email), PASSWORD, address="198.51.100.7")
    assert answer.status_code == 303


def test_many_machines_at_one_account(app: Flask, client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    sign_in(client, user)
    client.send("/account", "/sign-out")
    statuses = [
        guess(app.test_client(), str(user.email), address=f"198.51.100.{n}").status_code
        for n in range(27)
    ]
    assert statuses == [422] * 25 + [429] * 2
    assert give_password(client, user).status_code == 303, "the owner's own device"


def test_one_machine_at_many_accounts(app: Flask, client: FlaskClient, session: Session) -> None:
    mine = make_user(session)
    login = str(mine.email)
    for n in range(50):
        assert guess(client, f"nama{n}@ovop.example").status_code == 422, n
        if n % 20 == 10:
            # To sign in to an account of one's own does not clear the address.
            fresh = app.test_client()
            assert guess(fresh, login, PASSWORD).status_code == 303
    assert guess(client, "lain@ovop.example").status_code == 429
    assert guess(client, "lain@ovop.example", address="198.51.100.7").status_code == 422


def test_the_mark_of_a_device_opens_nothing_and_is_of_one_account(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    mine, theirs = make_user(session), make_user(session)
    sign_in(client, mine)
    mark = client.get_cookie("device")
    assert mark is not None and mark.http_only and mark.same_site == "Lax"
    assert str(mine.email) not in mark.decoded_value
    thief = app.test_client()
    thief.set_cookie("device", mark.value)
    assert thief.get("/account").status_code == 303
    assert [guess(thief, str(theirs.email)).status_code for _ in range(6)] == [422] * 5 + [429]
    # A counter of his own for the account it came from, no more.
    assert [guess(thief, str(mine.email)).status_code for _ in range(6)] == [422] * 5 + [429]
    for forged in ("", "x", "x.y.z", mark.value[:-2], "\x00"):
        thief.set_cookie("device", forged)
        assert guess(thief, "siapa@ovop.example").status_code in (422, 429)


def test_as_many_hashes_for_unknown_logins_as_for_known(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user(session)
    closed = make_user(session)
    closed.disabled_at = NOW
    session.commit()
    passwords._nobody()
    counted: list[str] = []

    class Counting:
        def hash(self, password: str) -> str:
            counted.append("hash")
            return hasher.hash(password)

        def verify(self, kept: str, password: str) -> bool:
            counted.append("verify")
            return hasher.verify(kept, password)

        def check_needs_rehash(self, kept: str) -> bool:
            return hasher.check_needs_rehash(kept)

    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    for login in (user.email, closed.email, "tidak@ada.example", "bukan login"):
        counted.clear()
        guess(client, str(login))
        assert counted == ["verify"], login
    for login in (user.email, "baru@ovop.example", "081234567890"):
        counted.clear()
        fields = {"name": "Sari", "login": login, "password": "perahu-hijau-di-teluk"}
        assert client.send("/register", "/register", **fields).status_code == 303
        assert counted == ["hash"], login
    for login in (user.email, "tidak@ada.example"):
        counted.clear()
        client.send("/password/reset", "/password/reset", login=login)
        assert counted == []


def test_nothing_is_locked_while_a_password_is_hashed(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer: nobody's order waits for somebody's password."""
    user = make_user(session)
    sign_in(client, user)
    open_now: list[str] = []
    seen: list[list[str]] = []
    slow = passwords._hasher

    class Looking:
        def hash(self, password: str) -> str:
            seen.append(list(open_now))
            return slow.hash(password)

        def verify(self, kept: str, password: str) -> bool:
            seen.append(list(open_now))
            return slow.verify(kept, password)

        def check_needs_rehash(self, _kept: str) -> bool:
            return True

    def began(connection: object) -> None:
        open_now.append("transaction")

    def ended(connection: object) -> None:
        open_now.clear()

    monkeypatch.setattr(passwords, "_hasher", Looking())
    session.commit()
    for name, listener in (("begin", began), ("commit", ended), ("rollback", ended)):
        event.listen(db.engine, name, listener)
    try:
        give_password(client, user)
        give_password(client, user, "bukan-yang-ini")
        fields = {"current": PASSWORD, "password": "perahu-hijau-di-teluk"}
        client.send("/account/password", "/account/password", **fields)
        client.send(
            "/register", "/register", name="S", login="s@ovop.example", password="perahu-x-9"
        )
    finally:
        for name, listener in (("begin", began), ("commit", ended), ("rollback", ended)):
            event.remove(db.engine, name, listener)
    assert len(seen) == 6
    assert seen == [[]] * 6


def test_registering_many_times(client: FlaskClient, session: Session) -> None:
    def go(n: int) -> int:
        fields = {"name": "A", "login": f"a{n}@ovop.example", "password": "perahu-hijau-di-teluk"}
        return client.send("/register", "/register", **fields).status_code

    # A whole village registers from one address of its mobile network.
    assert [go(n) for n in range(15)] == [303] * 15
    assert session.scalar(select(func.count(User.id))) == 15


def test_asking_for_a_new_password_many_times(
    client: FlaskClient, session: Session, later: Later
) -> None:
    def go(login: str) -> int:
        return client.send("/password/reset", "/password/reset", login=login).status_code

    services.register(
        session, login="a@ovop.example", password=PASSWORD, name="A", role=Role.BUYER, now=NOW
    )
    for login in ("a@ovop.example", "tidak@ada.example"):
        assert [go(login) for _ in range(5)] == [303] * 3 + [429] * 2
    # Its neighbours share the address.
    assert [go(f"lain{n}@ovop.example") for n in range(8)] == [303] * 8
    later(LONGEST_WAIT)
    assert go("a@ovop.example") == 303


def test_old_ones_are_swept(session: Session) -> None:
    throttle.take(session, [Bucket(RULE, "a")], NOW)
    assert throttle.sweep(session, NOW + RULE.forgets) == 0
    assert throttle.sweep(session, NOW + RULE.forgets + SECOND) == 1
    assert clock.now()
