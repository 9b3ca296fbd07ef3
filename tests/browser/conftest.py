"""A Chromium, and real servers with the demo (without pictures), one for each engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

from ovop_market import create_app
from ovop_market.catalogue import services as stock
from ovop_market.catalogue.models import Offer, Product, StockReason, Variant
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.seeds import demo
from tests.browser.people import PATIENCE_MS, Market
from tests.conftest import Database, configuration, database_name
from tests.process.server import HOST, Server, running

READY = 50
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Of two lists Chromium takes the last, so this says again what Playwright's says. Then: in each
# window a page waits behind the address bar, which nobody sees, and which costs more time than a
# test's own pages.
WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    f"--disable-features={','.join(WITHOUT)}",
)


def chromium() -> str:
    """The path of a Chromium. Without one the test is skipped, or fails where none may be."""
    given = os.environ.get("CHROMIUM")
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    reason = f"no Chromium: set CHROMIUM, or install one of {', '.join(NAMES)}"
    if os.environ.get("OVOP_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def servers(
    browser: Browser, databases: dict[str, Database], scratch: Path
) -> Iterator[Callable[[str], Server]]:
    """A server on each engine, with the demo as of now; begun when a test first asks for it."""
    with ExitStack() as stack:

        @cache
        def server(engine: str) -> Server:
            folder = scratch / f"browser-{engine}"
            folder.mkdir()
            usual = databases[engine]
            if engine == "sqlite":
                url = f"sqlite:///{folder / 'market.sqlite3'}"
            else:
                own = make_url(usual.url).set(database=database_name("browser"))
                url = own.render_as_string(False)
            Database(url, usual.template).reset()
            _plant(scratch, url)
            environ = {
                "DATABASE_URL": url,
                "OVOP_BANK_ACCOUNT": "Bank Contoh 1234567890 a.n. Koperasi Contoh",
                "OVOP_MEDIA": str(folder / "media"),
                # Servers are those of production, which have no payload of an invented merchant.
                "OVOP_QRIS": configuration(scratch, url).qris,
            }
            server = Server(folder, environ)
            stack.enter_context(running([server]))
            return server

        yield server


@pytest.fixture
def engine_name() -> str:
    """SQLite, unless a test asks for another engine."""
    return "sqlite"


@pytest.fixture
def market(browser: Browser, servers: Callable[[str], Server], engine_name: str) -> Market:
    return Market(browser, f"http://{HOST}:{servers(engine_name).port}")


def _plant(scratch: Path, url: str) -> None:
    app = create_app(configuration(scratch, url))
    with app.app_context():
        session = db.session()
        demo.plant(session, clock.now(), pictures=False)
        _fill_shelves(session)
        db.session.remove()
        db.engine.dispose()
    app.extensions["kept pages"].version.close()


def _fill_shelves(session: Session) -> None:
    """So much pempek is ready that no test sells out what the next one orders."""
    slug = "pempek-udang-belo-laut"
    offers = select(Offer).join(Offer.variant).join(Variant.product).where(Product.slug == slug)
    cause = stock.Cause(StockReason.COUNTED, clock.now())
    for offer in session.scalars(offers):
        stock.change_ready(session, offer.id, READY, cause)
    session.commit()
