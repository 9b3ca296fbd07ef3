"""Paying at the hosted gateway: to its page and back, under the site's own content policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, expect

from ovop_market import create_app
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.states import OrderState
from tests.browser.people import Watch
from tests.conftest import Database, configuration
from tests.factories import make_order
from tests.payments.midtrans_stub import SERVER_KEY, MidtransStub
from tests.process.server import HOST, Server, running

pytestmark = pytest.mark.browser


@pytest.fixture
def midtrans() -> Iterator[MidtransStub]:
    with MidtransStub() as stub:
        yield stub


@pytest.fixture
def purchase(
    databases: dict[str, Database], scratch: Path, midtrans: MidtransStub
) -> Iterator[str]:
    """The address of a purchase that is to be paid at the gateway."""
    folder = scratch / "browser-gateway"
    folder.mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'market.sqlite3'}"
    Database(url, databases["sqlite"].template).reset()
    app = create_app(replace(configuration(scratch, url), midtrans_server_key=SERVER_KEY))
    with app.app_context():
        order = make_order(
            db.session(), OrderState.ACCEPTED, now=clock.now(), method=PaymentMethod.GATEWAY
        )
        db.session.commit()
        token = order.purchase.token
        db.session.remove()
        db.engine.dispose()
    app.extensions["kept pages"].version.close()
    settings = {
        "DATABASE_URL": url,
        "OVOP_ENV": "testing",
        "MIDTRANS_SERVER_KEY": SERVER_KEY,
        "MIDTRANS_URL": midtrans.url,
        "NO_PROXY": HOST,
    }
    server = Server(folder, settings)
    with running([server]):
        home = f"http://{HOST}:{server.port}"
        midtrans.notifies = f"{home}/gateway/midtrans/notification"
        yield f"{home}/purchases/{token}"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_to_the_gateway_and_back(
    browser: Browser, purchase: str, midtrans: MidtransStub, script: bool
) -> None:
    watch = Watch()
    context = browser.new_context(
        java_script_enabled=script, viewport={"width": 360, "height": 800}
    )
    watch.over(context)
    page = context.new_page()
    page.goto(purchase)
    page.get_by_role("button", name="Bayar sekarang").click()
    if not script:
        page.get_by_role("link", name="Lanjut ke halaman pembayaran").click()
    page.wait_for_url(f"{midtrans.url}/*/**")
    (made,) = midtrans.pages.values()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Bayar {made.amount}")
    page.get_by_role("button", name="Bayar").click()
    page.wait_for_url(f"{purchase}*")
    expect(page.locator("[data-payment]")).to_have_attribute("data-state", "CONFIRMED")
    assert len(midtrans.pages) == 1
    # A browser asks the stub for an icon, which it has not.
    assert [c for c in watch.complaints if midtrans.url not in c] == []
    context.close()


def test_the_secret_of_the_link_is_told_to_nobody(
    browser: Browser, purchase: str, midtrans: MidtransStub
) -> None:
    """Whatever a browser asks for from the page, here or elsewhere: no Referer holds the link."""
    home, token = purchase.rsplit("/purchases/", 1)
    context = browser.new_context(viewport={"width": 360, "height": 800})
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    context.on("request", note)
    context.route(
        lambda url: url.startswith("https:"), lambda route: route.fulfill(body="elsewhere")
    )
    page = context.new_page()
    page.goto(purchase)
    # A link of ours, a picture, a form, WhatsApp, and the way to the gateway.
    page.locator("header a[href]").first.click()
    page.goto(purchase)
    page.evaluate("document.body.append(Object.assign(new Image(), {src: '/media/none.webp'}))")
    chat = page.get_by_role("link", name="WhatsApp ke penjual").first
    chat.click()
    page.wait_for_url("https://wa.me/**")
    page.goto(purchase)
    page.get_by_role("button", name="Bayar sekarang").click()
    page.wait_for_url(f"{midtrans.url}/*/**")
    places = {request.url.split("?")[0].rsplit("/", 1)[0] for request in asked}
    assert f"{home}/media" in places
    assert any(midtrans.url in place for place in places)
    telling = {
        request.url: referer
        for request in asked
        if token in (referer := request.all_headers().get("referer", ""))
    }
    assert telling == {}
    assert not any(token in request.url for request in asked if not request.url.startswith(home))
    context.close()
