"""The pictures are of the drawings as they are now."""

from __future__ import annotations

import json

from ovop_market.seeds.demo_products import PRODUCTS
from ovop_market.seeds.demo_villages import VILLAGES
from ovop_market.seeds.render import DRAWINGS, RENDERED, digest


def test_every_product_and_village_has_a_drawing_and_its_picture() -> None:
    wanted = {product.slug for product in PRODUCTS} | {f"village-{v.slug}" for v in VILLAGES}
    assert {path.stem for path in DRAWINGS.glob("*.svg")} == wanted
    assert {path.stem for path in DRAWINGS.glob("*.webp")} == wanted


def test_the_pictures_are_of_the_drawings_as_they_are() -> None:
    rendered = json.loads(RENDERED.read_text("utf-8"))
    assert rendered == {path.stem: digest(path) for path in DRAWINGS.glob("*.svg")}
