"""How often something may be tried: each try more waits twice as long, up to a quarter of an hour,
and nothing is ever locked for good.

Counted in the database, so that all processes count together, and *before* the attempt is made: who
sends a thousand guesses at once gets as many answers as somebody who waits for each. Two statements
of a transaction of its own, which is over before a password is hashed (SQLite has one writer).

Whose login or address it is, is not in the table: keys are hashes under a key of SECRET_KEY.

Who is counted how, and why a stranger cannot lock anybody out: docs/adr/0037.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, literal, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from ovop_market.accounts import sealing
from ovop_market.accounts.models import Throttle
from ovop_market.extensions.database import Moment, insert_into

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=15)
# Tries after which the wait has grown to the longest: 1 s, 2 s, … 512 s, 15 min.
_DOUBLINGS = math.ceil(math.log2(LONGEST_WAIT / FIRST_WAIT))


@dataclass(frozen=True, slots=True)
class Rule:
    """What is counted. `free`: tries that wait for nothing; after `forgets` without a try it begins
    anew."""

    name: str
    free: int
    forgets: timedelta = timedelta(hours=24)


# Signing in from a device that has signed in to this very account before: of no concern to it is
# what strangers try.
KNOWN_DEVICE = Rule("known device", 4)
# From everywhere else: one address on one account; all addresses on one account (many machines);
# one address on all accounts. Whole villages share an address of their mobile network.
PAIR = Rule("account and address", 4)
ACCOUNT = Rule("account", 24)
ADDRESS = Rule("address", 49)
# Codes of the second factor, and the password that is asked for again: by account.
CODE = Rule("code", 4)
CONFIRMATION = Rule("password again", 4)
# What makes mail; by login or account. How many registrations and such requests an address may send
# is the rate limits' (web.limits): it may be a whole village's, and nothing is given back here.
RESET = Rule("reset", 2)
VERIFICATION = Rule("verification", 2)
INVITATION = Rule("invitation", 19)
# A new address or number: by account, and by the login that is wanted.
LOGIN = Rule("new login", 4)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One counter: a rule, and whose it is."""

    rule: Rule
    of: str

    @property
    def key(self) -> str:
        return sealing.mark("throttle", f"{self.rule.name}\n{self.of}")


def wait_after(tries: int, free: int) -> timedelta:
    """How long to wait after so many tries."""
    over = tries - free
    if over <= 0:
        return timedelta()
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(over - 1, _DOUBLINGS))


def take(session: Session, buckets: Sequence[Bucket], now: datetime) -> int:
    """Counts a try in each of them, and returns 0; or counts nothing, and returns how many seconds
    it is too early. The caller commits in the first case and rolls back in the second."""
    # Always in one order: two who count in the same ones must not wait for each other.
    for bucket in sorted(buckets, key=lambda each: each.key):
        if not _count(session, bucket, now):
            return _seconds_left(session, bucket, now)
    return 0


def _count(session: Session, bucket: Bucket, now: datetime) -> bool:
    rule = bucket.rule
    anew = Throttle.over_at <= now
    tries = case((anew, 1), else_=Throttle.tries + 1)
    waits = [
        (tries == n, literal(now + wait_after(n, rule.free), Moment))
        for n in range(rule.free + 1, rule.free + 1 + _DOUBLINGS)
    ]
    values: dict[str, Any] = {
        "tries": tries,
        "open_at": case(
            (tries <= rule.free, literal(now, Moment)),
            *waits,
            else_=literal(now + LONGEST_WAIT, Moment),
        ),
        "over_at": now + rule.forgets,
    }
    insert = insert_into(session, Throttle).values(
        key=bucket.key,
        tries=1,
        open_at=now + wait_after(1, rule.free),
        over_at=now + rule.forgets,
    )
    counted = session.scalar(
        insert.on_conflict_do_update(
            index_elements=["key"],
            set_=values,
            # A clock that was put back must not make a quarter of an hour into a day.
            where=or_(Throttle.open_at <= now, anew, Throttle.open_at > now + LONGEST_WAIT),
        ).returning(Throttle.key)
    )
    return counted is not None


def _seconds_left(session: Session, bucket: Bucket, now: datetime) -> int:
    open_at = session.scalar(select(Throttle.open_at).where(Throttle.key == bucket.key))
    return max(1, math.ceil((open_at - now).total_seconds())) if open_at else 1


def clear(session: Session, buckets: Sequence[Bucket]) -> None:
    """It went well: they begin anew."""
    session.execute(
        delete(Throttle)
        .where(Throttle.key.in_([bucket.key for bucket in buckets]))
        .execution_options(synchronize_session=False)
    )


def give_back(session: Session, bucket: Bucket, now: datetime) -> None:
    """It went well: this try does not count. What others tried there still does: who has one
    account of his own must not clear his address with it between two guesses at others'."""
    session.execute(
        update(Throttle)
        .where(Throttle.key == bucket.key, Throttle.tries > 0)
        .values(tries=Throttle.tries - 1, open_at=now)
        .execution_options(synchronize_session=False)
    )


def sweep(session: Session, before: datetime) -> int:
    """Throws away what has long begun anew; returns how many rows."""
    gone: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(Throttle)
        .where(Throttle.over_at < before)
        .execution_options(synchronize_session=False)
    )
    return gone.rowcount
