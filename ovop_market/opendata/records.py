"""What the open data hold, field by field: the dictionary (opendata/page.html), the document
(document.py) and the answers are all made of these.

There is no person in them: of sellers only how many there are, and the names of groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from flask_babel import lazy_gettext as _l

from ovop_market.catalogue.models import Category, Storage
from ovop_market.opendata.shape import Text, told
from ovop_market.villages.models import ProducerKind, Stage

SLUG_PATTERN = "^[a-z0-9-]{1,100}$"
_RUPIAH = _l("rupiah")
_DAYS = _l("hari")
_MONTH = {"minimum": 1, "maximum": 12}
_COUNT = {"minimum": 0}


def _slug(text: Text, example: str) -> str:
    return told(text, example, pattern=SLUG_PATTERN)


@dataclass(frozen=True, slots=True)
class Area:
    """A district, a regency or a province."""

    TEXT: ClassVar[Text] = _l("Sebuah wilayah.")

    code: str = told(
        _l("Kode wilayah Kemendagri."), "19.05", pattern=r"^[0-9]{2}(\.[0-9]{2}){0,2}$"
    )
    name: str = told(_l("Nama wilayah."), "Kabupaten Bangka Barat")


@dataclass(frozen=True, slots=True)
class VillageRow:
    """A village among others."""

    TEXT: ClassVar[Text] = _l("Sebuah desa dalam program Satu Desa Satu Produk.")

    slug: str = _slug(_l("Nama desa dalam alamat; kunci desa di semua tabel."), "belo-laut")
    code: str = told(
        _l("Kode desa Kemendagri."), "19.05.01.2006", pattern=r"^[0-9]{2}(\.[0-9]{2}){2}\.[0-9]{4}$"
    )
    name: str = told(_l("Nama desa."), "Belo Laut")
    postal_code: str | None = told(_l("Kode pos."), "33351")
    district: Area = told(_l("Kecamatannya."))
    regency: Area = told(_l("Kabupaten atau kotanya."))
    province: Area = told(_l("Provinsinya."))
    flagship: str | None = told(
        _l("Produk unggulan pada tahun program yang terakhir."), "pempek udang"
    )
    products: int = told(_l("Banyaknya produk yang sedang dijual."), 3, **_COUNT)
    url: str = told(_l("Halaman desa ini untuk pembaca."), format="uri")


@dataclass(frozen=True, slots=True)
class StageDay:
    """When a designation came to a stage."""

    TEXT: ClassVar[Text] = _l("Satu langkah dalam program.")

    stage: Stage = told(_l("Tahap yang dicapai."), "mentoring")
    day: date | None = told(_l("Tanggalnya (WIB); kosong bila tidak tercatat."), "2017-01-10")


@dataclass(frozen=True, slots=True)
class StarDay:
    """Stars with their days."""

    TEXT: ClassVar[Text] = _l("Bintang yang diberikan, dengan tanggalnya.")

    stars: int = told(_l("Banyaknya bintang."), 3, minimum=1, maximum=5)
    day: date = told(_l("Tanggal diberikan (WIB)."), "2024-10-04")
    expires_on: date | None = told(_l("Tanggal berakhirnya; kosong bila tidak ada."), "2027-10-04")


@dataclass(frozen=True, slots=True)
class Designation:
    """A village in a programme year."""

    TEXT: ClassVar[Text] = _l("Sebuah desa dalam satu tahun program.")

    village: str = _slug(_l("Kunci desa."), "belo-laut")
    village_name: str = told(_l("Nama desa."), "Belo Laut")
    year: int = told(_l("Tahun program."), 2016, minimum=2000, maximum=2100)
    flagship: str = told(_l("Produk unggulan tahun itu."), "pempek udang")
    flagship_product: str | None = told(
        _l("Kunci produk unggulan itu di tabel produk; kosong bila tidak sedang dijual di sini."),
        "pempek-udang-belo-laut",
        pattern=SLUG_PATTERN,
    )
    stage: Stage = told(
        _l(
            "Tahap sekarang: proposal (diusulkan), selection (diseleksi), designation (ditetapkan),"
            " mentoring (dibina), evaluation (dinilai)."
        ),
        "mentoring",
    )
    stars: int | None = told(
        _l("Bintang sekarang, 1 sampai 5; kosong bila belum ada."), 3, minimum=1, maximum=5
    )
    stages: tuple[StageDay, ...] = told(_l("Langkah-langkahnya, yang pertama dulu."))
    star_days: tuple[StarDay, ...] = told(_l("Bintang yang pernah diberikan, yang pertama dulu."))


@dataclass(frozen=True, slots=True)
class Village(VillageRow):
    """A village with all that the open data say about it."""

    TEXT: ClassVar[Text] = _l("Sebuah desa selengkapnya.")

    story: tuple[str, ...] = told(_l("Cerita desa, dalam bahasa Indonesia; satu teks satu alinea."))
    groups: int = told(_l("Banyaknya kelompok penjual."), 1, **_COUNT)
    households: int = told(
        _l("Banyaknya rumah tangga penjual, dengan anggota kelompok."), 12, **_COUNT
    )
    designations: tuple[Designation, ...] = told(_l("Tahun-tahun programnya, yang pertama dulu."))


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product among others."""

    TEXT: ClassVar[Text] = _l("Sebuah produk yang sedang dijual.")

    slug: str = _slug(
        _l("Nama produk dalam alamat; kunci produk di semua tabel."), "pempek-udang-belo-laut"
    )
    name: str = told(_l("Nama produk."), "Pempek udang Belo Laut")
    village: str = _slug(_l("Kunci desa."), "belo-laut")
    village_name: str = told(_l("Nama desa."), "Belo Laut")
    category: Category = told(
        _l(
            "Jenisnya: frozen (makanan beku), seafood (hasil laut kering), condiment (bumbu dan"
            " sambal), snack (camilan), tea (teh), honey (madu), craft (kerajinan), care (perawatan"
            " tubuh)."
        ),
        "frozen",
    )
    summary: str = told(_l("Satu kalimat tentang produk ini."), "Dari udang segar.")
    price_from: int = told(_l("Harga kemasan yang termurah."), 45000, unit=_RUPIAH, minimum=1)
    made_to_order: bool = told(_l("Bisa dipesan untuk dibuat."))
    season_from: int | None = told(_l("Bulan pertama musimnya; kosong: sepanjang tahun."), **_MONTH)
    season_to: int | None = told(
        _l("Bulan terakhir musimnya; bila lebih kecil dari yang pertama, musimnya lewat Januari."),
        **_MONTH,
    )
    url: str = told(_l("Halaman produk ini untuk pembaca."), format="uri")


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack of a product."""

    TEXT: ClassVar[Text] = _l("Satu kemasan.")

    name: str = told(_l("Nama kemasan."), "500 g")
    price: int = told(_l("Harganya."), 45000, unit=_RUPIAH, minimum=1)
    weight_grams: int = told(_l("Beratnya dengan bungkus kirim."), 600, unit=_l("gram"), minimum=1)


@dataclass(frozen=True, slots=True)
class Product(ProductRow):
    """A product with all that the open data say about it."""

    TEXT: ClassVar[Text] = _l("Sebuah produk selengkapnya.")

    description: str = told(
        _l(
            "Keterangan penjual, dalam bahasa Indonesia, tanpa nomor telepon dan alamat surel; bisa"
            " kosong."
        )
    )
    ingredients: str = told(_l("Bahan-bahannya; bisa kosong."), "Udang, sagu, garam.")
    storage: Storage = told(
        _l("Cara menyimpannya: ambient (suhu ruang), chilled (dingin), frozen (beku)."), "frozen"
    )
    shelf_life_days: int | None = told(_l("Tahan berapa lama."), 90, unit=_DAYS, minimum=1)
    max_transit_days: int | None = told(_l("Paling lama di perjalanan."), 3, unit=_DAYS, minimum=1)
    seller_kind: ProducerKind = told(
        _l("Penjualnya: household (rumah tangga) atau group (kelompok)."), "group"
    )
    group: str | None = told(
        _l("Nama kelompok; kosong untuk rumah tangga, yang namanya nama orang."),
        "Kelompok Pempek Belo Laut",
    )
    packs: tuple[Pack, ...] = told(_l("Kemasan yang dijual."))


@dataclass(frozen=True, slots=True)
class Meta:
    """Where in a list a page is."""

    TEXT: ClassVar[Text] = _l("Halaman yang mana dari sebuah daftar.")

    page: int = told(_l("Nomor halaman ini."), 1, minimum=1)
    per_page: int = told(_l("Paling banyak baris di satu halaman."), 50, minimum=1, maximum=200)
    pages: int = told(_l("Banyaknya halaman."), 1, **_COUNT)
    total: int = told(_l("Banyaknya baris di semua halaman."), 9, **_COUNT)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be asked."""

    TEXT: ClassVar[Text] = _l("Satu alamat data.")

    title: str = told(_l("Isinya."))
    url: str = told(_l("Alamatnya; {slug} diganti dengan kuncinya."))


@dataclass(frozen=True, slots=True)
class Index:
    """Where everything is."""

    TEXT: ClassVar[Text] = _l("Daftar isi data terbuka.")

    title: str = told(_l("Nama data ini."))
    version: str = told(_l("Versi data ini."), "1.1.0")
    licence: str = told(_l("Lisensinya."), "CC BY 4.0")
    licence_url: str = told(_l("Bunyi lisensinya."), format="uri")
    attribution: str = told(_l("Cara menyebut sumbernya."))
    openapi: str = told(_l("Dokumen OpenAPI."), format="uri")
    dictionary: str = told(_l("Kamus data untuk pembaca."), format="uri")
    resources: tuple[Entry, ...] = told(_l("Semua yang bisa diminta."))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A parameter that could not be used."""

    TEXT: ClassVar[Text] = _l("Satu parameter yang tidak bisa dipakai.")

    name: str = told(_l("Nama parameter."), "page")
    detail: str = told(_l("Apa yang salah."))
