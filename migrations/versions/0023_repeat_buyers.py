"""Buyers who come back: a keyed hash of the number that they give, what it said when they ordered,
and how many of a month's purchases were theirs.

What was bought before has no key: the key is made with a secret that a migration does not have. So
everybody is new once more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ROLLUPS = ("reach_village_month", "reach_place_month")


def upgrade() -> None:
    # As one statement each, with the CHECK in the column: nothing is copied, which would take long
    # and, on SQLite, lose triggers.
    op.execute(
        "ALTER TABLE purchase ADD COLUMN buyer_key VARCHAR(64)"
        " CONSTRAINT ck_purchase_buyer_key_whole CHECK (length(buyer_key) = 64)"
    )
    op.create_index("ix_purchase_buyer_key", "purchase", ["buyer_key"])
    for table in ("purchase", "customer_order"):
        op.add_column(
            table, sa.Column("repeat", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    for table in _ROLLUPS:
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN repeats INTEGER DEFAULT 0 NOT NULL"
            f" CONSTRAINT ck_{table}_repeats_within_purchases"
            " CHECK (repeats BETWEEN 0 AND purchases)"
        )


def downgrade() -> None:
    for table in _ROLLUPS:
        op.drop_column(table, "repeats")
    for table in ("customer_order", "purchase"):
        op.drop_column(table, "repeat")
    op.drop_index("ix_purchase_buyer_key", "purchase")
    op.drop_column("purchase", "buyer_key")
