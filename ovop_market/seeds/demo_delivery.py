"""The demo's couriers, a first tariff table, and the collection point.

Prices are plausible rupiah for a started kilogram from Bangka Barat, not any courier's price list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ORIGIN = "19.05"

OWN_REGENCY = "19.05"
OWN_PROVINCE = "19"
PALEMBANG = "16.71"
JAKARTA = "31"
BANDUNG = "32.73"
JAVA = ("32", "33", "34", "35", "36")
SUMATRA = ("11", "12", "13", "14", "15", "16", "17", "18", "21")
BALI_NUSA = ("51", "52", "53")
BORNEO = ("61", "62", "63", "64", "65")
SULAWESI = ("71", "72", "73", "74", "75", "76")
EVERYWHERE = ""


@dataclass(frozen=True, slots=True)
class ServiceSeed:
    """A courier's service."""

    code: str
    courier: str
    name: str
    cold_chain: bool = False


SERVICES: tuple[ServiceSeed, ...] = (
    ServiceSeed("jne-reg", "JNE", "REG"),
    ServiceSeed("jne-yes", "JNE", "YES"),
    ServiceSeed("pos-kargo", "POS", "Kargo"),
    ServiceSeed("paxel-dingin", "Paxel", "Dingin", cold_chain=True),
    ServiceSeed("kurir-lokal", "Kurir lokal", "Bangka Barat"),
)

# Service, destinations, rupiah per kg, least weight in grams, days on the way (from, to).
_ROWS: tuple[tuple[str, tuple[str, ...], int, int, int, int], ...] = (
    ("kurir-lokal", (OWN_REGENCY,), 10_000, 1000, 0, 1),
    ("jne-reg", (OWN_REGENCY,), 12_000, 1000, 1, 2),
    ("jne-reg", (OWN_PROVINCE,), 15_000, 1000, 1, 2),
    ("jne-reg", (PALEMBANG,), 26_000, 1000, 2, 3),
    ("jne-reg", (JAKARTA,), 29_000, 1000, 2, 4),
    ("jne-reg", (BANDUNG,), 32_000, 1000, 3, 4),
    ("jne-reg", JAVA, 35_000, 1000, 3, 5),
    ("jne-reg", SUMATRA, 37_000, 1000, 3, 5),
    ("jne-reg", (*BALI_NUSA, *BORNEO), 52_000, 1000, 4, 6),
    ("jne-reg", SULAWESI, 60_000, 1000, 4, 7),
    ("jne-reg", (EVERYWHERE,), 98_000, 1000, 6, 10),
    ("jne-yes", (OWN_PROVINCE,), 24_000, 1000, 1, 1),
    ("jne-yes", (PALEMBANG,), 42_000, 1000, 1, 2),
    ("jne-yes", (JAKARTA,), 45_000, 1000, 1, 2),
    ("jne-yes", (BANDUNG,), 49_000, 1000, 1, 2),
    ("jne-yes", ("32", "36"), 52_000, 1000, 2, 2),
    ("jne-yes", ("33", "34", "35"), 58_000, 1000, 2, 3),
    ("jne-yes", ("16", "18"), 54_000, 1000, 2, 3),
    ("paxel-dingin", (OWN_PROVINCE,), 28_000, 1000, 1, 2),
    ("paxel-dingin", (PALEMBANG,), 44_000, 1000, 2, 3),
    ("paxel-dingin", (JAKARTA,), 46_000, 1000, 2, 3),
    ("paxel-dingin", (BANDUNG,), 50_000, 1000, 2, 3),
    ("paxel-dingin", ("32", "36"), 54_000, 1000, 2, 4),
    ("paxel-dingin", ("33", "34", "35", "51"), 62_000, 2000, 3, 5),
    ("pos-kargo", (OWN_PROVINCE,), 6_000, 5000, 2, 4),
    ("pos-kargo", (JAKARTA, *JAVA), 11_000, 5000, 6, 10),
    ("pos-kargo", SUMATRA, 13_000, 5000, 6, 11),
    ("pos-kargo", (EVERYWHERE,), 24_000, 5000, 10, 21),
)


@dataclass(frozen=True, slots=True)
class TariffSeed:
    """One line of the tariff table; see delivery.models.Tariff."""

    service: str
    origin: str
    destination: str
    price_per_kg: int
    min_weight_grams: int
    days_from: int
    days_to: int


def tariffs() -> Iterator[TariffSeed]:
    """The tariff table, all of it from Bangka Barat."""
    for service, destinations, price, weight, days_from, days_to in _ROWS:
        for destination in destinations:
            yield TariffSeed(service, ORIGIN, destination, price, weight, days_from, days_to)


@dataclass(frozen=True, slots=True)
class PointSeed:
    """A place where buyers fetch their orders."""

    slug: str
    name: str
    region: str
    address: str
    hours: str
    serves: str


POINTS: tuple[PointSeed, ...] = (
    PointSeed(
        "mentok",
        "Galeri OVOP Mentok",
        "19.05.01",
        "Jalan Contoh Nomor 1, dekat pelabuhan lama, Mentok",
        "Senin–Sabtu, 08.00–16.00 WIB",
        OWN_REGENCY,
    ),
)
