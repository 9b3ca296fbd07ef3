"""Browsers are told for as long as the session in which they asked; and words that outlived the
erasure of those whom they name.

Which session a browser asked in was not kept, so that nobody knows which of them still is in the
hands of its person: all are forgotten, and those of who is signed in ask again by themselves when
the inbox is opened next (js/push.js).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_ERASED = "SELECT id FROM purchase WHERE erased_at IS NOT NULL"
_ORDERS = f"SELECT id FROM customer_order WHERE purchase_id IN ({_ERASED})"


def upgrade() -> None:
    op.execute("UPDATE notice SET subscription_id = NULL WHERE subscription_id IS NOT NULL")
    told = sa.text("subscription_id IS NOT NULL")
    op.create_index(
        "ix_notice_subscription_id",
        "notice",
        ["subscription_id"],
        sqlite_where=told,
        postgresql_where=told,
    )
    op.execute("DELETE FROM push_subscription")
    with op.batch_alter_table("push_subscription") as batch:
        batch.add_column(sa.Column("session_id", sa.Integer(), nullable=False))
        batch.create_foreign_key(
            op.f("fk_push_subscription_session_id_user_session"),
            "user_session",
            ["session_id"],
            ["id"],
            ondelete="CASCADE",
        )
    op.create_index("ix_push_subscription_session_id", "push_subscription", ["session_id"])
    _forget_words()


def downgrade() -> None:
    op.drop_index("ix_notice_subscription_id", "notice")
    op.drop_index("ix_push_subscription_session_id", "push_subscription")
    with op.batch_alter_table("push_subscription") as batch:
        batch.drop_constraint(
            op.f("fk_push_subscription_session_id_user_session"), type_="foreignkey"
        )
        batch.drop_column("session_id")


def _forget_words() -> None:
    """Of purchases that are erased: what was copied, or written later."""
    payments = f"SELECT id FROM payment WHERE purchase_id IN ({_ERASED})"
    for statement in (
        f"UPDATE customer_order SET courier = NULL WHERE purchase_id IN ({_ERASED})",
        "UPDATE refund SET reason = NULL, reference = NULL, destination = NULL"
        f" WHERE purchase_id IN ({_ERASED})",
        "UPDATE order_event SET reason = NULL"
        f" WHERE reason IS NOT NULL AND order_id IN ({_ORDERS})",
        "UPDATE payment_event SET reason = NULL"
        f" WHERE reason IS NOT NULL AND payment_id IN ({payments})",
        f"UPDATE allocation SET why = {_without_words()} WHERE line_id IN"
        f" (SELECT id FROM order_line WHERE order_id IN ({_ORDERS}))",
    ):
        op.execute(statement)


def _without_words() -> str:
    if op.get_bind().dialect.name == "sqlite":
        return "json_remove(why, '$.said')"
    return "(CAST(why AS jsonb) - 'said')::json"
