"""What is in the database, to be compared with what is in it later."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.extensions import db

# Never written by people; large.
LEFT_OUT = frozenset({"region", "region_alias", "region_word", "alembic_version"})


def dumped(session: Session, only: Collection[str] | None = None) -> dict[str, list[str]]:
    """All rows of all tables (or of some), but for those of areas, each as its values read."""
    session.rollback()
    return {
        table.name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
        for table in db.metadata.sorted_tables
        if table.name not in LEFT_OUT and (only is None or table.name in only)
    }


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """The rows that are new or gone, by table."""
    return {
        name: sorted(set(after[name]) ^ set(rows))
        for name, rows in before.items()
        if after[name] != rows
    }
