"""Producers' owners are told of another bank account: back, nobody has words for that."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    op.execute("DELETE FROM notice WHERE kind = 'payout_account'")
