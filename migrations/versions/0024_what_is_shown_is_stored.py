"""What has been decided of a year's reach is stored, so that a page need not decide it; and a year
has a mark, which is another one whenever anything of it is written.

It is made of the rollups: what is lost with the tables, the worker makes again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_KEY = ("year", "area_code", "reported")


def upgrade() -> None:
    op.add_column(
        "reach_year", sa.Column("mark", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "reach_shown_year",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("stamp", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_code"], ["region.code"], name="fk_reach_shown_year_area_code_region"
        ),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_reach_shown_year"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reach_shown",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("part", sa.String(80), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            _KEY,
            [f"reach_shown_year.{name}" for name in _KEY],
            name="fk_reach_shown_year_reach_shown_year",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*_KEY, "part", name="pk_reach_shown"),
    )


def downgrade() -> None:
    op.drop_table("reach_shown")
    op.drop_table("reach_shown_year")
    op.drop_column("reach_year", "mark")
