"""What the stories of demo_stories tell. Hours count back from the day of planting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ovop_market.seeds.demo_producers import INVENTED_BANK

JAKARTA, BANDUNG, PALEMBANG = "31.74", "32.73", "16.71"
PANGKALPINANG, HOME = "19.71", "19.05"


@dataclass(frozen=True, slots=True)
class Line:
    """Packs of a product's variant (by position)."""

    product: str
    quantity: int
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, how long ago; `producer` picks the order when the purchase has several."""

    hours_ago: float
    verb: str
    text: str | None = None
    number: int | None = None
    producer: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """A purchase and what became of it. `ways` are codes of delivery, one a line or one for all."""

    name: str
    regency: str
    lines: tuple[Line, ...]
    ways: tuple[str, ...]
    placed: float
    steps: tuple[Step, ...] = ()
    note: str = ""
    cash: bool = False
    login: str | None = None
    street: str = "Jalan Contoh Nomor 8"

    def all_steps(self) -> Iterator[Step]:
        """The steps, with the placing first."""
        yield Step(self.placed, "place")
        yield from self.steps


_PEMPEK, _TELUR = "pempek-udang-belo-laut", "pempek-telur-udang-belo-laut"
_BASKET, _KERUPUK = "keranjang-rotan-dendang", "kerupuk-udang-belo-laut"
_GROUP, _WEAVER = "kelompok-pempek-belo-laut", "rumah-anyam-pak-bayan"
_COLD, _YES, _REG, _LOCAL, _PICKUP = "paxel-dingin", "jne-yes", "jne-reg", "kurir-lokal", "pickup"


def _paid(*hours: float) -> tuple[Step, Step]:
    """Claimed and confirmed, so many hours ago."""
    claimed, confirmed = hours
    return Step(claimed, "claim"), Step(confirmed, "confirm")


_GROUP_STORIES = (
    Story(
        "Kak Dahlia Pelangi",
        JAKARTA,
        (Line(_PEMPEK, 30, 1),),
        (_COLD,),
        3,
        note="Untuk akikah anak pertama, mohon dikemas rapat.",
    ),
    Story("Ibu Seruni Embun", PANGKALPINANG, (Line(_TELUR, 16),), (_COLD,), 9),
    Story(
        "Pak Elang Samudra",
        HOME,
        (Line(_PEMPEK, 90),),
        (_PICKUP,),
        17,
        note="Untuk sunatan hari Minggu, saya ambil sendiri di Mentok.",
        cash=True,
    ),
    Story(
        "Mbak Anggrek Fajar",
        BANDUNG,
        (Line(_TELUR, 30),),
        (_YES,),
        21,
        (Step(6, "counter", number=20),),
        note="Untuk acara kantor.",
    ),
    Story("Bang Camar Senja", BANDUNG, (Line(_PEMPEK, 2),), (_YES,), 4),
    Story(
        "Ibu Kemuning Awan",
        PALEMBANG,
        (Line(_PEMPEK, 3),),
        (_YES,),
        27,
        (Step(2, "claim"),),
    ),
    Story(
        "Pak Jalak Telaga",
        JAKARTA,
        (Line(_PEMPEK, 28, 1),),
        (_COLD,),
        44,
        (
            Step(40, "accept"),
            Step(31, "claim"),
            Step(23, "reject", "Uangnya belum masuk. Mohon periksa nomor rekening tujuannya."),
        ),
    ),
    Story(
        "Kak Mawar Rembulan",
        JAKARTA,
        (Line(_PEMPEK, 70),),
        (_COLD,),
        60,
        (Step(55, "accept"), *_paid(50, 45)),
        note="Untuk arisan, boleh dikirim bertahap.",
    ),
    Story(
        "Ibu Melur Gerimis",
        HOME,
        (Line(_TELUR, 14),),
        (_LOCAL,),
        28,
        (Step(22, "accept"),),
        cash=True,
    ),
    Story(
        "Pak Merpati Cakrawala",
        PALEMBANG,
        (Line(_PEMPEK, 26, 1),),
        (_YES,),
        96,
        (Step(92, "accept"), *_paid(88, 80), Step(50, "start")),
    ),
    Story(
        "Mbak Tulip Ombak",
        BANDUNG,
        (Line(_PEMPEK, 2, 1),),
        (_COLD,),
        70,
        (*_paid(66, 52), Step(12, "finish")),
    ),
    Story(
        "Bang Nuri Purnama",
        HOME,
        (Line(_PEMPEK, 3),),
        (_PICKUP,),
        50,
        (*_paid(48, 40), Step(20, "finish")),
    ),
    Story(
        "Ibu Asoka Bintang",
        JAKARTA,
        (Line(_PEMPEK, 4),),
        (_YES,),
        80,
        (*_paid(78, 70), Step(46, "finish"), Step(30, "ship")),
    ),
    Story(
        "Pak Bayu Rimba",
        PANGKALPINANG,
        (Line(_TELUR, 3),),
        (_COLD,),
        74,
        (*_paid(72, 60), Step(40, "finish"), Step(27, "ship")),
    ),
    Story(
        "Kak Kenanga Mentari",
        BANDUNG,
        (Line(_PEMPEK, 3, 1),),
        (_YES,),
        130,
        (*_paid(128, 120), Step(100, "finish"), Step(90, "ship"), Step(26, "receive")),
    ),
    Story(
        "Ibu Cempaka Angkasa",
        HOME,
        (Line(_PEMPEK, 2),),
        (_PICKUP,),
        90,
        (Step(70, "finish"), Step(22, "hand_over")),
        cash=True,
    ),
    Story(
        "Mbak Lavender Senja",
        PALEMBANG,
        (Line(_TELUR, 2),),
        (_COLD,),
        150,
        (
            *_paid(146, 130),
            Step(110, "finish"),
            Step(100, "ship"),
            Step(30, "dispute", "Satu bungkus sudah tidak beku waktu sampai."),
        ),
    ),
    Story(
        "Pak Murai Awan",
        JAKARTA,
        (Line(_PEMPEK, 200),),
        (_COLD,),
        76,
        (Step(64, "decline", "Maaf, minggu ini dapur sudah penuh pesanan hajatan."),),
    ),
    Story("Ibu Dahlia Telaga", HOME, (Line(_TELUR, 40),), (_LOCAL,), 60, (Step(36, "lapse"),)),
    Story("Bang Elang Gerimis", BANDUNG, (Line(_PEMPEK, 2),), (_COLD,), 120, (Step(48, "lapse"),)),
    Story(
        "Kak Seruni Fajar",
        PANGKALPINANG,
        (Line(_PEMPEK, 3),),
        (_COLD,),
        52,
        (Step(34, "cancel", "Acaranya ditunda, nanti saya pesan lagi."),),
    ),
    Story(
        "Pak Kutilang Embun",
        BANDUNG,
        (Line(_PEMPEK, 4),),
        (_YES,),
        62,
        (
            *_paid(60, 51),
            Step(14, "revoke", "Listrik padam semalaman, pempek bekunya tidak layak kirim."),
        ),
    ),
    Story(
        "Ibu Kamboja Pelangi",
        JAKARTA,
        (Line(_PEMPEK, 5),),
        (_YES,),
        170,
        (
            *_paid(168, 160),
            Step(140, "finish"),
            Step(130, "ship"),
            Step(90, "dispute", "Paket basah dan tidak beku lagi."),
            Step(60, "settle", "Kurir terlambat dua hari, pembeli berhak atas uangnya."),
            Step(40, "refund"),
        ),
    ),
)

_WEAVER_STORIES = (
    Story(
        "Mbak Melati Cakrawala",
        BANDUNG,
        (Line(_BASKET, 2),),
        (_REG,),
        5,
        note="Kalau bisa pegangannya agak panjang.",
    ),
    Story("Pak Cendrawasih Rimba", JAKARTA, (Line("tudung-saji-rotan-dendang", 3),), (_REG,), 15),
    Story(
        "Ibu Bugenvil Samudra",
        JAKARTA,
        (Line(_BASKET, 4, 1),),
        (_REG,),
        20,
        (Step(8, "counter"),),
        note="Untuk hantaran.",
    ),
    Story(
        "Kak Wijaya Bintang",
        PALEMBANG,
        (Line(_BASKET, 1),),
        (_REG,),
        30,
        (Step(26, "accept"),),
    ),
    Story(
        "Ibu Nusa Purnama",
        BANDUNG,
        (Line(_BASKET, 2),),
        (_REG,),
        58,
        (
            Step(52, "accept"),
            Step(48, "claim"),
            Step(34, "confirm", number=100_000),
            Step(30, "destination", f"{INVENTED_BANK} 0000123456, a.n. Nusa Purnama"),
        ),
    ),
    Story(
        "Pak Camar Mentari",
        PANGKALPINANG,
        (Line("tudung-saji-rotan-dendang", 1),),
        (_REG,),
        140,
        (
            Step(130, "accept"),
            Step(126, "claim"),
            Step(119, "confirm", number=900_000),
            Step(118, "take_back", "Salah ketik jumlahnya."),
            Step(117, "confirm"),
            Step(80, "start"),
        ),
    ),
    Story(
        "Mbak Kemuning Rembulan",
        JAKARTA,
        (Line("bubu-rotan-dendang", 2),),
        (_REG,),
        130,
        (*_paid(126, 110), Step(70, "finish"), Step(47, "ship")),
    ),
    Story(
        "Bang Merpati Ombak",
        HOME,
        (Line(_BASKET, 1),),
        (_PICKUP,),
        220,
        (
            Step(210, "accept"),
            *_paid(206, 190),
            Step(150, "start"),
            Step(60, "finish"),
            Step(28, "hand_over"),
        ),
    ),
)

_MEMBER_STORIES = (
    Story("Ibu Tulip Telaga", JAKARTA, (Line(_KERUPUK, 3),), (_REG,), 7),
    Story("Kak Alamanda Embun", BANDUNG, (Line(_KERUPUK, 2, 1),), (_REG,), 29, _paid(20, 10)),
    Story(
        "Pak Nuri Gerimis",
        HOME,
        (Line(_KERUPUK, 5),),
        (_LOCAL,),
        33,
        (Step(8, "finish"),),
        cash=True,
    ),
    Story(
        "Mbak Anggrek Ombak",
        PALEMBANG,
        (Line(_KERUPUK, 4),),
        (_REG,),
        78,
        (*_paid(75, 68), Step(52, "finish"), Step(45, "ship")),
    ),
    Story(
        "Ibu Mawar Angkasa",
        PANGKALPINANG,
        (Line(_KERUPUK, 2), Line(_KERUPUK, 1, 1)),
        (_REG,),
        125,
        (
            *_paid(120, 104),
            Step(90, "finish"),
            Step(80, "ship"),
            Step(24, "receive"),
            Step(20, "give_back", "Satu bungkus remuk di jalan.", number=15_000),
        ),
    ),
)

# The purchases on the account of pembeli@: several sellers in one, and each seller at its own pace.
_ACCOUNT = {
    "name": "Cempaka Senja",
    "regency": BANDUNG,
    "login": "pembeli@ovop.example",
    "street": "Jalan Pelangi Nomor 12",
}
_BUYER_STORIES = (
    Story(
        **_ACCOUNT,  # type: ignore[arg-type]
        lines=(Line(_PEMPEK, 2, 1), Line(_BASKET, 1)),
        ways=(_YES, _REG),
        placed=11,
    ),
    Story(
        **_ACCOUNT,  # type: ignore[arg-type]
        lines=(Line("teri-asin-air-nyatoh", 2), Line("terasi-udang-tanjung-niur", 1)),
        ways=(_REG,),
        placed=100,
        steps=(
            *_paid(99, 90),
            Step(70, "finish", producer="dapur-teri-ibu-camar"),
            Step(66, "finish", producer="terasi-ibu-kepodang"),
            Step(50, "ship", producer="dapur-teri-ibu-camar"),
        ),
    ),
    Story(
        **_ACCOUNT,  # type: ignore[arg-type]
        lines=(Line("teh-tayu-ketap", 2), Line("madu-kelulut-pangkal-beras", 1)),
        ways=(_REG,),
        placed=320,
        steps=(
            *_paid(318, 300),
            Step(290, "finish", producer="rumah-tayu-pak-murai"),
            Step(280, "ship", producer="rumah-tayu-pak-murai"),
            Step(276, "finish", producer="kebun-kelulut-pak-merak"),
            Step(270, "ship", producer="kebun-kelulut-pak-merak"),
            Step(190, "receive", producer="rumah-tayu-pak-murai"),
            Step(180, "receive", producer="kebun-kelulut-pak-merak"),
        ),
    ),
    Story(
        **_ACCOUNT,  # type: ignore[arg-type]
        lines=(Line("bakso-ikan-air-kuang", 2),),
        ways=(_COLD,),
        placed=26,
        steps=(Step(18, "cancel", "Salah pilih, saya mau yang bakso udang."),),
    ),
)

# For the operator's desk: claims to look at, and one more dispute.
_OTHER_STORIES = (
    Story(
        "Bang Bayu Cakrawala",
        JAKARTA,
        (Line("madu-kelulut-pangkal-beras", 2, 1),),
        (_REG,),
        24,
        (Step(5, "claim"),),
    ),
    Story(
        "Ibu Lavender Pelangi",
        HOME,
        (Line("teh-daun-kelor-teluk-limau", 3),),
        (_LOCAL,),
        22,
        (Step(13, "claim"),),
    ),
    Story(
        "Pak Jalak Purnama",
        BANDUNG,
        (Line("piring-rotan-terentang", 3),),
        (_REG,),
        200,
        (
            *_paid(196, 180),
            Step(160, "finish"),
            Step(150, "ship"),
            Step(52, "receive"),
            Step(16, "dispute", "Satu piring anyamannya lepas."),
        ),
    ),
)

STORIES: tuple[Story, ...] = (
    *_GROUP_STORIES,
    *_WEAVER_STORIES,
    *_MEMBER_STORIES,
    *_BUYER_STORIES,
    *_OTHER_STORIES,
)
