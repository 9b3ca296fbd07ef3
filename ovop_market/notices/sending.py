"""The job that sends what is owed: claim (commit), make the texts, send (with no transaction open),
settle each (commit).

However many workers run it, a notice is being sent by one at a time. One that dies lets go of what
it has claimed when its lease runs out; then another sends it, under the same name: what was on its
way at that moment may come twice, and nothing is lost (docs/adr/0014).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from flask import Flask
from sqlalchemy.orm import Session

from ovop_market.config import Config
from ovop_market.core.tokens import digest
from ovop_market.extensions import db
from ovop_market.extensions.database import begin_as_reader
from ovop_market.notices import browsers, queries, services
from ovop_market.notices.channels import Browser, ChannelDown, Courier, Outgoing
from ovop_market.notices.channels.mail import Mailer
from ovop_market.notices.channels.push import Pusher
from ovop_market.notices.models import Notice
from ovop_market.notices.states import (
    GONE,
    Channel,
    Failure,
    NoticeAction,
    Outcome,
    dropped,
    later,
    never,
)
from ovop_market.notices.texts import Links, message
from ovop_market.web.language import speaking
from ovop_market.web.logs import log

# Notices that are claimed together.
AT_ONCE = 20
# After so long no other of them is begun: the last one must be over within the lease.
LONGEST = 20.0  # seconds

Couriers = Mapping[Channel, Courier]


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Job:
    """A claimed notice: ready to be sent, or already decided about."""

    notice_id: int
    tries: int
    channel: Channel
    outgoing: Outgoing | None
    decided: Outcome | None
    subscription_id: int | None


def couriers_of(app: Flask) -> dict[Channel, Courier]:
    """A courier for each channel that is configured."""
    config: Config = app.config["OVOP"]
    found: dict[Channel, Courier] = {}
    if config.smtp_url:
        found[Channel.EMAIL] = Mailer(app, config.smtp_url, config.mail_from)
    if config.vapid_key:
        found[Channel.PUSH] = Pusher(config.vapid_key, config.mail_from)
    return found


def run(
    app: Flask,
    now: datetime,
    *,
    limit: int = AT_ONCE,
    couriers: Couriers | None = None,
    stopped: Callable[[], bool] = _never,
) -> int:
    """Sends up to `limit` notices that are due; returns how many were dealt with.

    It pushes an application context of its own, commits by itself and raises nothing for a channel
    that fails. As long as the answer is `limit`, there may be more: call again at once. When it is
    told to stop, it gives back what it has not begun.
    """
    with app.app_context():
        couriers = couriers_of(app) if couriers is None else couriers
        session = db.session()
        if not couriers or not _anything_due(session, now, couriers):
            return 0
        ids, until = services.claim(session, now, list(couriers), limit)
        session.commit()
        done = 0
        with ExitStack() as entered:
            for courier in couriers.values():
                entered.enter_context(courier)
            jobs = _prepared(app, session, ids, now)
            for job, outcome in _tried(jobs, couriers, stopped):
                _settle(session, job, until, outcome, now)
                done += 1
        if done < len(ids):
            services.give_back(session, ids[done:], until, now)
            session.commit()
        return done


def _anything_due(session: Session, now: datetime, channels: Collection[Channel]) -> bool:
    """Asked as a reader: a worker that looks every few seconds stands in nobody's way."""
    begin_as_reader(True)
    try:
        return services.anything_due(session, now, list(channels))
    finally:
        session.rollback()
        begin_as_reader(False)


def _prepared(app: Flask, session: Session, ids: Sequence[int], now: datetime) -> list[_Job]:
    """What is to be sent, made from the database as it is now; then the transaction is over."""
    begin_as_reader(True)
    try:
        notices = {notice.id: notice for notice in queries.notices_of(session, ids)}
        return [_job(app, session, notices[notice_id], now) for notice_id in ids]
    finally:
        session.rollback()
        begin_as_reader(False)


def _job(app: Flask, session: Session, notice: Notice, now: datetime) -> _Job:
    decided: Outcome | None = None
    outgoing: Outgoing | None = None
    try:
        story = queries.story_of(session, notice)
        useless = queries.useless(session, notice, story, now)
        if useless is not None:
            decided = dropped(useless)
        else:
            outgoing = _outgoing(app, notice, story, now)
    except Exception as error:  # one that cannot be told must not keep back the others
        log.error("notice without text", notice=notice.id, error=type(error).__name__)
        decided = never(Failure.TEXT)
    return _Job(notice.id, notice.tries, notice.channel, outgoing, decided, notice.subscription_id)


def _outgoing(app: Flask, notice: Notice, story: queries.Story, now: datetime) -> Outgoing:
    config: Config = app.config["OVOP"]
    with speaking(notice.language):
        said = message(story, Links(app, config.public_url, notice.language))
    address, browser = "", None
    if notice.channel is Channel.PUSH:
        found = notice.subscription
        assert found is not None
        browser = Browser(found.endpoint, found.p256dh, found.auth)
    elif story.invitation is not None:
        address = story.invitation.email or ""
    elif notice.user is not None:
        address = story.address or notice.user.email or ""
    elif notice.purchase is not None:
        address = notice.purchase.email or ""
    mark = digest(f"{notice.key} {notice.recipient} {notice.made_at.isoformat()}")[:16]
    return Outgoing(
        notice_id=notice.id,
        name=f"notice-{notice.id}.{mark}",
        message=said,
        language=notice.language,
        at=now,
        reader=story.name,
        address=address,
        browser=browser,
    )


def _tried(
    jobs: Sequence[_Job], couriers: Couriers, stopped: Callable[[], bool]
) -> Iterator[tuple[_Job, Outcome]]:
    """Each job with what became of it, until the time is over or it is told to stop."""
    down: dict[Channel, Outcome] = {}
    give_up = time.monotonic() + LONGEST
    for job in jobs:
        if job.outgoing is None:
            yield job, job.decided or never(Failure.TEXT)
        elif job.channel in down:
            yield job, down[job.channel]
        elif stopped() or time.monotonic() > give_up:
            return
        else:
            try:
                outcome = _send(couriers[job.channel], job.outgoing)
            except ChannelDown as reason:
                log.warning("channel down", channel=str(job.channel), why=str(reason.failure))
                outcome = down[job.channel] = later(reason.failure, reason.code)
            yield job, outcome


def _send(courier: Courier, outgoing: Outgoing) -> Outcome:
    try:
        return courier.send(outgoing)
    except ChannelDown:
        raise
    except Exception as error:  # whatever a library raises: the others are still to be sent
        log.error("notice not sent", notice=outgoing.notice_id, error=type(error).__name__)
        return later(Failure.PROGRAM)


def _settle(session: Session, job: _Job, until: datetime, outcome: Outcome, now: datetime) -> None:
    """Written at once: what is settled is not sent again, whatever happens next."""
    if outcome == GONE and job.subscription_id is not None:
        browsers.forget(session, job.subscription_id)
    mine = services.settle(session, job.notice_id, until, job.tries, outcome, now)
    session.commit()
    if not mine:
        log.warning("notice was claimed by another worker meanwhile", notice=job.notice_id)
    elif outcome.action is NoticeAction.GIVE_UP:
        log.warning("notice given up", notice=job.notice_id, why=outcome.words)
