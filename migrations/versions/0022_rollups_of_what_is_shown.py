"""Rollups of what is shown: villages by destination in a year, and no longer in a month.

What a village sent to one regency in one month is a number in three ways, which nobody may see
(ADR 27); nor is anything read of all areas together. How many purchases of a village stayed in it
says whether the lowest step of its ladder may be shown. All is counted anew from orders and notes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_CHANNELS = "channel IN ('web', 'whatsapp', 'office', 'fair', 'door')"
_COUNTED = "purchases >= 0 AND orders >= 0 AND units >= 0 AND revenue >= 0"
_RUNGS = (
    "near_units >= 0 AND province_units >= 0 AND home_units + near_units + province_units <= units"
)
_MEASURES = "orders, units, home_units, revenue"


def upgrade() -> None:
    for name in ("reach_village_month", "reach_village_place", "reach_month"):
        op.drop_table(name)
    _table("reach_village_month", ["month", "village_id"])
    op.create_index("ix_reach_village_month_village_id", "reach_village_month", ["village_id"])
    _table(
        "reach_village_year",
        ["year", "village_id", "region_code"],
        [sa.Column("home_purchases", sa.Integer(), nullable=False)],
        {"home_within_purchases": "home_purchases BETWEEN 0 AND purchases"},
    )
    _table(
        "reach_year", ["year", "area_code"], [sa.Column("weight", sa.BigInteger(), nullable=False)]
    )
    _count_anew(
        {
            "reach_year": ("year, area_code, channel", "first_of_area", ", weight"),
            "reach_village_month": ("month, village_id, channel", "first_of_village", ""),
            "reach_village_year": (
                "year, village_id, region_code, channel",
                "first_of_village",
                ", home_purchases",
            ),
        }
    )


def downgrade() -> None:
    for name in ("reach_village_month", "reach_village_year", "reach_year"):
        op.drop_table(name)
    _table("reach_month", ["month", "region_code"])
    _table("reach_village_place", ["village_id", "month", "region_code"])
    rungs = [
        sa.Column(name, sa.Integer(), nullable=False) for name in ("near_units", "province_units")
    ]
    _table("reach_village_month", ["month", "village_id"], rungs, {"rungs_within_units": _RUNGS})
    op.create_index("ix_reach_village_month_village_id", "reach_village_month", ["village_id"])
    _count_anew(
        {
            "reach_month": ("month, region_code, channel", "first_of_all", ""),
            "reach_village_place": (
                "village_id, month, region_code, channel",
                "first_of_village",
                "",
            ),
            "reach_village_month": (
                "month, village_id, channel",
                "first_of_village",
                ", near_units, province_units",
            ),
        }
    )


_KEYS = {
    "month": (sa.Date(), None),
    "year": (sa.Integer(), None),
    "village_id": (sa.Integer(), "village.id"),
    "area_code": (sa.String(13), "region.code"),
    "region_code": (sa.String(13), "region.code"),
}


def _table(
    name: str,
    key: list[str],
    more: list[sa.Column] | None = None,
    checks: dict[str, str] | None = None,
) -> None:
    counts = ("purchases", "orders", "units", "home_units")
    refers = {column: _KEYS[column][1] for column in key if _KEYS[column][1]}
    said = {
        "channel_known": _CHANNELS,
        "counts_not_negative": _COUNTED,
        "home_within_units": "home_units BETWEEN 0 AND units",
        **(checks or {}),
    }
    op.create_table(
        name,
        # A key of one number is given out by nobody here.
        *(
            sa.Column(column, _KEYS[column][0], nullable=False, autoincrement=False)
            for column in key
        ),
        sa.Column("channel", sa.String(8), nullable=False),
        *(sa.Column(measure, sa.Integer(), nullable=False) for measure in counts),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        *(more or ()),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{name}_{rule_}"))
            for rule_, rule in said.items()
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [target], name=op.f(f"fk_{name}_{column}_{target.split('.')[0]}")
            )
            for column, target in refers.items()
        ),
        sa.PrimaryKeyConstraint(*key, "channel", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def _count_anew(tables: dict[str, tuple[str, str, str]]) -> None:
    """Each table: its key, its purchases of a part, and more columns that parts give."""
    if op.get_bind().dialect.name == "postgresql":
        day = "CAST(timezone(INTERVAL '7 hours', o.received_at) AS DATE)"
        month = "CAST(date_trunc('month', CAST(l.day AS TIMESTAMP)) AS DATE)"
        year = "CAST(EXTRACT(YEAR FROM l.day) AS INTEGER)"
        number = "CAST(EXTRACT(MONTH FROM l.day) AS BIGINT)"
    else:
        day = "date(substr(o.received_at, 1, 19), '+7 hours')"
        month, year = "substr(l.day, 1, 8) || '01'", "CAST(substr(l.day, 1, 4) AS INTEGER)"
        number = "CAST(substr(l.day, 6, 2) AS INTEGER)"
    op.execute("DROP TABLE IF EXISTS reach_part")
    op.execute(f"CREATE TEMPORARY TABLE reach_part AS {_parts(day, month, year, number)}")
    for table, (key, purchases, more) in tables.items():
        counted = (_MEASURES + more).split(", ")
        sums = ", ".join(f"SUM({name})" for name in (purchases, *counted))
        op.execute(
            f"INSERT INTO {table} ({key}, purchases, {', '.join(counted)}) "
            f"SELECT {key}, {sums} FROM reach_part GROUP BY {key}"
        )
    op.execute("DROP TABLE reach_part")


def _parts(day: str, month: str, year: str, number: str) -> str:
    """One row for each product of each order that was received, and for each note."""
    rungs = (
        "CASE WHEN l.region_code = l.area_code THEN l.units - l.home_units ELSE 0 END"
        " AS near_units, CASE WHEN l.region_code <> l.area_code AND substr(l.region_code, 1, 2) ="
        " substr(l.area_code, 1, 2) THEN l.units ELSE 0 END AS province_units"
    )
    place = "CAST(replace(l.region_code, '.', '') AS BIGINT)"
    weight = (
        f"CAST(l.units AS BIGINT) * ((CAST(l.product_id AS BIGINT) * 10000 + {place}) * 12"
        f" + {number})"
    )
    lines = (
        f"SELECT o.id AS order_id, o.purchase_id, o.received_at, {day} AS day, v.product_id,"
        " w.id AS village_id, substr(w.region_code, 1, 5) AS area_code,"
        " substr(p.region_code, 1, 5) AS region_code, 'web' AS channel,"
        " CASE WHEN p.region_code = w.region_code THEN 1 ELSE 0 END AS at_home,"
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
    first = (
        "row_number() OVER (PARTITION BY l.purchase_id{0}"
        " ORDER BY l.received_at, l.order_id, l.product_id) = 1"
    )
    of_village = first.format(", l.village_id")
    orders = (
        f"SELECT {month} AS month, {year} AS year, l.village_id, l.area_code, l.region_code,"
        " l.channel,"
        f" CASE WHEN {of_village} THEN 1 ELSE 0 END AS first_of_village,"
        f" CASE WHEN {of_village} THEN l.at_home ELSE 0 END AS home_purchases,"
        f" CASE WHEN {first.format(', l.area_code')} THEN 1 ELSE 0 END AS first_of_area,"
        f" CASE WHEN {first.format('')} THEN 1 ELSE 0 END AS first_of_all,"
        " CASE WHEN row_number() OVER (PARTITION BY l.order_id ORDER BY l.revenue DESC,"
        " l.product_id) = 1 THEN 1 ELSE 0 END AS orders,"
        f" l.units, l.home_units, {rungs}, l.revenue, {weight} AS weight FROM ({lines}) l"
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
        f" UNION ALL SELECT {month}, {year}, l.village_id, l.area_code, l.region_code, l.channel,"
        f" 1, 0, 1, 1, 1, l.units, l.home_units, {rungs}, l.revenue, {weight} FROM ({notes}) l"
    )
