"""Cash that changed hands at the door, as the books have it; and that it never did.

Nobody sees it but the buyer and the courier. An order that counts as received counts as paid, by
the buyer's word or by the clock's; whoever decides later that nobody paid takes the booking back
(docs/adr/0047). Amounts are rupiah.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from ovop_market.core.errors import Conflict
from ovop_market.orders.models import Order
from ovop_market.orders.services.lifecycle import By
from ovop_market.payments.models import (
    AccountKind,
    Cause,
    LedgerEntry,
    LedgerTransaction,
    Refund,
)
from ovop_market.payments.queries.balances import account_id
from ovop_market.payments.queries.payouts import at_account
from ovop_market.payments.queries.receipts import standing_ids
from ovop_market.payments.services import ledger, refunds
from ovop_market.payments.services.ledger import Leg, Posting
from ovop_market.payments.states import RefundState


def book(session: Session, order: Order, by: By, now: datetime) -> None:
    """The buyer has paid in cash. Once: a settled dispute is received again."""
    if _booked(session, order):
        return
    posting = Posting(
        Cause.CASH,
        debits=[Leg(ledger.CASH, order.total, order.id)],
        credits=[
            Leg(ledger.producer(order.producer_id), order.goods, order.id),
            Leg(ledger.SHIPPING, order.shipping, order.id),
        ],
        purchase_id=order.purchase_id,
    )
    ledger.post(session, posting, by, now)


def never_came(session: Session, order: Order, by: By, now: datetime) -> list[Refund]:
    """Nobody paid: what was booked is taken back, and what is owed back of it is owed no more;
    returns that.

    Raises Conflict when some of it has been sent back already, or when the producer's payouts have
    counted with it. The purchase must be locked, and `paid` is the caller's to set.
    """
    booked = _booked(session, order)
    if not booked:
        return []
    of_order = select(Refund).where(Refund.order_id == order.id)
    owed = list(session.scalars(of_order.where(Refund.state != RefundState.WITHDRAWN)))
    if any(refund.state is RefundState.SENT for refund in owed):
        raise Conflict(_("Sebagian uangnya sudah dikirim kembali. Uruslah dengan pembelinya."))
    for refund in owed:
        refunds.withdraw(session, refund, by, now)
    if _in_hand(session, order) != order.total:
        raise Conflict(
            _(
                "Uang tunai pesanan %(number)s sudah dihitung dalam daftar bayar penjual. Batalkan "
                "dulu daftar itu, atau uruslah dengan penjualnya.",
                number=order.number,
            )
        )
    ledger.reverse(session, booked, by, now)
    return owed


def _booked(session: Session, order: Order) -> list[int]:
    """The transaction by which it was booked, if that stands."""
    of_order = exists().where(
        LedgerEntry.transaction_id == LedgerTransaction.id, LedgerEntry.order_id == order.id
    )
    mine = (LedgerTransaction.purchase_id == order.purchase_id) & of_order
    return standing_ids(session, Cause.CASH, mine)


def _in_hand(session: Session, order: Order) -> int:
    """What the producer holds of it in cash and has not been settled with them."""
    cash = at_account(account_id(session, AccountKind.CASH))
    held = select(-func.coalesce(cash, 0)).where(LedgerEntry.order_id == order.id)
    return int(session.scalar(held) or 0)
