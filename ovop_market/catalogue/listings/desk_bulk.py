"""Looking at many listings at once, and hiding many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.orm import Session

from ovop_market.bulk.registry import BulkAction, By, Planned, register
from ovop_market.catalogue.labels import LISTING_STATES
from ovop_market.catalogue.listings import approvals, reviews
from ovop_market.catalogue.listings import desk_queries as queries
from ovop_market.catalogue.listings.states import MOVES, ListingAction, ListingState, state_of
from ovop_market.catalogue.listings.values import Looked
from ovop_market.catalogue.models import Product
from ovop_market.core.errors import Conflict, NotFound
from ovop_market.villages.labels import PERMITS

HOME = "/desk/listings"
Plan = Callable[[Session, Sequence[int], datetime], list[Planned]]


def _planning(action: ListingAction) -> Plan:
    def plan(session: Session, ids: Sequence[int], now: datetime) -> list[Planned]:
        return [_planned(p, action, now) for p in queries.products(session, ids)]

    return plan


def _planned(product: Product, action: ListingAction, now: datetime) -> Planned:
    state = state_of(product)
    problem = ""
    if (state, action) not in MOVES:
        problem = _("sudah: %(state)s", state=LISTING_STATES[state])
    elif action is ListingAction.APPROVE and product.review_since is None:
        problem = _("sudah diperiksa")
    lacking = queries.lacking(product, now)
    note = product.producer.name
    if lacking and action is ListingAction.APPROVE:
        permits = ", ".join(str(PERMITS[kind]) for kind in lacking)
        note = _("%(producer)s, belum punya %(permits)s", producer=note, permits=permits)
    return Planned(
        id=product.id,
        name=product.name,
        url=url_for("reviews.listing", slug=product.slug),
        mark=reviews.mark(product),
        problem=problem,
        note=note,
    )


def _doing(action: ListingAction) -> Callable[[Session, int, By], dict[str, object]]:
    def do(session: Session, product_id: int, by: By) -> dict[str, object]:
        product = _locked(session, product_id)
        if by.mark != reviews.mark(product):
            raise Conflict(_("sudah diubah lagi sejak itu"))
        before: dict[str, object] = {
            "state": str(state_of(product)),
            "since": product.review_since.isoformat() if product.review_since else None,
            "on_probation": product.producer.on_probation,
            "approved": approvals.known(session, [product_id]).get(product_id),
        }
        reviews.act(session, product, action, actor_id=by.actor_id, now=by.now, reason=by.reason)
        last = reviews.latest_event(session, product_id)
        mark = reviews.mark(product)
        return {**before, "event": last.id if last else None, "mark": mark}

    return do


def _undo(session: Session, product_id: int, before: Mapping[str, object], by: By) -> None:
    product = _locked(session, product_id)
    last = reviews.latest_event(session, product_id)
    if last is None or last.id != before.get("event"):
        raise Conflict(_("sudah diubah lagi sejak itu"))
    if last.action is ListingAction.HIDE:
        # What was shown before comes back, and nothing else.
        if before.get("mark") != reviews.mark(product):
            raise Conflict(_("sudah diubah lagi sejak itu"))
        back = ListingAction.UNHIDE
    elif before.get("state") == ListingState.SUBMITTED:
        back = ListingAction.RECALL
    else:
        back = ListingAction.REOPEN
    reviews.act(session, product, back, actor_id=by.actor_id, now=by.now)
    since = before.get("since")
    product.review_since = datetime.fromisoformat(since) if isinstance(since, str) else None
    product.producer.on_probation = bool(before.get("on_probation"))
    session.flush()
    if last.action is ListingAction.APPROVE:
        approvals.keep(session, product_id, cast(Looked | None, before.get("approved")))


def _locked(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound(_("Produk ini tidak ada."))
    reviews.look(session, product)
    return product


def _approving(count: int) -> str:
    return ngettext(
        "%(num)d produk diperiksa, dan terlihat oleh pembeli.",
        "%(num)d produk diperiksa, dan terlihat oleh pembeli.",
        count,
    )


def _hiding(count: int) -> str:
    return ngettext(
        "%(num)d produk tidak terlihat lagi. Pesanan yang sudah ada tetap jalan.",
        "%(num)d produk tidak terlihat lagi. Pesanan yang sudah ada tetap jalan.",
        count,
    )


register(
    BulkAction(
        name="listings-approve",
        title=_l("Loloskan produk"),
        verb=_l("Loloskan"),
        sentence=_approving,
        home=HOME,
        plan=_planning(ListingAction.APPROVE),
        do=_doing(ListingAction.APPROVE),
        undo=_undo,
    )
)
register(
    BulkAction(
        name="listings-hide",
        title=_l("Sembunyikan produk"),
        verb=_l("Sembunyikan"),
        sentence=_hiding,
        home=HOME + "?tab=unseen",
        plan=_planning(ListingAction.HIDE),
        do=_doing(ListingAction.HIDE),
        undo=_undo,
        reason=_l("Dibaca penjual. Tulis apa yang harus diperbaiki."),
        danger=True,
    )
)
