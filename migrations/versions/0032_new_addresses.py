"""Links that show that a new e-mail address is the account's own."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_RULE = "ck_account_link_purpose_known"
_BEFORE = ("verify", "reset", "invite")
_AFTER = (*_BEFORE, "email")
# Notices of this release, which the one before has no words for.
_KINDS = (
    "new_email",
    "email_changing",
    "email_gone",
    "phone_changed",
    "login_wanted",
    "approved",
    "approval_recalled",
    "refused",
    "suspended",
    "resumed",
    "closed",
    "listing_shown",
    "listing_recalled",
    "listing_returned",
    "listing_hidden",
    "listing_unhidden",
)


def upgrade() -> None:
    _allow(_AFTER)


def downgrade() -> None:
    # Whoever has not pressed the link yet keeps the address of before.
    op.execute("DELETE FROM account_link WHERE purpose = 'email'")
    op.execute(f"DELETE FROM notice WHERE kind IN ({', '.join(map(repr, _KINDS))})")
    _allow(_BEFORE)


def _allow(purposes: tuple[str, ...]) -> None:
    with op.batch_alter_table("account_link") as batch:
        batch.drop_constraint(op.f(_RULE), type_="check")
        batch.create_check_constraint(op.f(_RULE), f"purpose IN ({', '.join(map(repr, purposes))})")
