"""The report as a PDF: it opens, says what the page says, and no name breaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pypdfium2
import pytest
from sqlalchemy.orm import Session

from ovop_market.reach import queries, report
from ovop_market.reach.figures import Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.regions.models import Region
from ovop_market.web import paper
from tests.reach import dense
from tests.reach.dense import OCTOBER, OF_OCTOBER, YEAR, World, totals

HOSTILE = (
    "Pempek 🦐🦐 hebat",
    "قرية واحدة منتج واحد",
    "A" * 200,
    "kata " * 40,
    "**tebal** {all pages} {nb} \\n --garis--",
    "Ñandú – “kutip” ≥ 5 ﬁn ｆｕｌｌ",
    "\u202eterbalik\u202c \u0000\u0007",
    "🦐",
    "",
)


def texts(content: bytes) -> list[str]:
    """The text of each page; each page is drawn as well."""
    assert content.startswith(b"%PDF-")
    document = pypdfium2.PdfDocument(content)
    found = []
    try:
        for page in document:
            picture = page.render(scale=0.5).to_pil().convert("L")
            dark, light = picture.getextrema()
            assert dark < 160 and light == 255, "there is ink on paper"
            text = page.get_textpage()
            found.append(" ".join(text.get_text_range().split()))
            text.close()
            page.close()
        return found
    finally:
        document.close()


def fetch(client, query: str = OCTOBER) -> bytes:
    answer = client.get(f"/reach/export.pdf?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.mimetype == "application/pdf"
    return answer.get_data()


def written(number: int) -> str:
    """12.345"""
    return f"{number:,}".replace(",", ".")


def test_the_report_says_what_the_page_says(client, official, world: World):
    page = totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))
    assert page == world.totals(OF_OCTOBER)
    content = fetch(client)
    pages = texts(content)
    assert len(pages) == 3
    text = " ".join(pages)
    before = world.sums(dense.months("2025-10", "2025-10")).orders
    percent = round(100 * (page["orders"] - before) / before)
    change = f"naik {percent}%" if percent > 0 else f"turun {-percent}%"
    if not percent:
        change = "kurang lebih sama"
    belo_laut = world.sums(OF_OCTOBER, dense.village("belo-laut")).orders
    bandung = world.sums(OF_OCTOBER, dense.region(dense.BANDUNG)).orders
    for said in (
        "PEMERINTAH KABUPATEN BANGKA BARAT",
        f"Oktober 2026: {page['orders']} pesanan ke 4 kabupaten/kota di 3 provinsi, {change} d",
        f"Pesanan diterima {page['orders']} ",
        f"Bungkus {page['units']} ",
        f"Rp{written(page['revenue'])}",
        f"Belo Laut {belo_laut} ",
        "Dilaporkan penjual (tidak diperiksa sistem)",
        f"Kota Bandung Jawa Barat {bandung} ",
        "Nama:",
        "Halaman 1 dari 3",
        "Halaman 3 dari 3",
    ):
        assert said in text, said
    # The ladder is of the year: it says so where it stands, and among the notes on the method.
    assert text.count("dihitung dari seluruh tahun kalender: 2026.") == 2
    # Only the note on the method speaks of what is withheld: nothing is.
    assert text.count("ditahan") == text.count("pembelian ditahan") + text.count("sebagian ditahan")
    assert "≥ " not in text and ">= " not in text
    # The map on paper has the colours of the map on the screen, and they begin with five.
    page_map = client.get(f"/reach?{OCTOBER}").get_data(as_text=True).split('id="reach-map"')[1]
    legend = re.findall(
        r'class="s[1-5]" aria-hidden="true"></i>([^<]*)<', page_map.split("</figure>")[0]
    )
    assert legend and legend[0].startswith("5–")
    assert " ".join(["belum ada", *legend]) in text
    document = pypdfium2.PdfDocument(content)
    assert document.get_metadata_value("Title") == "Laporan jangkauan produk desa, Oktober 2026"
    assert next(document.get_toc()).get_title() == "Ke mana pesanan pergi"
    document.close()
    assert b"/Lang (id)" in content


def test_what_is_withheld_is_no_number_in_the_report(client, official, thin: World):
    """October: three orders to Jakarta, which Bandung keeps company."""
    text = " ".join(texts(fetch(client)))
    total = thin.sums(OF_OCTOBER)
    # Of a month it is told of how many places something is shown.
    shown = f"Oktober 2026: {total.orders} pesanan ke ≥ 2 kabupaten/kota di ≥ 1 provinsi"
    assert shown.replace("≥", ">=") in text or shown in text
    for code, name in (
        (dense.JAKARTA, "Kota Administrasi Jakarta Selatan Daerah Khusus Ibukota Jakarta"),
        (dense.BANDUNG, "Kota Bandung Jawa Barat"),
    ):
        before = thin.sums(dense.months("2025-10", "2025-10"), dense.region(code)).orders
        # Orders, those of a year before, no change, packs and revenue.
        assert f"{name} ditahan {before} – ditahan ditahan" in text
        assert f"Rp{written(thin.sums(OF_OCTOBER, dense.region(code)).revenue)}" not in text
    assert "*: ditahan, seluruhnya atau sebagian." in text
    assert "0*" not in text, "what is withheld is not none"


def test_a_part_of_a_period_that_is_withheld_is_at_least(client, official, thin: World):
    """From January to June: of February nothing, so of all of it at least the others."""
    text = " ".join(texts(fetch(client, "from=2026-01-01&to=2026-06-30")))
    months = [f"2026-{number:02}" for number in (1, 3, 4, 5, 6)]
    sums = [thin.sums(dense.months(month, month)) for month in months]
    orders, revenue = sum(each.orders for each in sums), sum(each.revenue for each in sums)
    assert f"Januari 2026 – Juni 2026: >= {orders} pesanan ke" in text
    assert f"Pesanan diterima >= {orders} –" in text
    assert f">= Rp{written(revenue)}" in text
    assert "dari setahun lalu" not in text.split("Ke mana pesanan pergi")[0].split("Omzet >=")[0]


def test_the_ladder_tells_no_share_of_what_is_not_known(client, official, thin: World):
    """How much of a product stayed in its village is not counted."""
    text = " ".join(texts(fetch(client, f"product={thin.telur.slug}&{YEAR}")))
    ladder = text[text.index("Dari desa ke seluruh Indonesia") : text.index("Bulan demi bulan")]
    assert "Di desa sendiri ditahan –" in ladder
    assert "Di kabupaten sendiri, luar desa ditahan –" in ladder
    far = thin.sums(
        dense.OF_2026, dense.product(thin.telur), lambda part: part.region_code[:2] != "19"
    )
    sold = thin.sums(dense.OF_2026, dense.product(thin.telur)).units
    share = round(100 * far.units / sold)
    assert f"Di provinsi lain {far.units} bungkus ({share}%)" in ladder


def test_filters_are_said_and_english_is_english(client, official, world: World):
    orders = world.sums(OF_OCTOBER, dense.village("dendang")).orders
    text = texts(fetch(client, f"village=dendang&{OCTOBER}"))[0]
    assert "Desa: Dendang" in text and f"Oktober 2026: {orders} pesanan" in text
    # Where a village's went is of the whole year, and is not said of the month.
    assert "Sepanjang 2026: ke 4 kabupaten/kota di 3 provinsi." in text
    notes = world.sums(OF_OCTOBER, dense.village("dendang"), reported=True)
    told = f"{notes.units} bungkus dalam {notes.orders} catatan (sepanjang 2026 ke 4 kabupaten"
    assert told in text
    text = texts(fetch(client, f"village=dendang&{YEAR}"))[0]
    assert "pesanan ke 4 kabupaten/kota di 3 provinsi" in text and "Sepanjang" not in text
    content = client.get(f"/en/reach/export.pdf?{OCTOBER}").get_data()
    assert "Halaman" not in texts(content)[0] and b"/Lang (en)" in content


def test_without_a_period_it_is_last_month(client, official, world: World, clock_at):
    october, september = (
        world.sums(dense.months(month, month)).orders for month in ("2026-10", "2026-09")
    )
    clock_at(datetime(2026, 10, 31, 17, 30, tzinfo=UTC))  # 1 November in WIB
    assert f"Oktober 2026: {october} pesanan" in texts(fetch(client, ""))[0]
    clock_at(datetime(2026, 10, 31, 16, 30, tzinfo=UTC))
    assert f"September 2026: {september} pesanan" in texts(fetch(client, ""))[0]
    body = client.get("/reach").get_data(as_text=True)
    assert 'href="/reach/export.pdf"' in body
    assert "/reach/export.xlsx?from=" in body


def test_nothing_at_all_is_a_report_too(client, official):
    text = " ".join(texts(fetch(client)))
    assert "0 pesanan" in text and "Belum ada desa yang mengirim" in text


def test_bad_filters_are_refused(client, official):
    assert client.get("/reach/export.pdf?from=kemarin").status_code == 400


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_report(app, session: Session, official, world, name: str):
    with app.test_request_context():
        asked = Filters(Period(date(2026, 10, 1), date(2026, 10, 31)), village="belo-laut")
        known = queries.choices(session, official, "belo-laut", "")
        found = queries.overview(session, official, asked, known)
        line = found.villages[0]
        reach = replace(found, villages=tuple(replace(line, name=name) for _ in range(90)))
        choices = replace(
            known, villages=tuple(replace(choice, name=name) for choice in known.villages)
        )
        area = Region(code="19.05", level=2, name=name)
        made = datetime(2026, 11, 1, tzinfo=UTC)
        source = report.Source(reach, found.months, choices, area, made)
        pages = texts(report.make(source))
    assert len(pages) >= 3


def test_letters_that_paper_lacks_are_written_by_the_nearest():
    assert paper.plain("≥ 5") == ">= 5"
    assert paper.plain("ﬁn ｆｕｌｌ Łódź") == "fin full ?ódz"
    assert paper.plain("🦐🦐 a") == "? a"
    assert paper.plain("a\u202eb\x00") == "ab"
    assert paper.cut("kata " * 40, 12) == "kata kata k…"


def test_a_large_number_is_never_cut(app, session, official, world):
    with app.test_request_context():
        asked = Filters(Period(date(2026, 10, 1), date(2026, 10, 31)))
        known = queries.choices(session, official, "", "")
        found = queries.overview(session, official, asked, known)
        large = replace(found.total, now=Sums(1_234_567, 12_345_678, 123_456_789_012_345))
        reach = replace(found, total=large)
        area = session.get(Region, "19.05")
        source = report.Source(reach, found.months, known, area, datetime(2026, 11, 1, tzinfo=UTC))
        text = texts(report.make(source))[0]
    assert "Rp123.456.789.012.345" in text and "12.345.678" in text
