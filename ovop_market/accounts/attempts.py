"""Tries that are counted (accounts.throttle), as the pages make them: each in a short transaction
of its own, with no lock held while a password is hashed."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts import cookies, passwords, second_factor, services, throttle
from ovop_market.accounts.models import User
from ovop_market.accounts.throttle import Bucket
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.extensions.addresses import sender
from ovop_market.extensions.database import begin_as_reader
from ovop_market.web.forms import BaseForm


class TooSoon(Exception):
    """It was tried too often; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def count(*buckets: Bucket) -> None:
    """Counts a try, and commits that. Raises TooSoon."""
    session = db.session()
    seconds = throttle.take(session, buckets, clock.now())
    if seconds:
        session.rollback()
        raise TooSoon(seconds)
    session.commit()


def of_sign_in(login: str) -> list[Bucket]:
    """What a sign-in by this login counts in, from this browser. Known logins and others alike."""
    known = services.login_of(login) or login.casefold()
    device = cookies.known_device(known)
    if device:
        return [Bucket(throttle.KNOWN_DEVICE, f"{known}\n{device}")]
    return [
        Bucket(throttle.PAIR, f"{known}\n{sender()}"),
        Bucket(throttle.ACCOUNT, known),
        Bucket(throttle.ADDRESS, sender()),
    ]


def went_well(session: Session, buckets: Sequence[Bucket]) -> None:
    """The password was right: what was counted for this account is forgotten."""
    throttle.clear(session, [b for b in buckets if b.rule is not throttle.ADDRESS])
    for bucket in buckets:
        if bucket.rule is throttle.ADDRESS:
            throttle.give_back(session, bucket, clock.now())


def who(login: str, password: str) -> User | None:
    """The account of this login and password. It is looked up first, then the password is hashed
    with no transaction open; for an unknown login as well."""
    session = db.session()
    begin_as_reader(True)
    user = services.user_of(session, login)
    found = (user.id, user.password_hash) if user and user.disabled_at is None else None
    session.rollback()
    begin_as_reader(False)
    fits = passwords.fits(found[1] if found else None, password)
    return session.get(User, found[0]) if found and fits else None


def confirm_password(user: User, password: str) -> bool:
    """Whether the person at the keyboard knows the account's password. Raises TooSoon."""
    bucket = Bucket(throttle.CONFIRMATION, str(user.id))
    kept = user.password_hash
    count(bucket)
    if not passwords.fits(kept, password):
        return False
    throttle.clear(db.session(), [bucket])
    # Nothing stays locked for what is hashed next.
    db.session.commit()
    return True


def confirm_person(user: User, password: str, code: str) -> bool:
    """Whether the person at the keyboard knows the password and, where the second factor is on, has
    a code, which is used up. Raises TooSoon."""
    user_id, two_steps = user.id, user.totp_since is not None
    right = confirm_password(user, password)
    if not two_steps:
        return right
    if right:
        bucket = Bucket(throttle.CODE, str(user_id))
        count(bucket)
        session = db.session()
        # With no transaction open: a code on paper is stretched first.
        right = second_factor.accept(session, user, code, clock.now())
        if right:
            throttle.clear(session, [bucket])
            session.commit()
            return True
    services.record(db.session(), "code refused", f"user {user_id}", clock.now(), user_id)
    db.session.commit()
    return False


def waiting(form: BaseForm, error: TooSoon) -> BaseForm:
    """The form with the words that say how long to wait."""
    form.form_errors = [_wait(error.seconds)]
    return form


def too_soon(template: str, form: BaseForm, error: TooSoon) -> Response:
    """The page again, with what was typed, and how long to wait."""
    page = render_template(template, form=waiting(form, error))
    return answer(page, error)


def answer(page: str, error: TooSoon) -> Response:
    """A page with the status of what was tried too often."""
    after = {"Retry-After": str(error.seconds)}
    return Response(page, 429, after, mimetype="text/html")


def _wait(seconds: int) -> str:
    if seconds < 60:
        return ngettext(
            "Terlalu sering dicoba. Tunggu %(num)d detik, lalu coba lagi.",
            "Terlalu sering dicoba. Tunggu %(num)d detik, lalu coba lagi.",
            seconds,
        )
    return ngettext(
        "Terlalu sering dicoba. Tunggu %(num)d menit, lalu coba lagi.",
        "Terlalu sering dicoba. Tunggu %(num)d menit, lalu coba lagi.",
        -(-seconds // 60),
    )
