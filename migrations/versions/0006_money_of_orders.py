"""Payments and refunds as the ledger needs them, reminders, cash per producer, append-only books.

On SQLite a changed CHECK means a copy of the table, which loses its triggers: those of the
histories are put back.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HISTORIES = ("order_event", "payment_event")
BOOKS = ("ledger_account", "ledger_transaction", "ledger_entry", "gateway_notification")

_METHODS = ("transfer", "qris", "cod")
_ORDER_ACTIONS = (
    "place", "accept", "counter", "decline", "agree", "lapse", "cancel", "revoke", "start",
    "finish", "ship", "hand_over", "receive", "dispute", "settle_for_producer",
    "settle_for_buyer", "pay",
)  # fmt: skip
_PAYMENT_ACTIONS = ("ask", "amend", "claim", "confirm", "reject", "lapse")
_NEW_PAYMENT_ACTIONS = ("receive_part", "receive_late", "reverse", "take_back")
_REFUND_STATES = ("DUE", "SENT")
_AWAITED = sa.text("unique_digits > 0 AND state IN ('ASKED', 'CLAIMED', 'REJECTED')")
_CONFIRMED = "state <> 'CONFIRMED' OR confirmed_by_id IS NOT NULL"


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard(tables: Sequence[str]) -> None:
    """Makes tables append-only."""
    for table in tables:
        if not _on_sqlite():
            op.execute(
                f"CREATE TRIGGER {table}_append_only "
                f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
            continue
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _unguard(tables: Sequence[str]) -> None:
    for table in tables:
        if not _on_sqlite():
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            continue
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")


def _known(table: str, column: str, choices: Sequence[str]) -> None:
    """Replaces the CHECK of the values that a column may have."""
    listed = ", ".join(f"'{choice}'" for choice in choices)
    name = f"ck_{table}_{column}_known"
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(name), type_="check")
        batch.create_check_constraint(op.f(name), f"{column} IN ({listed})")


def upgrade() -> None:
    _unguard(HISTORIES)
    with op.batch_alter_table("customer_order") as batch:
        batch.add_column(sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    _known("purchase", "payment_method", (*_METHODS, "gateway"))
    _known("order_event", "action", (*_ORDER_ACTIONS, "unpay", "remind"))
    with op.batch_alter_table("payment_event") as batch:
        batch.add_column(sa.Column("idempotency_key", sa.String(100), nullable=True))
        batch.alter_column(
            "action", existing_type=sa.String(7), type_=sa.String(12), existing_nullable=False
        )
        batch.create_unique_constraint(
            op.f("uq_payment_event_payment_id_idempotency_key"), ["payment_id", "idempotency_key"]
        )
    _known("payment_event", "action", (*_PAYMENT_ACTIONS, *_NEW_PAYMENT_ACTIONS))
    op.create_index("ix_payment_event_amount_at", "payment_event", ["amount", "at"])
    _guard((*HISTORIES, *BOOKS))
    _stop_clocks()
    _upgrade_payment()
    _upgrade_refund()
    _upgrade_producer()


def _stop_clocks() -> None:
    """From now on a worker lapses orders: not those whose buyer says that they have paid."""
    op.execute(
        "UPDATE customer_order SET due_at = NULL WHERE state = 'ACCEPTED' AND id IN ("
        "SELECT part.order_id FROM payment_part part "
        "JOIN payment p ON p.id = part.payment_id WHERE p.state = 'CLAIMED')"
    )


def _upgrade_payment() -> None:
    with op.batch_alter_table("payment") as batch:
        batch.add_column(sa.Column("code", sa.String(12), nullable=True))
        batch.add_column(sa.Column("unique_digits", sa.SmallInteger(), nullable=True))
    op.execute("UPDATE payment SET code = 'P' || CAST(id AS VARCHAR(11)), unique_digits = 0")
    _known("payment", "method", (*_METHODS, "gateway"))
    with op.batch_alter_table("payment") as batch:
        batch.alter_column("code", existing_type=sa.String(12), nullable=False)
        batch.alter_column("unique_digits", existing_type=sa.SmallInteger(), nullable=False)
        batch.create_unique_constraint(op.f("uq_payment_code"), ["code"])
        batch.create_check_constraint(
            op.f("ck_payment_unique_digits_few"), "unique_digits BETWEEN 0 AND 999"
        )
        batch.drop_constraint(op.f("ck_payment_confirmed_by_somebody"), type_="check")
        batch.create_check_constraint(
            op.f("ck_payment_confirmed_by_somebody"), f"{_CONFIRMED} OR method = 'gateway'"
        )
        batch.create_index(
            "uq_payment_awaited_amount",
            ["amount"],
            unique=True,
            sqlite_where=_AWAITED,
            postgresql_where=_AWAITED,
        )


def _upgrade_refund() -> None:
    with op.batch_alter_table("refund") as batch:
        batch.add_column(sa.Column("purchase_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("kind", sa.String(8), nullable=True))
        batch.add_column(sa.Column("reason", sa.Text(), nullable=True))
        batch.add_column(sa.Column("destination", sa.String(200), nullable=True))
        batch.add_column(sa.Column("idempotency_key", sa.String(100), nullable=True))
    op.execute(
        "UPDATE refund SET kind = 'order', purchase_id = "
        "(SELECT purchase_id FROM customer_order WHERE customer_order.id = refund.order_id)"
    )
    with op.batch_alter_table("refund") as batch:
        batch.alter_column("purchase_id", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("kind", existing_type=sa.String(8), nullable=False)
        batch.alter_column("order_id", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("state", existing_type=sa.String(4), type_=sa.String(9))
        batch.create_foreign_key(
            op.f("fk_refund_purchase_id_purchase"), "purchase", ["purchase_id"], ["id"]
        )
        batch.create_index(op.f("ix_refund_purchase_id"), ["purchase_id"])
        batch.create_unique_constraint(
            op.f("uq_refund_purchase_id_idempotency_key"), ["purchase_id", "idempotency_key"]
        )
        batch.create_check_constraint(
            op.f("ck_refund_kind_known"), "kind IN ('order', 'goods', 'shipping', 'surplus')"
        )
        batch.create_check_constraint(
            op.f("ck_refund_order_unless_surplus"), "(kind = 'surplus') = (order_id IS NULL)"
        )
    _known("refund", "state", (*_REFUND_STATES, "WITHDRAWN"))


def _upgrade_producer() -> None:
    with op.batch_alter_table("producer") as batch:
        batch.add_column(sa.Column("cash_at_pickup", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("cash_limit", sa.Integer(), nullable=True))
    # So far one word stood for both.
    op.execute("UPDATE producer SET cash_at_pickup = cash_on_delivery")
    with op.batch_alter_table("producer") as batch:
        batch.alter_column("cash_at_pickup", existing_type=sa.Boolean(), nullable=False)
        batch.create_check_constraint(op.f("ck_producer_cash_limit_positive"), "cash_limit > 0")


def downgrade() -> None:
    """What the older tables cannot say is said with their words, or left out."""
    _unguard((*HISTORIES, *BOOKS))
    _close_the_books()
    with op.batch_alter_table("producer") as batch:
        batch.drop_constraint(op.f("ck_producer_cash_limit_positive"), type_="check")
        batch.drop_column("cash_limit")
        batch.drop_column("cash_at_pickup")
    _downgrade_refund()
    _downgrade_payment()
    op.drop_index("ix_payment_event_amount_at", table_name="payment_event")
    op.execute(
        "UPDATE payment_event SET action = 'amend' "
        f"WHERE action IN ({', '.join(repr(action) for action in _NEW_PAYMENT_ACTIONS)})"
    )
    _known("payment_event", "action", _PAYMENT_ACTIONS)
    with op.batch_alter_table("payment_event") as batch:
        batch.drop_constraint(op.f("uq_payment_event_payment_id_idempotency_key"), type_="unique")
        batch.alter_column(
            "action", existing_type=sa.String(12), type_=sa.String(7), existing_nullable=False
        )
        batch.drop_column("idempotency_key")
    op.execute("DELETE FROM order_event WHERE action IN ('unpay', 'remind')")
    _known("order_event", "action", _ORDER_ACTIONS)
    op.execute("UPDATE purchase SET payment_method = 'transfer' WHERE payment_method = 'gateway'")
    _known("purchase", "payment_method", _METHODS)
    with op.batch_alter_table("customer_order") as batch:
        batch.drop_column("reminded_at")
    _guard(HISTORIES)


def _close_the_books() -> None:
    """Empties the books and what hangs on them. 0007 writes them anew, from what payments and
    orders say: so they say only that."""
    for table in (
        "ledger_entry",
        "ledger_transaction",
        "ledger_account",
        "payout",
        "payout_batch",
        "statement_line",
        "bank_statement",
    ):
        op.execute(f"DELETE FROM {table}")
    # What was granted in part before all of it went back is a part of the whole again.
    op.execute(
        "UPDATE refund SET amount = amount + (SELECT coalesce(sum(p.amount), 0) FROM refund p "
        "WHERE p.order_id = refund.order_id AND p.kind <> 'order' AND p.state <> 'WITHDRAWN') "
        "WHERE kind = 'order' AND state <> 'WITHDRAWN'"
    )
    op.execute("DELETE FROM refund WHERE kind <> 'order' OR state = 'WITHDRAWN'")
    op.execute(
        "UPDATE payment SET state = 'LAPSED' WHERE state = 'CONFIRMED' "
        "AND id NOT IN (SELECT payment_id FROM payment_part)"
    )
    op.execute(
        "UPDATE payment_event SET action = 'amend' WHERE action = 'confirm' AND id NOT IN ("
        "SELECT max(e.id) FROM payment_event e JOIN payment p ON p.id = e.payment_id "
        "WHERE e.action = 'confirm' AND p.state = 'CONFIRMED' GROUP BY e.payment_id)"
    )
    asked = "SELECT sum(amount) FROM payment_part p WHERE p.payment_id = {}"
    op.execute(
        f"UPDATE payment_event SET amount = ({asked.format('payment_event.payment_id')}) "
        "WHERE action = 'confirm'"
    )
    op.execute(
        f"UPDATE payment SET amount = ({asked.format('payment.id')}) WHERE state = 'CONFIRMED'"
    )


def _downgrade_refund() -> None:
    _known("refund", "state", _REFUND_STATES)
    with op.batch_alter_table("refund") as batch:
        batch.drop_constraint(op.f("ck_refund_kind_known"), type_="check")
        batch.drop_constraint(op.f("ck_refund_order_unless_surplus"), type_="check")
        batch.drop_constraint(op.f("fk_refund_purchase_id_purchase"), type_="foreignkey")
        batch.drop_constraint(op.f("uq_refund_purchase_id_idempotency_key"), type_="unique")
        batch.drop_index(op.f("ix_refund_purchase_id"))
        batch.alter_column("order_id", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("state", existing_type=sa.String(9), type_=sa.String(4))
        for column in ("idempotency_key", "destination", "reason", "kind", "purchase_id"):
            batch.drop_column(column)


def _downgrade_payment() -> None:
    op.execute(
        "UPDATE payment SET confirmed_by_id = (SELECT min(id) FROM user_account WHERE role = "
        "'operator') WHERE state = 'CONFIRMED' AND confirmed_by_id IS NULL"
    )
    op.execute("UPDATE payment SET method = 'transfer' WHERE method = 'gateway'")
    with op.batch_alter_table("payment") as batch:
        batch.drop_index("uq_payment_awaited_amount")
        batch.drop_constraint(op.f("ck_payment_unique_digits_few"), type_="check")
        batch.drop_constraint(op.f("uq_payment_code"), type_="unique")
        batch.drop_constraint(op.f("ck_payment_confirmed_by_somebody"), type_="check")
        batch.create_check_constraint(op.f("ck_payment_confirmed_by_somebody"), _CONFIRMED)
        batch.drop_column("unique_digits")
        batch.drop_column("code")
    _known("payment", "method", _METHODS)
