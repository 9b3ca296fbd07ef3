"""Money is an integer of rupiah. The rupiah has no subunit in use, so nothing is ever rounded."""

from typing import NewType

Rupiah = NewType("Rupiah", int)

# A ceiling for one amount: far above any order of the market, far below the 64-bit limit of the
# databases, so that sums of many amounts stay exact as well.
MAX_AMOUNT = Rupiah(100_000_000_000)


def times(price: Rupiah, quantity: int) -> Rupiah:
    """The price of `quantity` packs, in rupiah."""
    return Rupiah(price * quantity)


def total(*amounts: Rupiah) -> Rupiah:
    """The sum of the amounts, in rupiah."""
    return Rupiah(sum(amounts))


def format_rupiah(amount: int) -> str:
    """`Rp45.000`, as the rupiah is written in Indonesia (no space, points between thousands)."""
    sign = "-" if amount < 0 else ""
    return f"{sign}Rp{abs(amount):,}".replace(",", ".")
