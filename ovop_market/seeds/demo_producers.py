"""The demo's producers and accounts. Names, telephone and permit numbers are plainly invented."""

from __future__ import annotations

from dataclasses import dataclass

from ovop_market.accounts.models import Role
from ovop_market.villages.models import PermitKind

PASSWORD = "ovop-demo-2016"  # noqa: S105 (said in the README, and refused in production)
# There is no such bank.
INVENTED_BANK = "Bank Contoh"
GROUP = "kelompok-pempek-belo-laut"
MEMBER = "rumah-ibu-melati"
WEAVER = "rumah-anyam-pak-bayan"
# As long as real ones, and plainly invented: all zeros but for the end.
PERMIT_NUMBERS = {
    PermitKind.NIB: "{:013d}",
    PermitKind.PIRT: "P-IRT {:015d}",
    PermitKind.HALAL: "ID{:017d}",
}
# How far from the day of planting a permit ends, in days; None: it has no end.
_FOOD = ((PermitKind.NIB, None), (PermitKind.PIRT, 900), (PermitKind.HALAL, None))
_NO_HALAL = ((PermitKind.NIB, None), (PermitKind.PIRT, 420))
_ENDING = ((PermitKind.NIB, None), (PermitKind.PIRT, 38), (PermitKind.HALAL, None))
_ENDING_SOON = ((PermitKind.NIB, None), (PermitKind.PIRT, 12), (PermitKind.HALAL, 300))
_LAPSED = ((PermitKind.NIB, None), (PermitKind.PIRT, -65))
_CRAFT = ((PermitKind.NIB, None),)


def invented_phone(number: int) -> str:
    """A telephone number in E.164 that is plainly invented: 0812-0000-xxxx, by the last digits."""
    return f"+628120000{number % 10_000:04d}"


def invented_account(number: int) -> str:
    """The number of a bank account that is plainly invented: 0000 and six digits."""
    return f"0000{number % 1_000_000:06d}"


@dataclass(frozen=True, slots=True)
class ProducerSeed:
    """A household, or a group. `closed` is how many days, beginning yesterday, it is closed.

    `cash`: whether it may be paid in cash, to the courier and at the collection point; up to
    `cash_limit` (rupiah).
    """

    slug: str
    name: str
    village: str
    about: str
    permits: tuple[tuple[PermitKind, int | None], ...]
    cash: bool = False
    cash_limit: int | None = None
    closed: int = 0
    group: str | None = None
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class AccountSeed:
    """An account of CONTRACT.md, and the producer whose inbox it opens."""

    login: str
    name: str
    role: Role
    producer: str | None = None
    area: str | None = None


_MEMBERS = (
    ("melati", "Melati", "Selain pempek, dapur ini menggoreng kerupuk udang setiap Senin."),
    ("kenanga", "Kenanga", "Membuat pempek lenjer, dan kericu cumi kalau cumi sedang ramai."),
    ("cempaka", "Cempaka", "Dapur kecil di dekat laut, pempeknya kecil-kecil sekali suap."),
    ("dahlia", "Dahlia", "Membuat pempek bersama dua anak perempuannya."),
    ("anggrek", "Anggrek", "Biasa melayani pesanan hajatan dan sunatan."),
    ("mawar", "Mawar", "Udangnya dibeli langsung dari perahu setiap subuh."),
    ("teratai", "Teratai", "Paling teliti soal kemasan: rapat, rapi, dan selalu ditimbang."),
    ("seruni", "Seruni", "Membuat pempek telur dengan telur ayam kampung."),
    ("kemuning", "Kemuning", "Dapur yang selalu siap membantu kalau pesanan sedang banyak."),
    ("flamboyan", "Flamboyan", "Membuat pempek sore hari, sesudah pulang dari kebun."),
    ("alamanda", "Alamanda", "Anggota termuda kelompok, belajar dari ibunya."),
    ("soka", "Soka", "Menguleni adonan dengan tangan, tidak memakai mesin."),
)

PRODUCERS: tuple[ProducerSeed, ...] = (
    ProducerSeed(
        GROUP,
        "Kelompok Pempek Udang Belo Laut",
        "belo-laut",
        "Dua belas rumah yang membuat pempek udang dengan takaran yang sama. Pesanan besar dibagi "
        "rata, jadi tidak ada yang menunggu terlalu lama.",
        _ENDING_SOON,
        cash=True,
        is_group=True,
    ),
    *(
        ProducerSeed(
            f"rumah-ibu-{slug}",
            f"Rumah Ibu {name}",
            "belo-laut",
            about,
            _FOOD if number % 3 else _NO_HALAL,
            cash=number < 2,
            group=GROUP,
        )
        for number, (slug, name, about) in enumerate(_MEMBERS)
    ),
    ProducerSeed(
        WEAVER,
        "Rumah Anyam Pak Bayan",
        "dendang",
        "Pak Bayan meraut rotan, istrinya menganyam resam. Semua dibuat setelah dipesan, ukuran "
        "boleh dibicarakan lewat WhatsApp.",
        _CRAFT,
    ),
    ProducerSeed(
        "dapur-teri-ibu-camar",
        "Dapur Teri Ibu Camar",
        "air-nyatoh",
        "Merebus dan menjemur teri di halaman sendiri, lalu memilahnya dengan tangan.",
        _FOOD,
        cash=True,
        cash_limit=500_000,
    ),
    ProducerSeed(
        "jemuran-ikan-pak-elang",
        "Jemuran Ikan Pak Elang",
        "air-nyatoh",
        "Membelah dan mengasinkan selar segar, dijemur dua hari penuh.",
        _NO_HALAL,
    ),
    ProducerSeed(
        "terasi-ibu-kepodang",
        "Terasi Ibu Kepodang",
        "tanjung-niur",
        "Menumbuk terasi sendiri dari rebon pilihan. Takarannya dari nenek.",
        _FOOD,
        cash=True,
    ),
    ProducerSeed(
        "dapur-ibu-nuri",
        "Dapur Ibu Nuri",
        "tanjung-niur",
        "Memasak sambal terasi dalam wajan besar setiap Rabu.",
        _ENDING,
    ),
    ProducerSeed(
        "rotan-pak-jalak",
        "Rotan Pak Jalak",
        "terentang",
        "Membuat piring dan keranjang buah, biasa untuk warung makan dan hajatan.",
        _CRAFT,
    ),
    ProducerSeed(
        "anyam-ibu-cendana",
        "Anyam Ibu Cendana",
        "terentang",
        "Menganyam tas rotan kecil, dengan tali yang dijahit sendiri.",
        _CRAFT,
        closed=12,
    ),
    ProducerSeed(
        "kebun-kelulut-pak-merak",
        "Kebun Kelulut Pak Merak",
        "pangkal-beras",
        "Merawat puluhan kotak kelulut di kebun buah. Madunya tidak dicampur apa pun.",
        _FOOD,
    ),
    ProducerSeed(
        "rumah-madu-ibu-gaharu",
        "Rumah Madu Ibu Gaharu",
        "pangkal-beras",
        "Membuat sabun mandi dari madu kelulut dan minyak kelapa.",
        _CRAFT,
    ),
    ProducerSeed(
        "kebun-kelor-ibu-kutilang",
        "Kebun Kelor Ibu Kutilang",
        "teluk-limau",
        "Memetik, mengeringkan, dan mengemas kelor dari halaman sendiri dan halaman tetangga.",
        _FOOD,
        cash=True,
    ),
    ProducerSeed(
        "rumah-tayu-pak-murai",
        "Rumah Tayu Pak Murai",
        "ketap",
        "Menggulung teh tayu dengan tangan, sedikit demi sedikit supaya keringnya rata.",
        _NO_HALAL,
    ),
    ProducerSeed(
        "dapur-bakso-ibu-pipit",
        "Dapur Bakso Ibu Pipit",
        "air-kuang",
        "Membuat bakso ikan dan bakso udang dari hasil laut hari itu juga.",
        _FOOD,
        cash=True,
    ),
    ProducerSeed(
        "bakso-pak-gelatik",
        "Bakso Pak Gelatik",
        "air-kuang",
        "Bakso sapi giling sendiri, sudah lama jadi langganan hajatan di desa.",
        _LAPSED,
    ),
)

ACCOUNTS: tuple[AccountSeed, ...] = (
    AccountSeed("pembeli@ovop.example", "Cempaka Senja", Role.BUYER),
    AccountSeed("produsen@ovop.example", "Ibu Teratai", Role.PRODUCER, GROUP),
    AccountSeed("anggota@ovop.example", "Ibu Melati", Role.PRODUCER, MEMBER),
    AccountSeed("perajin@ovop.example", "Pak Bayan", Role.PRODUCER, WEAVER),
    AccountSeed("pejabat@ovop.example", "Pak Cakrawala", Role.OFFICIAL, area="19.05"),
    AccountSeed("operator@ovop.example", "Ibu Bintang", Role.OPERATOR),
)
