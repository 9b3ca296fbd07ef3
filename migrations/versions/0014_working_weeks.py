"""A number of packs for one week; what became of packs that were not ordered; a tap counts once.

On SQLite a changed CHECK means a copy of the table, which loses its triggers: those of the history
are put back. Packs that were sold elsewhere, spoiled or used up are counted packs in the older
words.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REASONS = ("opening", "made", "counted", "held", "released", "sold_elsewhere")
_NEW_REASONS = ("spoiled", "used")
_KNOWN = "ck_stock_movement_reason_known"
_KEY = "uq_stock_movement_offer_id_idempotency_key"


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard() -> None:
    """Makes the history append-only."""
    if not _on_sqlite():
        op.execute(
            "CREATE TRIGGER stock_movement_append_only "
            "BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movement "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER stock_movement_no_{verb.lower()} BEFORE {verb} ON stock_movement "
            "BEGIN SELECT RAISE(ABORT, 'stock_movement is append-only'); END"
        )


def _unguard() -> None:
    if not _on_sqlite():
        op.execute("DROP TRIGGER stock_movement_append_only ON stock_movement")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER stock_movement_no_{verb}")


def _listed(reasons: tuple[str, ...]) -> str:
    return ", ".join(f"'{reason}'" for reason in reasons)


def upgrade() -> None:
    with op.batch_alter_table("capacity_week") as batch:
        batch.add_column(sa.Column("planned", sa.Integer(), nullable=True))
        batch.create_check_constraint(op.f("ck_capacity_week_planned_not_negative"), "planned >= 0")
    _unguard()
    with op.batch_alter_table("stock_movement") as batch:
        batch.add_column(sa.Column("idempotency_key", sa.String(100), nullable=True))
        batch.alter_column("reason", type_=sa.String(14), existing_nullable=False)
        batch.drop_constraint(op.f(_KNOWN), type_="check")
        batch.create_check_constraint(
            op.f(_KNOWN), f"reason IN ({_listed((*_REASONS, *_NEW_REASONS))})"
        )
        batch.create_unique_constraint(op.f(_KEY), ["offer_id", "idempotency_key"])
    _guard()


def downgrade() -> None:
    _unguard()
    op.execute(
        f"UPDATE stock_movement SET reason = 'counted' WHERE reason IN ({_listed(_NEW_REASONS)})"
    )
    with op.batch_alter_table("stock_movement") as batch:
        batch.drop_constraint(op.f(_KEY), type_="unique")
        batch.drop_constraint(op.f(_KNOWN), type_="check")
        batch.create_check_constraint(op.f(_KNOWN), f"reason IN ({_listed(_REASONS)})")
        batch.drop_column("idempotency_key")
    _guard()
    with op.batch_alter_table("capacity_week") as batch:
        batch.drop_constraint(op.f("ck_capacity_week_planned_not_negative"), type_="check")
        batch.drop_column("planned")
