"""The secret of a purchase's link is written nowhere: in no log, in nothing that a page sends."""

from __future__ import annotations

import socket
import time

import pytest

from ovop_market.orders.models import Purchase
from ovop_market.payments.models import Payment
from tests.factories import make_order
from tests.process.market import Market
from tests.process.server import HOST, running
from tests.process.visitor import Visitor

pytestmark = pytest.mark.process


def tell(port: int, raw: bytes) -> None:
    """Sends what no browser sends, and waits for the answer."""
    with socket.create_connection((HOST, port), timeout=20) as connection:
        connection.sendall(raw)
        connection.recv(1000)


def test_no_log_holds_a_secret_link_or_an_address(market: Market) -> None:
    with market.session() as session:
        order = make_order(session)
        number, token = order.number, order.purchase.token
        payment = session.query(Payment.id).filter_by(purchase_id=order.purchase_id).scalar()
    server, worker = market.server(), market.worker()
    page = f"/purchases/{token}"
    with running([server, worker]):
        visitor = Visitor(server.port)
        visitor.get("/cart")
        answers = [
            visitor.get(page),
            visitor.get(f"/en{page}"),
            visitor.get(f"{page}?from={token}"),
            visitor.get(f"{page}/payments/{payment}/qris.png"),
            visitor.get(f"{page}/nothing"),
            visitor.get(f"{page}/payments/{payment}/claim"),
            visitor.get(f"{page[:-1]}"),
            visitor.get(f"{page}%00"),
            visitor.get(f"{page}{'x' * 3000}"),
            visitor.ask("HEAD", page),
            visitor.ask("DELETE", page),
            visitor.ask("POST", f"{page}/orders/{number}/receipt", {"csrf_token": token}),
            visitor.ask("GET", page, headers={"Host": "elsewhere.example:99999x"}),
            visitor.ask("GET", page, headers={"Referer": page}),
        ]
        # What gunicorn itself refuses.
        for line in (
            f"GET {page} and more HTTP/1.1",
            f"GET {page} HTTP/9.9",
            f"{token} / HTTP/1.1",
            f"GET {page}{'x' * 9000} HTTP/1.1",
        ):
            tell(server.port, f"{line}\r\nHost: localhost\r\n\r\n".encode())
        tell(server.port, f"GET / HTTP/1.1\r\nHost: localhost\r\n{token} x: y\r\n\r\n".encode())
        chunked = "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        tell(server.port, f"POST {page} HTTP/1.1\r\n{chunked}".encode())
        time.sleep(0.2)
    assert max(answer.status for answer in answers) < 500
    from_link = [answer for answer in answers if answer.headers["Content-Security-Policy"]]
    assert {answer.headers["Referrer-Policy"] for answer in from_link} == {"no-referrer"}
    logs = server.log.read_text("utf-8") + worker.log.read_text("utf-8")
    assert '"/purchases/<token>"' in logs
    assert "no request" in logs
    assert token[:12] not in logs
    assert f"ip={HOST}" not in logs
    with market.session() as session:
        bought = session.query(Purchase).one()
        assert bought.phone not in logs
        assert bought.name not in logs
