"""Money is an integer of rupiah. The rupiah has no subunit in use, so nothing is ever rounded."""

from typing import NewType

Rupiah = NewType("Rupiah", int)

# A ceiling for the price of one pack: far above anything that is sold here, and low enough for
# 32 bits. Amounts, which are sums of many, have 64 bits in the database.
MAX_PRICE = Rupiah(1_000_000_000)


def total(*amounts: Rupiah) -> Rupiah:
    """The sum of the amounts, in rupiah."""
    return Rupiah(sum(amounts))


def format_rupiah(amount: int) -> str:
    """`Rp45.000`, as the rupiah is written in Indonesia (no space, points between thousands)."""
    sign = "-" if amount < 0 else ""
    return f"{sign}Rp{abs(amount):,}".replace(",", ".")
