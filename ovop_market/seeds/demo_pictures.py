"""Hangs up the demo's own drawings, as seeds.render has made pictures of them.

Encoding takes half a second for each. So it is no part of planting: every picture is committed
by itself, and what an interruption left out is done the next time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product, ProductPhoto
from ovop_market.seeds.demo_products import PRODUCTS
from ovop_market.seeds.demo_villages import VILLAGES
from ovop_market.villages.models import Village, VillagePhoto
from ovop_market.web.pictures import StoredPicture, store

DRAWINGS = Path(__file__).resolve().parent / "drawings"

# Makes the row of a picture.
Frame = Callable[[StoredPicture], ProductPhoto | VillagePhoto]


def hang(session: Session, media: Path, say: Callable[[str], object]) -> int:
    """Gives a picture to every village and product of the demo that has none, and commits each.

    Returns how many were hung. A drawing that is not there is passed over.
    """
    frames = dict(_empty_frames(session))
    # Nothing is held while the pictures are encoded: SQLite has one writer.
    session.rollback()
    there = [name for name in frames if (DRAWINGS / f"{name}.webp").exists()]
    for number, (name, picture) in enumerate(_stored(there, media), start=1):
        session.add(frames[name](picture))
        session.commit()
        if number % 10 == 0 or number == len(there):
            say(f"pictures: {number} of {len(there)}")
    return len(there)


def _empty_frames(session: Session) -> Iterator[tuple[str, Frame]]:
    villages = session.scalars(select(Village).where(~Village.photos.any()))
    alts = {village.slug: village.alt for village in VILLAGES}
    for id_, slug in [(village.id, village.slug) for village in villages]:
        if slug in alts:
            yield f"village-{slug}", _frame(VillagePhoto, alts[slug], village_id=id_)
    products = session.scalars(select(Product).where(~Product.photos.any()))
    alts = {product.slug: product.alt for product in PRODUCTS}
    for id_, slug in [(product.id, product.slug) for product in products]:
        if slug in alts:
            yield slug, _frame(ProductPhoto, alts[slug], product_id=id_)


def _frame(model: type[ProductPhoto] | type[VillagePhoto], alt: str, **owner: int) -> Frame:
    def frame(picture: StoredPicture) -> ProductPhoto | VillagePhoto:
        return model(key=picture.key, width=picture.width, height=picture.height, alt=alt, **owner)

    return frame


def _stored(names: Iterable[str], media: Path) -> Iterator[tuple[str, StoredPicture]]:
    """The stored pictures by name, as they get ready."""
    # Encoding lets go of the interpreter's lock, hence threads.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        stored = {
            pool.submit(store, (DRAWINGS / f"{name}.webp").read_bytes(), media): name
            for name in names
        }
        for done in as_completed(stored):
            yield stored[done], done.result()
