"""Where producers and listings stand, and why; what was done to many at once; when the worker was
last seen.

Whoever sells today is approved, and whoever has closed for good is closed since that moment: the
moment is kept in `state_since`, so that there is one truth of it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_HISTORIES = ("producer_event", "listing_event")
_STATES = ("applied", "refused", "approved", "suspended", "closed")
_ACTIONS = ("apply", "approve", "recall", "refuse", "suspend", "resume", "close")
_LISTING_STATES = ("draft", "submitted", "returned", "shown", "hidden")
_LISTING_ACTIONS = (
    "submit",
    "show",
    "withdraw",
    "approve",
    "return",
    "hide",
    "recall",
    "reopen",
    "unhide",
)
_OPEN_END = "closed_from IS NOT NULL AND closed_to IS NULL AND group_id IS NULL"


def _known(column: str, choices: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"


def upgrade() -> None:
    _producers()
    _history("producer_event", "producer", _ACTIONS, _STATES, ("refuse", "suspend"))
    _history("listing_event", "product", _LISTING_ACTIONS, _LISTING_STATES, ("hide", "return"))
    op.execute(
        "INSERT INTO producer_event (producer_id, at, actor_id, action, state, reason)"
        " SELECT id, state_since, NULL, 'close', 'closed', '' FROM producer"
        " WHERE state = 'closed' ORDER BY id"
    )
    _append_only()
    _listings()
    _batches()
    op.create_table(
        "worker_beat",
        sa.Column("machine", sa.String(80), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("machine", name="pk_worker_beat"),
    )


def _producers() -> None:
    with op.batch_alter_table("producer") as batch:
        batch.add_column(
            sa.Column("state", sa.String(9), nullable=False, server_default="approved")
        )
        batch.add_column(sa.Column("state_since", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(
            sa.Column("on_probation", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute("UPDATE producer SET state = 'closed' WHERE ended_at IS NOT NULL")
    op.execute("UPDATE producer SET state_since = coalesce(ended_at, created_at)")
    with op.batch_alter_table("producer") as batch:
        batch.drop_constraint(op.f("ck_producer_ended_is_closed"), type_="check")
        batch.drop_column("ended_at")
        batch.alter_column("state_since", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch.create_check_constraint(op.f("ck_producer_state_known"), _known("state", _STATES))
        batch.create_check_constraint(
            op.f("ck_producer_ended_is_closed"), f"state <> 'closed' OR ({_OPEN_END})"
        )
        batch.create_index("ix_producer_state_since", ["state", "state_since"])


def _history(
    table: str,
    subject: str,
    actions: tuple[str, ...],
    states: tuple[str, ...],
    reasoned: tuple[str, ...],
) -> None:
    who, longest = f"{subject}_id", max(map(len, actions))
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(who, sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(longest), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.CheckConstraint(_known("action", actions), name=op.f(f"ck_{table}_action_known")),
        sa.CheckConstraint(_known("state", states), name=op.f(f"ck_{table}_state_known")),
        sa.CheckConstraint(
            f"NOT ({_known('action', reasoned)}) OR reason <> ''",
            name=op.f(f"ck_{table}_reason_given"),
        ),
        sa.ForeignKeyConstraint([who], [f"{subject}.id"], name=op.f(f"fk_{table}_{who}_{subject}")),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f(f"fk_{table}_actor_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_{who}_id", table, [who, "id"])


def _append_only() -> None:
    for table in _HISTORIES:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        else:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _listings() -> None:
    # As statements, with the rules in the columns: copying the table would, on SQLite, lose the
    # triggers of the search.
    since = "TIMESTAMP WITH TIME ZONE"
    if op.get_bind().dialect.name == "sqlite":
        since = "DATETIME"
    op.execute(f"ALTER TABLE product ADD COLUMN review_since {since}")
    op.execute(
        "ALTER TABLE product ADD COLUMN review VARCHAR(9)"
        " CONSTRAINT ck_product_review_known"
        " CHECK (review IN ('submitted', 'returned', 'hidden'))"
        " CONSTRAINT ck_product_review_not_listed CHECK (review IS NULL OR NOT listed)"
        " CONSTRAINT ck_product_review_since_submitted"
        " CHECK (review IS NULL OR (review = 'submitted') = (review_since IS NOT NULL))"
    )
    op.create_index("ix_product_review_since", "product", ["review_since"])


def _batches() -> None:
    op.create_table(
        "desk_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by_id IS NULL)",
            name=op.f("ck_desk_batch_undone_by_somebody"),
        ),
        sa.CheckConstraint(
            "undone_at IS NULL OR undone_at >= at", name=op.f("ck_desk_batch_undone_after")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["user_account.id"], name=op.f("fk_desk_batch_made_by_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["undone_by_id"],
            ["user_account.id"],
            name=op.f("fk_desk_batch_undone_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_batch")),
        sa.UniqueConstraint("made_by_id", "key", name=op.f("uq_desk_batch_made_by_id_key")),
    )
    op.create_index("ix_desk_batch_at", "desk_batch", ["at"])
    op.create_table(
        "desk_batch_item",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(300), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("undone", sa.Boolean(), nullable=True),
        sa.Column("undo_problem", sa.String(300), nullable=False),
        sa.CheckConstraint(
            "done = (problem = '')", name=op.f("ck_desk_batch_item_done_or_told_why")
        ),
        sa.CheckConstraint(
            "undone IS NULL OR done", name=op.f("ck_desk_batch_item_undone_was_done")
        ),
        sa.CheckConstraint(
            "undo_problem = '' OR (undone IS NOT NULL AND NOT undone)",
            name=op.f("ck_desk_batch_item_kept_told_why"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["desk_batch.id"], name=op.f("fk_desk_batch_item_batch_id_desk_batch")
        ),
        sa.PrimaryKeyConstraint("batch_id", "subject_id", name=op.f("pk_desk_batch_item")),
    )


def downgrade() -> None:
    for table in ("worker_beat", "desk_batch_item", "desk_batch", *_HISTORIES):
        op.drop_table(table)
    # Without states, nothing else keeps apart who may not sell: it lists nothing and is closed.
    op.execute(
        "UPDATE product SET listed = false WHERE producer_id IN"
        " (SELECT id FROM producer WHERE state IN ('applied', 'refused', 'suspended'))"
    )
    op.execute(
        "UPDATE producer SET closed_from = coalesce(closed_from, CURRENT_DATE), closed_to = NULL"
        " WHERE state IN ('applied', 'refused', 'suspended')"
    )
    op.drop_index("ix_product_review_since", "product")
    op.drop_column("product", "review")
    op.drop_column("product", "review_since")
    with op.batch_alter_table("producer") as batch:
        batch.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE producer SET ended_at = state_since WHERE state = 'closed'")
    with op.batch_alter_table("producer") as batch:
        batch.drop_constraint(op.f("ck_producer_ended_is_closed"), type_="check")
        batch.drop_constraint(op.f("ck_producer_state_known"), type_="check")
        batch.drop_index("ix_producer_state_since")
        batch.drop_column("on_probation")
        batch.drop_column("state_since")
        batch.drop_column("state")
        batch.create_check_constraint(
            op.f("ck_producer_ended_is_closed"), f"ended_at IS NULL OR ({_OPEN_END})"
        )
