"""Search of products: the indexes over search_title and search_text, kept in step by triggers

Both engines get the same two things: an index of products by word, and `product_word_fts`, the
words that occur, by which mistyped words are mended. SQLite drops triggers together with a table,
so a later migration that copies `product` (batch mode) has to run `_SQLITE_TRIGGERS` once more.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQLITE_TABLES = [
    """
    CREATE VIRTUAL TABLE product_fts USING fts5(
        search_title, search_text,
        content = 'product', content_rowid = 'id', tokenize = 'unicode61', detail = 'none'
    )
    """,
    "CREATE VIRTUAL TABLE product_word_fts USING fts5vocab('product_fts', 'row')",
]
_SQLITE_TRIGGERS = [
    """
    CREATE TRIGGER fts_product_insert AFTER INSERT ON product BEGIN
        INSERT INTO product_fts (rowid, search_title, search_text)
        VALUES (new.id, new.search_title, new.search_text);
    END
    """,
    """
    CREATE TRIGGER fts_product_update AFTER UPDATE OF search_title, search_text ON product BEGIN
        INSERT INTO product_fts (product_fts, rowid, search_title, search_text)
        VALUES ('delete', old.id, old.search_title, old.search_text);
        INSERT INTO product_fts (rowid, search_title, search_text)
        VALUES (new.id, new.search_title, new.search_text);
    END
    """,
    """
    CREATE TRIGGER fts_product_delete AFTER DELETE ON product BEGIN
        INSERT INTO product_fts (product_fts, rowid, search_title, search_text)
        VALUES ('delete', old.id, old.search_title, old.search_text);
    END
    """,
]

_WORDS_OF = """
    SELECT DISTINCT word COLLATE "C" AS word
    FROM {rows}, string_to_table(search_title || ' ' || search_text, ' ') AS word
    WHERE word ~ '^[a-z0-9]+$'
"""
# In one order everywhere, so that two writers never wait for each other.
_ADD = f"""
    INSERT INTO product_word_fts (term)
    {_WORDS_OF.format(rows="added")} ORDER BY word
    ON CONFLICT DO NOTHING;
"""
_DROP = """
    DELETE FROM product_word_fts WHERE term IN ({gone}) AND NOT EXISTS (
        SELECT 1 FROM product
        WHERE to_tsvector('indonesian', search_title || ' ' || search_text)
              @@ to_tsquery('indonesian', term)
          AND term = ANY (string_to_array(search_title || ' ' || search_text, ' '))
    );
"""


def _trigger_function(name: str, body: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {body} RETURN NULL; END $$"
    )


_REMOVED, _ADDED = _WORDS_OF.format(rows="removed"), _WORDS_OF.format(rows="added")
_POSTGRESQL = [
    """
    CREATE INDEX fts_product ON product
    USING gin (to_tsvector('indonesian', search_title || ' ' || search_text))
    """,
    'CREATE TABLE product_word_fts (term text COLLATE "C" PRIMARY KEY)',
    "CREATE INDEX fts_product_word ON product_word_fts USING gin (term gin_trgm_ops)",
    # A function, because only a function can bring its own threshold along. The default, 0.3,
    # misses short words ("mdu" for madu); catalogue.search.words knows the same number.
    """
    CREATE FUNCTION fts_similar_words(wanted text[]) RETURNS SETOF text
    LANGUAGE sql STABLE SET pg_trgm.similarity_threshold = 0.25
    AS $$
        SELECT DISTINCT term FROM unnest(wanted) AS word JOIN product_word_fts ON term % word
    $$
    """,
    _trigger_function("fts_add_product_words", _ADD),
    _trigger_function(
        "fts_change_product_words", _ADD + _DROP.format(gone=f"{_REMOVED} EXCEPT {_ADDED}")
    ),
    _trigger_function("fts_drop_product_words", _DROP.format(gone=_REMOVED)),
    """
    CREATE TRIGGER fts_product_insert AFTER INSERT ON product
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION fts_add_product_words()
    """,
    """
    CREATE TRIGGER fts_product_update AFTER UPDATE ON product
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION fts_change_product_words()
    """,
    """
    CREATE TRIGGER fts_product_delete AFTER DELETE ON product
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION fts_drop_product_words()
    """,
    f"INSERT INTO product_word_fts (term) {_WORDS_OF.format(rows='product')}",
]
_TRIGGERS = ("fts_product_insert", "fts_product_update", "fts_product_delete")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        rebuild = "INSERT INTO product_fts (product_fts) VALUES ('rebuild')"
        statements = [*_SQLITE_TABLES, *_SQLITE_TRIGGERS, rebuild]
    else:
        statements = _POSTGRESQL
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for trigger in _TRIGGERS:
            op.execute(f"DROP TRIGGER {trigger}")
        op.execute("DROP TABLE product_word_fts")
        op.execute("DROP TABLE product_fts")
        return
    for trigger in _TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger} ON product")
    for function in ("fts_add_product_words", "fts_change_product_words", "fts_drop_product_words"):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION fts_similar_words(text[])")
    op.execute("DROP TABLE product_word_fts")
    op.execute("DROP INDEX fts_product")
