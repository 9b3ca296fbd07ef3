"""An account from registering to a second factor, as somebody does it on a phone."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import expect

from ovop_market.core import clock
from tests.browser.people import Market, Person
from tests.browser.test_accessible import examine
from tests.browser.test_targets import SMALL

pytestmark = pytest.mark.browser
PASSWORD = "perahu hijau di teluk"


def look(person: Person) -> None:
    """Large enough for a thumb, readable by everybody, no wider than the screen."""
    assert person.page.evaluate(SMALL) == [], person.page.url
    examine(person.page)


def fill(person: Person, **fields: str) -> None:
    """Fills in the form on the page, and sends it."""
    for name, value in fields.items():
        person.page.fill(f"main [name={name}]", value)
    person.press(person.page.locator("main form:has([name])").last)


@pytest.mark.parametrize("script", [True, False])
def test_an_account_on_a_phone(market: Market, script: bool) -> None:
    name = f"melati-{'js' if script else 'plain'}"
    login, new_login = f"{name}@ovop.example", f"{name}-baru@ovop.example"
    with market.visited_by(script=script) as visitor:
        page = visitor.page
        visitor.open("/register")
        if script:
            look(visitor)
        else:
            expect(page.locator("[data-reveal]")).to_be_hidden()
        fill(visitor, name="Melati", login=login, password=PASSWORD)
        page.wait_for_url("**/register/sent")
        if script:
            look(visitor)
        page.get_by_role("link", name="Lanjut", exact=True).click()
        page.wait_for_url("**/account")
        for path in ("", "/sessions", "/password", "/phone", "/email"):
            visitor.open(f"/account{path}")
            if script:
                look(visitor)
        # This site sends no mail: the new address counts at once, and this device stays.
        fill(visitor, email=new_login, current=PASSWORD)
        page.wait_for_url("**/account")
        expect(page.locator("main .facts")).to_contain_text(new_login)
        visitor.open("/account/second-factor")
        if script:
            look(visitor)
        visitor.press(page.locator("main form"))
        page.locator("summary").click()
        if script:
            look(visitor)
        secret = page.locator(".key-text code").inner_text().replace(" ", "")
        fill(visitor, code=pyotp.TOTP(secret).at(clock.now()))
        codes = page.locator(".codes code").all_inner_texts()
        assert len(codes) == 10
        if script:
            look(visitor)
        visitor.open("/account")
        visitor.press(page.locator("form[action$='/sign-out']"))
        page.wait_for_url("**/sign-in")
        expect(page.locator("#notices")).to_contain_text("Anda sudah keluar")
        fill(visitor, login=new_login, password=PASSWORD)
        page.wait_for_url("**/sign-in/code")
        if script:
            look(visitor)
        fill(visitor, code=codes[0].lower())
        page.wait_for_url("**/account")


def test_what_is_typed_can_be_looked_at(market: Market) -> None:
    with market.visited_by() as visitor:
        page = visitor.page
        visitor.open("/sign-in")
        field, button = page.locator("[name=password]"), page.locator("[data-reveal]")
        field.fill("kata-sandi")
        expect(field).to_have_attribute("type", "password")
        button.click()
        expect(field).to_have_attribute("type", "text")
        expect(button).to_have_attribute("aria-pressed", "true")
        button.click()
        expect(field).to_have_attribute("type", "password")
        expect(button).to_have_attribute("aria-pressed", "false")
        assert field.input_value() == "kata-sandi"
