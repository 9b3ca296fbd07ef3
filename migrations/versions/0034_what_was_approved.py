"""What an operator approved of a listing, to hold what is there later against.

There is nothing to fill in: what is shown and waits for no look counts as approved as it is, and is
written down before it is changed first (listings.approvals).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing_approval",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("looked", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_listing_approval_product_id_product")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_listing_approval")),
    )


def downgrade() -> None:
    op.drop_table("listing_approval")
