"""Producers list their products themselves: a form that is sent twice makes one product, a picture
is there once, and a permit's row says which reminders its end has had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On SQLite a changed constraint means a copy of the table, which would lose the triggers of its
    # search: hence columns and indexes alone.
    op.add_column("product", sa.Column("submission_digest", sa.String(64), nullable=True))
    op.create_index("uq_product_submission_digest", "product", ["submission_digest"], unique=True)
    # Of pictures that a product shows twice, the first one stays.
    op.execute(
        "DELETE FROM product_photo WHERE id NOT IN"
        " (SELECT MIN(id) FROM product_photo GROUP BY product_id, key)"
    )
    op.create_index(
        "uq_product_photo_product_id_key", "product_photo", ["product_id", "key"], unique=True
    )
    op.add_column("permit", sa.Column("reminded", sa.SmallInteger(), nullable=True))
    op.create_index("ix_permit_expires_on", "permit", ["expires_on"])


def downgrade() -> None:
    op.drop_index("ix_permit_expires_on", "permit")
    op.drop_column("permit", "reminded")
    op.drop_index("uq_product_photo_product_id_key", "product_photo")
    op.drop_index("uq_product_submission_digest", "product")
    op.drop_column("product", "submission_digest")
