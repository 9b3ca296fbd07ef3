"""Statements keep the digest of their file: the same one is known again, whatever its columns.

Those taken in before have none: their files are no more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bank_statement", sa.Column("content_digest", sa.String(64), nullable=True))
    op.create_index("ix_bank_statement_content_digest", "bank_statement", ["content_digest"])


def downgrade() -> None:
    op.drop_index("ix_bank_statement_content_digest", "bank_statement")
    op.drop_column("bank_statement", "content_digest")
