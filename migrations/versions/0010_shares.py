"""Shares of a group's orders, and the smallest useful batch of an offer.

Orders of groups from before have packs held at their members' offers: those become shares, as far
along as their order is. On SQLite a changed CHECK means a copy of the table, which loses its
triggers: those of the history are made again.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATES = ("OFFERED", "TAKEN", "MADE", "SETTLED", "DECLINED", "LAPSED", "WITHDRAWN")
_ACTIONS = (
    *("place", "accept", "counter", "decline", "agree", "lapse", "cancel", "revoke", "start"),
    *("finish", "ship", "hand_over", "receive", "dispute", "settle_for_producer"),
    *("settle_for_buyer", "pay", "unpay", "remind"),
)


def _history(guarded: bool) -> None:
    """Makes or takes away the triggers of order_event, which a copy of the table loses."""
    if op.get_bind().dialect.name != "sqlite":
        # The table stays the same one; only taking rows back needs the trigger out of the way.
        verb = "ENABLE" if guarded else "DISABLE"
        op.execute(f"ALTER TABLE order_event {verb} TRIGGER order_event_append_only")
        return
    for verb in ("UPDATE", "DELETE"):
        name = f"order_event_no_{verb.lower()}"
        if guarded:
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {verb} ON order_event "
                "BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END"
            )
        else:
            op.execute(f"DROP TRIGGER {name}")


def _known_actions(actions: Sequence[str]) -> None:
    listed = ", ".join(f"'{action}'" for action in actions)
    name = op.f("ck_order_event_action_known")
    with op.batch_alter_table("order_event") as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, f"action IN ({listed})")


def upgrade() -> None:
    _history(guarded=False)
    _known_actions((*_ACTIONS, "share"))
    _history(guarded=True)
    with op.batch_alter_table("offer") as batch:
        batch.add_column(
            sa.Column("smallest_batch", sa.SmallInteger(), nullable=False, server_default="1")
        )
        batch.create_check_constraint(op.f("ck_offer_batch_positive"), "smallest_batch > 0")
    op.create_index("ix_stock_movement_offer_id_at", "stock_movement", ["offer_id", "at"])
    op.drop_index("ix_stock_movement_offer_id", "stock_movement")
    _create_allocation()
    _shares_from_holds()


def _create_allocation() -> None:
    listed = ", ".join(f"'{state}'" for state in _STATES)
    checks = {
        "state_known": f"state IN ({listed})",
        "offered_positive": "offered > 0",
        "taken_within_offered": "taken BETWEEN 0 AND offered",
        "made_within_taken": "made BETWEEN 0 AND taken",
        "taken_is_said": "state NOT IN ('TAKEN', 'MADE', 'SETTLED') OR taken IS NOT NULL",
        "made_is_said": "(state IN ('MADE', 'SETTLED')) = (made IS NOT NULL)",
        "only_an_offer_is_due": "due_at IS NULL OR state = 'OFFERED'",
    }
    op.create_table(
        "allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=True),
        sa.Column("made", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_by", sa.Date(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        *(
            sa.CheckConstraint(text, name=op.f(f"ck_allocation_{name}"))
            for name, text in checks.items()
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["order_line.id"], name=op.f("fk_allocation_line_id_order_line")
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_allocation_offer_id_offer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    op.create_index("ix_allocation_line_id", "allocation", ["line_id"])
    op.create_index("ix_allocation_offer_id", "allocation", ["offer_id"])
    op.create_index("ix_allocation_state_due_at", "allocation", ["state", "due_at"])


def _shares_from_holds() -> None:
    nothing = "NULL"
    why = """'{"rule": "before"}'"""
    if op.get_bind().dialect.name == "postgresql":
        nothing, why = "CAST(NULL AS INTEGER)", f"CAST({why} AS JSON)"
    asked = "o.state IN ('PLACED', 'COUNTERED')"
    made = "o.state NOT IN ('PLACED', 'COUNTERED', 'ACCEPTED', 'PREPARING')"
    op.execute(
        "INSERT INTO allocation"
        " (line_id, offer_id, state, offered, taken, made, ready_by, offered_at, why) "
        "SELECT l.id, h.offer_id,"
        f" CASE WHEN {asked} THEN 'OFFERED' WHEN o.state = 'RECEIVED' THEN 'SETTLED'"
        f" WHEN {made} THEN 'MADE' ELSE 'TAKEN' END,"
        " SUM(h.quantity),"
        f" CASE WHEN {asked} THEN {nothing} ELSE CAST(SUM(h.quantity) AS INTEGER) END,"
        f" CASE WHEN {made} THEN CAST(SUM(h.quantity) AS INTEGER) ELSE {nothing} END,"
        f" o.ready_by, p.placed_at, {why} "
        "FROM hold h JOIN order_line l ON l.id = h.line_id "
        "JOIN customer_order o ON o.id = l.order_id JOIN purchase p ON p.id = o.purchase_id "
        "JOIN offer f ON f.id = h.offer_id "
        "WHERE f.producer_id <> o.producer_id "
        "GROUP BY l.id, h.offer_id, o.state, o.ready_by, p.placed_at "
        "HAVING SUM(h.quantity) > 0 ORDER BY l.id, h.offer_id"
    )


def downgrade() -> None:
    op.drop_table("allocation")
    op.create_index("ix_stock_movement_offer_id", "stock_movement", ["offer_id"])
    op.drop_index("ix_stock_movement_offer_id_at", "stock_movement")
    with op.batch_alter_table("offer") as batch:
        batch.drop_constraint(op.f("ck_offer_batch_positive"), type_="check")
        batch.drop_column("smallest_batch")
    _history(guarded=False)
    op.execute("DELETE FROM order_event WHERE action = 'share'")
    _known_actions(_ACTIONS)
    _history(guarded=True)
