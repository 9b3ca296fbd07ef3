"""The programme: the way of each designation, stars with certificates, targets, and a baseline that
is entered once.

Designations that are there keep their stage: it is the first line of their history, with no day.
Their stars have no certificate, so they are no award yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_STAGES = "stage IN ('proposal', 'selection', 'designation', 'mentoring', 'evaluation')"
_CHANGED = {
    "sqlite": "OLD.baseline_sales IS NOT NULL AND NEW.baseline_sales IS NOT OLD.baseline_sales",
    "postgresql": (
        "OLD.baseline_sales IS NOT NULL AND NEW.baseline_sales IS DISTINCT FROM OLD.baseline_sales"
    ),
}


def upgrade() -> None:
    op.create_table(
        "designation_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("designation_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(11), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(_STAGES, name=op.f("ck_designation_step_stage_known")),
        sa.ForeignKeyConstraint(
            ["designation_id"],
            ["designation.id"],
            name=op.f("fk_designation_step_designation_id_designation"),
        ),
        sa.ForeignKeyConstraint(
            ["noted_by_id"],
            ["user_account.id"],
            name=op.f("fk_designation_step_noted_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_designation_step")),
    )
    op.create_index(
        op.f("ix_designation_step_designation_id"), "designation_step", ["designation_id"]
    )
    op.create_table(
        "star_award",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("designation_id", sa.Integer(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("certificate", sa.String(60), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_star_award_stars_known")),
        sa.CheckConstraint(
            "expires_on IS NULL OR expires_on > day",
            name=op.f("ck_star_award_ends_after_it_begins"),
        ),
        sa.ForeignKeyConstraint(
            ["designation_id"],
            ["designation.id"],
            name=op.f("fk_star_award_designation_id_designation"),
        ),
        sa.ForeignKeyConstraint(
            ["noted_by_id"],
            ["user_account.id"],
            name=op.f("fk_star_award_noted_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_star_award")),
        sa.UniqueConstraint(
            "designation_id", "certificate", name=op.f("uq_star_award_designation_id_certificate")
        ),
    )
    op.create_table(
        "village_target",
        sa.Column("village_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=True),
        sa.Column("regencies", sa.Integer(), nullable=True),
        sa.Column("revenue", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "year BETWEEN 2000 AND 2100", name=op.f("ck_village_target_year_sensible")
        ),
        sa.CheckConstraint(
            "orders IS NOT NULL OR regencies IS NOT NULL OR revenue IS NOT NULL",
            name=op.f("ck_village_target_something_aimed_at"),
        ),
        sa.CheckConstraint(
            "orders > 0 AND regencies > 0 AND revenue > 0",
            name=op.f("ck_village_target_positive"),
        ),
        sa.ForeignKeyConstraint(
            ["village_id"], ["village.id"], name=op.f("fk_village_target_village_id_village")
        ),
        sa.PrimaryKeyConstraint("village_id", "year", name=op.f("pk_village_target")),
    )
    op.execute(
        "INSERT INTO designation_step (designation_id, stage, note, noted_at)"
        " SELECT id, stage, '', CURRENT_TIMESTAMP FROM designation ORDER BY id"
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER designation_step_no_{verb.lower()} BEFORE {verb}"
                " ON designation_step"
                " BEGIN SELECT RAISE(ABORT, 'designation_step is append-only'); END"
            )
        op.execute(
            "CREATE TRIGGER designation_baseline_once BEFORE UPDATE OF baseline_sales"
            f" ON designation WHEN {_CHANGED['sqlite']}"
            " BEGIN SELECT RAISE(ABORT, 'a baseline is entered once'); END"
        )
        return
    op.execute(
        "CREATE TRIGGER designation_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON designation_step FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE FUNCTION refuse_second_baseline() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'a baseline is entered once' "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER designation_baseline_once BEFORE UPDATE OF baseline_sales ON designation"
        f" FOR EACH ROW WHEN ({_CHANGED['postgresql']}) EXECUTE FUNCTION refuse_second_baseline()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER designation_baseline_once")
    else:
        op.execute("DROP TRIGGER designation_baseline_once ON designation")
        op.execute("DROP FUNCTION refuse_second_baseline()")
    op.drop_table("village_target")
    op.drop_table("star_award")
    op.drop_index(op.f("ix_designation_step_designation_id"), "designation_step")
    op.drop_table("designation_step")
