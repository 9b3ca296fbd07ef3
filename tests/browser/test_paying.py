"""Paying as a buyer does: by transfer, by QRIS, and after a change of mind."""

from __future__ import annotations

import io
import re

import pytest
import zxingcpp
from lokal.qris import QrisInfo, parse_qris, qris_crc
from PIL import Image
from playwright.sync_api import Locator, expect

from ovop_market.seeds.demo_producers import GROUP
from tests.browser.people import Market, Person, Scheme
from tests.browser.test_accessible import examine

pytestmark = pytest.mark.browser
PEMPEK, PACKS = "pempek-udang-belo-laut", 2
WAYS = {GROUP: "paxel-dingin"}
WITH_AND_WITHOUT = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


def buy(buyer: Person, pay_by: str) -> Locator:
    """Orders what is ready, and so to be paid at once; the part of the page about the payment."""
    buyer.put_in_cart(PEMPEK, 0, PACKS)
    buyer.order("Pembeli Bandung", WAYS, pay_by)
    return asked(buyer)


def asked(buyer: Person) -> Locator:
    section = buyer.page.locator("[data-payment]")
    expect(section).to_have_count(1)
    assert section.get_attribute("data-state") == "ASKED"
    return section


def amount_of(section: Locator) -> int:
    """The amount that stands there large."""
    return int(section.locator(".pay-amount data.money").get_attribute("value") or "")


def claim(buyer: Person, section: Locator) -> None:
    section.locator("[name=reference]").fill("Bank Contoh a.n. Pembeli Bandung")
    buyer.press(section.locator("form[action$='/claim']"))
    assert section.get_attribute("data-state") == "CLAIMED"
    expect(section.locator("form")).to_have_count(0)


def scan(picture: bytes) -> QrisInfo:
    """What a banking app reads from a picture."""
    with Image.open(io.BytesIO(picture)) as image:
        (code,) = zxingcpp.read_barcodes(image.convert("L"))
    info = parse_qris(code.text)
    assert info.valid, info.errors
    assert info.crc == qris_crc(code.text[:-4])
    return info


@WITH_AND_WITHOUT
def test_by_transfer(market: Market, script: bool) -> None:
    with market.visited_by(script=script) as buyer:
        section = buy(buyer, "transfer")
        amount = amount_of(section)
        rest = int(
            buyer.page.locator("[data-order] .rows data.money").last.get_attribute("value") or ""
        )
        assert 1 <= amount - rest <= 999
        copiers = section.locator("[data-copy]")
        if script:
            buyer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            for copier, copied in ((copiers.nth(0), str(amount)), (copiers.nth(1), "1234567890")):
                copier.click()
                expect(copier).to_have_text("Tersalin")
                assert buyer.page.evaluate("navigator.clipboard.readText()") == copied
        else:
            expect(copiers.first).to_be_hidden()
        claim(buyer, section)
        payment = str(section.get_attribute("data-payment"))

        with market.visited_by("operator", script=script, width=1280) as operator:
            operator.open("/desk")
            waiting = operator.page.locator(f"[data-stuck=claims][data-payment='{payment}']")
            operator.press(waiting.locator("form"))

        buyer.page.reload()
        assert section.get_attribute("data-state") == "CONFIRMED"


@WITH_AND_WITHOUT
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_by_qris(market: Market, script: bool, scheme: Scheme) -> None:
    with market.visited_by(script=script, scheme=scheme) as buyer:
        section = buy(buyer, "qris")
        if script:
            examine(buyer.page)
        amount = amount_of(section)
        drawn = scan(section.locator(".code").screenshot())
        with buyer.page.expect_download() as download:
            section.get_by_role("link", name="Simpan gambar QR").click()
        assert re.fullmatch(r"qris-\w{8}\.png", download.value.suggested_filename)
        saved = scan(download.value.path().read_bytes())
        assert drawn.input == saved.input
        assert (drawn.type, drawn.amount) == ("dynamic", str(amount))
        assert drawn.additional is not None
        assert f"qris-{drawn.additional.reference_label}.png" == download.value.suggested_filename
        for shown in (drawn.merchant_name, drawn.merchant_city):
            expect(section.get_by_text(str(shown), exact=True)).to_be_visible()
        claim(buyer, section)
        if script:
            examine(buyer.page)


@WITH_AND_WITHOUT
def test_after_a_change_of_mind(market: Market, script: bool) -> None:
    with market.visited_by(script=script) as buyer:
        section = buy(buyer, "transfer")
        payment, amount = section.get_attribute("data-payment"), amount_of(section)
        other = buyer.page.locator("form[action$='/method']")
        for method, code in (("qris", 1), ("transfer", 0)):
            button = other.locator(f"[value={method}]")
            if script:
                with buyer.page.expect_response(lambda answer: answer.request.method == "POST"):
                    button.click()
            else:
                with buyer.page.expect_navigation():
                    button.click()
            buyer.settle()
            section = asked(buyer)
            expect(section.locator(".code svg")).to_have_count(code)
            assert section.get_attribute("data-payment") == payment
            wide = "document.documentElement.scrollWidth > innerWidth"
            assert not buyer.page.evaluate(wide)
        assert 0 < amount_of(section) // 1000 == amount // 1000
