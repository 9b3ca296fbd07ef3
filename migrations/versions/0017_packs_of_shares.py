"""Packs are held for a household's share, no longer for whatever its offer gives to the line.

What is held at a household's offer belongs to its one live share there; where it has several, they
are served in turn, ready packs first. Shares that 0010 made of orders with a counteroffer stand as
taken: the group has spoken for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_LIVE = "('OFFERED', 'TAKEN', 'MADE', 'SETTLED')"


def upgrade() -> None:
    with op.batch_alter_table("hold") as batch:
        batch.add_column(sa.Column("allocation_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_hold_allocation_id_allocation"), "allocation", ["allocation_id"], ["id"]
        )
        batch.create_index("ix_hold_allocation_id", ["allocation_id"])
    op.execute(
        "UPDATE allocation SET state = 'TAKEN', taken = offered "
        "WHERE state = 'OFFERED' AND due_at IS NULL AND CAST(why AS TEXT) LIKE '%\"before\"%' "
        "AND line_id IN (SELECT l.id FROM order_line l JOIN customer_order o ON o.id = l.order_id"
        " WHERE o.state = 'COUNTERED')"
    )
    of_hold = (
        "FROM allocation a WHERE a.line_id = hold.line_id AND a.offer_id = hold.offer_id "
        f"AND a.state IN {_LIVE}"
    )
    op.execute(
        f"UPDATE hold SET allocation_id = (SELECT a.id {of_hold}) "
        f"WHERE (SELECT COUNT(*) {of_hold}) = 1"
    )
    _serve_several()


def _serve_several() -> None:
    """Where a household has several live shares of a line, a hold may have to be divided."""
    connection = op.get_bind()
    shares = connection.execute(
        sa.text(
            "SELECT a.id, a.line_id, a.offer_id, COALESCE(a.made, a.taken, a.offered) AS packs "
            f"FROM allocation a WHERE a.state IN {_LIVE} AND EXISTS (SELECT 1 FROM allocation b"
            " WHERE b.line_id = a.line_id AND b.offer_id = a.offer_id AND b.id <> a.id"
            f" AND b.state IN {_LIVE}) ORDER BY a.id"
        )
    ).all()
    waiting: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for share in shares:
        waiting[share.line_id, share.offer_id].append(share)
    for (line_id, offer_id), several in waiting.items():
        holds = connection.execute(
            sa.text(
                "SELECT id, kind, week, quantity FROM hold WHERE line_id = :line"
                " AND offer_id = :offer AND quantity > 0 ORDER BY kind DESC, week, id"
            ),
            {"line": line_id, "offer": offer_id},
        ).all()
        _serve(connection, holds, several)


def _serve(connection: sa.Connection, holds: Sequence[Any], shares: Sequence[Any]) -> None:
    """Gives the packs of the holds to the shares in turn; what is left over is the group's own."""
    left = {hold.id: hold.quantity for hold in holds}
    for share in shares:
        needed = share.packs
        for hold in holds:
            packs = min(left[hold.id], needed)
            if not packs:
                continue
            whole = packs == hold.quantity
            values = {"hold": hold.id, "share": share.id, "packs": packs}
            if whole:
                text = "UPDATE hold SET allocation_id = :share WHERE id = :hold"
            else:
                text = (
                    "INSERT INTO hold (line_id, offer_id, kind, week, quantity, allocation_id) "
                    "SELECT line_id, offer_id, kind, week, :packs, :share FROM hold"
                    " WHERE id = :hold"
                )
            connection.execute(sa.text(text), values)
            left[hold.id] -= packs
            needed -= packs
    for hold in holds:
        # What was given in parts keeps what nobody got, which is usually nothing.
        connection.execute(
            sa.text("UPDATE hold SET quantity = :left WHERE id = :hold AND allocation_id IS NULL"),
            {"left": left[hold.id], "hold": hold.id},
        )


def downgrade() -> None:
    with op.batch_alter_table("hold") as batch:
        batch.drop_index("ix_hold_allocation_id")
        batch.drop_constraint(op.f("fk_hold_allocation_id_allocation"), type_="foreignkey")
        batch.drop_column("allocation_id")
