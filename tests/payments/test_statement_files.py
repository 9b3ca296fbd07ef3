"""Bank statements as banks write them: whatever the file, it is read, or refused with a reason."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovop_market.payments.statements import columns, movements, sheets, words
from ovop_market.payments.statements.columns import Columns
from ovop_market.payments.statements.movements import Problem, Reading
from ovop_market.payments.statements.sheets import MOST_BYTES, MOST_LINES, Fault, UnreadableFile
from ovop_market.payments.statements.values import (
    Amount,
    DateOrder,
    Decimal,
    Written,
    guess_decimal,
    guess_order,
    in_year,
    read_amount,
    read_day,
    read_mark,
)
from ovop_market.payments.statements.words import Role

TODAY = date(2026, 11, 24)
COMMA, POINT = Decimal.COMMA, Decimal.POINT
DMY, MDY, YMD = DateOrder.DMY, DateOrder.MDY, DateOrder.YMD

BCA = """Informasi Rekening - Mutasi Rekening
No. rekening : ,'0123456789
Nama : ,KOPERASI OVOP
Periode : ,01/11/2026 - 30/11/2026
Kode Mata Uang : ,Rp

Tanggal Transaksi,Keterangan,Cabang,Jumlah,,Saldo
'24/11,TRSF E-BANKING CR 2411/FTSCY 45123.00 SARI CONTOH,'0000,45123.00,CR,1245123.00
'24/11,BIAYA ADM,'0000,"15,000.00",DB,1230123.00
Saldo Awal : ,1200000.00
Mutasi Debet : ,15000.00,1
Saldo Akhir : ,1230123.00
"""
MY_BCA = """Tanggal,Keterangan,Cabang,Jumlah,Saldo
24/11/2026,KR OTOMATIS SARI,0000,"45,123.00 CR","1,245,123.00"
24/11/2026,BIAYA,0000,"15,000.00 DB","1,230,123.00"
"""
MANDIRI = """Account No,Date,Val. Date,Code,Description,Description,Reference No.,Debit,Credit,
161000,24/11/26,25/11/26,1010,TRANSFER DARI,SARI CONTOH,,.00,"45,123.00",
161000,24/11/26,25/11/26,1010,BIAYA,,99,"15,000.00",.00,
"""
BRI = """TGL_TRAN;DESK_TRAN;MUTASI_DEBET;MUTASI_KREDIT;SALDO_AKHIR_MUTASI
2026-11-24 10:05:11;BRIVA 123 SARI;0;45123;1245123
2026-11-24 10:06:00;ADM;15000;0;1230123
"""
BNI = """"Post Date","Branch","Journal No.","Description","Amount","Db/Cr","Balance"
"24/11/26 10.05.11","UNIV","123456","TRF DARI | SARI","45,123.00","K","1,245,123.00"
"24/11/26 10.05.11","UNIV","123457","BIAYA","15,000.00","D","1,230,123.00"
"""
SUMSEL_BABEL = """Bank Sumsel Babel
Rekening Koran;;;;
Tgl Transaksi;Uraian;Debet;Kredit;Saldo
24 Nov 2026;SETORAN SARI;;45.123,00;1.245.123,00
24 Nov 2026;BIAYA;15.000,00;;1.230.123,00
;TOTAL;15.000,00;45.123,00;
"""
LIVIN = (
    "No\tTanggal\tKeterangan\tNominal (IDR)\tSaldo (IDR)\n"
    "1\t24 Nov 2026\tTransfer dari SARI\t+45.123,00\t1.245.123,00\n"
    "2\t24 Nov 2026\tBiaya\t-15.000,00\t1.230.123,00\n"
)
BANKS = {
    "bca": BCA,
    "my bca": MY_BCA,
    "mandiri": MANDIRI,
    "bri": BRI,
    "bni": BNI,
    "sumsel babel": SUMSEL_BABEL,
    "livin": LIVIN,
}


def read(text: str | bytes, today: date = TODAY) -> Reading:
    content = text.encode() if isinstance(text, str) else text
    sheet = sheets.cut(sheets.decode(content))
    return movements.read(sheet, columns.recognise(sheet), today)


def told(reading: Reading) -> list[tuple[date, int]]:
    return [(m.day, m.amount) for m in reading.movements]


@pytest.mark.parametrize("bank", BANKS)
def test_what_each_bank_writes(bank: str) -> None:
    reading = read(BANKS[bank])
    assert told(reading) == [(TODAY, 45_123), (TODAY, -15_000)]
    assert "SARI" in reading.movements[0].description
    assert not reading.unread
    assert (reading.total_in, reading.total_out, reading.period) == (
        45_123,
        15_000,
        (TODAY, TODAY),
    )


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_in_whichever_encoding(bank: str, encoding: str) -> None:
    text = BANKS[bank].replace("SARI", "SARI é")
    assert read(text.encode(encoding)) == read(text)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_with_whichever_line_ends(end: str) -> None:
    assert read(BCA.replace("\n", end)) == read(BCA)


def test_what_stands_in_several_columns_is_one_description() -> None:
    assert read(MANDIRI).movements[0].description == "TRANSFER DARI SARI CONTOH"


def test_rows_are_named_by_their_lines() -> None:
    assert [m.row for m in read(BCA).movements] == [8, 9]


@pytest.mark.parametrize(
    ("written", "order", "expected"),
    [
        ("24/11/2026", DMY, (2026, 11, 24)),
        ("24-11-26", DMY, (2026, 11, 24)),
        ("24.11.2026", DMY, (2026, 11, 24)),
        ("24 11 2026", DMY, (2026, 11, 24)),
        ("11/24/2026", MDY, (2026, 11, 24)),
        ("26/11/24", YMD, (2026, 11, 24)),
        ("2026-11-24", MDY, (2026, 11, 24)),
        ("2026/11/24 10:05:11", DMY, (2026, 11, 24)),
        ("2026-11-24T10:05:11", DMY, (2026, 11, 24)),
        ("20261124", DMY, (2026, 11, 24)),
        ("24112026", DMY, (2026, 11, 24)),
        ("24 Nov 2026", DMY, (2026, 11, 24)),
        ("24-Nov-26", DMY, (2026, 11, 24)),
        ("24 November 2026", MDY, (2026, 11, 24)),
        ("4 Agustus 2026", DMY, (2026, 8, 4)),
        ("17 Agt 2026", DMY, (2026, 8, 17)),
        ("1 Mei 2026", DMY, (2026, 5, 1)),
        ("25 Des 2026", DMY, (2026, 12, 25)),
        ("Nov 24, 2026", DMY, (2026, 11, 24)),
        ("Selasa, 24 Nov 2026", DMY, (2026, 11, 24)),
        ("'24/11", DMY, (None, 11, 24)),
        ("24/11 10:05", DMY, (None, 11, 24)),
        ("11/24", MDY, (None, 11, 24)),
        ("24 Nov", DMY, (None, 11, 24)),
        ("29/02", DMY, (None, 2, 29)),
    ],
)
def test_days(written: str, order: DateOrder, expected: tuple[int | None, int, int]) -> None:
    assert read_day(written, order) == Written(*expected)


@pytest.mark.parametrize(
    "written",
    [
        *("", "PEND", "24/13/2026", "31/02/2026", "29/02/2026", "24/11/1026", "4511", "24"),
        *("1.234.567", "٢٤/١١/٢٠٢٦", "24 Foo 2026", "00/00/0000", "24/11/20266"),
        # Only a year of two figures is short for one of this century.
        *("01/01/0000", "0000-01-01", "01/01/0026"),
    ],
)
def test_what_is_no_day(written: str) -> None:
    assert read_day(written, DMY) is None


def test_the_order_of_days_is_seen_from_all_of_them() -> None:
    assert guess_order(["01/02/2026", "24/11/2026"]) is DMY
    assert guess_order(["01/02/2026", "11/24/2026"]) is MDY
    assert guess_order(["01/02/2026"]) is DMY


@pytest.mark.parametrize(
    ("written", "decimal", "expected"),
    [
        ("1.234.567,00", COMMA, 123_456_700),
        ("1,234,567.00", POINT, 123_456_700),
        ("1234567", COMMA, 123_456_700),
        ("1234567", POINT, 123_456_700),
        ("1.234.567", POINT, 123_456_700),
        ("1,234,567", COMMA, 123_456_700),
        ("45.123", COMMA, 4_512_300),
        ("45123.5", POINT, 4_512_350),
        ("45123.0000", POINT, 4_512_300),
        ("45123.000", POINT, 4_512_300),
        ("Rp 45.123,-", COMMA, 4_512_300),
        ("Rp45.123", COMMA, 4_512_300),
        ("IDR 45,123.00", POINT, 4_512_300),
        ("45 123,00", COMMA, 4_512_300),
        ("'45123.00", POINT, 4_512_300),
        ("0", COMMA, 0),
    ],
)
def test_amounts(written: str, decimal: Decimal, expected: int) -> None:
    assert read_amount(written, decimal) == Amount(expected)


@pytest.mark.parametrize(
    ("written", "sign"),
    [
        *(("45.123 CR", 1), ("45.123CR", 1), ("45.123,00 K", 1), ("+45.123", 1), ("45.123 Cr.", 1)),
        *(("45.123 DB", -1), ("45.123 D", -1), ("-45.123", -1), ("45.123-", -1)),
        *(("(45.123)", -1), ("Rp-45.123", -1), ("45.123", 0)),
    ],
)
def test_signs_and_marks_of_amounts(written: str, sign: int) -> None:
    assert read_amount(written, COMMA) == Amount(4_512_300, sign)


@pytest.mark.parametrize(
    ("written", "decimal"),
    [
        # Two different amounts, as one or the other half of the world writes.
        ("45.123", POINT),
        ("1,234,567.00", COMMA),
        ("45123.00", COMMA),
        ("1.23.456", COMMA),
        ("12.34", COMMA),
        ("", COMMA),
        ("-", COMMA),
        ("abc", COMMA),
        ("45.123 XY", COMMA),
        ("12345678901234567", COMMA),
        # Is a correction money in, or out?
        ("-45.123 CR", COMMA),
        ("(45.123) K", COMMA),
        ("1..2", COMMA),
        ("٤٥", COMMA),
    ],
)
def test_what_is_no_amount(written: str, decimal: Decimal) -> None:
    assert read_amount(written, decimal) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1.234.567,00", "45.123"], COMMA),
        (["1,234,567.00", "45.123"], POINT),
        (["45123.00"], POINT),
        (["1.234.567"], COMMA),
        (["45.123", "12.000"], COMMA),
        (["45,123", "12,000"], POINT),
        (["45123", ""], COMMA),
    ],
)
def test_the_decimal_mark_is_seen_from_all_amounts(texts: list[str], expected: Decimal) -> None:
    assert guess_decimal(texts) is expected


def test_a_day_without_a_year() -> None:
    new_year = date(2027, 1, 3)
    december, today = Written(None, 12, 30), Written(None, 1, 3)
    assert in_year(december, None, new_year) == date(2026, 12, 30)
    assert in_year(today, None, new_year) == new_year
    # The statement's own period says more than the day of the upload.
    period = (date(2025, 12, 1), date(2026, 1, 31))
    assert in_year(december, period, new_year) == date(2025, 12, 30)
    assert in_year(Written(None, 2, 29), None, new_year) == date(2024, 2, 29)


def test_the_period_above_the_table_gives_the_year() -> None:
    text = BCA.replace("2026", "2024")
    assert told(read(text))[0][0] == date(2024, 11, 24)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tanggal", Role.DATE),
        ("Tgl. Transaksi", Role.DATE),
        ("Posting Date", Role.DATE),
        ("PostDate", Role.DATE),
        ("Uraian", Role.DESCRIPTION),
        ("Remarks", Role.DESCRIPTION),
        ("AdditionalDesc", Role.DETAIL),
        ("Debet", Role.DEBIT),
        ("Uang Keluar", Role.DEBIT),
        ("Credit Amount", Role.CREDIT),
        ("Mutasi Kredit", Role.CREDIT),
        ("Db/Cr", Role.MARK),
        ("Debit/Kredit", Role.MARK),
        ("D/K", Role.MARK),
        ("Mutasi", Role.AMOUNT),
        ("Nominal (IDR)", Role.AMOUNT),
        ("Saldo Akhir", Role.BALANCE),
        ("Ledger Balance", Role.BALANCE),
        ("Cabang", None),
        ("", None),
    ],
)
def test_the_words_of_headers(name: str, expected: Role | None) -> None:
    assert words.role(name) is expected


def test_the_posting_date_is_preferred_to_the_value_date() -> None:
    assert words.roles(["Value Date", "Posting Date", "Amount"])[Role.DATE] == 1


def test_rows_that_cannot_be_read_say_why() -> None:
    rows = [
        "PEND;A;;1.000;",
        "24/11/2026;B;;abc;",
        "24/11/2026;C;1.000;1.000;",
        "24/12/2026;D;;1.000;",
        "24/11/2026;E;;1.000;;x",
        "24/11/2026;F;;1.000;",
    ]
    reading = read("Tanggal;Keterangan;Debet;Kredit;Saldo\n" + "\n".join(rows))
    assert [(u.row, u.problem) for u in reading.unread] == [
        (2, Problem.DAY),
        (3, Problem.AMOUNT),
        (4, Problem.BOTH),
        (5, Problem.FUTURE),
        (6, Problem.WIDTH),
    ]
    assert told(reading) == [(TODAY, 1_000)]
    assert "abc" in reading.unread[1].text


def test_an_amount_whose_direction_is_unknown() -> None:
    text = "Tanggal,Keterangan,Jumlah,D/K\n24/11/2026,A,1000,K\n24/11/2026,B,1000,\n"
    sheet = sheets.cut(text)
    at = {Role.DATE: 0, Role.DESCRIPTION: 1, Role.AMOUNT: 2, Role.MARK: 3}
    reading = movements.read(sheet, Columns(at), TODAY)
    assert told(reading) == [(TODAY, 1_000)]
    assert [u.problem for u in reading.unread] == [Problem.DIRECTION]


def test_a_minus_beside_a_mark_for_money_in_is_not_guessed() -> None:
    reading = read("Tanggal,Keterangan,Jumlah,D/K,Saldo\n24/11/2026,KOREKSI,-3000,K,9\n")
    assert not reading.movements
    assert [row.problem for row in reading.unread] == [Problem.DIRECTION]


def test_rows_without_a_movement_are_passed_over() -> None:
    rows = ["24/11/2026;SALDO AWAL;;;1.000.000", ";TOTAL;1;2;", "Catatan: cetakan;;;;", "", ";;;;"]
    reading = read("Tanggal;Keterangan;Debet;Kredit;Saldo\n" + "\n".join(rows))
    assert (reading.movements, list(reading.unread), reading.passed_over) == ([], [], 3)


def test_a_header_that_is_repeated_on_each_page_is_no_row() -> None:
    header, *rows = SUMSEL_BABEL.splitlines()[2:]
    assert told(read("\n".join([header, *rows, header, rows[0]]))) == [
        (TODAY, 45_123),
        (TODAY, -15_000),
        (TODAY, 45_123),
    ]


def test_a_description_with_a_line_break_and_a_stray_quotation_mark() -> None:
    header = "Tanggal,Keterangan,Jumlah,D/K\n"
    broken = header + '24/11/2026,"TRSF\nSARI",1000,K\n24/11/2026,"PIPA,2000,K\n'
    rows = "".join(f"24/11/2026,B{n},{n + 1}000,K\n" for n in range(40))
    reading = read(broken + rows)
    # A mark that is never closed costs its own row, not those behind it.
    assert len(reading.movements) >= 40
    assert read(header + '24/11/2026,"TRSF\nSARI",1000,K\n').movements[0].description == "TRSF SARI"


def test_without_a_header_a_person_says_which_column_is_what() -> None:
    text = "24/11/2026;SETORAN SARI;45.123,00;CR\n23/11/2026;SETORAN BUDI;1.234.567,00;CR\n"
    sheet = sheets.cut(text)
    found = columns.recognise(sheet)
    assert found.at == {Role.DATE: 0, Role.DESCRIPTION: 1} and not found.complete
    assert not movements.read(sheet, found, TODAY).movements
    chosen = columns.settle(sheet, {**found.at, Role.AMOUNT: 2, Role.MARK: 3})
    assert [m.amount for m in movements.read(sheet, chosen, TODAY).movements] == [45_123, 1_234_567]


def test_a_header_in_words_that_nobody_knows() -> None:
    sheet = sheets.cut(
        "Laporan;;\nDatum;Was;Betrag 1\n24/11/2026;SARI;5,00\n25/11/2026;BUDI;6,00\n"
    )
    assert sheet.header == ("Datum", "Was", "Betrag 1")
    assert [row.number for row in sheet.rows] == [3, 4]
    assert not columns.recognise(sheet).complete


def test_kept_columns_must_fit() -> None:
    sheet = sheets.cut(SUMSEL_BABEL)
    found = columns.recognise(sheet)
    assert columns.kept(found.as_json(), sheet.width) == found
    for broken in (
        {},
        {**found.as_json(), "credit": 9},
        {**found.as_json(), "date": None},
        {**found.as_json(), "order": "?"},
        {**found.as_json(), "debit": "2"},
    ):
        assert columns.kept(broken, sheet.width) is None


def test_the_digest_is_of_the_header_not_of_the_rows() -> None:
    digest = sheets.cut(MY_BCA).digest
    assert sheets.cut(MY_BCA.replace("45,123", "99,000").replace("Saldo", "SALDO")).digest == digest
    assert sheets.cut(MY_BCA.replace("Saldo", "Balance")).digest != digest


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", Fault.EMPTY),
        (b" \n\r\n\t", Fault.EMPTY),
        (b"\xff\xfe", Fault.EMPTY),
        (b"PK\x03\x04 a spreadsheet", Fault.NOT_TEXT),
        (b"%PDF-1.7", Fault.NOT_TEXT),
        (bytes(range(1, 9)) * 40 + b"\xff", Fault.NOT_TEXT),
        (b"only words\nand words", Fault.NO_TABLE),
        (b"x" * (MOST_BYTES + 1), Fault.TOO_LARGE),
        (b"a,b\n" * (MOST_LINES + 100), Fault.TOO_LONG),
        (b"Tanggal,Keterangan,Kredit" + b"," * 5_000 + b"\n", Fault.NO_TABLE),
    ],
)
def test_files_that_are_no_statement(content: bytes, fault: Fault) -> None:
    with pytest.raises(UnreadableFile) as refused:
        sheets.cut(sheets.decode(content))
    assert refused.value.fault is fault


def test_as_many_lines_as_are_allowed() -> None:
    rows = "".join(f"24/11/2026;A{n};;{n + 1};\n" for n in range(MOST_LINES))
    reading = read("Tanggal;Keterangan;Debet;Kredit;Saldo\n" + rows)
    assert len(reading.movements) == MOST_LINES


def test_fingerprints_do_not_depend_on_the_place() -> None:
    header, *rows = [
        "Tanggal;Keterangan;Debet;Kredit;Saldo",
        *(f"{n % 9 + 1:02}/11/2026;SETORAN {n % 3};;{n % 4 + 1}.000;" for n in range(60)),
    ]
    names = sorted(m.fingerprint for m in read("\n".join([header, *rows])).movements)
    assert len(set(names)) == 60
    random.Random(1).shuffle(rows)
    assert sorted(m.fingerprint for m in read("\n".join([header, *rows])).movements) == names
    # A file that overlaps tells the same movements by the same names.
    part = read("\n".join([header, *rows[:20]])).movements
    assert {m.fingerprint for m in part} <= set(names)


def test_alike_movements_are_told_apart_by_balance_and_by_number() -> None:
    header = "Tanggal;Keterangan;Debet;Kredit;Saldo\n"
    alike = "24/11/2026;SETORAN;;1.000;\n"
    with_balance = "24/11/2026;SETORAN;;1.000;{}\n"
    one, two = read(header + alike), read(header + alike * 2)
    assert one.movements[0].fingerprint == two.movements[0].fingerprint
    assert two.movements[0].fingerprint != two.movements[1].fingerprint
    told_apart = read(header + with_balance.format("5.000,00") + with_balance.format("6.000,00"))
    again = read(header + with_balance.format("6000,00"))
    assert again.movements[0].fingerprint == told_apart.movements[1].fingerprint


cells = st.text(alphabet="0123456789.,-+/ ;\"'\tCRDBKabRp()|\n\r\0é٤", max_size=14)
headers = st.sampled_from([BCA, BNI, LIVIN, SUMSEL_BABEL, ""])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try_to_read(content)


@settings(max_examples=300, deadline=None)
@given(headers, st.lists(st.lists(cells, max_size=7), max_size=8), st.sampled_from(",;\t|"))
def test_any_rows_under_a_header_are_read_or_refused(
    head: str, rows: list[list[str]], delimiter: str
) -> None:
    text = head + "\n".join(delimiter.join(row) for row in rows)
    reading = try_to_read(text.encode())
    for movement in reading.movements if reading else ():
        assert movement.amount
        assert date(1990, 1, 1) <= movement.day <= TODAY + timedelta(days=1)
        assert movement.description.isprintable() and len(movement.description) <= 300


def try_to_read(content: bytes) -> Reading | None:
    try:
        sheet = sheets.cut(sheets.decode(content))
    except UnreadableFile:
        return None
    # Under every column that a person could choose, too.
    at = {role: n % sheet.width for n, role in enumerate(Role)}
    for chosen in (columns.settle(sheet, at), Columns({Role.DATE: 0, Role.AMOUNT: 1})):
        movements.read(sheet, chosen, TODAY)
    return movements.read(sheet, columns.recognise(sheet), TODAY)


@given(st.text(max_size=40), st.sampled_from(DateOrder), st.sampled_from(Decimal))
def test_any_cell_is_a_value_or_none(text: str, order: DateOrder, decimal: Decimal) -> None:
    read_day(text, order)
    read_amount(text, decimal)
    assert read_mark(text) in (-1, 0, 1)


@given(st.integers(0, 10**12), st.sampled_from(Decimal))
def test_amounts_are_read_as_they_are_written(rupiah: int, decimal: Decimal) -> None:
    grouped = f"{rupiah:,}".replace(",", decimal.thousands)
    assert read_amount(f"{grouped}{decimal}00", decimal) == Amount(rupiah * 100)
    assert guess_decimal([f"{grouped}{decimal}00"]) is decimal
