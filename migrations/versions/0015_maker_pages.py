"""Maker pages of parcels; the number of a parcel may be corrected under way.

Orders that are being made, or have been, get their page: made on the day (WIB) on which their
history says that they were finished. A code is made here as core/tokens makes it.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What order_event.action may be before this migration.
_BEFORE = (
    "place", "accept", "counter", "decline", "agree", "lapse", "cancel", "revoke", "start",
    "finish", "ship", "hand_over", "receive", "dispute", "settle_for_producer",
    "settle_for_buyer", "pay", "unpay", "remind", "share",
)  # fmt: skip
_NEW = ("track",)
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_AT_ONCE = 5_000


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _guard() -> None:
    """Makes the history append-only (again: on SQLite a changed CHECK is a copy of the table)."""
    if not _on_sqlite():
        op.execute(
            "CREATE TRIGGER order_event_append_only "
            "BEFORE UPDATE OR DELETE OR TRUNCATE ON order_event "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER order_event_no_{verb.lower()} BEFORE {verb} ON order_event "
            "BEGIN SELECT RAISE(ABORT, 'order_event is append-only'); END"
        )


def _unguard() -> None:
    if not _on_sqlite():
        op.execute("DROP TRIGGER order_event_append_only ON order_event")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER order_event_no_{verb}")


def _actions(choices: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{choice}'" for choice in choices)
    name = op.f("ck_order_event_action_known")
    with op.batch_alter_table("order_event") as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, f"action IN ({listed})")


def upgrade() -> None:
    page = op.create_table(
        "maker_page",
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(10), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=True),
        sa.CheckConstraint("length(code) = 10", name=op.f("ck_maker_page_code_whole")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["customer_order.id"], name=op.f("fk_maker_page_order_id_customer_order")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_maker_page")),
        sa.UniqueConstraint("code", name=op.f("uq_maker_page_code")),
    )
    _unguard()
    _actions((*_BEFORE, *_NEW))
    _guard()
    _open_pages(page)


def _open_pages(page: sa.Table) -> None:
    """For what may be made (paid, or cash), is being made, or was finished."""
    bind = op.get_bind()
    finished = sa.text(
        "SELECT o.id, min(e.at) AS at FROM customer_order o "
        "JOIN purchase p ON p.id = o.purchase_id "
        "LEFT JOIN order_event e ON e.order_id = o.id AND e.action = 'finish' "
        "WHERE e.id IS NOT NULL "
        "OR o.state IN ('PREPARING', 'READY', 'SHIPPED', 'RECEIVED', 'DISPUTED') "
        "OR (o.state = 'ACCEPTED' AND (o.paid >= o.total OR p.payment_method = 'cod')) "
        "GROUP BY o.id ORDER BY o.id"
    )
    rows = [
        {"order_id": order_id, "code": _code(), "made_on": _day(at)}
        for order_id, at in bind.execute(finished)
    ]
    for start in range(0, len(rows), _AT_ONCE):
        bind.execute(page.insert(), rows[start : start + _AT_ONCE])


def _code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def _day(at: Any) -> date | None:
    """The day in Bangka Barat (UTC+7); SQLite keeps moments as texts in UTC."""
    if at is None:
        return None
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment.astimezone(UTC) + timedelta(hours=7)).date()


def downgrade() -> None:
    _unguard()
    op.execute(sa.text("DELETE FROM order_event WHERE action IN ('track')"))
    _actions(_BEFORE)
    _guard()
    op.drop_table("maker_page")
