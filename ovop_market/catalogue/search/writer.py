"""The one writer of the words by which products are found.

It listens: whenever a flush has changed a product, its producer, its village or the village's
flagship, the words are written anew in the same transaction. Bulk inserts past the session call
`index` or `index_all`, or bring the words along from `compose`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, event, inspect, or_, select, update
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Category, Product, Storage
from ovop_market.catalogue.search.words import BACKGROUND, listed, with_stems
from ovop_market.regions.codes import around, is_within
from ovop_market.regions.models import Region, RegionAlias
from ovop_market.villages.models import Designation, Producer, Village

# How many products are written at a time.
CHUNK = 500
# What people call the shelves, in both languages of the market.
CATEGORY_WORDS: Mapping[Category, str] = {
    Category.FROZEN: "makanan beku frozen food",
    Category.SEAFOOD: "hasil laut ikan seafood fish",
    Category.CONDIMENT: "bumbu penyedap condiment",
    Category.SNACK: "camilan cemilan makanan ringan snack oleh-oleh",
    Category.TEA: "teh minuman tea",
    Category.HONEY: "madu honey",
    Category.CRAFT: "kerajinan anyaman kriya craft weaving",
    Category.CARE: "perawatan sabun care soap",
}
STORAGE_WORDS: Mapping[Storage, str] = {
    Storage.AMBIENT: "",
    Storage.CHILLED: "dingin",
    Storage.FROZEN: "beku frozen",
}
# The columns whose words are in the index; changes of others are none of its business.
_COLUMNS: Mapping[type, tuple[str, ...]] = {
    Product: ("name", "category", "storage", "summary", "ingredients", "producer_id"),
    Producer: ("name", "village_id"),
    Village: ("name", "also_known_as", "region_code"),
    Designation: ("flagship", "village_id"),
}


def compose(
    *,
    name: str,
    category: Category,
    storage: Storage,
    texts: Iterable[str],
    producer: str,
    village: str,
    background: Iterable[str] = (),
) -> tuple[str, str]:
    """The values of `search_title` and `search_text` for a product.

    `texts` tell about the product itself (summary, ingredients). `background` tells where it comes
    from: the village's other names and flagships, the areas around it; this counts less.
    """
    about = [STORAGE_WORDS[storage], *texts]
    together = "".join(listed(village))
    origin = [CATEGORY_WORDS[category], producer, village, together, *background]
    text = f"{_prepared(*about)} {BACKGROUND} {_prepared(*origin)}"
    return _prepared(name), text


def _prepared(*texts: str) -> str:
    return with_stems(listed(" ".join(texts)))


def index(session: Session, product_ids: Collection[int]) -> None:
    """Writes the words of these products anew. Flushed products only."""
    ids = sorted(product_ids)
    for start in range(0, len(ids), CHUNK):
        _write(session.connection(), ids[start : start + CHUNK])


def index_all(session: Session) -> int:
    """Writes the words of all products anew, and returns how many there are."""
    session.flush()
    ids = session.scalars(select(Product.id)).all()
    index(session, ids)
    return len(ids)


def _write(connection: Connection, ids: Collection[int]) -> None:
    rows = connection.execute(
        select(
            Product.id,
            Product.name,
            Product.category,
            Product.storage,
            Product.summary,
            Product.ingredients,
            Producer.name.label("producer"),
            Village.id.label("village_id"),
            Village.name.label("village"),
            Village.also_known_as,
            Region.code,
            Region.path,
        )
        .join(Producer, Producer.id == Product.producer_id)
        .join(Village, Village.id == Producer.village_id)
        .join(Region, Region.code == Village.region_code)
        .where(Product.id.in_(ids))
    ).all()
    if not rows:
        return
    village_texts = _village_texts(connection, rows)
    values = []
    for row in rows:
        title, text = compose(
            name=row.name,
            category=row.category,
            storage=row.storage,
            texts=[row.summary, row.ingredients],
            producer=row.producer,
            village=row.village,
            background=village_texts[row.village_id],
        )
        values.append({"product_id": row.id, "title": title, "text": text})
    product = cast(Table, Product.__table__)
    connection.execute(
        update(product)
        .where(product.c.id == bindparam("product_id"))
        .values(search_title=bindparam("title"), search_text=bindparam("text")),
        values,
    )


def _village_texts(connection: Connection, rows: Iterable[Any]) -> dict[int, list[str]]:
    """The other names of each village and of the areas around it, and its flagships."""
    villages = {row.village_id: row for row in rows}
    texts: dict[int, list[str]] = defaultdict(list)
    for village_id, flagship in connection.execute(
        select(Designation.village_id, Designation.flagship)
        .where(Designation.village_id.in_(villages))
        .order_by(Designation.year)
    ):
        texts[village_id].append(flagship)
    codes = {code for row in villages.values() for code in (row.code, *around(row.code))}
    aliases: dict[str, list[str]] = defaultdict(list)
    for code, alias in connection.execute(
        select(RegionAlias.region_code, RegionAlias.alias)
        .where(RegionAlias.region_code.in_(codes))
        .order_by(RegionAlias.alias)
    ):
        aliases[code].append(alias)
    for village_id, row in villages.items():
        texts[village_id] += [row.also_known_as, row.path]
        for code, names in aliases.items():
            if is_within(row.code, code):
                texts[village_id] += names
    return texts


@event.listens_for(Session, "after_flush")
def _keep_in_step(session: Session, _context: object) -> None:
    changed = [thing for thing in session.new if type(thing) in _COLUMNS]
    changed += [thing for thing in session.deleted if isinstance(thing, Designation)]
    changed += [thing for thing in session.dirty if _words_changed(thing)]
    products = {thing.id for thing in changed if isinstance(thing, Product)}
    producers = {thing.id for thing in changed if isinstance(thing, Producer)}
    villages = {thing.id for thing in changed if isinstance(thing, Village)}
    villages |= {thing.village_id for thing in changed if isinstance(thing, Designation)}
    if producers or villages:
        products.update(
            session.connection().scalars(
                select(Product.id)
                .join(Producer, Producer.id == Product.producer_id)
                .where(or_(Producer.id.in_(producers), Producer.village_id.in_(villages)))
            )
        )
    if products:
        index(session, products)


def _words_changed(thing: object) -> bool:
    columns = _COLUMNS.get(type(thing))
    if columns is None:
        return False
    attributes = inspect(thing).attrs
    return any(attributes[column].history.has_changes() for column in columns)
