"""The market's mark as square pictures, for phones on whose first page it stands.

They are drawn from the lines of static/img/mark.svg when the application starts, so nothing has to
be kept in step by hand. A launcher may cut them to any shape: the mark keeps within the middle
four fifths, which all shapes leave (W3C, Web App Manifest, "safe zone").
"""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageDraw

# The side of each in pixels: two that launchers ask for, and the one of an iPhone.
SIDES = (192, 512, 180)
_GROUND, _RATTAN, _PAPER = "#0b5563", "#e3ab76", "#fbf7f0"
# The two strands of the mark, in its own 32 by 32.
_STRANDS = (
    (_RATTAN, ((14.4, 24.5), (11.5, 28), (1.5, 16), (11.5, 4), (21.5, 16), (17.6, 20.7))),
    (_PAPER, ((17.6, 7.5), (20.5, 4), (30.5, 16), (20.5, 28), (10.5, 16), (14.4, 11.3))),
)
_STROKE, _BOX = 3.2, 32
# Drawn large and made smaller, which smooths the edges.
_DRAWN = 1024
_SHARE = 0.6


@cache
def icons() -> dict[str, bytes]:
    """PNG files by name (`img/icon-192.png`)."""
    drawn = _draw()
    return {f"img/icon-{side}.png": _png(drawn, side) for side in SIDES}


def _draw() -> Image.Image:
    picture = Image.new("RGB", (_DRAWN, _DRAWN), _GROUND)
    pen = ImageDraw.Draw(picture)
    scale = _DRAWN * _SHARE / _BOX
    edge = _DRAWN * (1 - _SHARE) / 2
    width = round(_STROKE * scale)
    for colour, points in _STRANDS:
        line = [(edge + x * scale, edge + y * scale) for x, y in points]
        pen.line(line, fill=colour, width=width, joint="curve")
    return picture


def _png(drawn: Image.Image, side: int) -> bytes:
    file = io.BytesIO()
    small = drawn.resize((side, side), Image.Resampling.LANCZOS)
    small.quantize(32, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()
