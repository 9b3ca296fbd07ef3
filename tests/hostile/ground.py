"""The demo in a database that is put back to how it was after every request that changed it.

Which tables a request wrote into is read off its statements: only these are looked at and, on
PostgreSQL, put back. Both would take longer than the requests if all tables were."""

from __future__ import annotations

import io
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, quote_plus

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, make_url, select
from sqlalchemy.engine import Engine
from werkzeug.test import TestResponse

from ovop_market.catalogue.models import Offer, Variant
from ovop_market.extensions import db
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.states import OrderState
from ovop_market.payments.models import Refund
from ovop_market.seeds.demo_producers import PASSWORD
from tests.conftest import Database
from tests.dumps import LEFT_OUT, changed, dumped
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


# Who looked at whose data is written once an hour, and changes nothing for anybody.
NEEDS_NO_RESTORING = frozenset({"personal_data_view"})
_WRITING = re.compile(r'\b(?:INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)', re.IGNORECASE)


def tables_in(statement: str) -> set[str]:
    """The tables that a statement writes into, with those that follow by their foreign keys."""
    tables = db.metadata.tables
    named = {name for name in _WRITING.findall(statement) if name in tables}
    follow = {
        table.name
        for table in tables.values()
        for key in table.foreign_key_constraints
        if key.ondelete and key.referred_table.name in named
    }
    return named | (tables_in(f"UPDATE {' UPDATE '.join(follow)}") if follow else set())


@dataclass
class Ground:
    """The application with its database, and which tables a request has written into."""

    app: Flask
    database: Database
    touched: set[str] = field(default_factory=set)
    # Of the visitor who came last; sent anew each time, whatever an answer has made of it.
    cookie: str = ""
    # What was in the database when they came.
    before: dict[str, list[str]] = field(default_factory=dict)
    _pending: dict[int, set[str]] = field(default_factory=dict)
    _known: dict[str, set[str]] = field(default_factory=dict)

    @property
    def wrote(self) -> bool:
        """Whether anything was committed."""
        return bool(self.touched)

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "after_cursor_execute", self._noted)
        event.listen(engine, "commit", self._committed)
        event.listen(engine, "rollback", lambda c: self._pending.pop(id(c), None))

    def _noted(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        tables = self._known.get(statement)
        if tables is None:
            tables = self._known[statement] = tables_in(statement)
        if tables:
            self._pending.setdefault(id(connection), set()).update(tables)

    def _committed(self, connection: Any) -> None:
        self.touched |= self._pending.pop(id(connection), set())

    def changed(self, without: Collection[str] = ()) -> dict[str, list[str]]:
        """The rows that are new or gone since the visitor came, by table."""
        looked_at = self.touched - set(without)
        if not looked_at:
            return {}
        with self.app.app_context():
            after = dumped(db.session(), only=looked_at)
        return changed({name: self.before[name] for name in after}, after)

    def arrive(self, who: str) -> None:
        """The database as it was planted, for the next visitor."""
        raise NotImplementedError

    def plant(self) -> None:
        """Every visitor finds it as it is now."""
        raise NotImplementedError

    def keep(self) -> None:
        """It will be put back to how it is now."""
        raise NotImplementedError

    def put_back(self) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        """Lets go of all connections."""
        self.app.extensions["kept pages"].version.close()
        with self.app.app_context():
            db.engine.dispose()

    def restore(self) -> None:
        """The database as it was when the visitor came."""
        if not self.touched <= NEEDS_NO_RESTORING:
            self.put_back()
            self.app.extensions["kept pages"].clear()
        self.touched.clear()

    @contextmanager
    def visitor(self, who: str) -> Iterator[FlaskClient]:
        """Somebody with a cart, signed in unless it is nobody."""
        self.arrive(who)
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
        self.keep()
        self.app.extensions["kept pages"].clear()
        self.touched.clear()
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
        """Posts a form, byte for byte; `touched` says afterwards what was committed."""
        self._begin(client)
        content, kind = multipart(body) if files else (urlencoded(body), PLAIN)
        headers = {"Sec-Fetch-Site": "same-origin"}
        return client.post(action, data=content, content_type=kind, headers=headers)

    def ask(self, client: FlaskClient, action: str, query: Sequence[Any]) -> TestResponse:
        """Sends a form that only asks, byte for byte."""
        self._begin(client)
        address = action.partition("?")[0]
        return client.get(address, query_string=urlencoded(query).decode())

    def _begin(self, client: FlaskClient) -> None:
        self.touched.clear()
        if self.cookie:
            client.set_cookie("session", self.cookie)


@dataclass
class OnSQLite(Ground):
    """Files are copied."""

    @property
    def _path(self) -> Path:
        return Path(self.database.url.removeprefix("sqlite:///"))

    def plant(self) -> None:
        self._copy(self._path, self._path.with_suffix(".planted"))

    def arrive(self, who: str) -> None:
        self._copy(self._path.with_suffix(".planted"), self._path)

    def keep(self) -> None:
        self._copy(self._path, self._path.with_suffix(".now"))

    def put_back(self) -> None:
        self._copy(self._path.with_suffix(".now"), self._path)

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


@dataclass
class OnPostgreSQL(Ground):
    """Rows are copied, of the tables that were written into: a database takes a second."""

    _columns: dict[str, str] = field(default_factory=dict)

    @cached_property
    def connection(self) -> psycopg.Connection:
        """One that no trigger and no foreign key holds up: histories refuse to be emptied."""
        place = make_url(self.database.url).set(drivername="postgresql")
        connection = psycopg.connect(place.render_as_string(False), autocommit=True)
        connection.execute("SET session_replication_role = replica")
        return connection

    def leave(self) -> None:
        super().leave()
        self.connection.close()

    def plant(self) -> None:
        self._run("DROP SCHEMA IF EXISTS kept CASCADE", "CREATE SCHEMA kept")
        for name in db.metadata.tables:
            if name not in LEFT_OUT:
                self._run(f'CREATE TABLE kept."{name}" AS TABLE public."{name}"')
        found = self.connection.execute(
            "SELECT table_name, string_agg(quote_ident(column_name), ', ') "
            "FROM information_schema.columns "
            "WHERE table_schema = 'public' AND is_generated = 'NEVER' GROUP BY table_name"
        )
        self._columns = dict(found.fetchall())

    def arrive(self, who: str) -> None:
        # Carts and sessions of whoever came before are in nobody's way.
        self.touched.clear()

    def keep(self) -> None:
        for name in self.touched:
            self._run(
                f'DELETE FROM kept."{name}"',
                f'INSERT INTO kept."{name}" SELECT * FROM public."{name}"',
            )

    def put_back(self) -> None:
        for name in self.touched:
            columns = self._columns[name]
            self._run(
                f'DELETE FROM public."{name}"',
                f'INSERT INTO public."{name}" ({columns}) OVERRIDING SYSTEM VALUE '
                f'SELECT {columns} FROM kept."{name}"',
            )

    def _run(self, *statements: str) -> None:
        with self.connection.transaction():
            for statement in statements:
                self.connection.execute(statement.encode())


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
