"""A group's order shared out among its households, beside the order of a single household.

`python -m benchmarks.sharing` measures it alone, on a scratch SQLite file.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from benchmarks.scratch import application, let_go, prepare
from benchmarks.table import fine_milliseconds, table, whole
from ovop_market.catalogue.fairness import Taker, split
from ovop_market.catalogue.models import Category, Offer, Product, Storage, Variant
from ovop_market.core import clock
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout
from ovop_market.orders.services.checkout import Details
from ovop_market.villages.models import Producer, ProducerKind, Village

# Households of the group, and packs of the order.
SIZES = ((1, 20), (12, 500), (1000, 999))
WANTED_MS = {12: 50.0, 1000: 500.0}
TIMES = 7
HOME = "19.05.01.2006"


def _group(session: Session, households: int) -> Product:
    """A group of so many households that differ, with one product; a household alone for 1."""
    village = session.scalars(select(Village).where(Village.region_code == HOME)).one()
    now, name = clock.now(), f"ukur-{households}-{secret_token()[:6].lower()}"
    shared = households > 1
    kind = ProducerKind.GROUP if shared else ProducerKind.HOUSEHOLD
    seller = Producer(
        village_id=village.id, kind=kind, slug=name, name=name, phone="+62812", created_at=now
    )
    product = Product(
        producer=seller,
        slug=name,
        name=name,
        category=Category.SNACK,
        summary="",
        storage=Storage.AMBIENT,
        made_to_order=True,
        created_at=now,
        variants=[Variant(name="500 g", price=45_000, weight_grams=600)],
    )
    session.add(product)
    session.flush()
    makers = [seller.id]
    if shared:
        rows = [
            {
                "village_id": village.id,
                "group_id": seller.id,
                "kind": ProducerKind.HOUSEHOLD,
                "slug": f"{name}-{n}",
                "name": f"Rumah {n}",
                "about": "",
                "phone": "+62812",
                "cash_on_delivery": False,
                "cash_at_pickup": False,
                "created_at": now,
            }
            for n in range(households)
        ]
        session.execute(insert(Producer), rows)
        members = select(Producer.id).where(Producer.group_id == seller.id)
        makers = list(session.scalars(members.order_by(Producer.id)))
    offers = [
        {
            "variant_id": product.variants[0].id,
            "producer_id": maker,
            "ready": 0,
            "weekly_capacity": 200 + n % 80 if shared else 999,
            "lead_days": 2,
            "smallest_batch": 1,
        }
        for n, maker in enumerate(makers)
    ]
    session.execute(insert(Offer), offers)
    session.commit()
    return product


def _place(session: Session, product: Product, packs: int) -> None:
    """One order, from the cart to the commit."""
    now = clock.now()
    cart = carts.create(session, secret_token(), now)
    carts.add(session, cart, product.variants[0], packs, now)
    details = Details(
        name="Sari Contoh",
        phone="+6281234567890",
        email=None,
        region_code="32.73.02.1001",
        street="Jalan Contoh 2",
        postal_code="40131",
        note="",
        payment_method=PaymentMethod.TRANSFER,
        delivery={product.producer.slug: "pickup"},
    )
    checkout.place(session, cart, details, submission=secret_token(), buyer_id=None, now=now)
    session.commit()


def _best(act: Callable[[], object]) -> float:
    """The shortest of some runs, in seconds."""
    found = []
    for _time in range(TIMES):
        begun = time.perf_counter()
        act()
        found.append(time.perf_counter() - begun)
    return min(found)


def measure(session: Session) -> str:
    """A table: sharing out alone, the whole order, and how many times a household's order it is."""
    rows, alone = [], 0.0
    for households, packs in SIZES:
        product = _group(session, households)
        takers = [Taker(n, 20 + n % 80, 20 + n % 80, n % 50) for n in range(households)]
        shared = _best(lambda takers=takers, packs=packs: split(packs, takers))  # type: ignore[misc]
        placed = _best(
            lambda product=product, packs=packs: _place(session, product, packs)  # type: ignore[misc]
        )
        alone = alone or placed
        wanted = WANTED_MS.get(households)
        rows.append(
            (
                whole(households),
                whole(packs),
                fine_milliseconds(shared),
                fine_milliseconds(placed),
                f"{placed / alone:.1f}",
                "" if wanted is None else f"{wanted:.0f}",
            )
        )
    return table(("households", "packs", "split", "order", "× one household", "wanted"), rows)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'market.sqlite3'}"
        media = Path(folder) / "media"
        prepare(url, media, lambda text: print(text, file=sys.stderr, flush=True))
        app = application(url, media)
        with app.app_context():
            print(measure(db.session()))
        let_go(app)


if __name__ == "__main__":
    main()
