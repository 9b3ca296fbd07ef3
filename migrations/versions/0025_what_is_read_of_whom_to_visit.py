"""What the list of whom to visit reads: monthly sums by producer, and an index of what has lapsed.

The sums follow from those by product, each of which one producer sells: an order is counted at one
of its products. A purchase has one order of a producer, so purchases are orders there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_NAME = "reach_producer_month"
_COUNTS = ("purchases", "orders", "units", "home_units")
_CHECKS = {
    "channel_known": "channel IN ('web', 'whatsapp', 'office', 'fair', 'door')",
    "counts_not_negative": "purchases >= 0 AND orders >= 0 AND units >= 0 AND revenue >= 0",
    "home_within_units": "home_units BETWEEN 0 AND units",
}
_LAPSED = sa.text("action = 'lapse'")


def upgrade() -> None:
    op.create_table(
        _NAME,
        sa.Column("producer_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(8), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{_NAME}_{name}"))
            for name, rule in _CHECKS.items()
        ),
        sa.ForeignKeyConstraint(
            ["producer_id"], ["producer.id"], name=op.f(f"fk_{_NAME}_producer_id_producer")
        ),
        sa.PrimaryKeyConstraint("producer_id", "month", "channel", name=op.f(f"pk_{_NAME}")),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO {_NAME} (producer_id, month, channel, purchases, orders, units, home_units,"
        " revenue) SELECT p.producer_id, m.month, m.channel, SUM(m.orders), SUM(m.orders),"
        " SUM(m.units), SUM(m.home_units), SUM(m.revenue) FROM reach_product_month m"
        " JOIN product p ON p.id = m.product_id GROUP BY p.producer_id, m.month, m.channel"
    )
    op.create_index(
        "ix_order_event_lapsed",
        "order_event",
        ["producer_id", "at"],
        sqlite_where=_LAPSED,
        postgresql_where=_LAPSED,
    )


def downgrade() -> None:
    op.drop_index("ix_order_event_lapsed", "order_event")
    op.drop_table(_NAME)
