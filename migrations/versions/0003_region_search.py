"""What the search for regions needs from each database.

SQLite: an FTS5 table beside `region`. It has no triggers: regions have one writer, the load, which
rebuilds it; that takes under a second, and triggers on 91,599 rows take ten. PostgreSQL: GIN
indexes, one for villages and one for all larger areas, so that a common word does not drag in the
whole country.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQLITE_UP = (
    """CREATE VIRTUAL TABLE region_fts USING fts5(
        own_words, all_words, content='region', content_rowid='sort_key',
        tokenize='ascii', prefix='1 2 3 4', detail=column)""",
    "INSERT INTO region_fts (region_fts) VALUES ('rebuild')",
)
SQLITE_DOWN = ("DROP TABLE region_fts",)

POSTGRESQL_UP = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX fts_region_own ON region USING gin (own_words) WHERE level <= 3",
    "CREATE INDEX fts_region_all ON region USING gin (all_words) WHERE level <= 3",
    "CREATE INDEX fts_region_own_4 ON region USING gin (own_words) WHERE level = 4",
    "CREATE INDEX fts_region_all_4 ON region USING gin (all_words) WHERE level = 4",
    "CREATE INDEX fts_region_word ON region_word USING gin (word gin_trgm_ops)",
)
# The extension stays: others may use it.
POSTGRESQL_DOWN = tuple(
    f"DROP INDEX {name}"
    for name in (
        "fts_region_word",
        "fts_region_all_4",
        "fts_region_own_4",
        "fts_region_all",
        "fts_region_own",
    )
)


def _run(on_sqlite: tuple[str, ...], on_postgresql: tuple[str, ...]) -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in on_sqlite if sqlite else on_postgresql:
        op.execute(statement)


def upgrade() -> None:
    _run(SQLITE_UP, POSTGRESQL_UP)


def downgrade() -> None:
    _run(SQLITE_DOWN, POSTGRESQL_DOWN)
