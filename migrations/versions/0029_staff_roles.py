"""Who acts for a producer is its owner or its packer; nobody packs where there is no owner.

People are invited, by links of 0027.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_STAFF_ROLES = "role IN ('owner', 'packer')"
_LAST_OWNER = "nobody packs for a producer without an owner"


def upgrade() -> None:
    _roles()
    _guard_last_owner()
    _invitations()


def _roles() -> None:
    with op.batch_alter_table("producer_staff") as batch:
        # Whoever acts for a producer so far does everything.
        batch.add_column(
            sa.Column("role", sa.String(6), nullable=False, server_default=sa.text("'owner'"))
        )
        batch.add_column(sa.Column("since", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("invited_by_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_producer_staff_invited_by_id_user_account"),
            "user_account",
            ["invited_by_id"],
            ["id"],
        )
        batch.create_check_constraint(op.f("ck_producer_staff_role_known"), _STAFF_ROLES)
    with op.batch_alter_table("producer_staff") as batch:
        batch.alter_column("role", server_default=None)


def _guard_last_owner() -> None:
    """Nobody packs for a producer that has no owner. (That the last owner stays where nobody packs
    either, villages.staff_services sees to, under a lock.)"""
    others = (
        "SELECT 1 FROM producer_staff"
        " WHERE producer_id = OLD.producer_id AND user_id <> OLD.user_id"
    )
    owners = f"{others} AND role = 'owner'"
    if op.get_bind().dialect.name == "sqlite":
        # It names no other table: one that is copied by a later migration would trip over it.
        op.execute(
            "CREATE TRIGGER producer_keeps_owner_deleted BEFORE DELETE ON producer_staff"
            f" WHEN OLD.role = 'owner' AND EXISTS ({others}) AND NOT EXISTS ({owners})"
            f" BEGIN SELECT RAISE(ABORT, '{_LAST_OWNER}'); END"
        )
        op.execute(
            "CREATE TRIGGER producer_keeps_owner_changed BEFORE UPDATE ON producer_staff"
            " WHEN OLD.role = 'owner' AND NEW.role <> 'owner'"
            f" AND NOT EXISTS ({owners})"
            f" BEGIN SELECT RAISE(ABORT, '{_LAST_OWNER}'); END"
        )
        return
    # The lock makes two owners who leave at once wait for each other.
    op.execute(
        f"""
        CREATE FUNCTION producer_keeps_owner() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF OLD.role = 'owner' AND (TG_OP = 'DELETE' OR NEW.role <> 'owner') THEN
            PERFORM 1 FROM producer WHERE id = OLD.producer_id FOR UPDATE;
            IF NOT EXISTS ({owners}) AND (TG_OP = 'UPDATE' OR EXISTS ({others})) THEN
              RAISE EXCEPTION '{_LAST_OWNER}' USING ERRCODE = 'check_violation';
            END IF;
          END IF;
          IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
          RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER producer_keeps_owner BEFORE UPDATE OR DELETE ON producer_staff"
        " FOR EACH ROW EXECUTE FUNCTION producer_keeps_owner()"
    )


def _invitations() -> None:
    op.create_table(
        "account_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("region_code", sa.String(13), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("phone", sa.String(20), nullable=True),
        sa.Column("mailed", sa.Boolean(), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('producer', 'official', 'operator')",
            name=op.f("ck_account_invitation_role_known"),
        ),
        sa.CheckConstraint(
            "(email IS NULL) <> (phone IS NULL)", name=op.f("ck_account_invitation_one_login")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_invitation_email_lower")),
        sa.CheckConstraint(
            "(role = 'official') = (region_code IS NOT NULL)",
            name=op.f("ck_account_invitation_officials_have_an_area"),
        ),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by_id IS NULL)",
            name=op.f("ck_account_invitation_accepted_by_somebody"),
        ),
        sa.CheckConstraint(
            "accepted_at IS NULL OR withdrawn_at IS NULL",
            name=op.f("ck_account_invitation_one_end"),
        ),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["account_link.id"],
            name=op.f("fk_account_invitation_link_id_account_link"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["region_code"],
            ["region.code"],
            name=op.f("fk_account_invitation_region_code_region"),
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["user_account.id"],
            name=op.f("fk_account_invitation_invited_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["accepted_by_id"],
            ["user_account.id"],
            name=op.f("fk_account_invitation_accepted_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_invitation")),
        sa.UniqueConstraint("link_id", name=op.f("uq_account_invitation_link_id")),
    )
    op.create_index("ix_account_invitation_invited_by_id", "account_invitation", ["invited_by_id"])
    op.create_table(
        "staff_invitation",
        sa.Column("invitation_id", sa.Integer(), nullable=False),
        sa.Column("producer_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(6), nullable=False),
        sa.CheckConstraint(_STAFF_ROLES, name=op.f("ck_staff_invitation_role_known")),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["account_invitation.id"],
            name=op.f("fk_staff_invitation_invitation_id_account_invitation"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["producer_id"],
            ["producer.id"],
            name=op.f("fk_staff_invitation_producer_id_producer"),
        ),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_staff_invitation")),
    )
    op.create_index("ix_staff_invitation_producer_id", "staff_invitation", ["producer_id"])


def downgrade() -> None:
    op.drop_table("staff_invitation")
    op.drop_table("account_invitation")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER producer_keeps_owner_deleted")
        op.execute("DROP TRIGGER producer_keeps_owner_changed")
    else:
        op.execute("DROP TRIGGER producer_keeps_owner ON producer_staff")
        op.execute("DROP FUNCTION producer_keeps_owner()")
    # Packers did not exist: who may only pack must not be able to do everything afterwards.
    op.execute("DELETE FROM producer_staff WHERE role <> 'owner'")
    with op.batch_alter_table("producer_staff") as batch:
        batch.drop_constraint(op.f("ck_producer_staff_role_known"), type_="check")
        batch.drop_constraint(
            op.f("fk_producer_staff_invited_by_id_user_account"), type_="foreignkey"
        )
        batch.drop_column("invited_by_id")
        batch.drop_column("since")
        batch.drop_column("role")
