"""What the demo knows of arriving: how large light goods are, and where sellers bring their own.

Sizes are of packs as they are sent; prices of bringing are plausible, not anybody's.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from ovop_market.delivery.models import Service, Tariff
from ovop_market.seeds.demo_market import Market

LOCAL = "antar-sendiri"

# Product, pack → length, width, height in centimetres. Of small packs only the weight counts.
SIZES: dict[tuple[str, str], tuple[int, int, int]] = {
    ("keranjang-rotan-dendang", "Sedang (30 cm)"): (31, 31, 20),
    ("keranjang-rotan-dendang", "Besar (40 cm)"): (41, 41, 25),
    ("tudung-saji-rotan-dendang", "50 cm"): (51, 51, 16),
    ("bubu-rotan-dendang", "60 cm"): (61, 25, 25),
    ("keranjang-buah-rotan-terentang", "28 cm"): (29, 29, 13),
    ("tas-rotan-terentang", "20 cm"): (22, 22, 12),
    ("kerupuk-udang-belo-laut", "250 g"): (30, 20, 12),
    ("kerupuk-udang-belo-laut", "500 g"): (35, 25, 14),
}

# Village, areas around it, rupiah for bringing it there, days (from, to).
_AROUND: tuple[tuple[str, tuple[str, ...], int, int, int], ...] = (
    ("belo-laut", ("19.05.01",), 8_000, 0, 1),
    ("belo-laut", ("19.05.02",), 18_000, 0, 1),
    ("dendang", ("19.05.04",), 10_000, 0, 1),
    ("pangkal-beras", ("19.05.04",), 8_000, 0, 1),
    ("tanjung-niur", ("19.05.05",), 7_000, 0, 0),
    ("teluk-limau", ("19.05.06", "19.05.03"), 10_000, 0, 1),
    ("air-kuang", ("19.05.03",), 7_000, 0, 1),
    ("ketap", ("19.05.03",), 7_000, 0, 1),
)


def plant(session: Session, market: Market) -> None:
    """Adds all of it to a market that is being planted, and flushes."""
    for (slug, pack), size in SIZES.items():
        variant = next(v for v in market.products[slug].variants if v.name == pack)
        variant.length_cm, variant.width_cm, variant.height_cm = size
    # Road freight reckons bulky goods more dearly.
    market.services["pos-kargo"].volumetric_divisor = 4000
    service = Service(code=LOCAL, courier="Penjual", name="Antar sendiri", local=True)
    session.add(service)
    session.add_all(
        Tariff(
            service=service,
            origin=market.villages[village].region_code,
            destination=area,
            price_per_kg=price,
            days_from=first,
            days_to=last,
        )
        for village, areas, price, first, last in _AROUND
        for area in areas
    )
    session.flush()
