"""An official belongs to a regency or a province, and sees its villages.

Until now there was one regency, Bangka Barat (19.05): those who were officials are its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_CHECK = "(role = 'official') = (region_code IS NOT NULL)"


def upgrade() -> None:
    with op.batch_alter_table("user_account") as batch:
        batch.add_column(sa.Column("region_code", sa.String(13), nullable=True))
        batch.create_foreign_key(
            op.f("fk_user_account_region_code_region"), "region", ["region_code"], ["code"]
        )
    op.execute("UPDATE user_account SET region_code = '19.05' WHERE role = 'official'")
    with op.batch_alter_table("user_account") as batch:
        batch.create_check_constraint(op.f("ck_user_account_officials_have_an_area"), _CHECK)


def downgrade() -> None:
    with op.batch_alter_table("user_account") as batch:
        batch.drop_constraint(op.f("ck_user_account_officials_have_an_area"), type_="check")
        batch.drop_constraint(op.f("fk_user_account_region_code_region"), type_="foreignkey")
        batch.drop_column("region_code")
