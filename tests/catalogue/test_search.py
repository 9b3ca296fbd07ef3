"""Search finds the same on both databases, forgives typing errors, and never fails."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ovop_market.catalogue import search
from ovop_market.catalogue.models import Category, Product, Storage
from ovop_market.catalogue.search import words
from ovop_market.catalogue.search.engines import MAX_CANDIDATES, _found
from ovop_market.villages.models import Designation, Stage, Village
from tests.factories import make_producer, make_product, make_village

DENDANG, TERENTANG = "19.05.04.2005", "19.05.04.2010"
PANGKAL_BERAS, KETAP, TANJUNG_NIUR = "19.05.04.2014", "19.05.03.2009", "19.05.05.2002"
# The shared list: what people type, and the slugs that they must get, in this order.
QUERIES = {
    "pempek": ["pempek-udang", "pempek-telur"],
    "PÉMPEK!": ["pempek-udang", "pempek-telur"],
    "pmpek": ["pempek-udang", "pempek-telur"],
    "pepmek": ["pempek-udang", "pempek-telur"],
    "pemp": ["pempek-udang", "pempek-telur"],
    # Other names of the same.
    "mpek mpek": ["pempek-udang", "pempek-telur"],
    "Empek-empek": ["pempek-udang", "pempek-telur"],
    "belacan": ["terasi-udang"],
    "rattan basket": ["keranjang-rotan"],
    "kerpuk": ["kerupuk-udang"],
    "udang belo laut": ["pempek-udang", "kerupuk-udang", "pempek-telur"],
    "udang belolaut": ["pempek-udang", "kerupuk-udang", "pempek-telur"],
    "terasi": ["terasi-udang"],
    "anyaman": ["nampan-resam", "keranjang-rotan", "tudung-saji"],
    "menganyam": ["nampan-resam", "keranjang-rotan", "tudung-saji"],
    "rotan kelapa": ["keranjang-rotan", "tudung-saji"],
    "rotan dendang": ["keranjang-rotan"],
    "rotn": ["keranjang-rotan", "tudung-saji"],
    "teh": ["teh-tayu"],
    "madu": ["madu-kelulut"],
    "mdu": ["madu-kelulut"],
    "muntok": ["pempek-udang", "pempek-telur", "kerupuk-udang"],
    "pempek jakarta": ["pempek-udang", "pempek-telur"],
    "madu teh": ["madu-kelulut", "teh-tayu"],
    "beku": ["pempek-udang", "pempek-telur"],
    "ikan paus biru raksasa": [],
    "dan": [],
    "": [],
}


def _dry(
    session: Session,
    village: Village,
    name: str,
    summary: str,
    category: Category = Category.CRAFT,
) -> None:
    product = make_product(
        session,
        make_producer(session, village),
        name=name,
        slug=name.lower().replace(" ", "-"),
        category=category,
        storage=Storage.AMBIENT,
    )
    product.summary = summary
    session.flush()


@pytest.fixture
def shop(session: Session) -> Session:
    """A few products of villages whose names and flagships cross."""
    laut = make_producer(session, make_village(session))
    make_product(session, laut, name="Pempek udang", slug="pempek-udang")
    make_product(session, laut, name="Pempek telur", slug="pempek-telur")
    make_product(
        session,
        laut,
        name="Kerupuk udang",
        slug="kerupuk-udang",
        category=Category.SNACK,
        storage=Storage.AMBIENT,
    )
    dendang = make_village(session, DENDANG, name="Dendang", also_known_as="")
    terentang = make_village(session, TERENTANG, name="Terentang", also_known_as="")
    for village in (dendang, terentang):
        village.designations[0].flagship = "kerajinan"
    _dry(session, dendang, "Keranjang rotan", "Rotan utuh.")
    _dry(session, terentang, "Tudung saji", "Dari rotan.")
    _dry(session, dendang, "Nampan resam", "Anyaman resam.")
    beras = make_village(session, PANGKAL_BERAS, name="Pangkal Beras", also_known_as="")
    beras.designations[0].flagship = "madu kelulut"
    _dry(session, beras, "Madu kelulut", "Dari hutan.", Category.HONEY)
    ketap = make_village(session, KETAP, name="Ketap", also_known_as="")
    ketap.designations[0].flagship = "teh tayu"
    _dry(session, ketap, "Teh tayu", "Dipetik pagi.", Category.TEA)
    niur = make_village(session, TANJUNG_NIUR, name="Tanjung Niur", also_known_as="")
    niur.designations[0].flagship = "terasi"
    _dry(session, niur, "Terasi udang", "Wangi.", Category.CONDIMENT)
    session.commit()
    return session


def _slugs(session: Session, query: str) -> list[str]:
    return [session.get(Product, i).slug for i in search.matching(session, query)]  # type: ignore[union-attr]


def test_shared_list(shop: Session) -> None:
    found = {query: _slugs(shop, query) for query in QUERIES}
    assert found == QUERIES


@pytest.mark.parametrize(
    "query",
    [
        '"', "'", "*", "pempek*", "NEAR(", "a AND", "pempek OR", "-pempek", "^pempek", "pempek:*",
        "\x00", "pempek\x00udang", "%", "_", "\\", "🦐", "🦐 pempek", "(((", "& | !", "x" * 100_000,
        "pempek " * 20_000, "ñ", "İstanbul", "\ud800", "500g", "1e5", "0x1f", "a", "aa", "{", "~~",
    ],
)  # fmt: skip
def test_any_text_is_a_query(shop: Session, query: str) -> None:
    assert isinstance(search.matching(shop, query), list)
    shop.execute(text("SELECT 1"))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(max_size=60))
def test_no_text_fails(shop: Session, query: str) -> None:
    search.matching(shop, query)


def test_index_follows_every_change(shop: Session) -> None:
    product = shop.query(Product).filter_by(slug="teh-tayu").one()
    product.name = "Seduhan bunga telang"
    shop.commit()
    assert _slugs(shop, "telang") == ["teh-tayu"]
    assert _slugs(shop, "tayo") == ["teh-tayu"]  # the flagship still says tayu

    product.producer.village.designations[0].flagship = "bunga kering"
    product.producer.name = "Rumah Melati"
    shop.commit()
    assert _slugs(shop, "tayu") == []
    assert _slugs(shop, "melati") == ["teh-tayu"]

    shop.add(
        Designation(
            village_id=product.producer.village_id,
            year=2021,
            flagship="jahe merah",
            stage=Stage.DESIGNATION,
        )
    )
    shop.commit()
    assert _slugs(shop, "jahe") == ["teh-tayu"]

    product.listed = False
    shop.commit()
    assert _slugs(shop, "telang") == []


def test_deleted_products_leave_nothing_behind(shop: Session) -> None:
    product = shop.query(Product).filter_by(slug="madu-kelulut").one()
    for variant in product.variants:
        for offer in variant.offers:
            shop.delete(offer)
        shop.delete(variant)
    shop.delete(product)
    shop.commit()
    terms = set(shop.scalars(text("SELECT term FROM product_word_fts")))
    assert "pempek" in terms
    assert "kelulut" not in terms
    assert search.matching(shop, "kelulut") == []


def test_words_that_occur_are_the_same_on_both(shop: Session) -> None:
    """Both vocabularies hold exactly the words of the two columns."""
    terms = set(shop.scalars(text("SELECT term FROM product_word_fts")))
    columns = shop.execute(text("SELECT search_title, search_text FROM product"))
    written = {word for row in columns for value in row for word in value.split()}
    assert terms == written - {words.STEMS, words.BACKGROUND}


def test_stems_are_those_of_postgresql(shop: Session) -> None:
    if shop.get_bind().dialect.name == "sqlite":
        return
    roots = ["anyam", "buat", "goreng", "kering", "makan", "tangkap", "rajin", "laut", "segar"]
    forms = [
        before + root + after
        for root in roots
        for before in ("", "me", "men", "meng", "di", "ke", "ter", "per", "pe", "ber")
        for after in ("", "an", "kan", "i", "nya", "annya", "lah")
    ]
    stems = shop.execute(
        text(
            "SELECT word, (ts_lexize('indonesian_stem', word))[1]"
            " FROM unnest(CAST(:forms AS text[])) AS word"
        ),
        {"forms": forms},
    )
    assert dict(iter(stems)) == {word: words.stem(word) for word in forms}


def test_index_is_used(shop: Session) -> None:
    if shop.get_bind().dialect.name == "sqlite":
        return
    shop.execute(text("SET LOCAL enable_seqscan = off"))
    found = select(Product.id).where(_found(shop, [{"pempek": 1.0}], every=True))
    asked = found.compile(shop.get_bind(), compile_kwargs={"literal_binds": True})
    plan = shop.scalars(text(f"EXPLAIN {asked}"))
    assert "fts_product" in "\n".join(plan)


def test_index_all_writes_the_same(shop: Session) -> None:
    before = shop.execute(text("SELECT id, search_title, search_text FROM product ORDER BY id"))
    expected = before.all()
    shop.execute(text("UPDATE product SET search_title = '', search_text = ''"))
    assert search.index_all(shop) == len(expected)
    after = shop.execute(text("SELECT id, search_title, search_text FROM product ORDER BY id"))
    assert after.all() == expected


def test_ranked_keeps_the_order(shop: Session) -> None:
    ids = [3, 1, 2]
    rows = search.ranked(shop, ids)
    assert shop.scalars(select(rows.c.id).order_by(rows.c.place)).all() == ids
    assert shop.scalars(select(search.ranked(shop, []).c.id)).all() == []
    assert len(ids) < MAX_CANDIDATES
