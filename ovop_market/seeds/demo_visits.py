"""What the demo's official has advised on visits over the last two years. Some producers were never
visited, some not for long: the list of whom to visit next has all its reasons."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_producers import GROUP, WEAVER
from ovop_market.villages import visit_services as services
from ovop_market.villages.visit_models import Topic

OFFICIAL = "pejabat@ovop.example"
HOUR = timedelta(hours=10)  # of the visit, WIB

# Who, how many days ago, about what, the advice; the next step, within how many days, and whether
# it is done.
_VISITS: tuple[tuple[str, int, Topic, str, str, int, bool], ...] = (
    (
        GROUP,
        560,
        Topic.PACKAGING,
        "Pempek untuk luar pulau dikemas hampa udara dan dibekukan semalam sebelum dikirim.",
        "Pinjam mesin vakum dari dinas selama sebulan.",
        30,
        True,
    ),
    (
        GROUP,
        310,
        Topic.PRODUCTION,
        "Takaran udang dan sagu disamakan di semua rumah, dengan timbangan yang sama.",
        "Tempel takaran di setiap dapur.",
        14,
        True,
    ),
    (
        GROUP,
        24,
        Topic.MARKETING,
        "Pesanan ke Jakarta dan Bandung makin banyak. Siapkan stok beku sebelum akhir tahun.",
        "Hitung kebutuhan udang untuk Desember bersama bendahara kelompok.",
        40,
        False,
    ),
    (
        WEAVER,
        205,
        Topic.PRODUCTION,
        "Simpan rotan kering di rak, jauh dari lantai, supaya musim hujan tidak berhenti bekerja.",
        "Buat rak bahan di sisi dapur.",
        60,
        False,
    ),
    (
        "dapur-teri-ibu-camar",
        130,
        Topic.QUALITY,
        "Teri dipilah dua ukuran; yang seragam bisa dijual lebih mahal.",
        "",
        0,
        False,
    ),
    (
        "terasi-ibu-kepodang",
        415,
        Topic.MARKETING,
        "Kemasan kecil untuk oleh-oleh lebih laku daripada satu kilogram.",
        "Coba kemasan 100 gram.",
        45,
        True,
    ),
    (
        "terasi-ibu-kepodang",
        41,
        Topic.PERMITS,
        "Nomor PIRT dicantumkan pada label, dan masa berlakunya dicatat.",
        "Cetak ulang label.",
        21,
        False,
    ),
    (
        "kebun-kelulut-pak-merak",
        66,
        Topic.QUALITY,
        "Kadar air madu diukur sebelum dikemas; yang encer dijual lebih dulu.",
        "",
        0,
        False,
    ),
    (
        "rumah-tayu-pak-murai",
        18,
        Topic.MONEY,
        "Catat upah petik terpisah dari uang dapur, supaya harga pokok kelihatan.",
        "Mulai buku kas harian.",
        30,
        False,
    ),
    (
        "dapur-bakso-ibu-pipit",
        52,
        Topic.PERMITS,
        "Perpanjang izin sebelum habis; pengurusannya sampai dua bulan.",
        "Bawa berkas ke mal pelayanan publik di Mentok.",
        10,
        False,
    ),
)


def note(session: Session, market: Market, now: datetime) -> int:
    """Notes the visits, through the services. Returns their number."""
    official = market.users[OFFICIAL]
    today = clock.wib_date(now)
    for number, (slug, ago, topic, advice, step, within, done) in enumerate(_VISITS):
        day = today - timedelta(days=ago)
        at = min(clock.start_of_day(day) + HOUR, now)
        said = services.Said(
            day, topic, advice, step, day + timedelta(days=within) if step else None
        )
        visit = services.note(
            session,
            market.producers[slug],
            said,
            key=f"demo {number}",
            actor_id=official.id,
            now=at,
        )
        if done:
            later = at + timedelta(days=within)
            services.finish(session, visit, actor_id=official.id, now=later)
    return len(_VISITS)
