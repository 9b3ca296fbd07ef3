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

import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from ovop_market.catalogue.models import Product
from ovop_market.reach import export, queries, snapshots, words, workbook
from ovop_market.reach.figures import ExportRow, Line, Overview, Sums
from ovop_market.reach.filters import Filters, Period
from ovop_market.web import workbook as sheets
from tests.counting import counted
from tests.reach import dense
from tests.reach.dense import OCTOBER, OF_2026, OF_OCTOBER, YEAR, World, totals, verified

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


def column(book, sheet: str, title: str) -> list:
    """A column of a sheet, without its title."""
    rows = list(book[sheet].iter_rows(values_only=True))
    return [row[rows[0].index(title)] for row in rows[1:]]


MEASURES = {"Pesanan": "orders", "Bungkus": "units", "Omzet": "revenue"}
PLACES = ("Provinsi", "Kabupaten-kota")


def test_every_sheet_says_what_the_page_says(client, official, world: World):
    belo_laut, basket = dense.village("belo-laut"), dense.product(world.basket)
    telur = dense.product(world.telur)
    cases = {
        OCTOBER: (OF_OCTOBER,),
        YEAR: (OF_2026,),
        f"village=belo-laut&{YEAR}": (OF_2026, belo_laut),
        f"year=2021&{YEAR}": (OF_2026, basket),
        f"product={world.telur.slug}&{YEAR}": (OF_2026, telur),
        "from=2025-11-01&to=2026-10-31": (dense.months("2025-11", "2026-10"),),
        "from=2020-01-01&to=2020-12-31": (dense.months("2020-01", "2020-12"),),
        f"village=belo-laut&{OCTOBER}": (OF_OCTOBER, belo_laut),
        f"product={world.telur.slug}&{OCTOBER}": (OF_OCTOBER, telur),
    }
    for query, which in cases.items():
        page = totals(client.get(f"/reach?{query}").get_data(as_text=True))
        assert page == world.totals(*which), query
        book = opened(client, query)
        narrowed_month = len(which) > 1 and which[0] is OF_OCTOBER
        named = [name.removesuffix(" 2026") for name in book.sheetnames]
        assert named == SHEETS
        assert (named != book.sheetnames) == narrowed_month, query
        assert summary(book["Ringkasan"].iter_rows(values_only=True)) == verified(page), query
        # Where a village's or a product's went is told of whole calendar years alone.
        places = world.totals(OF_2026, *which[1:]) if narrowed_month else page
        for name in (*PLACES, "Bulan", "Desa", "Produk", "Data"):
            expected = places if name in PLACES else page
            for title, measure in MEASURES.items():
                # The sheets of calendar years say of which they are.
                sheet = f"{name} 2026" if narrowed_month and name in PLACES else name
                assert sum(column(book, sheet, title)) == expected[measure], (query, name)


def test_cells_have_their_types(client, official, world: World):
    book = opened(client)
    sums = world.sums(OF_OCTOBER)
    found = {row[0].value: row[1] for row in book["Ringkasan"].iter_rows()}
    assert found["Dari tanggal"].value == datetime(2026, 10, 1)
    assert found["Dari tanggal"].is_date
    assert found["Pesanan diterima"].data_type == "n"
    assert found["Pesanan diterima"].value == sums.orders
    assert found["Omzet"].number_format == '"Rp"#,##0'
    sentence = f"Oktober 2026: {sums.orders} pesanan ke 4 kabupaten/kota di 3 provinsi"
    assert sentence in str(found["Dalam kalimat"].value)
    data = book["Data"]
    assert data["A2"].is_date and data["A2"].value == datetime(2026, 10, 1)
    # All villages together: the regency's code, and where it went.
    assert [cell.value for cell in data[2][1:4]] == ["19.05", "", ""]
    assert [cell.data_type for cell in data[2]][4:] == ["s"] * 4 + ["n"] * 3
    # Of a village: by product, to all destinations.
    one = opened(client, f"village=belo-laut&{OCTOBER}")["Data"]
    assert [cell.value for cell in one[2][1:4]] == ["19.05.01.2006", "Belo Laut", "Lenjer"]
    assert [cell.value for cell in one[2][4:8]] == ["", "", "", "web"]
    assert [cell.data_type for cell in one[2]][8:] == ["n"] * 3
    assert book["Provinsi"]["A2"].data_type == "s", "a code is no number"
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        formats = {cell.number_format for row in sheet.iter_rows() for cell in row}
        assert not any("≥" in form for form in formats), "nothing is withheld here"
    rows = list(book["Tangga"].iter_rows(min_row=2, max_col=2, values_only=True))
    near = world.sums(OF_2026, dense.region(dense.HOME)).units
    home = sum(part.home_units for part in world.of(OF_2026))
    other = world.sums(OF_2026, dense.region(dense.NEAR)).units
    far = world.sums(OF_2026).units - near - other
    assert [units for _name, units in rows] == [home, near - home, other, far]


def test_what_people_type_stays_text(client, official, world: World, session: Session):
    product = session.get_one(Product, world.lenjer.id)
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


def test_charts_are_excels_own(client, official, world):
    book = opened(client)
    assert {sheet.title for sheet in book if sheet._charts} == {"Provinsi", "Bulan", "Tangga"}
    with zipfile.ZipFile(io.BytesIO(fetch(client))) as parts:
        months = [parts.read(n).decode() for n in parts.namelist() if "/charts/chart" in n]
    assert any("Bulan" in text and text.count("<c:ser>") == 2 for text in months)
    assert all("<c:numCache>" in text for text in months), "shown where nothing is recalculated"


def test_reports_stand_apart(client, official, world: World):
    verified_, said = world.sums(OF_2026), world.sums(OF_2026, reported=True)
    book = opened(client, YEAR)
    rows = list(book["Laporan penjual"].iter_rows(values_only=True))
    assert rows[1][:3] == ("Semuanya", "Tidak diperiksa sistem", said.orders)
    ways = [row[2] for row in rows if row[0] == "Cara menjual"]
    places = [row[2] for row in rows if row[0] == "Kabupaten/kota"]
    assert len(ways) == len(places) == 4 and sum(ways) == sum(places) == said.orders
    assert summary(book["Ringkasan"].iter_rows(values_only=True))["orders"] == verified_.orders
    assert sum(column(book, "Bulan", "Dilaporkan: catatan")) == said.orders
    assert sum(column(book, "Bulan", "Dilaporkan: omzet")) == said.revenue
    assert set(column(book, "Data", "Sumber")) == {"web"}
    asked = opened(client, f"{YEAR}&channel=reported")
    assert summary(asked["Ringkasan"].iter_rows(values_only=True))["orders"] == verified_.orders
    assert asked["Provinsi"]["C1"].value == "Catatan penjual"
    assert sum(column(asked, "Provinsi", "Catatan penjual")) == said.orders
    assert set(column(asked, "Data", "Sumber")) == {"reported"}
    assert sum(column(asked, "Data", "Pesanan")) == said.orders


# What is withheld


def overview(session: Session, actor, first: str, last: str, **filters) -> Overview:
    start, end = (date.fromisoformat(f"{month}-01") for month in (first, last))
    asked = Filters(Period.of_months(start, end), **filters)
    known = queries.choices(session, actor, asked.village, asked.product)
    return queries.overview(session, actor, asked, known)


def rows_of(app, session: Session, actor, reach: Overview, **kwargs) -> list[ExportRow]:
    with app.test_request_context():
        return list(export.rows(session, actor, reach.filters, **kwargs))


def added(rows: list[ExportRow]) -> Sums:
    return sum((Sums(row.orders, row.units, row.revenue) for row in rows), Sums())


def test_a_withheld_month_is_a_word_and_the_year_a_number(client, official, thin: World):
    book = opened(client, YEAR)
    months, orders = (column(book, "Bulan", title) for title in ("Bulan", "Pesanan"))
    told = {f"{month:%Y-%m}": number for month, number in zip(months, orders, strict=True)}
    # August keeps February company: without it, the year less the others would tell.
    few = ("2026-02", "2026-08")
    assert told == {
        month: "ditahan" if month in few else thin.sums(dense.months(month, month)).orders
        for month in (f"2026-{number:02}" for number in range(1, 13))
    }
    sheet = book["Bulan"]
    header = [cell.value for cell in sheet[1]]
    february = sheet[3]
    assert february[0].value == datetime(2026, 2, 1)
    for title in ("Pesanan", "Bungkus", "Omzet", "Dilaporkan: catatan", "Dilaporkan: omzet"):
        assert february[header.index(title)].value == "ditahan"
        assert february[header.index(title)].data_type == "s"
    assert february[header.index("Perubahan")].value is None, "a change would tell"
    assert february[header.index("Catatan")].value == "≥: sebagian ditahan"
    assert sheet[2][header.index("Catatan")].value is None
    # The year before is not withheld.
    before = thin.sums(dense.months("2025-02", "2025-02")).orders
    assert february[header.index("Pesanan, setahun sebelumnya")].value == before
    page = totals(client.get(f"/reach?{YEAR}").get_data(as_text=True))
    assert page == thin.totals(OF_2026)
    assert summary(book["Ringkasan"].iter_rows(values_only=True)) == verified(page)
    for name in (*PLACES, "Desa", "Produk", "Data"):
        for title, measure in MEASURES.items():
            assert sum(column(book, name, title)) == page[measure], name
    assert sum(column(book, "Tangga", "Bungkus")) == page["units"]


def test_a_sum_of_which_part_is_withheld_is_a_number_with_a_remark(client, official, thin: World):
    """From January to June: without February, which August, outside, does not give away."""
    book = opened(client, "from=2026-01-01&to=2026-06-30")
    shown_months = ["2026-01", "2026-03", "2026-04", "2026-05", "2026-06"]
    shown = sum((thin.sums(dense.months(month, month)) for month in shown_months), Sums())
    rows = {row[0].value: row for row in book["Ringkasan"].iter_rows()}
    for title, number in (
        ("Pesanan diterima", shown.orders),
        ("Bungkus", shown.units),
        ("Omzet", shown.revenue),
    ):
        assert (rows[title][1].value, rows[title][1].data_type) == (number, "n")
        assert rows[title][1].number_format.startswith('"≥ '), "in the cell itself, too"
        assert rows[title][3].value is None, "no change of what is not known"
        assert rows[title][4].value == "≥: sebagian ditahan"
    assert rows["Omzet"][1].number_format == '"≥ Rp"#,##0'
    for name in (*PLACES, "Desa", "Produk"):
        assert sum(column(book, name, "Pesanan")) <= shown.orders
        told = [n for n in column(book, name, "Catatan") if n]
        shown_lines = [n for n in column(book, name, "Pesanan") if n]
        assert told and len(told) == len(shown_lines) and set(told) == {"≥: sebagian ditahan"}
    assert sum(column(book, "Data", "Pesanan")) == shown.orders
    assert {f"{month:%Y-%m}" for month in column(book, "Data", "Bulan")} == set(shown_months)


def test_a_withheld_destination_is_a_word_and_the_rest_one_row(client, official, thin: World):
    """In October three went to Jakarta; Bandung keeps it company."""
    book = opened(client, OCTOBER)
    rest = thin.sums(OF_OCTOBER, dense.region(dense.JAKARTA)) + thin.sums(
        OF_OCTOBER, dense.region(dense.BANDUNG)
    )
    for name, title in zip(PLACES, ("Provinsi", "Kabupaten/kota"), strict=True):
        orders = dict(zip(column(book, name, "Kode"), column(book, name, "Pesanan"), strict=True))
        for code in (dense.JAKARTA, dense.BANDUNG):
            assert orders[code if name == "Kabupaten-kota" else code[:2]] == "ditahan", title
        numbers = sum(number for number in orders.values() if number != "ditahan")
        assert numbers == thin.sums(OF_OCTOBER).orders - rest.orders
    data = list(book["Data"].iter_rows(min_row=2, values_only=True))
    assert [row[4] for row in data] == ["19.05", "19.71", ""]
    assert data[-1] == (
        datetime(2026, 10, 1),
        "19.05",
        "",
        "",
        "",
        "ditahan",
        "",
        "web",
        rest.orders,
        rest.units,
        rest.revenue,
    )
    page = totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True))
    assert sum(column(book, "Data", "Pesanan")) == page["orders"] == thin.sums(OF_OCTOBER).orders
    assert summary(book["Ringkasan"].iter_rows(values_only=True)) == verified(page)


def test_all_rows_add_up_to_the_total(app, session, official, thin: World):
    """By destination, by product, and by place: with what is withheld in rows of its own."""
    for channel in ("web", "reported"):
        said = channel == "reported"
        for filters, which in (
            ({}, ()),
            ({"village": "belo-laut"}, (dense.village("belo-laut"),)),
            ({"village": "dendang"}, (dense.village("dendang"),)),
            ({"year": 2021}, (dense.village("dendang"),)),
            ({"year": 2016}, ()),
            ({"product": thin.telur.slug}, (dense.product(thin.telur),)),
        ):
            reach = overview(session, official, "2026-01", "2026-12", channel=channel, **filters)
            expected = thin.sums(OF_2026, *which, reported=said)
            rows = rows_of(app, session, official, reach)
            assert added(rows) == expected, filters
            assert {row.channel for row in rows} == {channel}
            shown_months = {row.month for row in rows} - {"2026"}
            assert shown_months.isdisjoint({"2026-02", "2026-08"}), filters
            whole_year = [row for row in rows if row.month == "2026"]
            few = [dense.months(month, month) for month in ("2026-02", "2026-08")]
            assert added(whole_year) == sum(
                (thin.sums(one, *which, reported=said) for one in few), Sums()
            )
            assert all("ditahan" in (row.region, row.product) for row in whole_year)
            if filters:
                assert all(not row.region_code for row in rows), "by product, not by place"
                placed = rows_of(app, session, official, reach, by_place=True)
                assert added(placed) == expected, filters
                assert {row.month for row in placed} == {"2026"}
                assert {row.region_code for row in placed} == set(dense.REGENCIES)


def test_the_products_of_many_villages_are_read_at_once(app, session, official, world: World):
    def statements(year: int) -> list[str]:
        snapshots.forget()
        with counted() as said:
            rows_of(app, session, official, overviews[year])
        return said

    overviews = {
        year: overview(session, official, "2026-01", "2026-12", year=year) for year in (2016, 2021)
    }
    assert [len(each.villages) for each in overviews.values()] == [2, 1]
    assert len(statements(2016)) == len(statements(2021))


def test_where_the_other_products_are_is_said(app, session, official, world: World):
    """All villages together are told by destination: their data name no product."""

    def note(**filters) -> str:
        reach = overview(session, official, "2026-01", "2026-12", **filters)
        *_lines, (said,) = workbook._products(replace(reach, more_products=True)).rows
        return str(said)

    with app.test_request_context():
        assert note() == "Hanya 3 produk teratas; pilih desa untuk yang lain."
        of_village = "Hanya 2 produk teratas; semuanya ada di lembar Data."
        assert note(village="belo-laut") == of_village


def test_a_place_of_few_is_withheld_with_its_company(app, session, official):
    """Of a village's year: by place, the rest stands in one row, and the file still adds up."""

    def change(part: dense.Part) -> dense.Part | None:
        if part.product.name != "Keranjang" or part.region_code != dense.BANDUNG:
            return part
        return dense.few(part, 4) if part.month == date(2026, 5, 1) else None

    world = dense.make(session, change)
    reach = overview(session, official, "2026-01", "2026-12", village="dendang")
    provinces = {line.key: line.now for line in reach.provinces if line.now != Sums()}
    held = {code for code, sums in provinces.items() if sums.held}
    assert "32" in held and len(held) == 2 and len(provinces) == 3
    assert all(provinces[code] == Sums(held=True) for code in held)
    rows = rows_of(app, session, official, reach, by_place=True)
    dendang = (OF_2026, dense.village("dendang"))
    assert added(rows) == world.sums(*dendang) == reach.total.now
    *shown, rest = rows
    assert rest.region == "ditahan" and not rest.region_code and not rest.province
    assert rest.orders == sum(
        world.sums(*dendang, lambda part, code=code: part.region_code[:2] == code).orders
        for code in held
    )
    for row in shown:
        assert row.orders == world.sums(*dendang, dense.region(row.region_code)).orders
    assert held.isdisjoint(row.region_code[:2] for row in shown)


def made_of(session: Session, actor, *, at: datetime = MADE) -> bytes:
    asked = Filters(Period(date(2026, 10, 1), date(2026, 10, 31)))
    known = queries.choices(session, actor, "", "")
    reach = queries.overview(session, actor, asked, known)
    target = io.BytesIO()
    source = workbook.Source(reach, known, export.rows(session, actor, asked), at)
    workbook.write(target, source)
    return target.getvalue()


def test_the_same_data_are_the_same_bytes(app, session, official, world):
    with app.test_request_context():
        assert made_of(session, official) == made_of(session, official)
        assert made_of(session, official) != made_of(session, official, at=MADE + timedelta(days=1))


def test_what_is_withheld_is_never_a_number_nor_a_change(app):
    line = Line("", "", Sums(held=True), Sums(6, 7, 8))
    with app.test_request_context():
        cells = workbook._cells(line)
        assert cells[0] == sheets.Cell("ditahan", sheets.Kind.TEXT)
        assert cells[2] is None, "a change would tell what is withheld"
        assert cells[1] == sheets.Cell(6, sheets.Kind.NUMBER)
        some = workbook._cells(replace(line, now=Sums(9, 9, 9, held=True)))
        assert some[0] == sheets.Cell(9, sheets.Kind.AT_LEAST)
        assert some[5] == sheets.Cell(9, sheets.Kind.AT_LEAST_RUPIAH)
        assert some[2] is None
        assert some[-1] == "≥: sebagian ditahan"
        both = workbook._cells(replace(line, before=Sums(held=True)))
        assert both[-1] == "≥: sebagian ditahan, juga setahun sebelumnya"
        earlier = workbook._cells(replace(line, now=Sums(9, 9, 9), before=Sums(held=True)))
        assert earlier[0] == sheets.Cell(9, sheets.Kind.NUMBER) and earlier[2] is None
        assert earlier[1] == sheets.Cell("ditahan", sheets.Kind.TEXT)
        assert earlier[-1] == "≥: sebagian ditahan setahun sebelumnya"
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


def test_bad_filters_are_refused(client, official):
    assert client.get("/reach/export.xlsx?from=kemarin").status_code == 400


def test_the_workbook_speaks_english_too(client, official, world):
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


def read_by_office(content: bytes, folder: Path) -> dict[str, list[list[str]]]:
    """The sheets by name, as LibreOffice reads them."""
    program = office()
    (folder / "jangkauan.xlsx").write_bytes(content)
    # -1: every sheet; cells as they are kept, not as they are shown.
    filters = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    subprocess.run(
        [
            program,
            "--headless",
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--convert-to",
            filters,
            "--outdir",
            str(folder),
            str(folder / "jangkauan.xlsx"),
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )
    return {
        name: list(csv.reader((folder / f"jangkauan-{name}.csv").open(encoding="utf-8")))
        for name in SHEETS
    }


def test_libreoffice_reads_the_same_totals(client, official, thin: World, tmp_path: Path):
    page = verified(totals(client.get(f"/reach?{YEAR}").get_data(as_text=True)))
    assert page == verified(thin.totals(OF_2026))
    read = read_by_office(fetch(client, YEAR), tmp_path)
    assert summary([row for row in read["Ringkasan"] if row[0] in TOTALS]) == page
    header, *rows = read["Data"]
    for title, name in MEASURES.items():
        assert sum(int(row[header.index(title)]) for row in rows) == page[name]
    assert [row[0] for row in rows][-1] == "2026", "what is known of no month"
    header, *rows = read["Bulan"]
    held = [row[0] for row in rows if row[header.index("Pesanan")] == "ditahan"]
    assert len(held) == 2
