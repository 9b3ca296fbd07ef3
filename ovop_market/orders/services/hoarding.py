"""Who orders over and over and pays for nothing keeps goods from others: how much is left to them.

An order holds stock until it lapses (states.py), without an account and without money. What says
that two orders are of the same person is the telephone number, by its keyed hash, or the account.
"""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ovop_market.core.errors import Conflict
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.services import buyers
from ovop_market.orders.states import OrderState

# Purchases of one person for which nothing has been paid yet. Five markets' worth of baskets: the
# office that orders for a feast stays below it, and who waits for answers as well.
MOST_OPEN = 20
_OPEN = (OrderState.PLACED, OrderState.COUNTERED, OrderState.ACCEPTED)


def refuse(session: Session, phone: str, buyer_id: int | None, *, contact: str) -> None:
    """Raises Conflict when the person has MOST_OPEN purchases that hold goods unpaid; it says whom
    to call as well (`contact`; empty: where that is said), for anybody may have written the number.

    Two at once may each be the last one: it bounds what is held, to within a few.
    """
    same = [Purchase.buyer_key == buyers.key_of(phone)]
    if buyer_id is not None:
        same.append(Purchase.buyer_id == buyer_id)
    still_open = session.scalar(
        select(func.count(Purchase.id.distinct()))
        .join(Order, Order.purchase_id == Purchase.id)
        .where(or_(*same), Order.state.in_(_OPEN), Order.paid == 0)
    )
    if (still_open or 0) < MOST_OPEN:
        return
    way_out = (
        _("Bukan Anda yang memesan, atau tautannya hilang? Hubungi %(contact)s.", contact=contact)
        if contact
        else _("Bukan Anda yang memesan, atau tautannya hilang? Hubungi pengelola OVOP Market.")
    )
    raise Conflict(
        ngettext(
            "Ada %(num)d pembelian Anda yang belum dibayar. Bayar atau batalkan salah satunya "
            "dulu lewat tautannya; keranjang ini tetap tersimpan.",
            "Ada %(num)d pembelian Anda yang belum dibayar. Bayar atau batalkan salah satunya "
            "dulu lewat tautannya; keranjang ini tetap tersimpan.",
            MOST_OPEN,
        )
        + " "
        + way_out
    )
