"""Runs the migrations on the application's database."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import text

from ovop_market.extensions import db
from ovop_market.extensions.database import Choice, Moment

# Any number will do, as long as nothing else locks by it.
_LOCK = 190501


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Search structures are made by hand in migrations; the models do not know them."""
    name = name or ""
    if kind == "table":
        return not (name.endswith("_fts") or "_fts_" in name or name == "sqlite_stat1")
    if kind == "index":
        return not name.startswith("fts_")
    return True


def render_item(kind: str, thing: Any, _context: Any) -> str | bool:
    """Migrations stand alone: the house's types are written as what they are in the database."""
    if kind == "type" and isinstance(thing, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, Choice):
        return f"sa.String(length={thing.impl.length})"
    return False


def run() -> None:
    engine = db.engine
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Two servers that start at once migrate one after the other.
            connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
            connection.commit()
        else:
            # Copying a table (batch mode) must not trip over rows that refer to it. Said to the
            # driver itself: inside a transaction, SQLite would not listen.
            connection.connection.execute("PRAGMA foreign_keys = OFF")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=include_object,
            render_item=render_item,
            **{
                k: v
                for k, v in current_app.extensions["migrate"].configure_args.items()
                if k in ("render_as_batch", "compare_type")
            },
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            connection.commit()
        else:
            connection.connection.execute("PRAGMA foreign_keys = ON")


run()
