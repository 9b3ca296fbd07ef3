"""The demo's buyers: plainly invented, like everything they write."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from random import Random

_TITLES = ("Ibu", "Pak", "Kak", "Mbak", "Bang")
_FLOWERS = (
    "Melati", "Kenanga", "Cempaka", "Dahlia", "Anggrek", "Mawar", "Seruni", "Kemuning", "Teratai",
    "Alamanda", "Bugenvil", "Kamboja", "Lavender", "Tulip", "Asoka", "Wijaya", "Nusa", "Bayu",
    "Elang", "Camar", "Murai", "Jalak", "Merpati", "Kutilang", "Nuri", "Cendrawasih",
)  # fmt: skip
_SKIES = (
    "Senja", "Pelangi", "Rembulan", "Samudra", "Cakrawala", "Embun", "Fajar", "Gerimis", "Mentari",
    "Awan", "Bintang", "Ombak", "Rimba", "Telaga", "Purnama", "Angkasa",
)  # fmt: skip
_STREETS = (
    "Jalan Contoh", "Jalan Pelangi", "Gang Embun", "Jalan Rembulan", "Perumahan Contoh Asri Blok A",
    "Jalan Mentari", "Jalan Cakrawala", "Gang Telaga",
)  # fmt: skip
_BANKS = ("BRI", "BCA", "Mandiri", "BNI", "Bank Sumsel Babel", "BSI")
_NOTES = (
    "Tolong dikemas rapat ya.", "Untuk oleh-oleh.", "Titip di pos satpam kalau rumah kosong.",
    "Kalau bisa dikirim pagi.", "Tolong telepon dulu sebelum diantar.", "Untuk arisan hari Minggu.",
)  # fmt: skip
_PARTY_NOTES = (
    "Untuk akikah, mohon jangan terlambat.", "Untuk hajatan di rumah.", "Untuk acara kantor.",
    "Untuk syukuran, tolong dikabari kalau sudah siap.",
)  # fmt: skip
# The last digits of their telephones.
_NUMBERS = range(1_000, 10_000)
# How many orders are of somebody who has ordered to the same place before, where there is one.
_AGAIN = 0.4


@dataclass(frozen=True, slots=True)
class Buyer:
    """A guest. The phone is from the block of demo_producers.invented_phone."""

    name: str
    phone_number: int
    street: str


def invent(rng: Random) -> Buyer:
    """Somebody who does not exist."""
    name = f"{rng.choice(_FLOWERS)} {rng.choice(_SKIES)}"
    if rng.random() < 0.4:
        name = f"{rng.choice(_TITLES)} {name}"
    street = f"{rng.choice(_STREETS)} Nomor {rng.randint(1, 120)}"
    return Buyer(name, rng.choice(_NUMBERS), street)


class Regulars:
    """Who has ordered so far, by the place that it went to."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.at: dict[str, list[Buyer]] = defaultdict(list)
        self.numbers: set[int] = set()

    def order(self, place: str, new: Buyer) -> Buyer:
        """Who orders to this place: one of those who have before, or somebody new, with a number
        that nobody else has."""
        known = self.at[place]
        if known and self.rng.random() < _AGAIN:
            return self.rng.choice(known)
        number = new.phone_number
        while number in self.numbers:
            number = _NUMBERS[(number - _NUMBERS.start + 1) % len(_NUMBERS)]
        self.numbers.add(number)
        known.append(replace(new, phone_number=number))
        return known[-1]


def note(rng: Random, *, party: bool) -> str:
    """What a buyer adds, most often nothing."""
    if party:
        return rng.choice(_PARTY_NOTES)
    return rng.choice(_NOTES) if rng.random() < 0.15 else ""


def reference(rng: Random, name: str) -> str:
    """How a buyer says which transfer it was."""
    return f"{rng.choice(_BANKS)} a.n. {name}, jam {rng.randint(7, 21)}.{rng.randint(0, 59):02d}"
