"""The demo's villages, with real codes; what they tell about themselves is kept to daily life."""

from __future__ import annotations

from dataclasses import dataclass

from ovop_market.villages.models import Stage


@dataclass(frozen=True, slots=True)
class DesignationSeed:
    """A programme year of a village. `baseline` is rupiah a month before the programme."""

    year: int
    flagship: str
    stage: Stage
    stars: int | None
    baseline: int


@dataclass(frozen=True, slots=True)
class VillageSeed:
    """A village; `alt` tells what its drawing shows."""

    slug: str
    code: str
    name: str
    also_known_as: str
    alt: str
    story: str
    designations: tuple[DesignationSeed, ...]


VILLAGES: tuple[VillageSeed, ...] = (
    VillageSeed(
        slug="belo-laut",
        code="19.05.01.2006",
        name="Belo Laut",
        also_known_as="belolaut muntok mentok",
        alt="Perahu nelayan di pantai Belo Laut, rumah panggung dan udang yang dijemur",
        story=(
            "Di Belo Laut, pagi dimulai di dapur. Udang yang baru naik dari perahu dikupas ramai-"
            "ramai, digiling, lalu diuleni dengan sagu dan garam. Tidak ada bahan pengawet; yang "
            "membuatnya enak memang udangnya.\n\n"
            "Puluhan rumah di desa ini membuat pempek udang, dari lenjer sampai pempek telur. "
            "Menjelang Lebaran dan musim hajatan, dapur tetangga ikut mengepul supaya semua "
            "pesanan selesai tepat waktu. Untuk dikirim jauh, pempek dibekukan dan dikemas hampa "
            "udara."
        ),
        designations=(DesignationSeed(2016, "pempek udang", Stage.EVALUATION, 3, 18_500_000),),
    ),
    VillageSeed(
        slug="dendang",
        code="19.05.04.2005",
        name="Dendang",
        also_known_as="kelapa",
        alt="Rumah panggung di Dendang, perajin duduk di beranda, keranjang rotan di halaman",
        story=(
            "Di beranda rumah-rumah Dendang, rotan diraut sampai halus dan resam dijemur sampai "
            "warnanya cokelat madu. Dari tangan yang sama lahir keranjang, tudung saji, nampan, "
            "sampai bubu untuk menangkap ikan.\n\n"
            "Hampir semua anyaman dibuat setelah dipesan. Satu keranjang bisa makan waktu dua "
            "hari, lebih lama kalau hujan turun terus dan bahan lambat kering. Yang menunggu "
            "mendapat anyaman rapat yang dipakai bertahun-tahun."
        ),
        designations=(
            DesignationSeed(2016, "kerajinan rotan", Stage.EVALUATION, 2, 6_200_000),
            DesignationSeed(2021, "anyaman resam", Stage.MENTORING, 2, 3_400_000),
        ),
    ),
    VillageSeed(
        slug="air-nyatoh",
        code="19.05.02.2005",
        name="Air Nyatoh",
        also_known_as="airnyatoh simpang teritip",
        alt="Teri dijemur di atas para-para di pantai Air Nyatoh",
        story=(
            "Begitu perahu pulang, teri direbus sebentar dengan garam lalu dibentangkan di atas "
            "para-para. Matahari mengerjakan sisanya. Sore hari, teri yang sudah kering dipilah "
            "satu per satu.\n\n"
            "Di rumah, teri Air Nyatoh ditumis dengan cabai atau digoreng sampai renyah untuk "
            "teman nasi hangat. Karena kering benar, teri ini kuat dibawa jauh dan tahan disimpan."
        ),
        designations=(DesignationSeed(2017, "teri asin", Stage.MENTORING, 2, 9_800_000),),
    ),
    VillageSeed(
        slug="tanjung-niur",
        code="19.05.05.2002",
        name="Tanjung Niur",
        also_known_as="tanjungniur tempilang belacan",
        alt="Orang menumbuk terasi di gubuk tepi pantai, udang rebon dijemur di pasir",
        story=(
            "Terasi Tanjung Niur dibuat dari udang rebon dan garam, tidak lebih. Rebon ditumbuk, "
            "dijemur, ditumbuk lagi, lalu didiamkan sampai harumnya keluar. Orang Bangka "
            "menyebutnya belacan.\n\n"
            "Setiap rumah punya takaran sendiri yang diturunkan dari ibu ke anak. Sedikit saja "
            "sudah cukup untuk sambal, lempah, atau tumis kangkung."
        ),
        designations=(DesignationSeed(2017, "terasi udang", Stage.MENTORING, 3, 11_300_000),),
    ),
    VillageSeed(
        slug="terentang",
        code="19.05.04.2010",
        name="Terentang",
        also_known_as="kelapa",
        alt="Rumah kerja beratap daun di antara rotan di Terentang, anyaman di dindingnya",
        story=(
            "Rotan di Terentang dipotong, dikupas, dan dibelah tipis sebelum dianyam. Piring "
            "rotannya banyak dipakai di warung dan hajatan: ringan, tidak pecah, dan makin "
            "dipakai makin mengilap.\n\n"
            "Para penganyam bekerja di sela-sela berkebun. Kalau ada pesanan besar, beberapa "
            "rumah berbagi tugas, ada yang membuat rangka dan ada yang menganyam."
        ),
        designations=(DesignationSeed(2021, "kerajinan rotan", Stage.MENTORING, 2, 4_700_000),),
    ),
    VillageSeed(
        slug="pangkal-beras",
        code="19.05.04.2014",
        name="Pangkal Beras",
        also_known_as="pangkalberas kelapa",
        alt="Kotak sarang lebah kelulut berjajar di kebun Pangkal Beras",
        story=(
            "Kelulut adalah lebah kecil tanpa sengat. Di kebun-kebun Pangkal Beras, kotak "
            "sarangnya diletakkan dekat bunga dan buah, dan madunya disedot pelan-pelan supaya "
            "sarang tidak rusak.\n\n"
            "Rasanya asam manis dan agak cair, lain dari madu lebah biasa. Hasilnya tidak banyak "
            "sekali panen, maka pemilik kebun lebih suka menjual sedikit tetapi murni."
        ),
        designations=(DesignationSeed(2021, "madu kelulut", Stage.MENTORING, 3, 5_900_000),),
    ),
    VillageSeed(
        slug="teluk-limau",
        code="19.05.06.2010",
        name="Teluk Limau",
        also_known_as="teluklimau parittiga",
        alt="Orang memetik daun kelor di antara pohon di tepi Teluk Limau",
        story=(
            "Pohon kelor tumbuh di pagar dan halaman Teluk Limau. Daunnya dipetik pagi-pagi, "
            "dicuci, lalu dikeringkan di tempat teduh supaya tetap hijau.\n\n"
            "Dari daun kering itu ibu-ibu membuat teh, bubuk, dan keripik. Tidak ada yang "
            "terbuang: tangkainya pun kembali ke kebun sebagai pupuk."
        ),
        designations=(DesignationSeed(2021, "teh daun kelor", Stage.DESIGNATION, 1, 2_600_000),),
    ),
    VillageSeed(
        slug="ketap",
        code="19.05.03.2009",
        name="Ketap",
        also_known_as="jebus tayu",
        alt="Kebun teh tayu di Ketap dengan para pemetik dan sekeranjang daun",
        story=(
            "Teh tayu ditanam warga Ketap di kebun sekitar rumah. Pucuknya dipetik, dilayukan, "
            "digulung dengan tangan, lalu dikeringkan di atas wajan.\n\n"
            "Seduhannya kuning jernih dan lembut, enak diminum tanpa gula sambil duduk di teras. "
            "Daun yang sama masih harum pada seduhan kedua."
        ),
        designations=(DesignationSeed(2021, "teh tayu", Stage.MENTORING, 2, 4_100_000),),
    ),
    VillageSeed(
        slug="air-kuang",
        code="19.05.03.2021",
        name="Air Kuang",
        also_known_as="airkuang jebus",
        alt="Gerobak bakso yang mengepul di tepi sungai di Air Kuang",
        story=(
            "Bakso Air Kuang dibulatkan dengan tangan sejak subuh. Ada bakso ikan, bakso udang, "
            "dan bakso sapi; semuanya memakai daging lebih banyak daripada tepung.\n\n"
            "Sesudah direbus, bakso didinginkan lalu dibekukan dalam kemasan rapat. Di rumah "
            "tinggal dimasukkan ke kuah mendidih, dan makan siang sudah siap."
        ),
        designations=(DesignationSeed(2021, "aneka bakso", Stage.DESIGNATION, None, 7_400_000),),
    ),
)
