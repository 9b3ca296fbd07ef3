"""Rollups by month beside the one by day, and in all of them how many purchases.

What is there is counted anew from orders and notes: how many purchases a row stands for cannot be
told from the rows by day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CHANNELS = "channel IN ('web', 'whatsapp', 'office', 'fair', 'door')"
_COUNTED = "purchases >= 0 AND orders >= 0 AND units >= 0 AND revenue >= 0"
_BEFORE = "orders >= 0 AND units >= 0 AND revenue >= 0"
_RUNGS = (
    "near_units >= 0 AND province_units >= 0 AND home_units + near_units + province_units <= units"
)
_MEASURES = "orders, units, home_units, revenue"
# Table: key, purchases of a part, more columns that its parts give.
_FILLED = {
    "reach_product_month": ("month, product_id, channel, village_id", "one", ""),
    "reach_village_month": (
        "month, village_id, channel",
        "first_of_village",
        ", near_units, province_units",
    ),
    "reach_village_place": ("village_id, month, region_code, channel", "first_of_village", ""),
    "reach_place_month": ("month, area_code, region_code, channel", "first_of_area", ""),
    "reach_month": ("month, region_code, channel", "first_of_all", ""),
    "reach_day": ("day, product_id, region_code, channel, village_id", "one", ""),
}


def upgrade() -> None:
    with op.batch_alter_table("reach_day") as batch:
        batch.add_column(sa.Column("purchases", sa.Integer(), nullable=False, server_default="0"))
        batch.drop_constraint(op.f("ck_reach_day_counts_not_negative"), type_="check")
        batch.create_check_constraint(op.f("ck_reach_day_counts_not_negative"), _COUNTED)
    with op.batch_alter_table("reach_day") as batch:
        batch.alter_column("purchases", server_default=None, existing_type=sa.Integer())
    _table(
        "reach_place_month",
        [_month(), _code("area_code"), _code("region_code")],
        {"area_code": "region.code", "region_code": "region.code"},
    )
    _table("reach_month", [_month(), _code("region_code")], {"region_code": "region.code"})
    _table(
        "reach_village_month",
        [_month(), _id("village_id")],
        {"village_id": "village.id"},
        [
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("near_units", "province_units")
        ],
        [sa.CheckConstraint(_RUNGS, name=op.f("ck_reach_village_month_rungs_within_units"))],
    )
    _table(
        "reach_village_place",
        [_id("village_id"), _month(), _code("region_code")],
        {"village_id": "village.id", "region_code": "region.code"},
    )
    _table(
        "reach_product_month",
        [_month(), _id("product_id")],
        {"product_id": "product.id", "village_id": "village.id"},
        [_id("village_id")],
    )
    for table, columns in (
        ("reach_village_month", ["village_id"]),
        ("reach_product_month", ["village_id", "month"]),
        ("reach_product_month", ["product_id"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    _count_anew()


def downgrade() -> None:
    for table in _FILLED:
        if table != "reach_day":
            op.drop_table(table)
    with op.batch_alter_table("reach_day") as batch:
        batch.drop_constraint(op.f("ck_reach_day_counts_not_negative"), type_="check")
        batch.drop_column("purchases")
        batch.create_check_constraint(op.f("ck_reach_day_counts_not_negative"), _BEFORE)


def _month() -> sa.Column:
    return sa.Column("month", sa.Date(), nullable=False)


def _code(name: str) -> sa.Column:
    return sa.Column(name, sa.String(13), nullable=False)


def _id(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _table(
    name: str,
    key: list[sa.Column],
    refers: dict[str, str],
    more: list[sa.Column] | None = None,
    checks: list[sa.CheckConstraint] | None = None,
) -> None:
    op.create_table(
        name,
        *key,
        sa.Column("channel", sa.String(8), nullable=False),
        *(
            sa.Column(measure, sa.Integer(), nullable=False)
            for measure in ("purchases", "orders", "units", "home_units")
        ),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        *(more or ()),
        sa.CheckConstraint(_CHANNELS, name=op.f(f"ck_{name}_channel_known")),
        sa.CheckConstraint(_COUNTED, name=op.f(f"ck_{name}_counts_not_negative")),
        sa.CheckConstraint(
            "home_units BETWEEN 0 AND units", name=op.f(f"ck_{name}_home_within_units")
        ),
        *(checks or ()),
        *(
            sa.ForeignKeyConstraint(
                [column], [target], name=op.f(f"fk_{name}_{column}_{target.split('.')[0]}")
            )
            for column, target in refers.items()
        ),
        sa.PrimaryKeyConstraint(
            *(column.name for column in key), "channel", name=op.f(f"pk_{name}")
        ),
        sqlite_with_rowid=False,
    )


def _count_anew() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        day = "CAST(timezone(INTERVAL '7 hours', o.received_at) AS DATE)"
        month = "CAST(date_trunc('month', CAST({0} AS TIMESTAMP)) AS DATE)"
    else:
        day = "date(substr(o.received_at, 1, 19), '+7 hours')"
        month = "substr({0}, 1, 8) || '01'"
    op.execute("DROP TABLE IF EXISTS reach_part")
    op.execute(f"CREATE TEMPORARY TABLE reach_part AS {_parts(day, month)}")
    op.execute("DELETE FROM reach_day")
    for table, (key, purchases, more) in _FILLED.items():
        counted = (_MEASURES + more).split(", ")
        sums = ", ".join(f"SUM({name})" for name in (purchases, *counted))
        op.execute(
            f"INSERT INTO {table} ({key}, purchases, {', '.join(counted)}) "
            f"SELECT {key}, {sums} FROM reach_part GROUP BY {key}"
        )
    op.execute("DROP TABLE reach_part")


def _parts(day: str, month: str) -> str:
    """One row for each product of each order that was received, and for each note."""
    rungs = (
        "CASE WHEN l.region_code = l.area_code THEN l.units - l.home_units ELSE 0 END"
        " AS near_units, CASE WHEN l.region_code <> l.area_code AND substr(l.region_code, 1, 2) ="
        " substr(l.area_code, 1, 2) THEN l.units ELSE 0 END AS province_units"
    )
    lines = (
        f"SELECT o.id AS order_id, o.purchase_id, o.received_at, {day} AS day, v.product_id,"
        " w.id AS village_id, substr(w.region_code, 1, 5) AS area_code,"
        " substr(p.region_code, 1, 5) AS region_code, 'web' AS channel,"
        " SUM(l.quantity) AS units,"
        " SUM(CASE WHEN p.region_code = w.region_code THEN l.quantity ELSE 0 END) AS home_units,"
        " SUM(CAST(l.quantity AS BIGINT) * l.unit_price) AS revenue"
        " FROM order_line l JOIN customer_order o ON o.id = l.order_id"
        " JOIN purchase p ON p.id = o.purchase_id JOIN producer m ON m.id = o.producer_id"
        " JOIN village w ON w.id = m.village_id JOIN variant v ON v.id = l.variant_id"
        " WHERE o.state = 'RECEIVED' AND o.received_at IS NOT NULL"
        " GROUP BY o.id, o.purchase_id, o.received_at, v.product_id, p.region_code, w.id,"
        " w.region_code HAVING SUM(l.quantity) > 0"
    )
    arrived = "ORDER BY l.received_at, l.order_id, l.product_id"
    orders = (
        f"SELECT l.day, {month.format('l.day')} AS month,"
        " l.product_id, l.village_id, l.area_code, l.region_code, l.channel, 1 AS one,"
        f" CASE WHEN row_number() OVER (PARTITION BY l.purchase_id, l.village_id {arrived}) = 1"
        " THEN 1 ELSE 0 END AS first_of_village,"
        f" CASE WHEN row_number() OVER (PARTITION BY l.purchase_id, l.area_code {arrived}) = 1"
        " THEN 1 ELSE 0 END AS first_of_area,"
        f" CASE WHEN row_number() OVER (PARTITION BY l.purchase_id {arrived}) = 1"
        " THEN 1 ELSE 0 END AS first_of_all,"
        " CASE WHEN row_number() OVER (PARTITION BY l.order_id ORDER BY l.revenue DESC,"
        " l.product_id) = 1 THEN 1 ELSE 0 END AS orders,"
        f" l.units, l.home_units, {rungs}, l.revenue FROM ({lines}) l"
    )
    notes = (
        "SELECT s.day, v.product_id, m.village_id, substr(w.region_code, 1, 5) AS area_code,"
        " s.region_code, s.channel, s.quantity AS units, 0 AS home_units,"
        " CAST(s.total AS BIGINT) AS revenue FROM reported_sale s"
        " JOIN variant v ON v.id = s.variant_id JOIN product t ON t.id = v.product_id"
        " JOIN producer m ON m.id = t.producer_id JOIN village w ON w.id = m.village_id"
        " WHERE s.withdrawn_at IS NULL"
    )
    return orders + (
        f" UNION ALL SELECT l.day, {month.format('l.day')}, l.product_id,"
        " l.village_id, l.area_code, l.region_code, l.channel, 1, 1, 1, 1, 1,"
        f" l.units, l.home_units, {rungs}, l.revenue FROM ({notes}) l"
    )
