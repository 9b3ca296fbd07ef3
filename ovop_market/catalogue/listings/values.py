"""What staff says of a product and of a pack, as values; and marks of what was seen of them.

A form carries the mark of the values with which it was shown. Whoever saves with an old mark is
told what is there now, and decides again (docs/adr/0006).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import TypedDict

from ovop_market.catalogue.models import Category, Product, Storage, Variant
from ovop_market.core.tokens import digest

# Of a product; more would be another product.
MOST_VARIANTS = 20
MOST_PHOTOS = 8
MAX_GRAMS = 100_000
MAX_CENTIMETRES = 300
MAX_DAYS = 3_650
# Room for a number behind a name that is taken already (the column has 100).
_LONGEST_SLUG = 80
# What is kept at room temperature unless somebody says otherwise. Of food, somebody has to say.
KEPT_DRY = frozenset({Category.CRAFT, Category.CARE})
# Addresses below /shop/products that are no product's.
_RESERVED = frozenset({"new"})


@dataclass(frozen=True, slots=True)
class Listing:
    """A product in its producer's words. Days are whole days, months 1 to 12."""

    name: str
    category: Category
    summary: str
    description: str
    ingredients: str
    storage: Storage
    storage_note: str
    shelf_life_days: int | None
    max_transit_days: int | None
    made_to_order: bool
    season_from: int | None
    season_to: int | None


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack: price in rupiah, weight in grams as it is sent, size in centimetres or none of it."""

    name: str
    price: int
    weight_grams: int
    length_cm: int | None
    width_cm: int | None
    height_cm: int | None


class Looked(TypedDict):
    """What an operator looks at in a listing, as it is kept (JSON): `packs` that are sold, with
    name and price in rupiah, by id; of the texts and of each picture with its words, a digest."""

    name: str
    category: str
    text: str
    packs: dict[str, tuple[str, int]]
    pictures: list[str]


# What else buyers read in its producer's own words.
_TEXTS = ("summary", "description", "ingredients", "storage_note")
LISTING_FIELDS = tuple(field.name for field in fields(Listing))
PACK_FIELDS = tuple(field.name for field in fields(Pack))


def listing_of(product: Product) -> Listing:
    """What is said of the product now."""
    return Listing(**{name: getattr(product, name) for name in LISTING_FIELDS})


def pack_of(variant: Variant) -> Pack:
    """What is said of the pack now."""
    return Pack(**{name: getattr(variant, name) for name in PACK_FIELDS})


def looked_at(product: Product) -> Looked:
    """What there is to look at now. Numbers of packs, days and sizes are none of it, nor in which
    order packs and pictures are."""
    return Looked(
        name=product.name,
        category=str(product.category),
        text=digest(repr([getattr(product, name) for name in _TEXTS])),
        packs={str(pack.id): (pack.name, pack.price) for pack in product.variants if pack.sold},
        pictures=[digest(repr((photo.key, photo.alt))) for photo in product.photos],
    )


def mark(value: Listing | Pack) -> str:
    """A short name of exactly these values."""
    shown = [getattr(value, field.name) for field in fields(value)]
    return digest(repr([str(each) if isinstance(each, str) else each for each in shown]))[:32]


def changes(before: Listing | Pack, after: Listing | Pack) -> dict[str, object]:
    """What differs, for the audit: by field, the value before and the value after."""
    return {
        field.name: [getattr(before, field.name), getattr(after, field.name)]
        for field in fields(before)
        if getattr(before, field.name) != getattr(after, field.name)
    }


def base_of(name: str) -> str:
    """The beginning of every address that a product of this name may get."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "produk"


def free_slug(base: str, taken: Collection[str]) -> str:
    """The first address with this beginning that is not taken."""
    number, slug = 1, base
    while slug in taken or slug in _RESERVED:
        number += 1
        slug = f"{base}-{number}"
    return slug
