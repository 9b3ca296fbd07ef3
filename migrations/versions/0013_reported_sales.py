"""Sales beyond the website: notes that are withdrawn and never changed, counted beside the others.

On SQLite a changed CHECK means a copy of the table, which loses its triggers: those of the
movements are put back.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CHANNELS = ("whatsapp", "office", "fair", "door")
_REASONS = ("opening", "made", "counted", "held", "released")
# All of a note but its withdrawal.
_FACTS = (
    "id, producer_id, variant_id, quantity, total, channel, region_code, day, noted_at, "
    "noted_by_id, idempotency_key"
)


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _listed(column: str, choices: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"


def _guard(table: str) -> None:
    """Makes a table append-only."""
    if not _on_sqlite():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _unguard(table: str) -> None:
    if not _on_sqlite():
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}")


def _guard_notes() -> None:
    """A note may be withdrawn, once; nothing else of it changes, and it is never deleted."""
    once = "OLD.withdrawn_at IS NOT NULL"
    if not _on_sqlite():
        op.execute(
            "CREATE TRIGGER reported_sale_kept "
            f"BEFORE UPDATE OF {_FACTS} OR DELETE OR TRUNCATE ON reported_sale "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER reported_sale_withdrawn_once BEFORE UPDATE ON reported_sale "
            f"FOR EACH ROW WHEN ({once}) EXECUTE FUNCTION refuse_change()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'reported_sale is append-only'); END"
    op.execute(f"CREATE TRIGGER reported_sale_no_delete BEFORE DELETE ON reported_sale {refuse}")
    op.execute(
        "CREATE TRIGGER reported_sale_no_update "
        f"BEFORE UPDATE OF {_FACTS} ON reported_sale {refuse}"
    )
    op.execute(
        "CREATE TRIGGER reported_sale_withdrawn_once BEFORE UPDATE ON reported_sale "
        f"WHEN {once} {refuse}"
    )


def _widen(table: str, column: str, was: int, now: int, choices: Sequence[str]) -> None:
    """Other values, and room for them."""
    name = f"ck_{table}_{column}_known"
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(name), type_="check")
        batch.alter_column(
            column,
            existing_type=sa.String(was),
            type_=sa.String(now),
            existing_nullable=False,
        )
        batch.create_check_constraint(op.f(name), _listed(column, choices))


def upgrade() -> None:
    op.create_table(
        "reported_sale",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("producer_id", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("region_code", sa.String(13), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by_id", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Integer(), nullable=True),
        sa.Column("idempotency_key", sa.String(100), nullable=False),
        sa.CheckConstraint(
            _listed("channel", _CHANNELS), name=op.f("ck_reported_sale_channel_known")
        ),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 9999", name=op.f("ck_reported_sale_quantity_sensible")
        ),
        sa.CheckConstraint(
            "total BETWEEN 1 AND 1000000000", name=op.f("ck_reported_sale_total_sensible")
        ),
        sa.CheckConstraint(
            "length(region_code) = 5", name=op.f("ck_reported_sale_region_is_regency")
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)",
            name=op.f("ck_reported_sale_withdrawn_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["producer_id"], ["producer.id"], name=op.f("fk_reported_sale_producer_id_producer")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variant.id"], name=op.f("fk_reported_sale_variant_id_variant")
        ),
        sa.ForeignKeyConstraint(
            ["region_code"], ["region.code"], name=op.f("fk_reported_sale_region_code_region")
        ),
        sa.ForeignKeyConstraint(
            ["noted_by_id"],
            ["user_account.id"],
            name=op.f("fk_reported_sale_noted_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by_id"],
            ["user_account.id"],
            name=op.f("fk_reported_sale_withdrawn_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_sale")),
        sa.UniqueConstraint(
            "noted_by_id",
            "idempotency_key",
            name=op.f("uq_reported_sale_noted_by_id_idempotency_key"),
        ),
    )
    op.create_index("ix_reported_sale_producer_id_id", "reported_sale", ["producer_id", "id"])
    op.create_index("ix_reported_sale_variant_id", "reported_sale", ["variant_id"])
    op.create_table(
        "reported_sale_stock",
        sa.Column("sale_id", sa.Integer(), nullable=False),
        sa.Column("offer_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reported_sale_stock_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["sale_id"],
            ["reported_sale.id"],
            name=op.f("fk_reported_sale_stock_sale_id_reported_sale"),
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offer.id"], name=op.f("fk_reported_sale_stock_offer_id_offer")
        ),
        sa.PrimaryKeyConstraint("sale_id", "offer_id", name=op.f("pk_reported_sale_stock")),
    )
    op.create_index("ix_reported_sale_stock_offer_id", "reported_sale_stock", ["offer_id"])
    _guard_notes()
    _guard("reported_sale_stock")
    _widen("reach_day", "channel", 3, 8, ("web", *_CHANNELS))
    _unguard("stock_movement")
    _widen("stock_movement", "reason", 8, 14, (*_REASONS, "sold_elsewhere"))
    _guard("stock_movement")


def downgrade() -> None:
    _unguard("stock_movement")
    # The packs are gone all the same: what is left was counted.
    op.execute("UPDATE stock_movement SET reason = 'counted' WHERE reason = 'sold_elsewhere'")
    _widen("stock_movement", "reason", 14, 8, _REASONS)
    _guard("stock_movement")
    op.execute("DELETE FROM reach_day WHERE channel <> 'web'")
    _widen("reach_day", "channel", 8, 3, ("web",))
    op.drop_table("reported_sale_stock")
    op.drop_table("reported_sale")
