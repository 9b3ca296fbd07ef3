"""Makes pictures of the demo's drawings: `python -m ovop_market.seeds.render` after changing one.

A drawing takes seconds to render, so the pictures are committed beside the drawings, and a fresh
machine only has to encode them. `rendered.json` says of which drawing each is (a test compares).
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

from PIL import Image

DRAWINGS = Path(__file__).resolve().parent / "drawings"
RENDERED = DRAWINGS / "rendered.json"
WIDTH = 1200
QUALITY = 88


def digest(drawing: Path) -> str:
    """What tells whether a drawing has changed since it was rendered."""
    return hashlib.sha256(drawing.read_bytes()).hexdigest()


def main() -> None:
    """Renders the drawings that have changed."""
    from resvg_py import svg_to_bytes

    known = json.loads(RENDERED.read_text("utf-8")) if RENDERED.exists() else {}
    for drawing in sorted(DRAWINGS.glob("*.svg")):
        picture = drawing.with_suffix(".webp")
        if known.get(drawing.stem) == digest(drawing) and picture.exists():
            continue
        # The drawings have no text, so no font has to be looked for.
        png = svg_to_bytes(svg_path=str(drawing), width=WIDTH, skip_system_fonts=True)
        Image.open(io.BytesIO(png)).convert("RGB").save(picture, "WEBP", quality=QUALITY, method=6)
        known[drawing.stem] = digest(drawing)
        print(drawing.stem)
    RENDERED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
