"""nginx as it is documented (deploy/nginx), in front of a real server: TLS, cookies, limits, the
page when the application is down, and logs that name nobody."""

from __future__ import annotations

import getpass
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.pages import check_html, token_in
from tests.process.commands import flask
from tests.process.market import Market
from tests.process.server import HOST, ROOT, Server, free_port, running

pytestmark = pytest.mark.process
NAME = "market.example"
HOST_6 = "::1"
CONF = ROOT / "deploy" / "nginx" / "ovop-market.conf"
MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/start.log crit;
events {{ worker_connections 1024; }}
http {{
    include {types};
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found:
        return found
    reason = "no nginx: install nginx-light"
    if os.environ.get("OVOP_NO_SKIP"):
        pytest.fail(reason)
    pytest.skip(reason)


def has_ipv6() -> bool:
    """Whether this machine can be asked by IPv6 as well."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((HOST_6, 0))
    except OSError:
        return False
    return True


def certificate(folder: Path) -> None:
    """A key and a certificate for the site's name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    begin = datetime.now(UTC) - timedelta(days=1)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))


@dataclass
class Proxy:
    """A running nginx."""

    folder: Path
    backend: Server
    plain: int = field(default_factory=free_port)
    secure: int = field(default_factory=free_port)

    def write(self) -> None:
        """The documented file, on ports and in folders that a test may use."""
        certificate(self.folder)
        changes = {
            "/etc/letsencrypt/live/market.example/fullchain.pem": f"{self.folder}/cert.pem",
            "/etc/letsencrypt/live/market.example/privkey.pem": f"{self.folder}/key.pem",
            "/var/log/nginx": str(self.folder),
            "/var/lib/ovop-market-errors": f"{self.folder}/errors",
            "127.0.0.1:8000": f"{HOST}:{self.backend.port}",
            "listen 80": f"listen {HOST}:{self.plain}",
            "listen 443": f"listen {HOST}:{self.secure}",
            "listen [::]:80": f"listen [{HOST_6}]:{self.plain}",
            "listen [::]:443": f"listen [{HOST_6}]:{self.secure}",
            # Who is slow is waited for as long as 15 seconds: that is long for a test.
            "timeout 15s": "timeout 2s",
        }
        text = CONF.read_text("utf-8")
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        if not has_ipv6():
            text = "".join(line for line in text.splitlines(True) if "listen [" not in line)
        (self.folder / "site.conf").write_text(text, "utf-8")
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        types = "/etc/nginx/mime.types"
        main = MAIN.format(folder=self.folder, user=user, types=types)
        (self.folder / "nginx.conf").write_text(main, "utf-8")

    def command(self, *words: str) -> list[str]:
        return [nginx(), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *words]

    def ask(
        self, method: str, path: str, body: bytes | None = None, host: str = HOST, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """A request by TLS, under the site's name."""
        context = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        with socket.create_connection((host, self.secure), timeout=30) as plain:
            line = context.wrap_socket(plain, server_hostname=NAME)
            connection = http.client.HTTPConnection(NAME)
            connection.sock = line
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()

    @property
    def log(self) -> str:
        return "".join(p.read_text("utf-8") for p in sorted(self.folder.glob("*.log")))


@contextmanager
def nginx_running(proxy: Proxy) -> Iterator[None]:
    """nginx with the settings that are written, taking connections."""
    checked = subprocess.run(proxy.command("-t"), capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(proxy.command())
    try:
        give_up = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((HOST, proxy.plain), timeout=30).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None and time.monotonic() < give_up
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def proxy(market: Market, tmp_path: Path) -> Iterator[Proxy]:
    folder = tmp_path / "nginx"
    folder.mkdir()
    backend = market.server()
    more = {"PUBLIC_URL": f"https://{NAME}", "TRUSTED_PROXIES": "1"}
    backend.environ = {**backend.environ, **more}
    proxy = Proxy(folder, backend)
    proxy.write()
    made = flask(market.environ, "error-pages", str(folder / "errors"))
    assert made.returncode == 0, made.stderr
    with running([backend]), nginx_running(proxy):
        yield proxy


def test_in_front_of_the_market(market: Market, proxy: Proxy) -> None:
    market.stock(5)
    redirected(proxy)
    cookies_and_headers(proxy)
    who_asks(proxy)
    limits(proxy)
    slow_ones_do_not_matter(proxy)
    when_the_application_is_down(proxy)
    nobody_is_named(proxy)


def test_nginx_needs_nothing_of_where_the_data_are(tmp_path: Path) -> None:
    """What it reads lies apart, for everybody; whoever writes it has whichever umask."""
    text = CONF.read_text("utf-8")
    assert re.findall(r"^\s*(?:root|alias) (?!/var/lib/ovop-market-errors/)", text, re.M) == []
    assert "usermod" not in (ROOT / "docs" / "operations.md").read_text("utf-8")
    folder = tmp_path / "errors"
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3", "OVOP_MEDIA": str(tmp_path)}
    before = os.umask(0o077)
    try:
        made = flask(environ, "error-pages", str(folder))
    finally:
        os.umask(before)
    assert made.returncode == 0, made.stderr
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


BARE = """
server {{
    listen {host}:{port};
    location / {{ proxy_pass http://{host}:{backend}; }}
}}
"""


def test_a_bare_nginx_does_not_open_the_figures(market: Market, tmp_path: Path) -> None:
    """As whoever has never heard of deploy/nginx writes it: no word of who asks, nor under which
    name; the application is asked by its address, from this machine."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    proxy = Proxy(folder, market.server())
    proxy.write()
    bare = BARE.format(host=HOST, port=proxy.plain, backend=proxy.backend.port)
    (folder / "site.conf").write_text(bare, "utf-8")
    with running([proxy.backend]), nginx_running(proxy):
        for port, path, status in (
            (proxy.plain, "/products", 200),
            (proxy.plain, "/metrics", 404),
            (proxy.backend.port, "/metrics", 200),
        ):
            connection = http.client.HTTPConnection(HOST, port, timeout=30)
            connection.request("GET", path, headers={"Host": NAME} if port == proxy.plain else {})
            assert connection.getresponse().status == status, path
            connection.close()


def redirected(proxy: Proxy) -> None:
    for host in (HOST, HOST_6) if has_ipv6() else (HOST,):
        connection = http.client.HTTPConnection(host, proxy.plain, timeout=30)
        connection.request("GET", "/products?q=pempek", headers={"Host": NAME})
        answer = connection.getresponse()
        assert answer.status == 301
        assert answer.headers["Location"] == f"https://{NAME}/products?q=pempek"
        connection.close()
        answer, _body = proxy.ask("GET", "/products?q=pempek", host=host)
        assert answer.status == 200
        # Another name is not answered at all, by neither.
        connection = http.client.HTTPConnection(host, proxy.plain, timeout=30)
        connection.request("GET", "/", headers={"Host": "evil.example"})
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((host, proxy.secure)) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain, server_hostname="evil.example")


def cookies_and_headers(proxy: Proxy) -> None:
    answer, body = proxy.ask("GET", "/sign-in")
    assert answer.status == 200
    check_html(body.decode(), whole=True)
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-session"]
    assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "nginx/" not in (answer.headers["Server"] or "")
    # A form comes through: the application knows that it was asked by https.
    token = token_in(body.decode())
    form = f"csrf_token={token}&login=nobody%40ovop.example&password=wrong-password"
    answer, _body = proxy.ask(
        "POST",
        "/sign-in",
        form.encode(),
        Cookie=f"__Host-session={cookie.value}",
        Origin=f"https://{NAME}",
        **{"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status in (401, 422), answer.status
    # The id that nginx gave is the application's.
    request_id = answer.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", request_id)
    assert request_id in proxy.backend.log.read_text("utf-8")
    answer, _body = proxy.ask("GET", "/", **{"X-Request-ID": "chosen-by-who-asks"})
    assert answer.headers["X-Request-ID"] != "chosen-by-who-asks"


def who_asks(proxy: Proxy) -> None:
    """Not whoever the browser says that it is; and monitors are on this machine."""
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
        for path in ("/metrics", "/en/metrics"):
            answer, body = proxy.ask("GET", path, **headers)
            assert answer.status == 404
            assert b"ovop_" not in body
    connection = http.client.HTTPConnection(HOST, proxy.backend.port, timeout=30)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 200
    connection.close()
    answer, _body = proxy.ask("GET", "/errors/502.html")
    assert answer.status == 404
    answer, _body = proxy.ask("GET", "/errors/site.css")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/css")


def limits(proxy: Proxy) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    # Too much for nginx, which does not even read it; too much for the application.
    head = {"Content-Length": str(30 * 1024 * 1024), **kind}
    for body, headers in ((b"", head), (b"x" * (90 * 1024), kind)):
        answer, page = proxy.ask("POST", "/sign-in", body, **headers)
        assert answer.status == 413
        check_html(page.decode(), whole=True)
        assert "Kiriman terlalu besar" in page.decode()
    answer, page = proxy.ask("GET", "/" + "x" * 9_000)
    assert answer.status == 414
    assert b"Alamat ini terlalu panjang" in page
    answer, page = proxy.ask("GET", "/", Cookie="x" * 9_000)
    assert answer.status == 431
    assert b"Permintaan ini terlalu besar" in page


def slow_ones_do_not_matter(proxy: Proxy) -> None:
    """As many silent connections as an address may have: nginx waits for them, nobody else does."""
    held = []
    for _ in range(60):
        line = socket.create_connection((HOST, proxy.plain), timeout=30)
        line.sendall(f"GET /products HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: ".encode())
        held.append(line)
    begun = time.monotonic()
    for _ in range(8):
        answer, _body = proxy.ask("GET", "/products")
        assert answer.status == 200
    assert time.monotonic() - begun < 10
    for line in held:
        line.close()


def when_the_application_is_down(proxy: Proxy) -> None:
    assert proxy.backend.stop() == 0
    answer, body = proxy.ask("GET", "/purchases/a-secret-token")
    page = body.decode()
    assert answer.status == 502
    check_html(page, whole=True)
    assert "Pasar sedang dimulai ulang" in page
    assert "The market is restarting" in page
    assert "nginx" not in page
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Strict-Transport-Security"]
    proxy.backend.start()
    proxy.backend.wait()
    answer, _body = proxy.ask("GET", "/products")
    assert answer.status == 200


def nobody_is_named(proxy: Proxy) -> None:
    log = proxy.log
    for secret in ("a-secret-token", "pempek", "nobody", "127.0.0.1", "::1", "password"):
        assert secret not in log, secret
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
    assert {"/purchases", "/sign-in", "/products"} <= {line["place"] for line in lines}
    assert any(line["status"] == 502 for line in lines)
