"""The product on this website that a village was designated for, beside the words."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As one statement, with the reference in the column: copying the table would, on SQLite, lose
    # the trigger that lets a baseline be entered once.
    op.execute(
        "ALTER TABLE designation ADD COLUMN flagship_product_id INTEGER"
        " CONSTRAINT fk_designation_flagship_product_id_product REFERENCES product (id)"
    )


def downgrade() -> None:
    # The words stay.
    op.drop_column("designation", "flagship_product_id")
