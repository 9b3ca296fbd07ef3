"""Another address or number: by whoever the account is, once it is shown to be theirs, and nobody
learns whose a login is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ovop_market.accounts import links, login_changes, passwords, recovery, second_factor
from ovop_market.accounts.models import AuditEvent, Link, Purpose, User
from ovop_market.accounts.signals import Told
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from tests.accounts.conftest import Configure, Word, give_password, set_up
from tests.factories import NOW, PASSWORD, make_user, sign_in

Later = Callable[[timedelta], None]
EMAIL, PHONE = "/account/email", "/account/phone"
NEW = "baru@ovop.example"
NUMBER, OTHER = "081234567890", "081298765432"


def change(client: FlaskClient, page: str, new: str, **fields: str):  # type: ignore[no-untyped-def]
    return client.send(page, page, **{page.rpartition("/")[2]: new, "current": PASSWORD, **fields})


def enter(client: FlaskClient, user: User, password: str = PASSWORD) -> None:
    assert give_password(client, user, password).status_code == 303


def actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def without_names(page: str) -> str:
    """A page without what differs from visit to visit, and without the logins on it."""
    page = re.sub(r'name="csrf_token" value="[^"]+"', "", page)
    return re.sub(r"[a-z0-9]+@ovop\.example|0812\d+|\+62812\d+|\d\d\.\d\d WIB", "LOGIN", page)


def test_a_new_address_counts_once_its_link_was_followed(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session, login="lama@ovop.example")
    sign_in(client, user)
    other_device = app.test_client()
    sign_in(other_device, user)
    answer = change(client, EMAIL, " Baru@OVOP.example ")
    assert (answer.status_code, answer.headers["Location"]) == (303, EMAIL)
    page = client.get(EMAIL).text
    assert NEW in page and "Menunggu dipastikan" in page
    assert "Email baru menunggu" in client.get("/account").text
    assert [(word.what, word.to) for word in told] == [
        (Told.NEW_EMAIL, NEW),
        (Told.EMAIL_CHANGING, "lama@ovop.example"),
    ]
    session.refresh(user)
    assert user.email == "lama@ovop.example", "until the link is followed"
    assert other_device.get("/account").status_code == 200
    url = f"/verify/email/{told[0].link}"
    shown = client.get(url)
    assert NEW in shown.text and shown.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in shown.headers["Cache-Control"]
    session.refresh(user)
    assert user.email == "lama@ovop.example", "looking changes nothing"
    told.clear()
    assert client.send(url, url).headers["Location"] == "/account"
    assert "Email Anda sudah diganti" in client.get("/account").text
    session.refresh(user)
    assert (user.email, user.verified_at is not None) == (NEW, True)
    assert [(word.what, word.to) for word in told] == [(Told.EMAIL_GONE, "lama@ovop.example")]
    assert other_device.get("/account").status_code == 303, "other devices are out"
    assert client.get(url).status_code == 404
    assert give_password(app.test_client(), user).status_code == 303
    assert {"email change asked", "email changed", "sessions ended"} <= set(actions(session))
    noted = str(session.scalars(select(AuditEvent.details)).all())
    assert "@" not in noted and url.rpartition("/")[2] not in noted


def test_sent_twice_is_once(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word], later: Later
) -> None:
    user = make_user(session)
    sign_in(client, user)
    for _ in range(2):
        assert change(client, EMAIL, NEW).headers["Location"] == EMAIL
    assert [word.what for word in told] == [Told.NEW_EMAIL, Told.EMAIL_CHANGING]
    url = f"/verify/email/{told[0].link}"
    token = client.csrf(url)
    sent = [client.post(url, data={"csrf_token": token}) for _ in range(1)]
    elsewhere = app.test_client()
    token = elsewhere.csrf("/register")
    sent.append(elsewhere.post(url, data={"csrf_token": token}))
    assert [answer.headers["Location"] for answer in sent] == ["/account", "/sign-in"]
    assert session.scalar(select(func.count(User.id)).where(User.email == NEW)) == 1
    # Once the account has another address, the link is over.
    user.email = "lain@ovop.example"
    assert elsewhere.post(url, data={"csrf_token": token}).status_code == 404


def test_asked_again_later_the_mail_comes_again(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word], later: Later
) -> None:
    sign_in(client, make_user(session))
    change(client, EMAIL, NEW)
    later(login_changes.SAME_TAP)
    change(client, EMAIL, NEW)
    mails = [word.link for word in told if word.what is Told.NEW_EMAIL]
    assert len(mails) == 2
    assert [client.get(f"/verify/email/{link}").status_code for link in mails] == [404, 200]


@pytest.mark.parametrize("mail", [True, False])
@pytest.mark.parametrize("page", [EMAIL, PHONE])
def test_nobody_learns_whose_a_login_is(
    app: Flask,
    session: Session,
    request: pytest.FixtureRequest,
    told: list[Word],
    page: str,
    mail: bool,
) -> None:
    if mail:
        request.getfixturevalue("by_mail")
    new, theirs = (NEW, "punya@ovop.example") if page == EMAIL else (NUMBER, OTHER)
    owner = make_user(session, login=theirs)
    answers = []
    for wanted in (theirs, new):
        client = app.test_client()
        sign_in(client, make_user(session))
        answer = change(client, page, wanted)
        after = without_names(client.get(answer.headers["Location"]).text)
        if not (mail and page == EMAIL):
            # What counts at once is seen on the account's page, or it is not.
            after = re.sub(r"(?s).*(<div id=\"notices\".*?</div>).*", r"\1", after)
        after = re.sub(r"Orang \d+", "", after)
        answers.append((answer.status_code, answer.headers["Location"], after))
    assert answers[0] == answers[1]
    assert ("LOGIN" in answers[0][2]) is (mail and page == EMAIL)
    wanted_of = [word for word in told if word.what is Told.LOGIN_WANTED]
    assert [word.to for word in wanted_of] == [owner.email or owner.phone]
    # What the one who asks did reads alike as well.
    lines = [
        [a for a in group if a not in ("sessions ended", "phone changed", "email changed")]
        for group in (
            session.scalars(
                select(AuditEvent.action)
                .where(AuditEvent.actor_id == person)
                .order_by(AuditEvent.id)
            ).all()
            for person in (owner.id + 1, owner.id + 2)
        )
    ]
    assert lines[0] == [*lines[1]][: len(lines[0])]
    session.refresh(owner)
    assert theirs.lstrip("0") in str(owner.email or owner.phone)


def test_the_link_to_somebody_elses_address_was_never_sent(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    make_user(session, login=NEW)
    sign_in(client, make_user(session))
    change(client, EMAIL, NEW)
    assert not any(word.link for word in told)


def test_two_who_confirm_one_address_at_once(app: Flask, session: Session) -> None:
    people = [make_user(session), make_user(session)]
    tokens = [
        links.make(
            session,
            Purpose.EMAIL,
            now=NOW,
            user_id=person.id,
            lifetime=timedelta(hours=1),
            details={"email": NEW},
        )
        for person in people
    ]
    session.commit()
    ready = Barrier(2)

    def go(token: str) -> str:
        with app.app_context():
            mine = db.session()
            link = links.find(mine, Purpose.EMAIL, token, NOW)
            assert link is not None
            mine.rollback()
            ready.wait(20)
            try:
                login_changes.confirm_email(mine, link, NOW)
                mine.commit()
            except Conflict:
                mine.rollback()
                return "taken"
            return "changed"

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(go, tokens))
    assert sorted(done) == ["changed", "taken"]
    session.expire_all()
    winner = people[done.index("changed")]
    assert session.scalars(select(User.id).where(User.email == NEW)).all() == [winner.id]


def test_an_address_that_was_taken_meanwhile(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    sign_in(client, user)
    change(client, EMAIL, NEW)
    url = f"/verify/email/{told[0].link}"
    token = client.csrf(url)
    make_user(session, login=NEW)
    for answer in (client.get(url), client.post(url, data={"csrf_token": token})):
        assert answer.status_code == 409
        assert "Email ini sudah punya akun" in answer.text
    assert client.get("/account").status_code == 200, "nothing has changed"
    session.refresh(user)
    assert user.email != NEW


def test_the_link_lasts_a_day_and_ends_with_what_a_thief_would_want(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word], later: Later
) -> None:
    user = make_user(session)
    sign_in(client, user)
    change(client, EMAIL, NEW)
    url = f"/verify/email/{told[0].link}"
    later(login_changes.LIFETIME - timedelta(minutes=1))
    assert client.get(url).status_code == 200
    later(timedelta(minutes=1))
    assert client.get(url).status_code == 404
    # The owner reads of it at the old address, and makes a new password: it is off.
    change(client, EMAIL, NEW)
    url = f"/verify/email/{told[-2].link}"
    assert client.get(url).status_code == 200
    recovery.change(session, user, passwords.hashed("perahu-hijau-di-teluk"), clock.now())
    assert client.get(url).status_code == 404
    assert client.get("/verify/" + told[-2].link).status_code == 404, "for one thing alone"


def test_links_of_before_end_with_the_change(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    recovery.ask_to_reset(session, user, clock.now())
    recovery.ask_to_verify(session, user, clock.now())
    reset, verify = (word.link for word in told)
    sign_in(client, user)
    change(client, EMAIL, NEW)
    url = f"/verify/email/{told[-2].link}"
    assert client.get(f"/password/reset/{reset}").status_code == 200
    client.send(url, url)
    assert client.get(f"/password/reset/{reset}").status_code == 404
    assert client.get(f"/verify/{verify}").status_code == 404


def test_the_link_in_another_browser_signs_nobody_in(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    sign_in(client, make_user(session))
    change(client, EMAIL, NEW)
    url = f"/verify/email/{told[0].link}"
    elsewhere, stranger = app.test_client(), app.test_client()
    sign_in(stranger, make_user(session))
    assert stranger.get(url).status_code == 200
    assert elsewhere.send(url, url).headers["Location"] == "/sign-in"
    assert "sudah diganti" in elsewhere.get("/sign-in").text
    assert elsewhere.get("/account").status_code == 303
    assert stranger.get("/account").status_code == 200, "a stranger stays who he is"


def test_it_can_be_called_off(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    sign_in(client, make_user(session))
    change(client, EMAIL, NEW)
    for _ in range(2):
        assert client.send(EMAIL, f"{EMAIL}/withdrawal").headers["Location"] == EMAIL
    assert "Menunggu dipastikan" not in client.get(EMAIL).text
    assert client.get(f"/verify/email/{told[0].link}").status_code == 404
    assert actions(session).count("email change withdrawn") == 1


def test_a_number_counts_at_once(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    other_device = app.test_client()
    sign_in(other_device, user)
    sign_in(client, user)
    assert change(client, PHONE, "0812 3456-7890").headers["Location"] == "/account"
    page = client.get("/account").text
    assert "+6281234567890" in page and "Selesai" in page
    assert other_device.get("/account").status_code == 303
    assert [(word.what, word.to) for word in told] == [(Told.PHONE_CHANGED, user.email)]
    by_phone = app.test_client()
    fields = {"login": NUMBER, "password": PASSWORD}
    assert by_phone.send("/register", "/sign-in", **fields).status_code == 303
    # Replaced.
    assert change(client, PHONE, OTHER).status_code == 303
    assert app.test_client().send("/register", "/sign-in", **fields).status_code == 422
    session.refresh(user)
    assert user.phone == "+6281298765432"


def test_without_mail_an_address_counts_at_once(client: FlaskClient, session: Session) -> None:
    user = make_user(session, login=NUMBER)
    enter(client, user)
    assert "Tambah email" in client.get("/account").text
    assert change(client, EMAIL, NEW).headers["Location"] == "/account"
    assert NEW in client.get("/account").text
    session.refresh(user)
    assert (user.email, user.verified_at) == (NEW, None)


@pytest.mark.parametrize(
    ("page", "fields", "field"),
    [
        (EMAIL, {"email": "bukan"}, "email"),
        (EMAIL, {"email": ""}, "email"),
        (EMAIL, {"email": NEW, "current": "salah-sekali"}, "current"),
        (EMAIL, {"email": NEW, "current": ""}, "current"),
        (EMAIL, {"email": "Lama@ovop.example"}, "email"),
        (PHONE, {"phone": "12"}, "phone"),
        (PHONE, {"phone": "a@b.example"}, "phone"),
        (PHONE, {"phone": NUMBER, "current": "salah-sekali"}, "current"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_kept(
    client: FlaskClient, session: Session, page: str, fields: Mapping[str, str], field: str
) -> None:
    user = make_user(session, login="lama@ovop.example")
    sign_in(client, user)
    answer = client.send(page, page, **{"current": PASSWORD, **fields})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    typed = next(value for name, value in fields.items() if name != "current")
    assert not typed or f'value="{typed}"' in answer.text
    assert PASSWORD not in answer.text and "salah-sekali" not in answer.text
    session.refresh(user)
    assert (user.email, user.phone) == ("lama@ovop.example", None)
    assert session.scalar(select(func.count(Link.id))) == 0


def test_with_a_second_factor_its_code_is_asked_for(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    totp, codes = set_up(session, user)
    told.clear()
    give_password(client, user)
    client.send("/sign-in/code", "/sign-in/code", code=codes[0])
    for page, new in ((EMAIL, NEW), (PHONE, NUMBER)):
        assert 'autocomplete="one-time-code"' in client.get(page).text
        assert change(client, page, new).status_code == 422
        wrong = change(client, page, new, code="000000")
        assert (wrong.status_code, "atau kodenya tidak cocok" in wrong.text) == (422, True)
    assert change(client, EMAIL, NEW, code=totp.at(clock.now())).status_code == 303
    assert change(client, PHONE, NUMBER, code=codes[1]).status_code == 303
    session.refresh(user)
    assert user.phone == "+6281234567890"
    user.verified_at = NOW
    removal = f"{PHONE}/removal"
    assert client.send(removal, removal, current=PASSWORD).status_code == 422


def test_one_goes_while_the_other_remains(
    app: Flask, client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    email, removal = user.email, f"{EMAIL}/removal"
    sign_in(client, user)
    page = client.get(removal).text
    assert "satu-satunya cara masuk" in page and 'name="current"' not in page
    token = client.csrf("/account")
    refused = client.post(removal, data={"csrf_token": token, "current": PASSWORD})
    assert refused.status_code == 422
    change(client, PHONE, NUMBER)
    # The address is not sure yet: without the number nobody might be reached.
    unsure = client.get(f"{PHONE}/removal").text
    assert "Pastikan dulu email" in unsure
    assert client.send(removal, removal, current="salah-sekali").status_code == 422
    told.clear()
    other_device = app.test_client()
    sign_in(other_device, user)
    assert client.send(removal, removal, current=PASSWORD).headers["Location"] == "/account"
    assert "Email dihapus" in client.get("/account").text
    assert [(word.what, word.to) for word in told] == [(Told.EMAIL_GONE, email)]
    assert other_device.get("/account").status_code == 303
    session.refresh(user)
    assert (user.email, user.verified_at, user.phone) == (None, None, "+6281234567890")
    # It was sent twice.
    answer = client.post(removal, data={"csrf_token": client.csrf("/account"), "current": "x"})
    assert answer.headers["Location"] == "/account"
    assert actions(session).count("email removed") == 1


def test_a_sure_address_lets_the_number_go(client: FlaskClient, session: Session) -> None:
    user = make_user(session)
    user.phone, user.verified_at = "+6281234567890", NOW
    sign_in(client, user)
    removal = f"{PHONE}/removal"
    assert client.send(removal, removal, current=PASSWORD).status_code == 303
    session.refresh(user)
    assert user.phone is None and user.verified_at is not None


def test_of_two_who_remove_one_each_at_once_one_does(app: Flask, session: Session) -> None:
    user = make_user(session)
    user.phone, user.verified_at = "+6281234567890", NOW
    user_id, ready = user.id, Barrier(2)
    session.commit()

    def go(login: login_changes.Login) -> bool:
        with app.app_context():
            mine = db.session()
            ready.wait(20)
            try:
                done = login_changes.remove(mine, mine.get_one(User, user_id), login, NOW)
                mine.commit()
            except Unusable:
                mine.rollback()
                return False
            return done

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, login_changes.Login)) == [False, True]


@pytest.mark.parametrize("page", [EMAIL, PHONE, f"{PHONE}/removal", "/account/password"])
def test_a_device_that_is_put_out_meanwhile_changes_nothing(
    client: FlaskClient,
    session: Session,
    by_mail: None,
    told: list[Word],
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    """Somebody who knows the old password is in; its owner makes a new one in that very moment."""
    user = make_user(session, login="lama@ovop.example")
    user.phone, user.verified_at = "+6281298765432", NOW
    sign_in(client, user)
    fields = {EMAIL: {"email": NEW}, PHONE: {"phone": NUMBER}}.get(page, {})
    if page == "/account/password":
        fields = {"password": "perahu hijau di teluk"}
    right, user_id = passwords.fits, user.id
    session.commit()

    def owner_is_quicker(*arguments: Any) -> bool:
        answer = right(*arguments)
        with Session(db.engine) as elsewhere:
            theirs = elsewhere.get_one(User, user_id)
            recovery.change(elsewhere, theirs, passwords.hashed("kapal merah di laut"), NOW)
            elsewhere.commit()
        return answer

    monkeypatch.setattr(passwords, "fits", owner_is_quicker)
    answer = client.send(page, page, current=PASSWORD, **fields)
    monkeypatch.undo()
    assert answer.status_code == 409 and "Masuk lagi" in answer.text
    session.expire_all()
    assert (user.email, user.phone) == ("lama@ovop.example", "+6281298765432")
    assert session.scalars(select(Link)).all() == []
    assert [word.what for word in told] == [Told.PASSWORD_CHANGED]
    assert client.get("/account").status_code == 303, "no new session for whoever was put out"


def test_two_who_want_each_others_login_do_not_wait_for_each_other(
    app: Flask, session: Session, by_mail: None
) -> None:
    people = [make_user(session, login=f"{name}@ovop.example") for name in ("adi", "budi")]
    ids = [user.id for user in people]
    ready = Barrier(2)
    session.commit()

    def go(at: int) -> login_changes.Answer:
        with app.app_context():
            mine = db.session()
            user = mine.get_one(User, ids[at])
            mine.commit()
            wanted = f"{('budi', 'adi')[at]}@ovop.example"
            ready.wait(20)
            done = login_changes.ask(mine, user, login_changes.Login.EMAIL, wanted, NOW)
            mine.commit()
            return done

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(go, range(2))) == [login_changes.Answer.MAILED] * 2


def test_another_number_leaves_the_link_that_confirms_the_address(
    client: FlaskClient, session: Session, by_mail: None
) -> None:
    user = make_user(session)
    lifetime = timedelta(hours=24)
    links.make(session, Purpose.VERIFY, now=clock.now(), lifetime=lifetime, user_id=user.id)
    sign_in(client, user)
    assert change(client, PHONE, NUMBER).status_code == 303
    assert links.open_of(session, Purpose.VERIFY, user.id, clock.now()) is not None


def test_what_was_confirmed_meanwhile_is_not_withdrawn(
    client: FlaskClient, session: Session, by_mail: None, told: list[Word]
) -> None:
    user = make_user(session)
    sign_in(client, user)
    change(client, EMAIL, NEW)
    url = f"/verify/email/{told[0].link}"
    assert client.send(url, url).status_code == 303
    client.get("/account")  # which says that it is changed
    token = client.csrf("/account")
    answer = client.post(f"{EMAIL}/withdrawal", data={"csrf_token": token})
    assert answer.status_code == 303
    assert "tidak jadi" not in client.get(EMAIL).text
    assert "email change withdrawn" not in actions(session)


def test_waiting_uses_no_code_up(client: FlaskClient, session: Session, by_mail: None) -> None:
    user = make_user(session)
    _totp, codes = set_up(session, user)
    give_password(client, user)
    client.send("/sign-in/code", "/sign-in/code", code=codes.pop())
    for n in range(5):
        answer = change(client, EMAIL, f"a{n}@ovop.example", code=codes.pop())
        assert answer.status_code == 303
    assert change(client, EMAIL, NEW, code=codes[0]).status_code == 429
    assert second_factor.codes_left(session, user) == len(codes)


def test_it_is_counted_by_account_and_by_what_is_wanted(
    app: Flask, session: Session, by_mail: None, told: list[Word]
) -> None:
    def asks(wanted: list[str], client: FlaskClient) -> list[int]:
        return [change(client, EMAIL, each).status_code for each in wanted]

    first, second = app.test_client(), app.test_client()
    sign_in(first, make_user(session))
    many = [f"a{n}@ovop.example" for n in range(6)]
    assert asks(many, first) == [303, 303, 303, 303, 303, 429]
    slow = change(first, EMAIL, NEW)
    assert int(slow.headers["Retry-After"]) >= 1
    assert f'value="{NEW}"' in slow.text, "what was typed is kept"
    # One mailbox is not filled by many accounts either.
    for _ in range(5):
        client = app.test_client()
        sign_in(client, make_user(session))
        change(client, EMAIL, NEW)
    sign_in(second, make_user(session))
    assert change(second, EMAIL, NEW).status_code == 429


def test_guessing_the_password_there_waits(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session))
    codes = [change(client, PHONE, NUMBER, current="salah-sekali").status_code for _ in range(6)]
    assert codes == [422, 422, 422, 422, 422, 429]


def test_it_is_in_ones_own_data_and_goes_with_the_account(
    client: FlaskClient, session: Session, by_mail: None
) -> None:
    user = make_user(session)
    sign_in(client, user)
    change(client, EMAIL, NEW)
    answer = client.send("/account/privacy", "/account/export", format="json")
    account = answer.get_json()["account"][0]
    assert (account["awaited_email"], account["email"]) == (NEW, user.email)
    # Nor does the file say whether the link was sent, and so whose the address is.
    assert [told["about"] for told in answer.get_json()["messages"]] == [
        "Email akun Anda akan diganti"
    ]
    client.send("/account/erasure", "/account/erasure", password=PASSWORD, sure="y")
    session.expire_all()
    kept: list[Any] = session.scalars(select(Link.details)).all()
    assert NEW not in str(kept)


def test_in_english_as_well(client: FlaskClient, session: Session, configure: Configure) -> None:
    configure(smtp_url="smtp://127.0.0.1:9")
    sign_in(client, make_user(session))
    fields = {"email": NEW, "current": PASSWORD}
    answer = client.send("/en/account/email", "/en/account/email", **fields)
    assert answer.headers["Location"] == "/en/account/email"
    assert client.get("/en/account/email").status_code == 200
