"""A purchase from the cart to the message about it, by people with unmistakable names, through a
real server and worker: nothing of them is in any log."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from ovop_market.notices.models import Notice
from ovop_market.orders.models import Purchase
from tests.notices.post_office import PostOffice, wait_until
from tests.pages import token_in
from tests.process.commands import flask
from tests.process.market import Market
from tests.process.server import HOST, running
from tests.process.test_backup import claim
from tests.process.visitor import Buyer, Visitor, ready_to_buy

pytestmark = pytest.mark.process
NAME, STREET, NOTE = "Zubaidah Penanda", "Jalan Penanda Rahasia 77", "pagar penanda hijau"
PHONE, EMAIL, LOGIN = "081277712345", "zubaidah.penanda@ovop.example", "masuk.penanda@ovop.example"
PASSWORD = "sandi-penanda-rahasia"
SOUGHT = "kata-cari-penanda"
MARKS = ("penanda", "Penanda", "77712345", "Zubaidah", "203.0.113.77")


def visit(market: Market, port: int, variant_id: int) -> str:
    """All that may leave a trace; returns the purchase's secret token."""
    buyer = ready_to_buy(port, variant_id, NAME)
    told = {"phone": PHONE, "email": EMAIL, "street": STREET, "note": NOTE}
    visitor = buyer.visitor
    assert visitor.place({**buyer.form, **told, "postal_code": "penanda"}).status == 422
    placed = Buyer(visitor, {**buyer.form, **told}).place()
    assert placed.status == 303, placed.body[:500]
    token = placed.location.rpartition("/")[2]
    assert claim(visitor, placed.location, 5).status == 303
    visitor.get(f"/en/purchases/{token}")
    visitor.get(f"/purchases/{token}x")
    visitor.get(f"/products?q={SOUGHT}")
    visitor.get(f"/{quote(NAME)}/{token}")
    visitor.ask("GET", "/", headers={"X-Forwarded-For": "203.0.113.77", "Referer": f"/{token}"})
    visitor.ask("GET", "/products", headers={"X-Request-ID": EMAIL})
    someone = Visitor(port)
    form = {"csrf_token": token_in(someone.get("/sign-in").body), "password": PASSWORD}
    someone.ask("POST", "/sign-in", {**form, "login": LOGIN})
    someone.ask("POST", "/sign-in?next=/penanda", {**form, "login": PHONE})
    nonsense(port, f"GET /purchases/{token} {NAME}\r\n\r\n")
    nonsense(port, f"GET / HTTP/1.1\r\nHost: {HOST}\r\nCookie: {token}{'x' * 9000}\r\n\r\n")
    return token


def nonsense(port: int, sent: str) -> None:
    with socket.create_connection((HOST, port), timeout=30) as line:
        line.sendall(sent.encode())
        while line.recv(65536):
            pass


def parsed(logs: Iterable[Path]) -> list[dict[str, object]]:
    lines = [line for log in logs for line in log.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def test_nobody_is_in_the_logs(market: Market, tmp_path: Path) -> None:
    variant_id = market.stock(9)
    with PostOffice() as office:
        # The mail server has never heard of her: that is told, without her address.
        office.refuse = lambda address: f"550 no such person {address}"
        mail = {"SMTP_URL": office.url, "PUBLIC_URL": "http://127.0.0.1"}
        server, worker = market.server(), market.worker()
        for process in (server, worker):
            process.environ = {**process.environ, **mail}
        with running([server, worker]):
            token = visit(market, server.port, variant_id)
            wait_until(lambda: tried(market))
            assert [server.stop(), worker.stop()] == [0, 0]
    with market.session() as session:
        purchase = session.scalars(select(Purchase)).one()
        assert (purchase.name, purchase.token) == (NAME, token)
    backup = flask(market.environ, "backup", str(tmp_path / "b.zip"))
    assert backup.returncode == 0
    told = "".join(p.read_text("utf-8") for p in (server.log, worker.log)) + backup.stderr.decode()
    for mark in (token, PASSWORD, SOUGHT, *MARKS):
        assert mark not in told, mark
    lines = parsed([server.log, worker.log])
    asked = [line for line in lines if line["event"] == "request" and "kept" not in line]
    assert len(asked) > 10
    assert all(line["request"] and line["rule"] and line["ms"] for line in asked)
    assert {"/purchases/<token>", "/checkout", "/sign-in", "-"} <= {line["rule"] for line in asked}
    assert [line for line in lines if line["event"] == "unexpected"] == []
    assert sum(line["event"] == "no request" for line in lines) == 2


def tried(market: Market) -> bool:
    """Whether somebody has been written to, or could not be."""
    with market.session() as session:
        return bool(session.scalars(select(Notice.id).where(Notice.tries > 0)).first())
