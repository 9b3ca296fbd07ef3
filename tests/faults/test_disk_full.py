"""The disk is full: nothing is kept by half, everything is still read, and once there is room again
the same button works, without a restart.
"""

from __future__ import annotations

import io
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, make_url, select, text

from ovop_market import jobs
from ovop_market.accounts.models import Role
from ovop_market.catalogue.models import ProductPhoto
from ovop_market.core import clock
from ovop_market.orders.models import OrderLine, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Payment
from ovop_market.payments.states import PaymentState
from tests.conftest import Database
from tests.factories import make_order, make_producer, make_product, make_user
from tests.faults.disk import Disk, Limited, small_disk
from tests.faults.helping import is_ours, resent
from tests.faults.postgres import Postgres
from tests.pages import token_in
from tests.process.conftest import new_market
from tests.process.market import Market
from tests.process.server import Server, running
from tests.process.test_races import signed_in
from tests.process.visitor import Answer, Visitor, ready_to_buy

pytestmark = pytest.mark.process
FULL = {503, 507}
PUBLIC = ("/", "/products/pempek", "/villages/belo-laut")


@dataclass
class Shop:
    """A market of which something is on a small disk, and who wants to write to it."""

    market: Market
    disk: Disk
    server: Server
    media: Path
    claim: str
    staff: Visitor
    photos: str

    def claimed(self) -> Answer:
        """A buyer sends the picture of a payment."""
        visitor = Visitor(self.server.port)
        page = visitor.get(self.claim.partition("/payments/")[0])
        form = {"csrf_token": token_in(page.body), "reference": "BCA Sari"}
        return visitor.upload(self.claim, form, "proof", picture())

    def photographed(self) -> Answer:
        """A producer puts a photo on the page of a product."""
        page = self.staff.get(self.photos.removesuffix("/photos"))
        form = {"csrf_token": token_in(page.body), "alt": "Keranjang di meja"}
        return self.staff.upload(self.photos, form, "photo", picture())

    def state(self) -> tuple[int, int, int, PaymentState]:
        """Purchases, lines of orders, photos on pages, and what is said of the payment."""
        with self.market.session() as session:
            counts = [
                session.scalar(select(func.count()).select_from(model)) or 0
                for model in (Purchase, OrderLine, ProductPhoto)
            ]
            return (*counts, session.scalars(select(Payment.state).order_by(Payment.id)).first())  # type: ignore[return-value]

    def files(self) -> set[str]:
        """Whatever is where the pictures are, also what has a name that nobody asks for."""
        return {
            path.name
            for path in self.media.rglob("*")
            if path.is_file() and path.name != "filler" and "sqlite3" not in path.name
        }

    def sweep(self) -> None:
        """What the worker throws away once it is old enough."""
        soon = clock.now() + timedelta(hours=1)
        with self.market.session() as session:
            jobs.sweep_proofs(session, soon, self.media)
            jobs.sweep_pictures(session, soon, self.media)


def picture() -> bytes:
    """A photo that nobody has sent before, and that does not get small."""
    image = Image.frombytes("RGB", (900, 700), random.randbytes(900 * 700 * 3))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def open_shop(market: Market, disk: Disk, server: Server, media: Path) -> Shop:
    with market.session() as session:
        staff = make_user(session, Role.PRODUCER, login="producer@ovop.example")
        shop = make_producer(session, slug="perajin", staff=staff)
        product = make_product(session, shop, slug="keranjang", capacity=100)
        order = make_order(session, OrderState.ACCEPTED, product=product, now=clock.now())
        payment = session.scalars(select(Payment.id)).one()
        claim = f"/purchases/{order.purchase.token}/payments/{payment}/claim"
    if isinstance(disk, Limited):
        disk.groups.append(server.group)
    person = signed_in(server.port, "producer@ovop.example")
    return Shop(market, disk, server, media, claim, person, "/shop/products/keranjang/photos")


@pytest.fixture
def shop(
    request: pytest.FixtureRequest,
    applications: dict[str, Flask],
    databases: dict[str, Database],
    tmp_path: Path,
) -> Iterator[Shop]:
    """With the parameter's parts on the small disk, on SQLite."""
    with applications["sqlite"].app_context(), small_disk(tmp_path / "small") as disk:
        data = disk.folder if "database" in request.param else tmp_path
        media = (disk.folder if "pictures" in request.param else tmp_path) / "media"
        market = new_market(databases["sqlite"], data)
        server = Server(tmp_path, {**market.environ, "OVOP_MEDIA": str(media)})
        with running([server]):
            yield open_shop(market, disk, server, media)


def make_it_tight(market: Market) -> None:
    """What SQLite has written aside goes into the file, so that it has no room of its own left."""
    with sqlite3.connect(make_url(market.url).database or "") as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def refused(answer: Answer) -> bool:
    assert answer.status in FULL, (answer.status, answer.body[:2000])
    # An upload that the server could not even take in (no room for its temporary file).
    untaken = answer.body.startswith("507 Insufficient Storage")
    return untaken or (is_ours(answer) and "Kirim lagi" in answer.body)


@pytest.mark.parametrize("shop", ["pictures", "database", "pictures and database"], indirect=True)
def test_nothing_by_half(request: pytest.FixtureRequest, shop: Shop) -> None:
    of = request.node.callspec.params["shop"]
    buyer = ready_to_buy(shop.server.port, shop.market.stock(5), "Ibu Sari")
    for page in PUBLIC:
        assert Visitor(shop.server.port).get(page).status == 200
    before, files = shop.state(), shop.files()
    make_it_tight(shop.market)
    # Room for the first of the files that a photo becomes, if at all.
    shop.disk.fill(but=20_000 if of == "pictures" else 0)
    assert refused(shop.photographed())
    assert refused(shop.claimed())
    again = None
    if "database" in of:
        answer = buyer.place()
        assert refused(answer)
        again = resent(answer)
        assert again["street"] == buyer.form["street"]
    for page in (*PUBLIC, "/cart", "/readyz"):
        assert buyer.visitor.get(page).status == 200, page
    assert shop.state() == before
    assert not [name for name in shop.files() if name.startswith(".")], "half a file"
    shop.disk.free()
    # Without a restart, and without a single thing done twice.
    placed = buyer.visitor.place(again) if again else buyer.place()
    assert placed.status == 303, placed.body[:2000]
    assert buyer.place().location == placed.location
    shop.sweep()
    assert shop.files() == files, "a picture that nothing shows"
    assert shop.claimed().status == 303
    assert shop.photographed().status == 303
    purchases, lines, photos, _state = before
    assert shop.state() == (purchases + 1, lines + 1, photos + 1, PaymentState.CLAIMED)
    assert shop.market.faults() == []


def test_a_tablespace_of_postgresql_is_full(
    postgres: Postgres, frail_market: Market, tmp_path: Path
) -> None:
    place = postgres.folder / "small"
    with small_disk(place, postgres.owner) as disk:
        server = frail_market.server()
        try:
            with running([server]):
                check_tablespace(postgres, frail_market, disk, server)
        finally:
            postgres.forget(frail_market.url, "small")


def check_tablespace(postgres: Postgres, market: Market, disk: Disk, server: Server) -> None:
    buyer = ready_to_buy(server.port, market.stock(5), "Ibu Sari")
    postgres.run(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
    with market.session() as session:
        session.execute(text("ALTER TABLE customer_order SET TABLESPACE small"))
    if isinstance(disk, Limited):
        disk.groups.append(postgres.pid)
    disk.fill()
    answer = buyer.place()
    assert refused(answer)
    assert buyer.visitor.get("/cart").status == 200
    assert market.sold().purchases == 0
    disk.free()
    assert buyer.visitor.place(resent(answer)).status == 303
    assert (market.sold().purchases, market.sold().ready) == (1, 4)
    assert market.faults() == []
