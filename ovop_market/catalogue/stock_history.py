"""The history of an offer: every change of its stock and of what is promised of it, from the
movements, and every change of what it can make, from the audit; the latest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import case, func, literal, select, union_all
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.catalogue.labels import STOCK_REASONS
from ovop_market.catalogue.models import StockKind, StockMovement, StockReason
from ovop_market.web.filters import short_day

PAGE = 50
_CHANGES = ("capacity changed", "capacity planned")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: what happened, when, by whom; `balance` is the ready packs after it (None: stock did
    not change)."""

    what: str
    detail: str
    at: datetime
    who: str
    order_number: str | None
    change: int | None
    balance: int | None


@dataclass(frozen=True, slots=True)
class History:
    """One page of it, of so many."""

    entries: Sequence[Entry]
    pages: int


def history(session: Session, offer_id: int, page: int) -> History:
    """A page of an offer's history (from 1). Four statements."""
    lines = union_all(
        select(
            StockMovement.at.label("at"), literal(0).label("source"), StockMovement.id.label("id")
        ).where(StockMovement.offer_id == offer_id),
        select(AuditEvent.at, literal(1), AuditEvent.id).where(_audited(offer_id)),
    ).subquery()
    count = session.scalar(select(func.count()).select_from(lines)) or 0
    pages = max(-(-count // PAGE), 1)
    keys = session.execute(
        select(lines.c.source, lines.c.id)
        .order_by(lines.c.at.desc(), lines.c.source.desc(), lines.c.id.desc())
        .limit(PAGE)
        .offset((min(page, pages) - 1) * PAGE)
    ).all()
    found = {
        **_movements(session, offer_id, [key for source, key in keys if source == 0]),
        **_changes(session, [key for source, key in keys if source == 1]),
    }
    return History([found[source, key] for source, key in keys], pages)


def _audited(offer_id: int) -> Any:
    return (AuditEvent.subject == f"offer {offer_id}") & AuditEvent.action.in_(_CHANGES)


def _movements(session: Session, offer_id: int, ids: Sequence[int]) -> dict[tuple[int, int], Entry]:
    ready = case((StockMovement.kind == StockKind.READY, StockMovement.change), else_=0)
    balances = (
        select(
            StockMovement.id,
            func.sum(ready).over(order_by=(StockMovement.at, StockMovement.id)).label("balance"),
        )
        .where(StockMovement.offer_id == offer_id)
        .subquery()
    )
    rows = session.execute(
        select(StockMovement, balances.c.balance, User.name, User.role)
        .join(balances, balances.c.id == StockMovement.id)
        .outerjoin(User, User.id == StockMovement.actor_id)
        .where(StockMovement.id.in_(ids))
    )
    return {(0, m.id): _moved(m, balance, _who(name, role, m)) for m, balance, name, role in rows}


def _moved(movement: StockMovement, balance: int, who: str) -> Entry:
    in_stock = movement.kind is StockKind.READY
    what = str(STOCK_REASONS[movement.reason])
    detail = ""
    if movement.week is not None:
        what = _("Dijanjikan") if movement.change > 0 else _("Janji dilepas")
        detail = _(
            "%(n)d bungkus, minggu %(week)s",
            n=abs(movement.change),
            week=short_day(movement.week),
        )
    return Entry(
        what=what,
        detail=detail,
        at=movement.at,
        who=who,
        order_number=movement.order_number,
        change=movement.change if in_stock else None,
        balance=balance if in_stock else None,
    )


def _changes(session: Session, ids: Sequence[int]) -> dict[tuple[int, int], Entry]:
    rows = session.execute(
        select(AuditEvent, User.name, User.role)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(AuditEvent.id.in_(ids))
    )
    return {(1, event.id): _changed(event, _who(name, role)) for event, name, role in rows}


def _changed(event: AuditEvent, who: str) -> Entry:
    details: dict[str, Any] = dict(event.details or {})
    if event.action == "capacity planned":
        before, after = (_packs(n) for n in details["packs"])
        week = short_day(date.fromisoformat(details["week"]))
        what = _("Sanggup minggu %(week)s", week=week)
        detail = _("%(before)s → %(after)s", before=before, after=after)
    else:
        packs, days = details["weekly_capacity"], details["lead_days"]
        what = _("Jadwal diubah")
        parts = [_("per minggu %(before)s → %(after)s", before=packs[0], after=packs[1])]
        parts += [_("hari membuat %(before)s → %(after)s", before=days[0], after=days[1])]
        changed = [
            part for part, (old, new) in zip(parts, (packs, days), strict=True) if old != new
        ]
        detail = ", ".join(changed)
    return Entry(what, detail, event.at, who, None, None, None)


def _packs(number: int | None) -> str:
    return _("seperti biasa") if number is None else str(number)


def _who(name: str | None, role: Role | None, movement: StockMovement | None = None) -> str:
    """A buyer stays unnamed: whose order it is stands on the order's own page."""
    held = movement is not None and movement.reason is StockReason.HELD
    if role is Role.BUYER or (name is None and held):
        return _("Pembeli")
    return name or _("Otomatis")
