"""What the purchase page says: each order's timeline, and what happens next, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from ovop_market.orders import share_labels
from ovop_market.orders.labels import ACTORS, BADGES, EVENTS, STATES
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.queries import Terms, offered_terms, open_actions
from ovop_market.orders.signals import Panel, order_shown, purchase_shown
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.villages.models import Producer
from ovop_market.web import filters

_MADE = frozenset({OrderState.READY, OrderState.SHIPPED, OrderState.RECEIVED})
_WRONG = frozenset(
    {
        Action.DECLINE,
        Action.GIVE_UP,
        Action.LAPSE,
        Action.CANCEL,
        Action.REVOKE,
        Action.DISPUTE,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the timeline (templates/components/timeline.html)."""

    title: str
    when: str
    who: str
    note: str
    kind: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its buyer sees it. `offer`: what it comes to if they agree to the offer."""

    order: Order
    state_text: str
    badge_kind: str
    next: str
    steps: list[Step]
    actions: list[Action]
    offer: Terms | None
    # The page that says who made it, once that is known.
    maker_code: str = ""


def purchase(session: Session, bought: Purchase, now: datetime) -> dict[str, Any]:
    """The context of the purchase page. Features above add panels (payments: what to pay)."""
    panels = [panel for _receiver, panel in purchase_shown.send(bought, session=session, now=now)]
    codes = _maker_codes(session, bought)
    orders = [
        replace(order_view(session, order, now), maker_code=codes.get(order.id, ""))
        for order in bought.orders
    ]
    return {
        "purchase": bought,
        "orders": orders,
        "panels": [panel for panel in panels if panel is not None],
    }


def _maker_codes(session: Session, bought: Purchase) -> Mapping[int, str]:
    """By order: the code of the page of who made it, where everything is made."""
    ids = [order.id for order in bought.orders if order.state in _MADE]
    if not ids:
        return {}
    rows = session.execute(
        select(MakerPage.order_id, MakerPage.code).where(
            MakerPage.order_id.in_(ids), MakerPage.made_on.is_not(None)
        )
    )
    return {row.order_id: row.code for row in rows}


def order_panels(session: Session, order: Order, now: datetime, to: Actor) -> list[Panel]:
    """What features above add to the page of an order for a producer or an operator."""
    panels = [
        panel for _receiver, panel in order_shown.send(order, session=session, now=now, to=to)
    ]
    return [panel for panel in panels if panel is not None]


def order_view(session: Session, order: Order, now: datetime) -> OrderView:
    """The order with its history and what its buyer can do now."""
    return OrderView(
        order=order,
        state_text=str(STATES[order.state]),
        badge_kind=BADGES[order.state],
        next=next_sentence(order),
        steps=timeline(order),
        actions=open_actions(order, Actor.BUYER, now),
        offer=offered_terms(session, order) if order.state is OrderState.COUNTERED else None,
    )


def timeline(order: Order) -> list[Step]:
    """What has happened as the buyer sees it, the first first; in a last line what is awaited."""
    # How a group shares it out is not the buyer's concern.
    steps = [_step(event) for event in order.events if event.action is not Action.SHARE]
    awaited = _awaited(order)
    return [*steps, Step(awaited, "", "", "", "waiting")] if awaited else steps


def history(order: Order) -> list[Step]:
    """What has happened as its producer and the operator see it, shares included."""
    names = _households(order)
    return [
        _share_step(event, names) if event.action is Action.SHARE else _step(event)
        for event in order.events
    ]


def _households(order: Order) -> Mapping[int, str]:
    """The names of the households that the order's history speaks of."""
    session = object_session(order)
    ids = {
        event.details["household"]
        for event in order.events
        if event.action is Action.SHARE and event.details and "household" in event.details
    }
    if session is None or not ids:
        return {}
    rows = session.execute(select(Producer.id, Producer.name).where(Producer.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _share_step(event: OrderEvent, names: Mapping[int, str]) -> Step:
    return Step(
        title=share_labels.event_text(event, names),
        when=filters.moment(event.at),
        who=str(ACTORS[event.actor]),
        note=event.reason or "",
        kind="wrong" if share_labels.is_trouble(event) else "done",
    )


def _step(event: OrderEvent) -> Step:
    title = str(EVENTS[event.action])
    if event.action is Action.PLACE and event.state is OrderState.ACCEPTED:
        title = _("Pesanan dibuat, barangnya sudah disisihkan")
    unpaid = (event.details or {}).get("cash_paid") is False and not event.order.paid
    if event.action is Action.SETTLE_FOR_BUYER and unpaid:
        title = _("Keluhan selesai: pembeli tidak perlu membayar")
    return Step(
        title=title,
        when=filters.moment(event.at),
        who=str(ACTORS[event.actor]),
        note=event.reason or _details(event),
        kind="wrong" if event.action in _WRONG else "done",
    )


def _details(event: OrderEvent) -> str:
    details = event.details or {}
    if event.action is Action.SHIP and details.get("tracking_number"):
        return _(
            "%(courier)s, nomor resi %(number)s",
            courier=details.get("courier", ""),
            number=details["tracking_number"],
        )
    if event.action is Action.TRACK:
        return _tracked(details)
    return ""


def _tracked(details: dict[str, Any]) -> str:
    """What is written on the parcel now, and what was before."""
    now, before = _parcel(details), _parcel(details.get("before") or {})
    return _("%(now)s (tadinya %(before)s)", now=now, before=before) if before else now


def _parcel(said: dict[str, Any]) -> str:
    return ", ".join(filter(None, (said.get("courier"), said.get("tracking_number"))))


def _awaited(order: Order) -> str:
    waiting = {
        OrderState.PLACED: _("Jawaban penjual"),
        OrderState.COUNTERED: _("Jawaban Anda atas tawaran penjual"),
        OrderState.ACCEPTED: _awaited_once_accepted(order),
        OrderState.PREPARING: _("Selesai dibuat"),
        OrderState.READY: _("Dikirim") if order.service_id else _("Diambil"),
        OrderState.SHIPPED: _("Sampai di tangan Anda"),
        OrderState.DISPUTED: _("Keputusan pengelola"),
    }
    return waiting.get(order.state, "")


def may_be_made(order: Order) -> bool:
    """Whether nothing is to be paid before it is made."""
    return order.cash or not order.outstanding


def _awaited_once_accepted(order: Order) -> str:
    if may_be_made(order):
        return _("Penjual menyiapkan")
    return _("Pembayaran") if order.due_at else _("Pengelola mengecek pembayaran")


def next_sentence(order: Order) -> str:
    """What happens next with this order, for its buyer."""
    due = filters.moment(order.due_at) if order.due_at else ""
    ready = filters.day(order.ready_by)
    sentences = {
        OrderState.PLACED: _("Penjual menjawab paling lambat %(due)s.", due=due),
        OrderState.COUNTERED: _(
            "Penjual tidak sanggup persis seperti pesanan. Jawab tawarannya paling lambat %(due)s.",
            due=due,
        ),
        OrderState.ACCEPTED: _next_once_accepted(order, due, ready),
        OrderState.PREPARING: _("Sedang dibuat, siap %(ready)s.", ready=ready),
        OrderState.READY: (
            _("Sudah jadi dan segera dikirim.")
            if order.service_id
            else _("Sudah jadi. Ambil di tempat yang tertulis di bawah.")
        ),
        OrderState.SHIPPED: _("Dalam perjalanan. Tekan tombol di bawah kalau sudah sampai."),
        OrderState.RECEIVED: _("Sudah diterima. Terima kasih sudah membeli dari desa."),
        OrderState.DISPUTED: _("Keluhan Anda sedang diperiksa pengelola."),
        OrderState.DECLINED: _("Penjual tidak sanggup kali ini. Anda tidak perlu membayar."),
        OrderState.EXPIRED: _("Waktunya habis, pesanan ini tidak diteruskan."),
        OrderState.CANCELLED: _once_cancelled(order),
    }
    return sentences[order.state]


def given_up(order: Order) -> bool:
    """Whether the producer has cancelled it because the buyer did not come for it."""
    return order.state is OrderState.CANCELLED and any(
        event.action is Action.GIVE_UP for event in order.events
    )


def _once_cancelled(order: Order) -> str:
    if given_up(order):
        return _(
            "Penjual membatalkan pesanan ini karena Anda tidak datang atau tidak bisa dihubungi. "
            "Anda tidak perlu membayar. Kalau masih mau, pesan lagi."
        )
    return _("Pesanan ini dibatalkan.")


def _next_once_accepted(order: Order, due: str, ready: str) -> str:
    if may_be_made(order):
        return _("Penjual akan menyiapkan pesanan, siap %(ready)s.", ready=ready)
    # The clock stands still while a payment is being looked at.
    if not due:
        return _("Pembayaran Anda sedang dicek pengelola.")
    return _(
        "Disisihkan untuk Anda, siap %(ready)s. Bayar paling lambat %(due)s.", ready=ready, due=due
    )
