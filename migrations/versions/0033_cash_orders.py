"""A producer gives up an order for cash that its buyer does not come for; money is not given back
after all.

The release before has no word for it: on the way down it is a refusal by the producer, which is
what it was nearest to. A refusal leaves an order DECLINED and never CANCELLED, so that the way up
knows them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_RULE = "ck_order_event_action_known"
_BEFORE = (
    "place", "accept", "counter", "decline", "agree", "lapse", "cancel", "revoke", "start",
    "finish", "ship", "hand_over", "receive", "dispute", "settle_for_producer",
    "settle_for_buyer", "pay", "unpay", "remind", "share", "track",
)  # fmt: skip
_AFTER = (*_BEFORE, "give_up")
_OF_GIVEN_UP = "order_id IN (SELECT id FROM customer_order WHERE state = 'CANCELLED')"


def upgrade() -> None:
    with _rewritten():
        _allow(_AFTER)
        op.execute(
            "UPDATE order_event SET action = 'give_up'"
            " WHERE action = 'decline' AND state = 'CANCELLED'"
        )
    op.execute(f"UPDATE notice SET kind = 'given_up' WHERE kind = 'declined' AND {_OF_GIVEN_UP}")


def downgrade() -> None:
    with _rewritten():
        op.execute("UPDATE order_event SET action = 'decline' WHERE action = 'give_up'")
        _allow(_BEFORE)
    op.execute("UPDATE notice SET kind = 'declined' WHERE kind = 'given_up'")
    op.execute("DELETE FROM notice WHERE kind = 'refund_withdrawn'")


@contextmanager
def _rewritten() -> Iterator[None]:
    """Lets the history be changed for once. What guards it stands again afterwards as it stood: on
    SQLite a changed CHECK is a copy of the table, which would lose it."""
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        op.execute("ALTER TABLE order_event DISABLE TRIGGER USER")
        yield
        op.execute("ALTER TABLE order_event ENABLE TRIGGER USER")
        return
    guards = bind.execute(
        sa.text(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name = 'order_event'"
        )
    ).all()
    for name, _sql in guards:
        op.execute(f"DROP TRIGGER {name}")
    yield
    for _name, sql in guards:
        bind.exec_driver_sql(sql)


def _allow(actions: tuple[str, ...]) -> None:
    with op.batch_alter_table("order_event") as batch:
        batch.drop_constraint(op.f(_RULE), type_="check")
        batch.create_check_constraint(op.f(_RULE), f"action IN ({', '.join(map(repr, actions))})")
