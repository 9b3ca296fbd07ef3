"""The second factor: set up, asked for, used once, lost, and switched off."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from urllib.parse import unquote

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from ovop_market.accounts import passwords, second_factor
from ovop_market.accounts.models import AuditEvent, RecoveryCode, Role, User
from ovop_market.accounts.signals import Told
from ovop_market.config import from_environment
from ovop_market.core import clock
from ovop_market.core.errors import ConfigurationError, Conflict, Unusable
from ovop_market.extensions import db
from tests.accounts.conftest import Configure, Word, give_password, set_up
from tests.factories import PASSWORD, make_user, sign_in
from tests.pages import token_in

Later = Callable[[timedelta], None]
At = Callable[[datetime], None]
STEP = timedelta(seconds=second_factor.STEP)
PAGE = "/account/second-factor"
HTMX = {"HX-Request": "true"}


def give_code(client: FlaskClient, code: str):  # type: ignore[no-untyped-def]
    return client.send("/sign-in/code", "/sign-in/code", code=code)


def test_setting_it_up(app: Flask, client: FlaskClient, session: Session, told: list[Word]) -> None:
    user = make_user(session)
    sign_in(client, user)
    other_device = app.test_client()
    sign_in(other_device, user)
    assert "Mati" in client.get("/account").text
    assert client.send(PAGE, PAGE).headers["Location"] == PAGE
    answer = client.get(PAGE)
    assert answer.headers["Cache-Control"] == "private, no-store"
    typed = re.search(r"<code>([A-Z2-7 ]+)</code>", answer.text)
    assert typed
    secret = typed.group(1).replace(" ", "")
    assert len(secret) == 32, "160 bits (RFC 4226)"
    # The picture says the same as the words.
    picture = re.search(
        r'<img class="qr" src="data:image/svg\+xml;charset=utf-8,([^"]+)"', answer.text
    )
    assert picture and unquote(picture.group(1)).startswith("<svg")
    # The secret is not in the database as it is.
    session.refresh(user)
    assert user.totp_secret and secret not in user.totp_secret
    assert user.totp_since is None
    wrong = client.send(PAGE, f"{PAGE}/confirmation", code="000000")
    assert (wrong.status_code, "tidak cocok" in wrong.text) == (422, True)
    assert typed.group(1) in wrong.text, "the same secret, scanned already"
    now = clock.now()
    page = client.send(PAGE, f"{PAGE}/confirmation", code=pyotp.TOTP(secret).at(now))
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    codes = re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", page.text)
    assert len(set(codes)) == 10
    assert "Perangkat lain sudah keluar" in page.text
    assert other_device.get("/account").status_code == 303
    kept = str(session.scalars(select(RecoveryCode.digest)).all())
    assert not any(code.replace("-", "") in kept for code in codes)
    # They are shown once; the picture is not shown again.
    after = client.get(PAGE).text
    assert not any(code in after for code in codes)
    assert secret[:4] not in after
    assert "10 kode cadangan" in after
    assert "Menyala" in client.get("/account").text
    assert [word.what for word in told] == [Told.SECOND_FACTOR_ON]
    assert "second factor on" in session.scalars(select(AuditEvent.action)).all()
    # To begin again is refused: whoever finds an open phone must not put in his own.
    assert client.send(PAGE, PAGE).status_code == 409


def test_what_was_begun_and_left_is_not_finished_by_who_finds_the_phone(
    app: Flask, client: FlaskClient, session: Session, later: Later
) -> None:
    user = make_user(session)
    sign_in(client, user)
    other_device = app.test_client()
    sign_in(other_device, user)
    later(timedelta(minutes=10))
    client.send(PAGE, PAGE)
    secret = str(second_factor.secret_of(user))
    # The password was typed a quarter of an hour ago, the secret is younger.
    later(timedelta(minutes=6))
    asked = f"/account/confirmation?next={PAGE}"
    answer = client.get(PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, asked)
    code = pyotp.TOTP(secret).at(clock.now())
    answer = client.send("/account", f"{PAGE}/confirmation", code=code)
    assert answer.headers["Location"] == asked
    fields = {"csrf_token": client.csrf("/account"), "code": code}
    answer = client.post(f"{PAGE}/confirmation", data=fields, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, asked)
    # Whoever knows the password goes on where they were.
    client.send(asked, "/account/confirmation", current=PASSWORD, next=PAGE)
    assert secret[:4] in client.get(PAGE).text
    # Two days later there is no secret any more, for nobody.
    later(timedelta(days=2))
    page = client.get(PAGE)
    assert (page.status_code, secret[:4] in page.text) == (200, False)
    client.send(asked, "/account/confirmation", current=PASSWORD, next=PAGE)
    code = pyotp.TOTP(secret).at(clock.now())
    answer = client.send(PAGE, f"{PAGE}/confirmation", code=code)
    assert answer.headers["Location"] == PAGE
    with pytest.raises(Unusable):
        second_factor.confirm(session, user, code, clock.now())
    session.refresh(user)
    assert user.totp_since is None
    assert other_device.get("/account").status_code == 200
    assert client.send(PAGE, PAGE).headers["Location"] == PAGE
    assert secret[:4] not in client.get(PAGE).text


def test_signing_in_takes_two_steps(client: FlaskClient, session: Session) -> None:
    user = make_user(session, Role.OPERATOR)
    totp, _codes = set_up(session, user)
    answer = give_password(client, user, next="/desk/payouts")
    assert answer.headers["Location"] == "/sign-in/code"
    # The first step opens nothing.
    for path in ("/account", "/desk", "/account/purchases", PAGE):
        assert client.get(path).headers["Location"].startswith("/sign-in?"), path
    assert client.post(PAGE, data={"csrf_token": client.csrf("/register")}).status_code == 303
    assert client.get("/inbox", headers=HTMX).status_code == 204
    assert client.get("/sign-in").status_code == 200
    assert 'autocomplete="one-time-code"' in client.get("/sign-in/code").text
    wrong = give_code(client, "000000")
    assert (wrong.status_code, 'id="code-error"' in wrong.text) == (422, True)
    code = totp.at(clock.now())
    answer = give_code(client, f"{code[:3]} {code[3:]}")
    assert answer.headers["Location"] == "/desk/payouts"
    assert client.get("/account").status_code == 200
    assert client.get("/sign-in/code").headers["Location"] == "/sign-in"


def test_who_was_signed_in_before_the_first_step_is_not_any_more(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    """The browser forgets that session; a copy of its cookie must not go on with it."""
    before, user = make_user(session), make_user(session)
    set_up(session, user)
    sign_in(client, before)
    copied = client.get_cookie("session")
    assert copied is not None
    fields = {"csrf_token": client.csrf("/account/password"), "password": PASSWORD}
    answer = client.post("/sign-in", data={**fields, "login": str(user.email)})
    assert answer.headers["Location"] == "/sign-in/code"
    thief = app.test_client()
    thief.set_cookie("session", copied.value)
    assert thief.get("/account").status_code == 303


def test_the_first_step_is_for_five_minutes(
    app: Flask, client: FlaskClient, session: Session, later: Later
) -> None:
    user = make_user(session)
    totp, _codes = set_up(session, user)
    give_password(client, user)
    token = token_in(client.get("/sign-in/code").text)
    later(timedelta(minutes=5))
    answer = client.post("/sign-in/code", data={"csrf_token": token, "code": totp.at(clock.now())})
    assert answer.headers["Location"] == "/sign-in"
    assert client.get("/account").status_code == 303
    # Nor does it outlive a new password or a closed account.
    for field, value in (("epoch", user.epoch + 1), ("disabled_at", clock.now())):
        fresh = app.test_client()
        give_password(fresh, user)
        assert fresh.get("/sign-in/code").status_code == 200
        setattr(user, field, value)
        session.commit()
        assert fresh.get("/sign-in/code").status_code == 303


@pytest.mark.parametrize(
    ("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clocks_may_be_a_step_off(session: Session, off: int, taken: bool) -> None:
    user = make_user(session)
    totp, _codes = set_up(session, user)
    now = clock.now() + 10 * STEP
    assert second_factor.accept(session, user, totp.at(now + off * STEP), now) is taken


def test_a_code_is_taken_once(app: Flask, client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    totp, _codes = set_up(session, user)
    code = totp.at(clock.now())
    give_password(client, user)
    assert give_code(client, code).status_code == 303
    # Somebody looked over the shoulder, and knows the password.
    thief = app.test_client()
    give_password(thief, user)
    assert give_code(thief, code).status_code == 422
    # An older code of the same minute neither.
    assert not second_factor.accept(session, user, totp.at(clock.now() - STEP), clock.now())


def test_of_two_at_once_one_gets_in_by_a_code(app: Flask, session: Session) -> None:
    user = make_user(session)
    totp, codes = set_up(session, user)
    now, user_id = clock.now(), user.id

    def race(code: str) -> list[bool]:
        ready = Barrier(2)

        def go(_who: int) -> bool:
            with app.app_context():
                mine = db.session.get_one(User, user_id)
                db.session.commit()
                ready.wait(20)
                taken = second_factor.accept(db.session(), mine, code, now)
                db.session.commit()
                return taken

        with ThreadPoolExecutor(2) as pool:
            return sorted(pool.map(go, range(2)))

    session.commit()
    assert race(totp.at(now)) == [False, True]
    assert race(codes[0]) == [False, True]


def test_a_code_on_paper_works_once(
    app: Flask, client: FlaskClient, session: Session, told: list[Word]
) -> None:
    user = make_user(session)
    _totp, codes = set_up(session, user)
    give_password(client, user)
    assert give_code(client, codes[3].lower().replace("-", " ")).status_code == 303
    again = app.test_client()
    give_password(again, user)
    assert give_code(again, codes[3]).status_code == 422
    assert give_code(again, codes[4]).status_code == 303
    assert "8 kode cadangan" in client.get(PAGE).text
    assert [word.what for word in told][-2:] == [Told.RECOVERY_CODE_USED] * 2
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "recovery code used"))
    assert [each.details for each in event] == [{"left": 9}, {"left": 8}]


def test_nothing_is_locked_while_a_code_on_paper_is_stretched(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user(session)
    sign_in(client, user)
    _totp, codes = set_up(session, user)
    open_now: list[str] = []
    seen: list[list[str]] = []
    stretched = passwords.stretched

    def looking(text: str, salt: bytes) -> bytes:
        seen.append(list(open_now))
        return stretched(text, salt)

    def began(_connection: object) -> None:
        open_now.append("transaction")

    def ended(_connection: object) -> None:
        open_now.clear()

    monkeypatch.setattr(passwords, "stretched", looking)
    session.commit()
    listeners = (("begin", began), ("commit", ended), ("rollback", ended))
    for name, listener in listeners:
        event.listen(db.engine, name, listener)
    try:
        give_password(client, user)
        assert give_code(client, codes[0]).status_code == 303
        assert both(client, "codes", codes[1]).status_code == 200
    finally:
        for name, listener in listeners:
            event.remove(db.engine, name, listener)
    assert len(seen) == 1 + 1 + second_factor.HOW_MANY_CODES
    assert seen == [[]] * len(seen)


def test_somebody_elses_codes_are_none(session: Session) -> None:
    mine, theirs = make_user(session), make_user(session)
    _totp, codes = set_up(session, theirs)
    set_up(session, mine)
    assert not second_factor.accept(session, mine, codes[0], clock.now())
    off = make_user(session)
    assert not second_factor.accept(session, off, "123456", clock.now())
    second_factor.begin(session, off, clock.now())
    secret = second_factor.secret_of(off)
    assert secret
    assert not second_factor.accept(session, off, pyotp.TOTP(secret).now(), clock.now())


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "x" * 21, "a\x00b"]
)
def test_what_is_no_code(client: FlaskClient, session: Session, code: str) -> None:
    user = make_user(session)
    set_up(session, user)
    give_password(client, user)
    assert give_code(client, code).status_code == 422


def test_guessing_codes_waits_longer_and_longer(
    app: Flask, client: FlaskClient, session: Session, later: Later
) -> None:
    user = make_user(session)
    totp, _codes = set_up(session, user)
    give_password(client, user)
    statuses = [give_code(client, f"00000{n}").status_code for n in range(6)]
    assert statuses == [422] * 5 + [429]
    # To begin with the password again gives no new tries.
    fresh = app.test_client()
    give_password(fresh, user)
    answer = give_code(fresh, "000009")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    later(timedelta(seconds=1))
    assert give_code(client, totp.at(clock.now())).status_code == 303


def both(client: FlaskClient, action: str, code: str, current: str = PASSWORD):  # type: ignore[no-untyped-def]
    return client.send(PAGE, f"{PAGE}/{action}", current=current, code=code)


def test_switching_it_off_takes_password_and_code(
    app: Flask, client: FlaskClient, session: Session, told: list[Word]
) -> None:
    user = make_user(session)
    sign_in(client, user)
    totp, codes = set_up(session, user)
    code = totp.at(clock.now())
    assert both(client, "removal", "000000").status_code == 422
    refused = both(client, "removal", code, "bukan-yang-ini")
    assert (refused.status_code, "tidak cocok" in refused.text) == (422, True)
    assert both(client, "removal", "").status_code == 422
    session.refresh(user)
    assert user.totp_since is not None
    copied = client.get_cookie("session")
    assert copied is not None
    assert both(client, "removal", code).headers["Location"] == PAGE
    other_device = app.test_client()
    other_device.set_cookie("session", copied.value)
    assert other_device.get("/account").status_code == 303, "whoever else was in is out"
    session.refresh(user)
    assert (user.totp_since, user.totp_secret, user.totp_step) == (None, None, None)
    assert session.scalars(select(RecoveryCode)).all() == []
    assert told[-1].what is Told.SECOND_FACTOR_OFF
    assert give_password(app.test_client(), user).headers["Location"] == "/account"
    assert not second_factor.accept(session, user, codes[0], clock.now())


def test_new_codes_for_paper(client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    sign_in(client, user)
    totp, codes = set_up(session, user)
    page = both(client, "codes", totp.at(clock.now()))
    fresh = re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", page.text)
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    assert not second_factor.accept(session, user, codes[0], clock.now())
    assert second_factor.accept(session, user, fresh[0], clock.now())


def test_an_operator_clears_it_for_another(
    client: FlaskClient, session: Session, told: list[Word]
) -> None:
    user, operator = make_user(session), make_user(session, Role.OPERATOR)
    sign_in(client, user)
    set_up(session, user)
    second_factor.clear(session, user, operator.id, clock.now())
    session.commit()
    assert client.get("/account").status_code == 303, "all its sessions end"
    assert give_password(client, user).headers["Location"] == "/account"
    assert told[-1].what is Told.SECOND_FACTOR_OFF
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "second factor cleared"))
    assert [each.actor_id for each in event] == [operator.id]
    with pytest.raises(Conflict):
        second_factor.clear(session, operator, operator.id, clock.now())


@pytest.mark.parametrize("role", [Role.OFFICIAL, Role.OPERATOR])
def test_who_must_have_one_sets_it_up_first(
    client: FlaskClient, session: Session, configure: Configure, role: Role
) -> None:
    configure(require_2fa=True)
    user = make_user(session, role)
    sign_in(client, user)
    home = "/reach" if role is Role.OFFICIAL else "/desk"
    for path in (home, "/account", "/account/sessions", "/account/purchases"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, PAGE), path
    answer = client.get(home, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, PAGE)
    token = client.csrf(PAGE)
    posted = client.post("/desk/notices/1/drop", data={"csrf_token": token})
    expected = 403 if role is Role.OFFICIAL else 303
    assert posted.status_code == expected
    assert client.get("/").status_code == 200
    assert "harus memakai kode masuk" in client.get(PAGE).text
    client.send(PAGE, PAGE)
    session.refresh(user)
    secret = second_factor.secret_of(user)
    assert secret
    done = client.send(PAGE, f"{PAGE}/confirmation", code=pyotp.TOTP(secret).at(clock.now()))
    assert f'href="{home}"' in done.text
    assert client.get(home).status_code == 200
    # It cannot be switched off.
    page = client.get(PAGE).text
    assert "Matikan kode masuk" not in page
    refused = both(client, "removal", "123456")
    assert refused.status_code == 403
    session.refresh(user)
    assert user.totp_since is not None


@pytest.mark.parametrize("role", [Role.BUYER, Role.PRODUCER])
def test_others_need_not(
    client: FlaskClient, session: Session, configure: Configure, role: Role
) -> None:
    configure(require_2fa=True)
    sign_in(client, make_user(session, role))
    assert client.get("/account").status_code == 200


def test_it_is_asked_for_in_production_unless_it_is_said_otherwise() -> None:
    live = {"OVOP_ENV": "production", "SECRET_KEY": "k9Qz-4mWv7Rt2Xc8Lp5Ns1Jd6Hb3Gf0Ya"}
    live["PUBLIC_URL"] = "https://pasar.example"
    assert from_environment(live).require_2fa is True
    assert from_environment({**live, "OVOP_REQUIRE_2FA": "0"}).require_2fa is False
    assert from_environment({"OVOP_ENV": "testing"}).require_2fa is False
    assert from_environment({"OVOP_ENV": "testing", "OVOP_REQUIRE_2FA": "1"}).require_2fa is True
    with pytest.raises(ConfigurationError):
        from_environment({"OVOP_ENV": "testing", "OVOP_REQUIRE_2FA": "yes"})


def test_another_secret_key_reads_none_of_it(session: Session, configure: Configure) -> None:
    user = make_user(session)
    totp, codes = set_up(session, user)
    configure(secret_key="another-secret-key-of-this-site-0123456789")
    assert second_factor.secret_of(user) is None
    now = clock.now()
    assert not second_factor.accept(session, user, totp.at(now), now)
    assert not second_factor.accept(session, user, codes[0], now)


def test_the_picture_is_what_an_app_reads(session: Session) -> None:
    import segno
    import zxingcpp
    from PIL import Image

    user = make_user(session, login="ibu@ovop.example")
    second_factor.begin(session, user, clock.now())
    secret = second_factor.secret_of(user)
    uri = pyotp.TOTP(str(secret)).provisioning_uri(name=user.email, issuer_name="OVOP Market")
    assert uri.startswith("otpauth://totp/OVOP%20Market:ibu%40ovop.example?secret=")
    drawn = io.BytesIO()
    segno.make(uri, error="m").save(drawn, kind="png", scale=5, border=4)
    (found,) = zxingcpp.read_barcodes(Image.open(drawn))
    assert found.text == uri
    assert second_factor.picture(user, str(secret)).startswith("data:image/svg+xml")
    user.totp_since = clock.now()
    assert second_factor.pending(user, clock.now()) is None
