"""Quantities: packs (whole numbers) and weights (grams)."""

from typing import NewType

Grams = NewType("Grams", int)

# The largest number of packs in one line. A wedding takes hundreds; a slip of the finger thousands.
MAX_PACKS = 999


def format_weight(grams: int) -> str:
    """`500 g` below a kilogram, `1 kg` or `1,5 kg` from there on (Indonesian decimal comma)."""
    if grams < 1000:
        return f"{grams} g"
    kilograms, rest = divmod(grams, 1000)
    return f"{kilograms}{f',{rest:03d}'.rstrip('0') if rest else ''} kg"


def billed_kilograms(grams: int, minimum: Grams = Grams(1000)) -> int:
    """Whole kilograms that a courier bills: rounded up, and never less than the minimum weight."""
    return -(-max(grams, minimum, 1) // 1000)
