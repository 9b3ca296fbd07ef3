"""A page at the gateway keeps when it was asked about last, were it in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    asked_at = sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("gateway_attempt", asked_at)
    op.execute("UPDATE gateway_attempt SET asked_at = status_at")


def downgrade() -> None:
    op.drop_column("gateway_attempt", "asked_at")
