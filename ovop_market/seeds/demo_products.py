"""The demo's products: what is in them, how they are kept, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ovop_market.catalogue.models import Category, Storage
from ovop_market.seeds.demo_producers import GROUP, MEMBER, WEAVER


@dataclass(frozen=True, slots=True)
class Pack:
    """A variant: rupiah, grams as sent, packs ready now, packs a week, days to make one.

    For a group's product these are of all members together.
    """

    name: str
    price: int
    grams: int
    ready: int
    weekly: int = 0
    lead: int = 0


@dataclass(frozen=True, slots=True)
class ProductSeed:
    """A product; `alt` tells what its drawing shows, `season` is a pair of months."""

    slug: str
    producer: str
    name: str
    category: Category
    summary: str
    description: str
    alt: str
    packs: tuple[Pack, ...]
    ingredients: str = ""
    storage: Storage = Storage.AMBIENT
    storage_note: str = ""
    shelf_life: int | None = None
    transit: int | None = None
    to_order: bool = False
    season: tuple[int, int] | None = None


_frozen: Callable[..., ProductSeed] = partial(
    ProductSeed,
    category=Category.FROZEN,
    storage=Storage.FROZEN,
    shelf_life=90,
    transit=2,
    storage_note="Simpan di freezer. Sesudah dibuka, habiskan dalam 3 hari.",
)
_craft: Callable[..., ProductSeed] = partial(
    ProductSeed,
    category=Category.CRAFT,
    storage_note="Simpan di tempat kering. Lap dengan kain lembap, jangan direndam.",
)
_dry: Callable[..., ProductSeed] = partial(
    ProductSeed, storage_note="Simpan di tempat kering dan tertutup rapat."
)

_BELO_LAUT = (
    _frozen(
        slug="pempek-udang-belo-laut",
        producer=GROUP,
        name="Pempek Udang Belo Laut",
        summary="Pempek lenjer dari udang segar dan sagu, tanpa pengawet, dibekukan.",
        description=(
            "Udang segar digiling, diuleni dengan sagu dan garam, direbus, lalu dibekukan dan "
            "dikemas hampa udara. Kenyal di luar, manis udang di dalam.\n\n"
            "Goreng atau kukus langsung dari beku. Cuko dan sambal sudah ada di dalam kemasan. "
            "Untuk hajatan, pesan lebih awal: kelompok membaginya ke dua belas dapur."
        ),
        alt="Sepiring pempek udang lenjer, utuh dan dipotong, dengan semangkuk cuko",
        ingredients="Udang, sagu, garam. Cuko: gula aren, cabai, bawang putih, asam.",
        to_order=True,
        packs=(Pack("500 g", 45_000, 650, 48, 540, 3), Pack("1 kg", 85_000, 1200, 20, 300, 3)),
    ),
    _frozen(
        slug="pempek-telur-udang-belo-laut",
        producer=GROUP,
        name="Pempek Telur Udang Belo Laut",
        summary="Pempek udang berisi telur, satu kemasan untuk makan sekeluarga.",
        description=(
            "Adonan udang yang sama, diisi telur lalu dilipat satu per satu. Paling enak digoreng "
            "sampai kulitnya agak kering, dimakan dengan cuko."
        ),
        alt="Pempek telur udang di atas daun pisang, satu dibelah sampai telurnya terlihat",
        ingredients="Udang, sagu, telur, garam. Cuko: gula aren, cabai, bawang putih, asam.",
        to_order=True,
        packs=(Pack("Isi 10", 60_000, 900, 12, 180, 4),),
    ),
    _dry(
        slug="kerupuk-udang-belo-laut",
        producer=MEMBER,
        name="Kerupuk Udang Belo Laut",
        category=Category.SNACK,
        summary="Kerupuk udang yang rasa udangnya benar-benar terasa, sudah digoreng.",
        description=(
            "Diiris tipis, dijemur dua hari, digoreng sebentar. Renyah dan tidak berminyak, cocok "
            "untuk teman makan atau oleh-oleh."
        ),
        alt="Kerupuk udang merah muda dalam stoples dan di atas meja",
        ingredients="Udang, sagu, garam, bawang putih, minyak goreng.",
        shelf_life=120,
        packs=(Pack("250 g", 28_000, 400, 40), Pack("500 g", 52_000, 720, 18)),
    ),
    _dry(
        slug="kericu-cumi-belo-laut",
        producer="rumah-ibu-kenanga",
        name="Kericu Cumi Belo Laut",
        category=Category.SNACK,
        summary="Camilan gulung tipis dari cumi, gurih dan renyah.",
        description=(
            "Cumi digiling dengan sagu, digulung kecil, lalu digoreng dua kali supaya renyahnya "
            "tahan lama. Sekali buka biasanya langsung habis."
        ),
        alt="Kericu cumi berbentuk gulungan kecil dalam mangkuk kayu",
        ingredients="Cumi, sagu, telur, garam, bawang putih, minyak goreng.",
        shelf_life=90,
        to_order=True,
        packs=(Pack("200 g", 30_000, 320, 25, 40, 3),),
    ),
)

_DENDANG = (
    _craft(
        slug="keranjang-rotan-dendang",
        producer=WEAVER,
        name="Keranjang Rotan Dendang",
        summary="Keranjang rotan anyaman rapat, kuat untuk belanja dan piknik.",
        description=(
            "Rangka rotan utuh, badan dari rotan belah yang dianyam rapat. Pegangannya dililit "
            "sehingga tidak melukai tangan.\n\n"
            "Dibuat setelah dipesan. Ukuran sedang cukup untuk belanja sehari."
        ),
        alt="Keranjang rotan dengan pegangan melengkung",
        ingredients="Rotan, tanpa cat dan tanpa pernis.",
        to_order=True,
        packs=(
            Pack("Sedang (30 cm)", 145_000, 1100, 0, 6, 4),
            Pack("Besar (40 cm)", 195_000, 1700, 0, 4, 5),
        ),
    ),
    _craft(
        slug="tudung-saji-rotan-dendang",
        producer=WEAVER,
        name="Tudung Saji Rotan Dendang",
        summary="Tudung saji anyaman rotan halus, makanan terlindung dan tetap berangin.",
        description="Anyaman belah ketupat yang rapat, bulat 50 cm. Pas untuk meja makan.",
        alt="Tudung saji rotan berbentuk kubah dengan pola belah ketupat",
        ingredients="Rotan dan resam.",
        to_order=True,
        packs=(Pack("50 cm", 165_000, 1400, 0, 4, 6),),
    ),
    _craft(
        slug="nampan-resam-dendang",
        producer=WEAVER,
        name="Nampan Resam Dendang",
        summary="Nampan lonjong anyaman resam berwarna cokelat madu, ringan dan kokoh.",
        description=(
            "Resam adalah tumbuhan paku yang batangnya lentur. Sesudah dibelah dan dikeringkan, "
            "warnanya keluar sendiri; tidak ada pewarna."
        ),
        alt="Nampan lonjong anyaman resam berwarna cokelat dengan secangkir teh",
        ingredients="Resam dengan bingkai rotan.",
        to_order=True,
        packs=(Pack("35 cm", 95_000, 800, 5, 6, 3),),
    ),
    _craft(
        slug="bubu-rotan-dendang",
        producer=WEAVER,
        name="Bubu Rotan Dendang",
        summary="Perangkap ikan dari rotan, untuk dipakai di sungai atau jadi hiasan lampu.",
        description=(
            "Bentuk dan anyamannya sama dengan bubu yang dipakai orang tua dulu. Banyak pembeli "
            "memasang lampu di dalamnya untuk kafe dan teras."
        ),
        alt="Bubu rotan, perangkap ikan berbentuk lonjong",
        ingredients="Rotan.",
        to_order=True,
        packs=(Pack("60 cm", 120_000, 1800, 2, 3, 5),),
    ),
)

_AIR_NYATOH = (
    _dry(
        slug="teri-asin-air-nyatoh",
        producer="dapur-teri-ibu-camar",
        name="Teri Asin Air Nyatoh",
        category=Category.SEAFOOD,
        summary="Teri kering bersih, asinnya pas, sudah dipilah dengan tangan.",
        description="Direbus sebentar dan dijemur di hari yang sama. Tidak perlu dicuci lama.",
        alt="Teri asin kering di atas tampah",
        ingredients="Ikan teri, garam.",
        shelf_life=180,
        season=(4, 10),
        packs=(Pack("250 g", 32_000, 320, 60), Pack("500 g", 60_000, 600, 35)),
    ),
    _dry(
        slug="ikan-asin-selar-air-nyatoh",
        producer="jemuran-ikan-pak-elang",
        name="Ikan Asin Selar Air Nyatoh",
        category=Category.SEAFOOD,
        summary="Selar belah, diasinkan dan dijemur dua hari.",
        description="Dagingnya tebal dan tidak terlalu asin. Goreng dengan api kecil.",
        alt="Ikan asin selar dibelah dan berjajar di atas para-para",
        ingredients="Ikan selar, garam.",
        shelf_life=150,
        packs=(Pack("500 g", 48_000, 620, 22),),
    ),
    _dry(
        slug="sambal-teri-air-nyatoh",
        producer="dapur-teri-ibu-camar",
        name="Sambal Teri Air Nyatoh",
        category=Category.CONDIMENT,
        summary="Sambal teri renyah dalam stoples, tinggal buka untuk teman nasi.",
        description="Teri digoreng kering dulu, baru diaduk dengan sambal yang sudah dingin.",
        alt="Stoples sambal teri merah dengan semangkuk kecil di sampingnya",
        ingredients="Ikan teri, cabai, bawang merah, bawang putih, gula, garam, minyak goreng.",
        shelf_life=120,
        to_order=True,
        packs=(Pack("150 g", 27_000, 300, 30, 40, 3),),
    ),
)

_TANJUNG_NIUR = (
    _dry(
        slug="terasi-udang-tanjung-niur",
        producer="terasi-ibu-kepodang",
        name="Terasi Udang Tanjung Niur",
        category=Category.CONDIMENT,
        summary="Terasi (belacan) dari udang rebon dan garam saja.",
        description="Harumnya kuat, warnanya alami. Bakar sebentar sebelum diulek.",
        alt="Balok-balok terasi udang di atas papan kayu",
        ingredients="Udang rebon, garam.",
        shelf_life=365,
        packs=(Pack("200 g", 25_000, 280, 70), Pack("500 g", 58_000, 620, 30)),
    ),
    _dry(
        slug="udang-rebon-kering-tanjung-niur",
        producer="terasi-ibu-kepodang",
        name="Udang Rebon Kering Tanjung Niur",
        category=Category.SEAFOOD,
        summary="Rebon kering untuk tumisan, bakwan, dan sayur.",
        description="Dijemur sampai benar-benar kering, disaring dari pasir dan kotoran.",
        alt="Udang rebon kering berwarna merah muda dalam mangkuk kayu",
        ingredients="Udang rebon, garam.",
        shelf_life=180,
        season=(9, 12),
        packs=(Pack("100 g", 22_000, 160, 45),),
    ),
    _dry(
        slug="sambal-terasi-tanjung-niur",
        producer="dapur-ibu-nuri",
        name="Sambal Terasi Tanjung Niur",
        category=Category.CONDIMENT,
        summary="Sambal terasi matang, pedasnya sedang, siap makan.",
        description="Dimasak pelan sampai minyaknya keluar. Cocok untuk lalapan dan ikan bakar.",
        alt="Sambal terasi merah tua dalam cobek batu",
        ingredients="Cabai, terasi udang, tomat, bawang merah, gula aren, garam, minyak goreng.",
        shelf_life=90,
        to_order=True,
        packs=(Pack("150 g", 24_000, 300, 28, 50, 3),),
    ),
)

_TERENTANG = (
    _craft(
        slug="piring-rotan-terentang",
        producer="rotan-pak-jalak",
        name="Piring Rotan Terentang",
        summary="Piring rotan untuk nasi bungkus daun, ringan dan tidak pecah.",
        description="Dijual per lusin. Alasi dengan daun pisang atau kertas nasi.",
        alt="Piring rotan anyaman, satu berisi kue di atas daun",
        ingredients="Rotan.",
        to_order=True,
        packs=(Pack("1 lusin", 96_000, 1900, 12, 15, 4),),
    ),
    _craft(
        slug="keranjang-buah-rotan-terentang",
        producer="rotan-pak-jalak",
        name="Keranjang Buah Rotan Terentang",
        summary="Keranjang buah anyaman rotan, pas untuk meja atau hantaran.",
        description="Anyaman renggang sehingga buah tidak cepat lembap.",
        alt="Keranjang rotan penuh buah-buahan",
        ingredients="Rotan.",
        to_order=True,
        packs=(Pack("28 cm", 78_000, 750, 6, 10, 3),),
    ),
    _craft(
        slug="tas-rotan-terentang",
        producer="anyam-ibu-cendana",
        name="Tas Rotan Terentang",
        summary="Tas rotan bulat dengan pegangan dan kancing, untuk jalan dan kondangan.",
        description="Dianyam rapat, dilapisi kain katun di dalam. Pegangannya tidak mudah lepas.",
        alt="Tas rotan bulat dengan pegangan melengkung",
        ingredients="Rotan, kain katun, kulit imitasi.",
        to_order=True,
        packs=(Pack("20 cm", 175_000, 700, 3, 4, 6),),
    ),
)

_PANGKAL_BERAS = (
    _dry(
        slug="madu-kelulut-pangkal-beras",
        producer="kebun-kelulut-pak-merak",
        name="Madu Kelulut Pangkal Beras",
        category=Category.HONEY,
        summary="Madu lebah tanpa sengat, asam manis dan murni.",
        description=(
            "Disedot langsung dari kantong madu, disaring, lalu dibotolkan. Wajar kalau berbusa "
            "sedikit saat dibuka."
        ),
        alt="Stoples madu kelulut dengan sendok kayu",
        ingredients="Madu kelulut murni.",
        storage_note="Simpan di tempat sejuk, tutup jangan terlalu kencang.",
        shelf_life=365,
        packs=(Pack("250 ml", 85_000, 520, 24), Pack("500 ml", 160_000, 950, 14)),
    ),
    _dry(
        slug="madu-sarang-kelulut-pangkal-beras",
        producer="kebun-kelulut-pak-merak",
        name="Madu Sarang Kelulut Pangkal Beras",
        category=Category.HONEY,
        summary="Madu bersama kantong sarangnya, dimakan begitu saja.",
        description="Dipotong dari sarang dan ditata dalam kotak. Jumlahnya tidak banyak.",
        alt="Kantong-kantong madu kelulut dalam kotak kayu, madunya menetes",
        ingredients="Madu dan sarang kelulut.",
        shelf_life=180,
        season=(6, 11),
        packs=(Pack("200 g", 95_000, 380, 8),),
    ),
    _dry(
        slug="sabun-madu-pangkal-beras",
        producer="rumah-madu-ibu-gaharu",
        name="Sabun Madu Pangkal Beras",
        category=Category.CARE,
        summary="Sabun mandi dari madu kelulut dan minyak kelapa, busanya lembut.",
        description="Didiamkan empat minggu sebelum dijual, supaya keras dan awet dipakai.",
        alt="Tiga batang sabun madu berwarna kuning",
        ingredients="Minyak kelapa, madu kelulut, air, soda.",
        shelf_life=540,
        to_order=True,
        packs=(Pack("Isi 3", 45_000, 330, 26, 20, 7),),
    ),
)

_TELUK_LIMAU = (
    _dry(
        slug="teh-daun-kelor-teluk-limau",
        producer="kebun-kelor-ibu-kutilang",
        name="Teh Daun Kelor Teluk Limau",
        category=Category.TEA,
        summary="Daun kelor kering untuk diseduh, hijau dan segar.",
        description="Dikeringkan di tempat teduh. Seduh lima menit dengan air panas.",
        alt="Segelas teh daun kelor dengan daun segar di sampingnya",
        ingredients="Daun kelor.",
        shelf_life=365,
        packs=(Pack("50 g", 25_000, 120, 40), Pack("100 g", 45_000, 200, 20)),
    ),
    _dry(
        slug="bubuk-daun-kelor-teluk-limau",
        producer="kebun-kelor-ibu-kutilang",
        name="Bubuk Daun Kelor Teluk Limau",
        category=Category.TEA,
        summary="Bubuk kelor halus untuk minuman, bubur, dan adonan kue.",
        description="Digiling dua kali dan diayak. Satu sendok teh cukup untuk segelas.",
        alt="Bubuk daun kelor hijau dalam mangkuk kayu",
        ingredients="Daun kelor.",
        shelf_life=270,
        packs=(Pack("100 g", 38_000, 180, 22),),
    ),
    _dry(
        slug="keripik-daun-kelor-teluk-limau",
        producer="kebun-kelor-ibu-kutilang",
        name="Keripik Daun Kelor Teluk Limau",
        category=Category.SNACK,
        summary="Keripik tipis dengan daun kelor, gurih dan renyah.",
        description="Digoreng pagi hari dan langsung dikemas supaya tidak melempem.",
        alt="Keripik daun kelor berbintik hijau dalam keranjang",
        ingredients="Tepung beras, daun kelor, santan, telur, bawang putih, garam, minyak goreng.",
        shelf_life=60,
        to_order=True,
        packs=(Pack("150 g", 20_000, 250, 32, 60, 2),),
    ),
)

_KETAP = (
    _dry(
        slug="teh-tayu-ketap",
        producer="rumah-tayu-pak-murai",
        name="Teh Tayu Ketap",
        category=Category.TEA,
        summary="Teh gulung tangan dari kebun Ketap, lembut dan harum.",
        description="Seduh dengan air yang tidak terlalu mendidih. Bisa diseduh dua kali.",
        alt="Poci tanah liat dan segelas teh tayu, daun keringnya di samping",
        ingredients="Daun teh tayu.",
        shelf_life=540,
        packs=(Pack("50 g", 35_000, 120, 30), Pack("100 g", 65_000, 200, 18)),
    ),
    _dry(
        slug="teh-tayu-celup-ketap",
        producer="rumah-tayu-pak-murai",
        name="Teh Tayu Celup Ketap",
        category=Category.TEA,
        summary="Teh tayu dalam kantong celup, praktis untuk kantor.",
        description="Daunnya sama dengan teh gulung, hanya dipotong lebih halus.",
        alt="Secangkir teh tayu dengan kantong celup",
        ingredients="Daun teh tayu.",
        shelf_life=540,
        packs=(Pack("Isi 20", 32_000, 110, 36),),
    ),
    _dry(
        slug="paket-teh-tayu-ketap",
        producer="rumah-tayu-pak-murai",
        name="Paket Teh Tayu Ketap",
        category=Category.TEA,
        summary="Teh tayu gulung dan celup dalam kotak, siap jadi buah tangan.",
        description="Berisi satu teh gulung 50 g, satu kotak celup, dan kartu cara menyeduh.",
        alt="Dua kaleng teh tayu dalam kotak hadiah",
        ingredients="Daun teh tayu.",
        shelf_life=540,
        to_order=True,
        packs=(Pack("1 kotak", 78_000, 450, 10, 15, 3),),
    ),
)

_AIR_KUANG = (
    _frozen(
        slug="bakso-ikan-air-kuang",
        producer="dapur-bakso-ibu-pipit",
        name="Bakso Ikan Air Kuang",
        summary="Bakso ikan kenyal dari ikan segar, beku.",
        description="Masukkan ke kuah mendidih langsung dari freezer, tunggu sampai mengapung.",
        alt="Bakso ikan putih dalam mangkuk berkuah",
        ingredients="Ikan, sagu, telur, bawang putih, garam.",
        to_order=True,
        packs=(Pack("500 g", 40_000, 650, 20, 60, 2),),
    ),
    _frozen(
        slug="bakso-udang-air-kuang",
        producer="dapur-bakso-ibu-pipit",
        name="Bakso Udang Air Kuang",
        summary="Bakso udang merah muda, manis udangnya terasa.",
        description="Enak untuk sup, tumis sayur, atau dibakar dengan kecap.",
        alt="Bakso udang merah muda di atas daun pisang dengan semangkuk sambal",
        ingredients="Udang, sagu, telur, bawang putih, garam.",
        to_order=True,
        packs=(Pack("500 g", 46_000, 650, 16, 50, 2),),
    ),
    _frozen(
        slug="bakso-sapi-air-kuang",
        producer="bakso-pak-gelatik",
        name="Bakso Sapi Air Kuang",
        summary="Bakso sapi giling sendiri, dagingnya lebih banyak daripada tepung.",
        description="Dibulatkan dengan tangan. Sudah dengan bumbu kuah dalam kantong kecil.",
        alt="Semangkuk bakso sapi berkuah dengan mi dan seledri",
        ingredients="Daging sapi, sagu, bawang putih, garam, merica.",
        packs=(Pack("500 g", 55_000, 650, 18), Pack("1 kg", 105_000, 1200, 9)),
    ),
)

PRODUCTS: tuple[ProductSeed, ...] = (
    *_BELO_LAUT,
    *_DENDANG,
    *_AIR_NYATOH,
    *_TANJUNG_NIUR,
    *_TERENTANG,
    *_PANGKAL_BERAS,
    *_TELUK_LIMAU,
    *_KETAP,
    *_AIR_KUANG,
)
