"""Sending many failed messages again at once, or taking many off the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.orm import Session

from ovop_market.bulk.registry import BulkAction, By, Planned, register
from ovop_market.core.errors import Conflict
from ovop_market.notices import failures, queries, services
from ovop_market.notices.models import Notice
from ovop_market.notices.states import NoticeState

HOME = "/desk/notices"
Verb = Callable[[Session, Notice, int, datetime], None]


def _planning(*, again: bool) -> Callable[[Session, Sequence[int], datetime], list[Planned]]:
    def plan(session: Session, ids: Sequence[int], now: datetime) -> list[Planned]:
        return [
            Planned(
                id=row.id,
                name=row.who,
                url=f"{url_for('notices.failures')}#notice-{row.id}",
                mark=f"{state} {row.retryable}",
                problem=_problem(state, row.retryable or not again),
                note=row.what,
            )
            for row, state in failures.notices_by_ids(session, ids, now)
        ]

    return plan


def _problem(state: NoticeState, fit: bool) -> str:
    if state is not NoticeState.FAILED:
        return _("sudah diurus")
    return "" if fit else _("sudah lebih dari 3 hari: hubungi sendiri")


def _doing(verb: Verb) -> Callable[[Session, int, By], dict[str, object]]:
    def do(session: Session, notice_id: int, by: By) -> dict[str, object]:
        notice = queries.notice_of(session, notice_id)
        session.refresh(notice, with_for_update=True)
        if notice.state is not NoticeState.FAILED:
            raise Conflict(_("sudah diurus"))
        verb(session, notice, by.actor_id, by.now)
        return {}

    return do


def _again(count: int) -> str:
    return ngettext(
        "%(num)d pesan segera dikirim lagi.", "%(num)d pesan segera dikirim lagi.", count
    )


def _dropping(count: int) -> str:
    return ngettext(
        "%(num)d pesan dihapus dari daftar, dan tidak dikirim.",
        "%(num)d pesan dihapus dari daftar, dan tidak dikirim.",
        count,
    )


register(
    BulkAction(
        name="notices-retry",
        title=_l("Kirim lagi pesan gagal"),
        verb=_l("Kirim lagi"),
        sentence=_again,
        home=HOME,
        plan=_planning(again=True),
        do=_doing(services.retry),
    )
)
register(
    BulkAction(
        name="notices-drop",
        title=_l("Hapus pesan gagal"),
        verb=_l("Sudah diurus, hapus"),
        sentence=_dropping,
        home=HOME,
        plan=_planning(again=False),
        do=_doing(services.drop),
        danger=True,
    )
)
