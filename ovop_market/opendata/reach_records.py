"""What the open data hold of reach. Every number of them is one of `reach.published`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from flask_babel import lazy_gettext as _l

from ovop_market.opendata.records import SLUG_PATTERN, Area
from ovop_market.opendata.shape import Text, told

REGENCY_PATTERN = r"^[0-9]{2}\.[0-9]{2}$"
_PLACE = r"^[0-9]{2}(\.[0-9]{2})?$"


class Kind(StrEnum):
    """What the website has verified, or what sellers report."""

    VERIFIED = "verified"
    REPORTED = "reported"


class Level(StrEnum):
    """What kind of place a destination is."""

    PROVINCE = "province"
    REGENCY = "regency"


@dataclass(frozen=True, slots=True)
class Tables:
    """Of which villages there are tables, and for which years."""

    TEXT: ClassVar[Text] = _l("Kabupaten yang ada tabelnya, dan tahun-tahunnya.")

    area: Area = told(_l("Kabupaten atau kota tempat desa-desanya."))
    years: tuple[int, ...] = told(
        _l("Tahun kalender yang sudah berakhir, sejak 1 April berikutnya; yang terakhir dulu.")
    )
    villages: int = told(_l("Banyaknya desa."), 9, minimum=0)


# Rows are put together from these; slots would not let them be.


@dataclass(frozen=True)
class _Of:
    """What every row says about the table that it comes from."""

    area: str = told(_l("Kode kabupaten tempat desa-desanya."), "19.05", pattern=REGENCY_PATTERN)
    year: int = told(_l("Tahun kalender (WIB)."), 2025, minimum=2000, maximum=2100)
    kind: Kind = told(
        _l(
            "verified: pesanan di situs ini yang sudah diterima; reported: penjualan lain yang"
            " dilaporkan penjual, tidak diperiksa."
        ),
        "verified",
    )


@dataclass(frozen=True)
class Figures:
    """Three numbers, or none of them."""

    TEXT: ClassVar[Text] = _l("Tiga angka, atau tidak satu pun.")

    orders: int | None = told(
        _l(
            "Pesanan, atau catatan penjual; kosong bila ditahan. Pesanan dengan beberapa produk"
            " dihitung sekali, pada produk yang nilainya terbesar."
        ),
        42,
        minimum=0,
    )
    units: int | None = told(
        _l("Banyaknya bungkus; kosong bila ditahan."), 96, unit=_l("bungkus"), minimum=0
    )
    revenue: int | None = told(
        _l("Harga barang tanpa ongkos kirim; kosong bila ditahan."),
        4320000,
        unit=_l("rupiah"),
        minimum=0,
    )
    withheld: bool = told(
        _l(
            "Ditahan: angka ini datang dari kurang dari 5 pembelian, atau angka lain yang kurang"
            " dari 5 bisa dihitung darinya. Bukan nol."
        ),
        False,
    )


@dataclass(frozen=True)
class _Month:
    month: str | None = told(
        _l("Bulan diterimanya (WIB); kosong untuk setahun penuh."),
        "2025-10",
        pattern="^[0-9]{4}-(0[1-9]|1[0-2])$",
    )


@dataclass(frozen=True)
class _Village:
    village: str = told(_l("Kunci desa."), "belo-laut", pattern=SLUG_PATTERN)
    village_name: str = told(_l("Nama desa."), "Belo Laut")


@dataclass(frozen=True)
class _Product:
    product: str = told(_l("Kunci produk."), "pempek-udang-belo-laut", pattern=SLUG_PATTERN)
    product_name: str = told(_l("Nama produk."), "Pempek udang Belo Laut")


@dataclass(frozen=True)
class _Place:
    place: str = told(
        _l("Kode provinsi atau kabupaten/kota tujuan kirim."), "32.73", pattern=_PLACE
    )
    place_name: str = told(_l("Nama tujuan."), "Kota Bandung")
    level: Level = told(
        _l("province (provinsi) atau regency (kabupaten/kota, yang ada di dalam provinsinya)."),
        "regency",
    )


@dataclass(frozen=True)
class TotalRow(Figures, _Month, _Of):
    """All villages to everywhere."""

    TEXT: ClassVar[Text] = _l("Semua desa satu kabupaten, ke semua tujuan.")


@dataclass(frozen=True)
class PlaceRow(Figures, _Month, _Place, _Of):
    """All villages to one destination."""

    TEXT: ClassVar[Text] = _l("Semua desa satu kabupaten, ke satu tujuan.")


@dataclass(frozen=True)
class VillageReachRow(Figures, _Month, _Village, _Of):
    """One village to everywhere."""

    TEXT: ClassVar[Text] = _l("Satu desa, ke semua tujuan.")


@dataclass(frozen=True)
class ProductReachRow(Figures, _Month, _Product, _Village, _Of):
    """One product to everywhere."""

    TEXT: ClassVar[Text] = _l("Satu produk yang sedang dijual, ke semua tujuan.")


@dataclass(frozen=True)
class VillagePlaceRow(Figures, _Place, _Village, _Of):
    """One village to one destination, in the year."""

    TEXT: ClassVar[Text] = _l("Satu desa, ke satu tujuan, setahun penuh.")
