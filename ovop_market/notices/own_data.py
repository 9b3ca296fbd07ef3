"""Messages to a person: told to them, and deleted with them. The outbox is no history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session

from ovop_market.accounts.personal import Fact, Holder, Record, Section, Whose
from ovop_market.notices.kinds import Kind
from ovop_market.notices.labels import channel_text, subject_text
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.states import NoticeState
from ovop_market.orders.models import Order


def own_data(session: Session, whose: Whose) -> list[Section]:
    recipients = [f"buyer {own}" for own in whose.purchase_ids]
    mine: list[ColumnElement[bool]] = [Notice.recipient.in_(recipients)]
    if whose.user_id is not None:
        # Whether a link went to the address that the account wants would say whose it is.
        mine.append(and_(Notice.user_id == whose.user_id, Notice.kind != Kind.NEW_EMAIL))
    notices = session.scalars(select(Notice).where(or_(*mine)).order_by(Notice.id))
    sections = [Section("messages", _("Pesan untuk Anda"), [_notice(own) for own in notices])]
    if whose.user_id is not None:
        browsers = session.scalars(
            select(PushSubscription).where(PushSubscription.user_id == whose.user_id)
        )
        sections.append(
            Section("browsers", _("Peramban yang diberi tahu"), [_browser(b) for b in browsers])
        )
    return sections


def _notice(own: Notice) -> Record:
    about = subject_text(Kind(own.kind)) if own.kind in set(Kind) else own.kind
    return Record(
        (
            Fact("about", _("Tentang"), about),
            Fact("channel", _("Lewat"), str(own.channel), words=channel_text(own.channel)),
            Fact("made_at", _("Dibuat"), own.made_at),
            Fact("sent_at", _("Dikirim"), own.sent_at),
        )
    )


def _browser(own: PushSubscription) -> Record:
    # The rest of the address is a secret between the browser and its maker.
    return Record(
        (
            Fact("service", _("Layanan"), urlsplit(own.endpoint).hostname),
            Fact("since", _("Sejak"), own.made_at),
        )
    )


def erase(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """Deletes the messages about these purchases, to whomever, and those to the account."""
    orders = select(Order.id).where(Order.purchase_id.in_(whose.purchase_ids))
    theirs: list[ColumnElement[bool]] = [
        Notice.purchase_id.in_(whose.purchase_ids),
        Notice.order_id.in_(orders),
    ]
    if whose.user_id is not None:
        browsers = select(PushSubscription.id).where(PushSubscription.user_id == whose.user_id)
        theirs += [Notice.user_id == whose.user_id, Notice.subscription_id.in_(browsers)]
    quietly = {"synchronize_session": False}
    session.execute(delete(Notice).where(or_(*theirs)), execution_options=quietly)
    if whose.user_id is not None:
        session.execute(
            delete(PushSubscription).where(PushSubscription.user_id == whose.user_id),
            execution_options=quietly,
        )
    session.expire_all()
    return []


def forget_invited(session: Session, marks: Sequence[str]) -> None:
    """Throws away what has not been sent about these invitations (`invitations.mark_of`)."""
    session.execute(
        delete(Notice)
        .where(
            Notice.recipient.in_([f"invitation {mark}" for mark in marks]),
            Notice.state.in_((NoticeState.PENDING, NoticeState.FAILED)),
        )
        .execution_options(synchronize_session=False)
    )


HOLDER = Holder("notices", own_data=own_data, erase=erase)
