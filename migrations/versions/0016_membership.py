"""Households ask to join a group, and belong to it since a day; a producer closes for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_CHECKS = {
    "wanted_by_households": "wanted_group_id IS NULL OR (kind = 'household' AND group_id IS NULL)",
    "member_since_group": "member_since IS NULL OR group_id IS NOT NULL",
    "ended_is_closed": (
        "ended_at IS NULL OR (closed_from IS NOT NULL AND closed_to IS NULL AND group_id IS NULL)"
    ),
}


def upgrade() -> None:
    with op.batch_alter_table("producer") as batch:
        batch.add_column(sa.Column("wanted_group_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("member_since", sa.Date(), nullable=True))
        batch.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_foreign_key(
            op.f("fk_producer_wanted_group_id_producer"), "producer", ["wanted_group_id"], ["id"]
        )
        batch.create_index("ix_producer_wanted_group_id", ["wanted_group_id"])
        for name, text in _CHECKS.items():
            batch.create_check_constraint(op.f(f"ck_producer_{name}"), text)


def downgrade() -> None:
    with op.batch_alter_table("producer") as batch:
        for name in _CHECKS:
            batch.drop_constraint(op.f(f"ck_producer_{name}"), type_="check")
        batch.drop_index("ix_producer_wanted_group_id")
        batch.drop_constraint(op.f("fk_producer_wanted_group_id_producer"), type_="foreignkey")
        batch.drop_column("ended_at")
        batch.drop_column("member_since")
        batch.drop_column("wanted_group_id")
