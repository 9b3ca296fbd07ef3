"""A bank statement at a browser: uploaded, its columns corrected, taken in; the buyer has paid."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ovop_market.core import clock
from tests.browser.people import Market, Person
from tests.browser.test_accessible import examine
from tests.browser.test_paying import amount_of, buy

pytestmark = pytest.mark.browser


def upload(operator: Person, text: str) -> None:
    """Chooses the file and looks at its preview."""
    operator.open("/desk")
    operator.page.get_by_role("link", name="Mutasi rekening").click()
    operator.page.wait_for_url("**/desk/statements")
    file = {"name": "mutasi.csv", "mimeType": "text/csv", "buffer": text.encode()}
    operator.page.set_input_files("[name=file]", file)
    operator.page.get_by_role("button", name="Lihat pratinjau").click()
    operator.page.wait_for_url("**/desk/statements/*")
    operator.settle()


def figure(operator: Person, name: str) -> int:
    cell = operator.page.locator(f"[data-count={name}]")
    return int(cell.get_attribute("data-value") or "")


def correct(operator: Person, **columns: str) -> None:
    """Says which column is what, as a person who reads their names does."""
    mapping = operator.page.locator("#mapping")
    mapping.locator("[name=bank]").fill("Bank Contoh")
    for role, label in columns.items():
        choice = mapping.locator(f"[name={role}]")
        option = choice.locator("option", has_text=label).first
        choice.select_option(option.get_attribute("value"))
    operator.press(mapping)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_from_the_file_to_the_paid_order(market: Market, script: bool) -> None:
    with market.visited_by(script=script) as buyer:
        section = buy(buyer, "transfer")
        amount, purchase = amount_of(section), buyer.page.url
        number, state = next(iter(buyer.orders().items()))
        assert state == "ACCEPTED"

        day = f"{clock.wib_date(clock.now()):%Y-%m-%d}"
        # Headings that nobody has heard of, so that a person must say what is what.
        text = (
            f"Datum;Was;Betrag {script}\n"
            f"{day};TRSF PEMBELI BANDUNG;{amount},00\n"
            f"{day};SETORAN TAK DIKENAL;{amount + 1_000_000},00\n"
        )
        with market.visited_by("operator", script=script) as operator:
            upload(operator, text)
            expect(operator.page.locator("#import")).to_have_count(0)
            correct(operator, date="Datum", description="Was", amount="Betrag")
            assert (figure(operator, "new"), figure(operator, "matching")) == (2, 1)
            expect(operator.page.locator("tbody tr")).to_have_count(2)
            operator.press(operator.page.locator("#import"))
            assert operator.page.locator("#statement").get_attribute("data-state") == "IMPORTED"
            assert (figure(operator, "MATCHED"), figure(operator, "OPEN")) == (1, 1)
            set_aside_the_other(operator)

        buyer.open(purchase)
        paid = buyer.page.locator("[data-payment]")
        assert paid.get_attribute("data-state") == "CONFIRMED"
        assert list(buyer.orders()) == [number]


def set_aside_the_other(operator: Person) -> None:
    """The money that nobody asked for is found on the worklist, and named."""
    page = operator.page
    page.locator("#statement a.button.primary").click()
    page.wait_for_url("**/desk/statements/lines*")
    row = page.locator("[data-line]", has_text="SETORAN TAK DIKENAL").first
    line = row.get_attribute("data-line")
    row.get_by_role("link", name="Cari pembayaran lain, atau sisihkan").click()
    page.wait_for_url(f"**/desk/statements/lines/{line}")
    page.locator("[name=note]").fill("Setoran anggota")
    operator.press(page.locator("form[action$='/setting-aside']"))
    assert page.locator("#line").get_attribute("data-state") == "SET_ASIDE"
    expect(page.locator("#line")).to_contain_text("Setoran anggota")


def test_pages_of_statements_are_accessible(market: Market) -> None:
    day = f"{clock.wib_date(clock.now()):%d/%m/%Y}"
    long = "TRSF E-BANKING CR 2411/FTSCY/WS95031 PEMBELI DENGAN NAMA YANG PANJANG SEKALI"
    text = (
        "Tanggal,Keterangan,Jumlah,D/K,Saldo\n"
        f"{day},{long},12345678,K,99\n"
        f"{day},BIAYA,6500,D,98\nPEND,BELUM,1000,K,97\n"
    )
    with market.visited_by("operator") as operator:
        upload(operator, text)
        operator.page.locator("#columns summary").click()
        examine(operator.page)
        operator.press(operator.page.locator("#import"))
        examine(operator.page)
        for path in ("/desk/statements", "/desk/statements/lines"):
            operator.open(path)
            examine(operator.page)
        row = operator.page.locator("[data-line]", has_text="PEMBELI DENGAN NAMA").first
        with operator.page.expect_navigation():
            row.get_by_role("link", name="Cari pembayaran lain, atau sisihkan").click()
        examine(operator.page)
        operator.open(f"{operator.page.url}?q=Pembeli")
        examine(operator.page)
