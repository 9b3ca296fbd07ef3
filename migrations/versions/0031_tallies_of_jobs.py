"""How often the worker's jobs ran and failed, for /metrics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_tally",
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job", name="pk_job_tally"),
        sa.CheckConstraint(
            "runs >= 0 AND failures >= 0 AND milliseconds >= 0",
            name="ck_job_tally_counted_upwards",
        ),
    )


def downgrade() -> None:
    op.drop_table("job_tally")
