"""Quantities: packs (whole numbers) and weights (grams)."""

from typing import NewType

Grams = NewType("Grams", int)
CubicCentimetres = NewType("CubicCentimetres", int)

# Of packs whose size nobody knows: then only weight counts.
NO_VOLUME = CubicCentimetres(0)
# What most couriers reckon as a kilogram of light and bulky goods, in cubic centimetres.
VOLUMETRIC_DIVISOR = 6000

# The largest number of packs in one line. A wedding takes hundreds; a slip of the finger thousands.
MAX_PACKS = 999


def format_weight(grams: int) -> str:
    """`500 g` below a kilogram, `1 kg` or `1,5 kg` from there on (Indonesian decimal comma)."""
    if grams < 1000:
        return f"{grams} g"
    kilograms, rest = divmod(grams, 1000)
    return f"{kilograms}{f',{rest:03d}'.rstrip('0') if rest else ''} kg"


def billed_kilograms(
    grams: int,
    minimum: Grams = Grams(1000),
    volume: CubicCentimetres = NO_VOLUME,
    divisor: int = VOLUMETRIC_DIVISOR,
) -> int:
    """Whole kilograms that a courier bills: the larger of weight and volumetric weight, rounded
    up, and never less than the minimum weight. `divisor` is cubic centimetres for a kilogram."""
    by_weight = -(-max(grams, minimum, 1) // 1000)
    return max(by_weight, -(-volume // divisor))
