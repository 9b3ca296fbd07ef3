"""Erasure of personal data, and the log of who looked at whose.

Histories stay append-only but for one thing: of an erased purchase, the words that people wrote
beside an event may go, once and for good (ADR 39). Everything else of the row must stay as it is,
which the trigger compares.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ERASED_PURCHASE = (
    "erased_at IS NULL OR (name = '' AND phone = '' AND email IS NULL AND street = ''"
    " AND postal_code = '' AND note = '' AND token = '' AND buyer_id IS NULL"
    " AND buyer_key IS NULL)"
)
_ERASED_USER = (
    "erased_at IS NULL OR (name = '' AND email IS NULL AND phone IS NULL"
    " AND password_hash = '' AND totp_secret IS NULL AND disabled_at IS NOT NULL)"
)
_LOGIN_BEFORE = "email IS NOT NULL OR phone IS NOT NULL"
_LOGIN_GIVEN = f"{_LOGIN_BEFORE} OR erased_at IS NOT NULL"
_ROLES = "role IN ('buyer', 'producer', 'official', 'operator')"
_NOT_ERASED = sa.text("erased_at IS NULL AND buyer_id IS NULL")
_BY_HAND = sa.text("order_number IS NULL")

# By table: the columns that may be blanked, and how its row leads to a purchase.
_WORDS: dict[str, tuple[Sequence[str], str]] = {
    "order_event": (
        ("reason", "details"),
        "customer_order o JOIN purchase p ON p.id = o.purchase_id WHERE o.id = OLD.order_id",
    ),
    "payment_event": (
        ("reason",),
        "payment o JOIN purchase p ON p.id = o.purchase_id WHERE o.id = OLD.payment_id",
    ),
}


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def upgrade() -> None:
    # The CHECK comes with the column, so that nothing is copied: purchases are many.
    moment = "DATETIME" if _on_sqlite() else "TIMESTAMP WITH TIME ZONE"
    op.execute(
        f"ALTER TABLE purchase ADD COLUMN erased_at {moment}"
        f" CONSTRAINT ck_purchase_erased_names_nobody CHECK ({_ERASED_PURCHASE})"
    )
    op.create_index(
        "ix_purchase_not_erased",
        "purchase",
        ["placed_at"],
        sqlite_where=_NOT_ERASED,
        postgresql_where=_NOT_ERASED,
    )
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
        batch.drop_constraint(op.f("ck_user_account_login_given"), type_="check")
    with op.batch_alter_table("user_account") as batch:
        batch.create_check_constraint(op.f("ck_user_account_login_given"), _LOGIN_GIVEN)
        batch.create_check_constraint(op.f("ck_user_account_erased_names_nobody"), _ERASED_USER)
    op.create_table(
        "personal_data_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("producer_id", sa.Integer(), nullable=True),
        sa.Column("page", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.CheckConstraint(_ROLES, name=op.f("ck_personal_data_view_role_known")),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_account.id"],
            name=op.f("fk_personal_data_view_actor_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["producer_id"],
            ["producer.id"],
            name=op.f("fk_personal_data_view_producer_id_producer"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_data_view")),
        sa.UniqueConstraint(
            "actor_id",
            "subject",
            "page",
            "hour",
            name=op.f("uq_personal_data_view_actor_id_subject_page_hour"),
        ),
    )
    op.create_index("ix_personal_data_view_at", "personal_data_view", ["at"])
    op.create_index("ix_personal_data_view_subject_at", "personal_data_view", ["subject", "at"])
    op.create_index("ix_personal_data_view_actor_id_at", "personal_data_view", ["actor_id", "at"])
    op.create_index("ix_audit_event_actor_id_at", "audit_event", ["actor_id", "at"])
    for table in ("order_event", "payment_event"):
        op.create_index(f"ix_{table}_at", table, ["at"])
        op.create_index(f"ix_{table}_actor_id_at", table, ["actor_id", "at"])
    for name, columns in (
        ("ix_stock_movement_by_hand", ["at"]),
        ("ix_stock_movement_actor_id_at", ["actor_id", "at"]),
    ):
        op.create_index(
            name,
            "stock_movement",
            columns,
            sqlite_where=_BY_HAND,
            postgresql_where=_BY_HAND,
        )
    _guard("personal_data_view")
    for table in _WORDS:
        _unguard(table)
        _let_words_go(table)


def downgrade() -> None:
    for table in _WORDS:
        _let_no_words_go(table)
        _guard(table)
    _unguard("personal_data_view")
    for name in ("ix_stock_movement_actor_id_at", "ix_stock_movement_by_hand"):
        op.drop_index(name, "stock_movement")
    for table in ("payment_event", "order_event"):
        op.drop_index(f"ix_{table}_actor_id_at", table)
        op.drop_index(f"ix_{table}_at", table)
    op.drop_index("ix_audit_event_actor_id_at", "audit_event")
    op.drop_table("personal_data_view")
    # Who has been erased is named by nothing; the older table wants a login, which is nobody's.
    with op.batch_alter_table("user_account") as batch:
        batch.drop_constraint(op.f("ck_user_account_erased_names_nobody"), type_="check")
        batch.drop_constraint(op.f("ck_user_account_login_given"), type_="check")
    op.execute(
        "UPDATE user_account SET email = 'erased-' || id || '@erased.invalid'"
        " WHERE erased_at IS NOT NULL"
    )
    with op.batch_alter_table("user_account") as batch:
        batch.create_check_constraint(op.f("ck_user_account_login_given"), _LOGIN_BEFORE)
        batch.drop_column("erased_at")
    op.drop_index("ix_purchase_not_erased", "purchase")
    op.drop_column("purchase", "erased_at")


def _guard(table: str) -> None:
    """Makes a table append-only."""
    if not _on_sqlite():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _unguard(table: str) -> None:
    if not _on_sqlite():
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}")


def _let_words_go(table: str) -> None:
    """Append-only, but for the words beside what happened to an erased purchase."""
    words, path = _WORDS[table]
    # Each is blanked or stays; JSON is compared by what is written.
    if not _on_sqlite():
        blanked = " AND ".join(
            f"(NEW.{word} IS NULL OR NEW.{word}::text IS NOT DISTINCT FROM OLD.{word}::text)"
            for word in words
        )
        rest = "".join(f" - '{word}'" for word in words)
        op.execute(
            f"CREATE FUNCTION {table}_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF to_jsonb(NEW){rest} = to_jsonb(OLD){rest} AND {blanked} "
            f"AND EXISTS (SELECT 1 FROM {path} AND p.erased_at IS NOT NULL) THEN RETURN NEW; "
            f"END IF; RAISE EXCEPTION '{table} is append-only' "
            "USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_words BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_words()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    others = [c["name"] for c in sa.inspect(op.get_bind()).get_columns(table)]
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in others if name not in words)
    blanked = " AND ".join(f"(NEW.{word} IS NULL OR NEW.{word} IS OLD.{word})" for word in words)
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ("
        f"{same} AND {blanked}"
        f" AND EXISTS (SELECT 1 FROM {path} AND p.erased_at IS NOT NULL)) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _let_no_words_go(table: str) -> None:
    _unguard(table)
    if not _on_sqlite():
        op.execute(f"DROP TRIGGER {table}_words ON {table}")
        op.execute(f"DROP FUNCTION {table}_words()")
