"""The ledger of what happened before there was one: payments, cash, refunds.

Forward it writes what the payments, orders and refunds say, unless the books are open already;
backward there is nothing to undo: they stay, until 0006 empties them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ACCOUNT = "(SELECT id FROM ledger_account WHERE kind = '{kind}')"
_BANK, _CASH, _SHIPPING, _REFUNDS = (
    _ACCOUNT.format(kind=kind) for kind in ("bank", "cash", "shipping", "refunds")
)
_PRODUCER = "(SELECT a.id FROM ledger_account a WHERE a.producer_id = o.producer_id)"


def upgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM ledger_account")):
        return
    for statement in (*_ACCOUNTS, *_RECEIVED, *_CASH_TAKEN, *_OWED_BACK, *_SENT_BACK):
        op.execute(statement)


def downgrade() -> None:
    pass


_KINDS = ("bank", "gateway", "cash", "shipping", "credit", "refunds", "payouts", "rounding")
_ACCOUNTS = [
    *(f"INSERT INTO ledger_account (kind) VALUES ('{kind}')" for kind in _KINDS),
    "INSERT INTO ledger_account (kind, producer_id) SELECT 'producer', id FROM producer",
]

_RECEIVED = [
    """
    INSERT INTO ledger_transaction (at, cause, actor, actor_id, purchase_id, payment_id)
    SELECT e.at, 'received', 'operator', p.confirmed_by_id, p.purchase_id, p.id
    FROM payment p JOIN payment_event e ON e.id = (
        SELECT max(id) FROM payment_event WHERE payment_id = p.id AND action = 'confirm'
    )
    WHERE p.state = 'CONFIRMED'
    """,
    *(
        f"""
        INSERT INTO ledger_entry (transaction_id, debit_id, credit_id, amount, order_id)
        SELECT t.id, {_BANK}, {account}, {amount}, o.id
        FROM ledger_transaction t
        JOIN payment_part part ON part.payment_id = t.payment_id
        JOIN customer_order o ON o.id = part.order_id
        WHERE t.cause = 'received' AND {amount} > 0
        """
        for account, amount in (
            (_PRODUCER, "part.amount - o.shipping"),
            (_SHIPPING, "o.shipping"),
        )
    ),
]

# A cash transaction is of one order; which one, its entries say.
_CASH_TAKEN = [
    """
    INSERT INTO ledger_transaction (at, cause, actor, purchase_id, note)
    SELECT o.received_at, 'cash', 'clock', o.purchase_id, o.number
    FROM customer_order o JOIN purchase p ON p.id = o.purchase_id
    WHERE p.payment_method = 'cod' AND o.paid > 0 AND o.received_at IS NOT NULL
    """,
    *(
        f"""
        INSERT INTO ledger_entry (transaction_id, debit_id, credit_id, amount, order_id)
        SELECT t.id, {_CASH}, {account}, {amount}, o.id
        FROM ledger_transaction t JOIN customer_order o ON o.number = t.note
        WHERE t.cause = 'cash' AND {amount} > 0
        """
        for account, amount in ((_PRODUCER, "o.goods"), (_SHIPPING, "o.shipping"))
    ),
]

_OWED_BACK = [
    """
    INSERT INTO ledger_transaction (at, cause, actor, purchase_id, refund_id)
    SELECT due_at, 'owed_back', 'clock', purchase_id, id FROM refund
    """,
    *(
        f"""
        INSERT INTO ledger_entry (transaction_id, debit_id, credit_id, amount, order_id)
        SELECT t.id, {account}, {_REFUNDS}, {amount}, o.id
        FROM ledger_transaction t
        JOIN refund r ON r.id = t.refund_id
        JOIN customer_order o ON o.id = r.order_id
        WHERE t.cause = 'owed_back' AND {amount} > 0
        """
        for account, amount in (
            (_PRODUCER, "r.amount - o.shipping"),
            (_SHIPPING, "o.shipping"),
        )
    ),
]

_SENT_BACK = [
    """
    INSERT INTO ledger_transaction (at, cause, actor, actor_id, purchase_id, refund_id)
    SELECT sent_at, 'sent_back', 'operator', sent_by_id, purchase_id, id
    FROM refund WHERE state = 'SENT'
    """,
    f"""
    INSERT INTO ledger_entry (transaction_id, debit_id, credit_id, amount, order_id)
    SELECT t.id, {_REFUNDS}, {_BANK}, r.amount, r.order_id
    FROM ledger_transaction t JOIN refund r ON r.id = t.refund_id
    WHERE t.cause = 'sent_back'
    """,
]
