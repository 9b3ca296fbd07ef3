"""The workbook, read back as Excel and LibreOffice would: the same numbers as the page."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import Product
from ovop_market.reach import export, queries, words, workbook
from ovop_market.reach.figures import Line, Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.web import workbook as sheets
from tests.factories import make_sale, make_user
from tests.reach.test_page import (  # noqa: F401 - fixtures
    OCTOBER,
    official,
    totals,
    world,
)

SHEETS = [
    "Ringkasan",
    "Provinsi",
    "Kabupaten-kota",
    "Bulan",
    "Desa",
    "Tangga",
    "Produk",
    "Laporan penjual",
    "Data",
    "Metode",
]
TOTALS = {
    "Pesanan diterima": "orders",
    "Bungkus": "units",
    "Omzet": "revenue",
    "Kabupaten/kota tujuan": "regencies",
    "Provinsi tujuan": "provinces",
}
MADE = datetime(2026, 11, 29, 3, tzinfo=UTC)


def fetch(client, query: str = OCTOBER):
    answer = client.get(f"/reach/export.xlsx?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.mimetype == sheets.MIMETYPE
    return answer.get_data()


def opened(client, query: str = OCTOBER):
    return load_workbook(io.BytesIO(fetch(client, query)))


def summary(rows) -> dict[str, int]:
    found = {row[0]: row[1] for row in rows}
    return {name: int(found[title]) for title, name in TOTALS.items()}


def test_every_sheet_says_what_the_page_says(client, official, world):  # noqa: F811
    cases = (
        OCTOBER,
        f"village=belo-laut&{OCTOBER}",
        f"year=2021&{OCTOBER}",
        f"product={world['telur']}&{OCTOBER}",
        "from=2025-11-01&to=2026-10-31",
        "from=2020-01-01&to=2020-12-31",
    )
    for query in cases:
        page = totals(client.get(f"/reach?{query}").get_data(as_text=True))
        book = opened(client, query)
        assert book.sheetnames == SHEETS
        assert summary(book["Ringkasan"].iter_rows(values_only=True)) == page, query
        for name in ("Provinsi", "Kabupaten-kota", "Bulan", "Desa", "Produk", "Data"):
            rows = list(book[name].iter_rows(values_only=True))
            for title, measure in (
                ("Pesanan", "orders"),
                ("Bungkus", "units"),
                ("Omzet", "revenue"),
            ):
                column = rows[0].index(title)
                assert sum(row[column] for row in rows[1:]) == page[measure], (query, name)


def test_cells_have_their_types(client, official, world):  # noqa: F811
    book = opened(client)
    found = {row[0].value: row[1] for row in book["Ringkasan"].iter_rows()}
    assert found["Dari tanggal"].value == datetime(2026, 10, 1)
    assert found["Dari tanggal"].is_date
    assert found["Pesanan diterima"].data_type == "n"
    assert found["Omzet"].number_format == '"Rp"#,##0'
    assert "Oktober 2026: 6 pesanan ke 4 kabupaten/kota di 3 provinsi" in str(
        found["Dalam kalimat"].value
    )
    data = book["Data"]
    assert data["A2"].is_date and data["A2"].value == datetime(2026, 10, 1)
    assert [cell.data_type for cell in data[2]][1:] == ["s"] * 7 + ["n"] * 3
    assert book["Provinsi"]["A2"].data_type == "s", "a code is no number"
    for sheet in book:
        assert sheet.freeze_panes == "A2"
    rows = list(book["Tangga"].iter_rows(min_row=2, max_col=2, values_only=True))
    assert [units for _name, units in rows] == [2, 4, 3, 4]


def test_what_people_type_stays_text(client, official, world, session: Session):  # noqa: F811
    product = session.query(Product).filter_by(slug=world["lenjer"]).one()
    product.name = '=HYPERLINK("http://x.example","klik")'
    product.producer.village.name = "https://x.example/@A1"
    session.commit()
    content = fetch(client)
    book = load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(cell.value == '=HYPERLINK("http://x.example","klik")' for cell in cells)
    # What openpyxl reads with an equals sign it would take for a formula: the file itself counts.
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        written = [parts.read(name).decode() for name in parts.namelist() if "/worksheets/" in name]
    assert all("<f>" not in text and "<hyperlink" not in text for text in written)


def test_charts_are_excels_own(client, official, world):  # noqa: F811
    book = opened(client)
    assert {sheet.title for sheet in book if sheet._charts} == {"Provinsi", "Bulan", "Tangga"}
    with zipfile.ZipFile(io.BytesIO(fetch(client))) as parts:
        months = [parts.read(n).decode() for n in parts.namelist() if "/charts/chart" in n]
    assert any("Bulan" in text and text.count("<c:ser>") == 2 for text in months)
    assert all("<c:numCache>" in text for text in months), "shown where nothing is recalculated"


def test_reports_stand_apart(client, official, world, session: Session):  # noqa: F811
    product = session.query(Product).filter_by(slug=world["lenjer"]).one()
    before = opened(client)
    make_sale(session, product, make_user(session, Role.PRODUCER))
    period = "from=2026-01-01&to=2026-12-31"
    rows = list(opened(client, period)["Laporan penjual"].iter_rows(values_only=True))
    assert rows[1][:2] == ("Semuanya", "Tidak diperiksa sistem")
    assert rows[1][2] == 1
    assert summary(before["Ringkasan"].iter_rows(values_only=True))["orders"] == 6
    asked = opened(client, f"{period}&channel=reported")
    assert asked["Provinsi"]["C1"].value == "Catatan penjual"
    sources = {row[7] for row in asked["Data"].iter_rows(min_row=2, values_only=True)}
    assert sources and all(str(source).startswith("reported-") for source in sources)


def made_of(session: Session, actor, *, at: datetime = MADE) -> bytes:
    asked = Filters(Period(date(2026, 10, 1), date(2026, 10, 31)))
    known = queries.choices(session, actor, "", "")
    reach = queries.overview(session, actor, asked, known)
    target = io.BytesIO()
    source = workbook.Source(reach, known, export.rows(session, actor, asked), at)
    workbook.write(target, source)
    return target.getvalue()


def test_the_same_data_are_the_same_bytes(app, session, official, world):  # noqa: F811
    with app.test_request_context():
        assert made_of(session, official) == made_of(session, official)
        assert made_of(session, official) != made_of(session, official, at=MADE + timedelta(days=1))


def test_what_is_withheld_is_never_a_number_nor_a_change(app):
    line = SimpleNamespace(held=True, held_before=False)
    fields = {"now": Sums(), "before": Sums(6, 7, 8), "change": Line("", "").change}
    none = SimpleNamespace(**fields, **vars(line))
    with app.test_request_context():
        cells = workbook._cells(none)
        assert cells[0] == sheets.Cell("ditahan", sheets.Kind.TEXT)
        assert cells[2] is None, "a change would tell what is withheld"
        assert cells[1] == sheets.Cell(6, sheets.Kind.NUMBER)
        some = workbook._cells(SimpleNamespace(**{**vars(none), "now": Sums(9, 9, 9)}))
        assert some[0] == sheets.Cell(9, sheets.Kind.NUMBER)
        assert some[-1] == "≥: sebagian ditahan"
        assert words.figure(0, held=True) == "ditahan"
        assert words.figure(12_000, held=True, rupiah=True) == "≥ Rp12.000"
        assert words.figure(0) == "0"


def test_a_sheet_that_is_full_says_so():
    rows = ((number,) for number in range(100))
    columns = [sheets.Column("n", sheets.Kind.NUMBER)]
    target = io.BytesIO()
    full = sheets.Sheet("x", columns, rows, large=True, most=10, cut="lanjut di CSV")
    sheets.write(target, [full, replace(full, name="y", rows=[(1,)])], title="x", made=MADE)
    book = load_workbook(target)
    assert [cell.value for cell in book["x"]["A"]] == ["n", *range(8), "lanjut di CSV"]
    assert [cell.value for cell in book["y"]["A"]] == ["n", 1]


def test_bad_filters_are_refused(client, official):  # noqa: F811
    assert client.get("/reach/export.xlsx?from=kemarin").status_code == 400


def test_the_workbook_speaks_english_too(client, official, world):  # noqa: F811
    answer = client.get(f"/en/reach/export.xlsx?{OCTOBER}")
    book = load_workbook(io.BytesIO(answer.get_data()))
    assert len(book.sheetnames) == len(SHEETS)
    assert book.sheetnames[0] == "Summary" and "Confidentiality" in str(
        list(book.worksheets[-1].values)
    )


def office() -> str:
    """The path of LibreOffice. Without it the test is skipped, or fails where none may be."""
    found = next(filter(None, map(shutil.which, ("soffice", "libreoffice"))), None)
    if found:
        return found
    reason = "no LibreOffice: install libreoffice-calc-nogui"
    if os.environ.get("OVOP_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_libreoffice_reads_the_same_totals(client, official, world, tmp_path: Path):  # noqa: F811
    program = office()
    page = totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))
    (tmp_path / "jangkauan.xlsx").write_bytes(fetch(client))
    # -1: every sheet; cells as they are kept, not as they are shown.
    filters = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    subprocess.run(
        [
            program,
            "--headless",
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--convert-to",
            filters,
            "--outdir",
            str(tmp_path),
            str(tmp_path / "jangkauan.xlsx"),
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )

    def sheet(name: str) -> list[list[str]]:
        return list(csv.reader((tmp_path / f"jangkauan-{name}.csv").open(encoding="utf-8")))

    assert summary([row for row in sheet("Ringkasan") if row[0] in TOTALS]) == page
    header, *rows = sheet("Data")
    for title, name in (("Pesanan", "orders"), ("Bungkus", "units"), ("Omzet", "revenue")):
        assert sum(int(row[header.index(title)]) for row in rows) == page[name]
