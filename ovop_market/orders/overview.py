"""What the list of a buyer's purchases says of each: how its orders stand, and what waits for the
buyer. How much is asked for, the feature above says, once for all of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.core.money import Rupiah, format_rupiah, total
from ovop_market.orders.labels import BADGES, STATES
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.presentation import may_be_made
from ovop_market.orders.signals import purchases_listed
from ovop_market.orders.states import OrderState
from ovop_market.web import filters


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order in one line, with its badge (templates/components/badge.html)."""

    producer: str
    goods: str
    badge_kind: str
    state_text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """A purchase in the list. `needs` says what the buyer has to do; empty if nothing."""

    token: str
    placed_at: datetime
    total: Rupiah
    orders: tuple[OrderLine, ...]
    needs: tuple[str, ...]


def overviews(session: Session, purchases: Sequence[Purchase]) -> list[Overview]:
    """The purchases as their list shows them."""
    asked: dict[int, int] = {}
    for _listener, found in purchases_listed.send(None, session=session, purchases=purchases):
        asked |= found
    return [_overview(purchase, asked.get(purchase.id, 0)) for purchase in purchases]


def _overview(purchase: Purchase, asked: int) -> Overview:
    return Overview(
        token=purchase.token,
        placed_at=purchase.placed_at,
        total=total(*(Rupiah(order.total) for order in purchase.orders)),
        orders=tuple(_line(order) for order in purchase.orders),
        needs=tuple(_needs(purchase, asked)),
    )


def _line(order: Order) -> OrderLine:
    return OrderLine(
        producer=order.producer.name,
        goods=", ".join(f"{line.quantity} × {line.product_name}" for line in order.lines),
        badge_kind=BADGES[order.state],
        state_text=str(STATES[order.state]),
    )


def _needs(purchase: Purchase, asked: int) -> list[str]:
    needs = []
    if any(order.state is OrderState.COUNTERED for order in purchase.orders):
        needs.append(_("Penjual menawar lain: jawab tawarannya."))
    unpaid = [order for order in purchase.orders if _is_asked(order)]
    if unpaid and asked:
        needs.append(
            _(
                "Bayar %(amount)s paling lambat %(due)s.",
                amount=format_rupiah(asked),
                due=filters.moment(min(order.due_at for order in unpaid if order.due_at)),
            )
        )
    return needs


def _is_asked(order: Order) -> bool:
    """Whether its buyer has to pay now. The clock stands still while a payment is looked at."""
    return (
        order.state is OrderState.ACCEPTED and order.due_at is not None and not may_be_made(order)
    )
