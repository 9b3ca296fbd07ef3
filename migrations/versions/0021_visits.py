"""Visits of the office to producers, with pictures in the private store.

What was noted stays as it is: only its next step is done, once, and it is withdrawn, once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TOPICS = ("production", "packaging", "permits", "marketing", "quality", "money", "other")
# All of a visit but what becomes of it.
_FACTS = "id, producer_id, day, topic, advice, next_step, next_by, by_id, noted_at, idempotency_key"
_OVER = (
    "OLD.withdrawn_at IS NOT NULL OR (OLD.done_at IS NOT NULL AND (NEW.done_at IS NULL"
    " OR NEW.done_at <> OLD.done_at OR NEW.done_by_id <> OLD.done_by_id))"
)


def _guard() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE TRIGGER mentoring_visit_kept "
            f"BEFORE UPDATE OF {_FACTS} OR DELETE OR TRUNCATE ON mentoring_visit "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER mentoring_visit_once BEFORE UPDATE ON mentoring_visit "
            f"FOR EACH ROW WHEN ({_OVER}) EXECUTE FUNCTION refuse_change()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'mentoring_visit is append-only'); END"
    op.execute(
        f"CREATE TRIGGER mentoring_visit_no_delete BEFORE DELETE ON mentoring_visit {refuse}"
    )
    op.execute(
        "CREATE TRIGGER mentoring_visit_no_update "
        f"BEFORE UPDATE OF {_FACTS} ON mentoring_visit {refuse}"
    )
    op.execute(
        "CREATE TRIGGER mentoring_visit_once BEFORE UPDATE ON mentoring_visit "
        f"WHEN {_OVER} {refuse}"
    )


def _user(column: str) -> sa.ForeignKeyConstraint:
    name = f"fk_mentoring_visit_{column}_user_account"
    return sa.ForeignKeyConstraint([column], ["user_account.id"], name=op.f(name))


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_mentoring_visit_{name}"))


def upgrade() -> None:
    op.create_table(
        "mentoring_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("producer_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("topic", sa.String(10), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("next_by", sa.Date(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_why", sa.String(200), nullable=False),
        sa.Column("idempotency_key", sa.String(100), nullable=False),
        _check("topic_known", f"topic IN ({', '.join(map(repr, _TOPICS))})"),
        _check("day_sensible", "day >= '2000-01-01'"),
        _check("advice_said", "length(advice) BETWEEN 1 AND 2000"),
        _check("next_step_short", "length(next_step) <= 500"),
        _check("next_by_after_visit", "next_by IS NULL OR (next_step <> '' AND next_by >= day)"),
        _check("done_by_somebody", "(done_at IS NULL) = (done_by_id IS NULL)"),
        _check("done_is_a_step", "done_at IS NULL OR next_step <> ''"),
        _check(
            "withdrawn_by_somebody",
            "(withdrawn_at IS NULL) = (withdrawn_by_id IS NULL)"
            " AND (withdrawn_at IS NULL) = (withdrawn_why = '')",
        ),
        sa.ForeignKeyConstraint(
            ["producer_id"], ["producer.id"], name=op.f("fk_mentoring_visit_producer_id_producer")
        ),
        _user("done_by_id"),
        _user("by_id"),
        _user("withdrawn_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentoring_visit")),
        sa.UniqueConstraint(
            "by_id", "idempotency_key", name=op.f("uq_mentoring_visit_by_id_idempotency_key")
        ),
    )
    op.create_index("ix_mentoring_visit_producer_id_day", "mentoring_visit", ["producer_id", "day"])
    op.create_table(
        "visit_photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("alt", sa.String(200), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False),
        sa.Column("height", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("position BETWEEN 0 AND 3", name=op.f("ck_visit_photo_few_photos")),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_visit_photo_size_positive")),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["mentoring_visit.id"],
            name=op.f("fk_visit_photo_visit_id_mentoring_visit"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_photo")),
        sa.UniqueConstraint("visit_id", "position", name=op.f("uq_visit_photo_visit_id_position")),
    )
    _guard()


def downgrade() -> None:
    op.drop_table("visit_photo")
    op.drop_table("mentoring_visit")
