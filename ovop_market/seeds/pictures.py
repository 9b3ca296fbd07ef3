"""Renders the demo's own drawings and puts them into the picture store, several at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from resvg_py import svg_to_bytes

from ovop_market.web.pictures import StoredPicture, store

DRAWINGS = Path(__file__).resolve().parent / "drawings"
# The width of the largest file that the store makes.
_WIDTH = 1200


def store_drawings(
    names: Iterable[str], media: Path, say: Callable[[str], object]
) -> Mapping[str, StoredPicture]:
    """The stored pictures by name of their drawing; a name without a drawing is left out."""
    there = [name for name in names if (DRAWINGS / f"{name}.svg").exists()]
    if not there:
        return {}
    found: dict[str, StoredPicture] = {}
    # Rendering keeps the interpreter's lock, hence processes; forked ones would share this one's
    # connection to the database.
    processors = os.cpu_count() or 1
    with ProcessPoolExecutor(processors, get_context("spawn")) as pool:
        for number, picture in enumerate(pool.map(partial(_stored, media), there), start=1):
            found[there[number - 1]] = picture
            if number % 10 == 0 or number == len(there):
                say(f"pictures: {number} of {len(there)}")
    return found


def _stored(media: Path, name: str) -> StoredPicture:
    # The drawings have no text, so no font has to be looked for.
    drawing = svg_to_bytes(
        svg_path=str(DRAWINGS / f"{name}.svg"), width=_WIDTH, skip_system_fonts=True
    )
    return store(drawing, media)
