"""The demo in a database that is put back to how it was after every request that changed it."""

from __future__ import annotations

import io
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, quote_plus

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from werkzeug.test import TestResponse

from ovop_market.catalogue.models import Offer, Variant
from ovop_market.extensions import db
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Refund
from ovop_market.seeds.demo_producers import PASSWORD
from tests.conftest import Database
from tests.dumps import dumped
from tests.factories import BANDUNG
from tests.pages import token_in

# The demo's accounts, and where each begins.
ROLES = {
    "nobody": (),
    "pembeli": ("/account", "/account/purchases"),
    # A small shop first: a large one takes longer to show, with the same forms.
    "perajin": ("/inbox", "/inbox?tab=new", "/inbox?tab=to_ship", "/shop", "/shop/products"),
    "anggota": ("/inbox", "/shop/sales", "/shop/members"),
    "produsen": ("/inbox", "/inbox?tab=new", "/groups"),
    "pejabat": ("/reach", "/programme", "/mentoring", "/groups"),
    "operator": (
        "/desk",
        "/desk/payments",
        "/desk/payouts",
        "/desk/statements",
        "/desk/statements/lines",
        "/desk/notices",
        "/desk/tariffs",
        "/desk/tariffs/imports",
        "/desk/tariffs/services",
        "/desk/collection-points",
        "/programme",
    ),
}
PUBLIC = (
    "/",
    "/products",
    "/villages",
    "/regions",
    "/sign-in",
    "/register",
    "/cart",
    f"/checkout?region_code={BANDUNG}",
)


@dataclass
class Ground:
    """The application with its database, and whether a request has written into it."""

    app: Flask
    database: Database
    planted: Path
    wrote: bool = False
    # Of the visitor who came last; sent anew each time, whatever an answer has made of it.
    cookie: str = ""
    # What was in the database when they came.
    before: dict[str, list[str]] = field(default_factory=dict)
    _pending: set[int] = field(default_factory=set)

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "after_cursor_execute", self._noted)
        event.listen(engine, "commit", self._committed)
        event.listen(engine, "rollback", lambda connection: self._pending.discard(id(connection)))

    def _noted(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            self._pending.add(id(connection))

    def _committed(self, connection: Any) -> None:
        self.wrote = self.wrote or id(connection) in self._pending
        self._pending.discard(id(connection))

    def _copy(self, source: Path, target: Path) -> None:
        with self.app.app_context():
            db.session.remove()
            self.app.extensions["kept pages"].version.close()
            with db.engine.connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            Path(f"{target}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(source, target)
        self.app.extensions["kept pages"].clear()
        self.wrote = False

    @property
    def _path(self) -> Path:
        return Path(self.database.url.removeprefix("sqlite:///"))

    def restore(self) -> None:
        """The database as it was when the visitor came."""
        self._copy(self._path.with_suffix(".now"), self._path)

    @contextmanager
    def visitor(self, who: str) -> Iterator[FlaskClient]:
        """Somebody with a cart, signed in unless it is nobody."""
        self._copy(self.planted, self._path)
        self.cookie = ""
        client = self.app.test_client()
        if who != "nobody":
            page = client.get("/sign-in").get_data(as_text=True)
            fields = {"login": f"{who}@ovop.example", "password": PASSWORD}
            answer = client.post("/sign-in", data={"csrf_token": token_in(page), **fields})
            assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
        with self.app.app_context():
            goods = select(Variant.id).join(Variant.offers).where(Variant.sold, Offer.ready > 9)
            variant = db.session().scalars(goods.order_by(Variant.id)).first()
        body = [("variant_id", variant), ("quantity", 2)]
        assert self.send(client, "/cart/lines", body, files=False).status_code == 303
        # The token of all forms is in the session from now on.
        client.get("/cart")
        self._copy(self._path, self._path.with_suffix(".now"))
        with self.app.app_context():
            self.before = dumped(db.session())
        cookie = client.get_cookie("session")
        assert cookie is not None
        self.cookie = cookie.value
        yield client

    def links(self) -> list[str]:
        """Secret links, one for each state in which an order or a refund may be."""
        with self.app.app_context():
            session = db.session()
            tokens = [
                session.scalars(
                    select(Purchase.token).join(Order).where(Order.state == state).limit(2)
                ).all()
                for state in OrderState
            ]
            tokens.append(session.scalars(select(Purchase.token).join(Refund).limit(2)).all())
        return [f"/purchases/{token}" for token in dict.fromkeys(chain.from_iterable(tokens))]

    def send(
        self, client: FlaskClient, action: str, body: Sequence[Any], files: bool
    ) -> TestResponse:
        """Posts a form, byte for byte; `wrote` says afterwards whether anything was committed."""
        self.wrote = False
        if self.cookie:
            client.set_cookie("session", self.cookie)
        content, kind = multipart(body) if files else (urlencoded(body), PLAIN)
        headers = {"Sec-Fetch-Site": "same-origin"}
        return client.post(action, data=content, content_type=kind, headers=headers)


PLAIN = "application/x-www-form-urlencoded"


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def urlencoded(pairs: Sequence[tuple[str, Any]]) -> bytes:
    """A form's body; values that are bytes go as they are."""
    return "&".join(
        f"{quote_plus(name)}={quote_from_bytes(_bytes(value)).replace('%20', '+')}"
        for name, value in pairs
        if not isinstance(value, tuple)
    ).encode()


def multipart(pairs: Sequence[tuple[str, Any]]) -> tuple[bytes, str]:
    """A form's body with files: (content, name)."""
    mark = uuid.UUID(bytes=os.urandom(16)).hex
    out = io.BytesIO()
    for name, value in pairs:
        out.write(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"'.encode())
        if isinstance(value, tuple):
            content, filename = value
            content.seek(0)
            out.write(f'; filename="{filename}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode())
            out.write(content.read())
        else:
            out.write(b"\r\n\r\n" + _bytes(value))
        out.write(b"\r\n")
    out.write(f"--{mark}--\r\n".encode())
    return out.getvalue(), f"multipart/form-data; boundary={mark}"
