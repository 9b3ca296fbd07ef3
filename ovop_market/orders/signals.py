"""What orders announce to the features above them, inside the transaction that changes them."""

from dataclasses import dataclass
from typing import Any

from blinker import Namespace

_signals = Namespace()

# Sent as order_moved.send(order, session=…, event=OrderEvent, before=OrderState | None, move=Move
# | None): after a move, and once when an order is placed (before and move are None). Listeners
# write to the same session and never commit; what they raise undoes the move.
order_moved = _signals.signal("order moved")

# Sent as order_noted.send(None, session=…, events=[OrderEvent, …]): lines of the history that are
# no moves (paid, reminded), of one order or of many; each event's order is loaded.
order_noted = _signals.signal("order noted")

# Sent as purchase_shown.send(purchase, session=…, now=…) when its page is made. A listener answers
# a Panel for the page, or None: what is to be paid, say. It reads only.
purchase_shown = _signals.signal("purchase shown")

# Sent as purchases_listed.send(None, session=…, purchases=[Purchase, …]) when a buyer lists theirs.
# A listener answers what is asked for now (rupiah) by the purchase's id. It reads only.
purchases_listed = _signals.signal("purchases listed")

# Sent as order_shown.send(order, session=…, now=…, to=Actor) when the page of an order is made for
# a producer or an operator. A listener answers a Panel or None.
order_shown = _signals.signal("order shown")


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page that a feature above contributes: its template and values."""

    template: str
    values: dict[str, Any]
