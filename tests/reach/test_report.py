"""The report as a PDF: it opens, says what the page says, and no name breaks it."""

from __future__ import annotations

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
from tests.reach.test_page import (  # noqa: F401 - fixtures
    OCTOBER,
    official,
    totals,
    world,
)

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


def test_the_report_says_what_the_page_says(client, official, world):  # noqa: F811
    page = totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))
    content = fetch(client)
    pages = texts(content)
    assert len(pages) == 3
    text = " ".join(pages)
    for said in (
        "PEMERINTAH KABUPATEN BANGKA BARAT",
        "Oktober 2026: 6 pesanan ke 4 kabupaten/kota di 3 provinsi, naik 500% dari Oktober 2025.",
        f"Pesanan diterima {page['orders']} ",
        f"Bungkus {page['units']} ",
        f"Rp{page['revenue']:,}".replace(",", "."),
        "Belo Laut 4 ",
        "Dilaporkan penjual (tidak diperiksa sistem)",
        "Kota Bandung Jawa Barat 2",
        "Nama:",
        "Halaman 1 dari 3",
        "Halaman 3 dari 3",
    ):
        assert said in text, said
    document = pypdfium2.PdfDocument(content)
    assert document.get_metadata_value("Title") == "Laporan jangkauan produk desa, Oktober 2026"
    assert next(document.get_toc()).get_title() == "Ke mana pesanan pergi"
    document.close()
    assert b"/Lang (id)" in content


def test_filters_are_said_and_english_is_english(client, official, world):  # noqa: F811
    text = texts(fetch(client, f"village=dendang&{OCTOBER}"))[0]
    assert "Desa: Dendang" in text and "Oktober 2026: 2 pesanan" in text
    content = client.get(f"/en/reach/export.pdf?{OCTOBER}").get_data()
    assert "Halaman" not in texts(content)[0] and b"/Lang (en)" in content


def test_without_a_period_it_is_last_month(client, official, world, clock_at):  # noqa: F811
    clock_at(datetime(2026, 10, 31, 17, 30, tzinfo=UTC))  # 1 November in WIB
    assert "Oktober 2026: 6 pesanan" in texts(fetch(client, ""))[0]
    clock_at(datetime(2026, 10, 31, 16, 30, tzinfo=UTC))
    assert "September 2026: 1 pesanan" in texts(fetch(client, ""))[0]
    body = client.get("/reach").get_data(as_text=True)
    assert 'href="/reach/export.pdf"' in body
    assert "/reach/export.xlsx?from=" in body


def test_nothing_at_all_is_a_report_too(client, official):  # noqa: F811
    text = " ".join(texts(fetch(client)))
    assert "0 pesanan" in text and "Belum ada desa yang mengirim" in text


def test_bad_filters_are_refused(client, official):  # noqa: F811
    assert client.get("/reach/export.pdf?from=kemarin").status_code == 400


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_a_report(app, session: Session, official, world, name: str):  # noqa: F811
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


def test_a_large_number_is_never_cut(app, session, official, world):  # noqa: F811
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
