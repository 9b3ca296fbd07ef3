"""Sizes of packs and volumetric weight, the seller's own delivery, tariff files, courier rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SIDES = ("length_cm", "width_cm", "height_cm")


def _check(table: str, name: str, condition: str) -> tuple[str, str]:
    return op.f(f"ck_{table}_{name}"), condition


def upgrade() -> None:
    with op.batch_alter_table("variant") as batch:
        for side in _SIDES:
            batch.add_column(sa.Column(side, sa.SmallInteger(), nullable=True))
        batch.create_check_constraint(
            *_check(
                "variant",
                "size_whole",
                "(length_cm IS NULL) = (width_cm IS NULL)"
                " AND (length_cm IS NULL) = (height_cm IS NULL)"
                " AND length_cm BETWEEN 1 AND 300"
                " AND width_cm BETWEEN 1 AND 300"
                " AND height_cm BETWEEN 1 AND 300",
            )
        )
    with op.batch_alter_table("order_line") as batch:
        batch.add_column(sa.Column("volume_cm3", sa.Integer(), server_default="0", nullable=False))
        batch.create_check_constraint(
            *_check("order_line", "volume_not_negative", "volume_cm3 >= 0")
        )
    with op.batch_alter_table("delivery_service") as batch:
        batch.add_column(
            sa.Column("local", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch.add_column(
            sa.Column("volumetric_divisor", sa.Integer(), server_default="6000", nullable=False)
        )
        batch.add_column(sa.Column("rate_courier", sa.String(length=20), nullable=True))
        batch.add_column(sa.Column("rate_service", sa.String(length=60), nullable=True))
        batch.create_check_constraint(
            *_check("delivery_service", "divisor_positive", "volumetric_divisor > 0")
        )
        batch.create_check_constraint(
            *_check(
                "delivery_service",
                "rate_named_whole",
                "(rate_courier IS NULL) = (rate_service IS NULL)",
            )
        )
        batch.create_check_constraint(
            *_check(
                "delivery_service",
                "rate_of_ordinary_courier",
                "rate_courier IS NULL OR NOT (cold_chain OR local)",
            )
        )
        batch.create_unique_constraint(
            op.f("uq_delivery_service_rate_courier_rate_service"), ["rate_courier", "rate_service"]
        )
    op.create_table(
        "tariff_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("mode", sa.String(length=7), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by_id", sa.Integer(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_by_id", sa.Integer(), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('PREVIEW', 'APPLIED')", name=op.f("ck_tariff_import_state_known")
        ),
        sa.CheckConstraint(
            "mode IN ('change', 'replace')", name=op.f("ck_tariff_import_mode_known")
        ),
        sa.CheckConstraint(
            "(state = 'PREVIEW') = (content IS NOT NULL)",
            name=op.f("ck_tariff_import_content_for_preview"),
        ),
        sa.CheckConstraint(
            "(state = 'APPLIED') = (applied_at IS NOT NULL AND applied_by_id IS NOT NULL)",
            name=op.f("ck_tariff_import_applied_by_somebody"),
        ),
        sa.CheckConstraint(
            "added >= 0 AND changed >= 0 AND removed >= 0",
            name=op.f("ck_tariff_import_counts_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["applied_by_id"],
            ["user_account.id"],
            name=op.f("fk_tariff_import_applied_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"],
            ["user_account.id"],
            name=op.f("fk_tariff_import_uploaded_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_import")),
    )
    op.create_table(
        "rate_place",
        sa.Column("region_code", sa.String(length=13), nullable=False),
        sa.Column("place_id", sa.String(length=20), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["region_code"], ["region.code"], name=op.f("fk_rate_place_region_code_region")
        ),
        sa.PrimaryKeyConstraint("region_code", name=op.f("pk_rate_place")),
    )
    op.create_table(
        "courier_rate",
        sa.Column("origin", sa.String(length=13), nullable=False),
        sa.Column("destination", sa.String(length=13), nullable=False),
        sa.Column("kilograms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("courier", sa.String(length=20), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kilograms > 0", name=op.f("ck_courier_rate_kilograms_positive")),
        sa.ForeignKeyConstraint(
            ["origin"], ["region.code"], name=op.f("fk_courier_rate_origin_region")
        ),
        sa.ForeignKeyConstraint(
            ["destination"], ["region.code"], name=op.f("fk_courier_rate_destination_region")
        ),
        sa.PrimaryKeyConstraint(
            "origin", "destination", "kilograms", "courier", name=op.f("pk_courier_rate")
        ),
    )
    op.create_index(op.f("ix_courier_rate_fetched_at"), "courier_rate", ["fetched_at"])


def downgrade() -> None:
    """What was previewed and not applied, and what couriers said, is forgotten; the seller's own
    delivery becomes an ordinary service that is no longer offered, since its prices are flat."""
    op.drop_table("courier_rate")
    op.drop_table("rate_place")
    op.drop_table("tariff_import")
    op.execute(
        sa.text("UPDATE delivery_service SET offered = :no WHERE local").bindparams(no=False)
    )
    with op.batch_alter_table("delivery_service") as batch:
        batch.drop_constraint(op.f("uq_delivery_service_rate_courier_rate_service"), type_="unique")
        for name in ("divisor_positive", "rate_named_whole", "rate_of_ordinary_courier"):
            batch.drop_constraint(op.f(f"ck_delivery_service_{name}"), type_="check")
        for column in ("rate_service", "rate_courier", "volumetric_divisor", "local"):
            batch.drop_column(column)
    with op.batch_alter_table("order_line") as batch:
        batch.drop_constraint(op.f("ck_order_line_volume_not_negative"), type_="check")
        batch.drop_column("volume_cm3")
    with op.batch_alter_table("variant") as batch:
        batch.drop_constraint(op.f("ck_variant_size_whole"), type_="check")
        for side in reversed(_SIDES):
            batch.drop_column(side)
