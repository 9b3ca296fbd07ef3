"""Links that work once, sessions that the server knows, what was tried how often, second factors,
and who waits for a person's help."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_PURPOSES = ("verify", "reset", "invite")


# As statements: a table at which half of the others point is not copied for a few columns.
_COLUMNS = (
    ("verified_at", "DATETIME", ""),
    ("totp_secret", "VARCHAR(200)", ""),
    (
        "totp_since",
        "DATETIME",
        " CONSTRAINT ck_user_account_second_factor_has_secret"
        " CHECK (totp_since IS NULL OR totp_secret IS NOT NULL)",
    ),
    ("totp_step", "BIGINT", ""),
)


def upgrade() -> None:
    moment = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for name, kind, rule in _COLUMNS:
        column = f"{name} {kind.replace('DATETIME', moment)}{rule}"
        op.execute(f"ALTER TABLE user_account ADD COLUMN {column}")
    _links()
    _sessions()
    _throttle()
    _recovery()
    _help()


def _user(table: str, column: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_user_account"
    return sa.ForeignKeyConstraint([column], ["user_account.id"], name=op.f(name))


def _sessions() -> None:
    op.create_table(
        "user_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("browser", sa.String(20), nullable=False),
        sa.Column("system", sa.String(20), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        _user("user_session", "user_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_user_session_digest")),
    )
    op.create_index("ix_user_session_user_id_seen_at", "user_session", ["user_id", "seen_at"])
    op.create_index("ix_user_session_seen_at", "user_session", ["seen_at"])


def _throttle() -> None:
    op.create_table(
        "throttle",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("open_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
    )
    op.create_index("ix_throttle_over_at", "throttle", ["over_at"])


def _recovery() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        _user("recovery_code", "user_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("user_id", "digest", name=op.f("uq_recovery_code_user_id_digest")),
    )


def _help() -> None:
    op.create_table(
        "account_help",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        _user("account_help", "user_id"),
        _user("account_help", "done_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_help")),
    )
    waiting = sa.text("done_at IS NULL")
    op.create_index(
        "ix_account_help_waiting",
        "account_help",
        ["user_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def _links() -> None:
    op.create_table(
        "account_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(6), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            f"purpose IN ({', '.join(map(repr, _PURPOSES))})",
            name=op.f("ck_account_link_purpose_known"),
        ),
        sa.CheckConstraint("expires_at > made_at", name=op.f("ck_account_link_lives_for_a_while")),
        sa.CheckConstraint(
            "purpose = 'invite' OR user_id IS NOT NULL",
            name=op.f("ck_account_link_about_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_account_link_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_account_link_digest")),
    )
    op.create_index("ix_account_link_user_id", "account_link", ["user_id"])
    op.create_index("ix_account_link_expires_at", "account_link", ["expires_at"])


def downgrade() -> None:
    for table in ("account_help", "recovery_code", "throttle", "user_session", "account_link"):
        op.drop_table(table)
    # Second factors are lost: who goes back signs in with the password alone.
    with op.batch_alter_table("user_account") as batch:
        batch.drop_constraint(op.f("ck_user_account_second_factor_has_secret"), type_="check")
        for name, _kind, _rule in reversed(_COLUMNS):
            batch.drop_column(name)
