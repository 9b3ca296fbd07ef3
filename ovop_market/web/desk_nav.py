"""The one navigation of the operator's desk: sections of pages, each a task.

Pages are named by their path, which does not change; a feature that is not there has no link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Flask, current_app, request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

SECTIONS: Sequence[tuple[LazyString, Mapping[str, LazyString]]] = (
    (_l("Hari ini"), {"/desk": _l("Yang menunggu")}),
    (
        _l("Pesanan & uang"),
        {
            "/desk/payments": _l("Pembayaran"),
            "/desk/statements/lines": _l("Uang masuk"),
            "/desk/statements": _l("Mutasi rekening"),
            "/desk/payouts": _l("Bayar penjual"),
            "/desk/notices": _l("Pesan gagal"),
        },
    ),
    (
        _l("Penjual & produk"),
        {
            "/desk/producers": _l("Para penjual"),
            "/desk/listings": _l("Periksa produk"),
            "/programme": _l("Program & penetapan"),
            "/mentoring": _l("Pendampingan"),
        },
    ),
    (
        _l("Tarif"),
        {
            "/desk/tariffs": _l("Tarif kirim"),
            "/desk/tariffs/imports": _l("Unggah tarif"),
            "/desk/tariffs/services": _l("Layanan kirim"),
            "/desk/collection-points": _l("Tempat ambil"),
        },
    ),
    (_l("Orang"), {"/desk/users": _l("Semua akun")}),
    (
        _l("Catatan & jejak"),
        {"/desk/audit": _l("Catatan kegiatan"), "/desk/batches": _l("Tindakan banyak sekaligus")},
    ),
)
# Pages without a link of their own, and the page that they belong to.
BELONGS = {
    "/desk/orders": "/desk/payments",
    "/desk/refunds": "/desk/payments",
    "/desk/search": "/desk/payments",
    "/desk/gateway": "/desk/payments",
    "/desk/bulk": "/desk/batches",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link, as components/tabs.html shows it."""

    url: str
    text: str
    current: bool
    count: None = None


@dataclass(frozen=True, slots=True)
class DeskLinks:
    """The sections, and the pages of the section that this page belongs to."""

    sections: Sequence[Link]
    pages: Sequence[Link]


def desk_links() -> DeskLinks:
    """The navigation, as of the page that is asked for."""
    known = _endpoints(current_app)
    here = _belongs_to(request.path)
    sections: list[Link] = []
    pages: list[Link] = []
    for title, paths in SECTIONS:
        links = [
            Link(url_for(known[path]), str(text), path == here)
            for path, text in paths.items()
            if path in known
        ]
        if links:
            inside = any(link.current for link in links)
            sections.append(Link(links[0].url, str(title), inside))
            pages = links if inside else pages
    return DeskLinks(sections, pages if len(pages) > 1 else ())


def _belongs_to(path: str) -> str:
    """The page of the navigation under which an address lies: the longest that begins it."""
    every = [*(each for _title, paths in SECTIONS for each in paths), *BELONGS]
    fit = [each for each in every if path == each or path.startswith(each + "/")]
    nearest = max(fit, key=len, default="")
    return BELONGS.get(nearest, nearest)


def _endpoints(app: Flask) -> Mapping[str, str]:
    """The endpoints of the pages that exist, by path."""
    found: dict[str, str] | None = app.extensions.get("desk nav")
    if found is None:
        rules = [r for r in app.url_map.iter_rules() if "GET" in (r.methods or ())]
        found = {r.rule: r.endpoint for r in rules if not r.arguments}
        app.extensions["desk nav"] = found
    return found


def init_app(app: Flask) -> None:
    """Templates ask for it (components/desk.html)."""
    app.jinja_env.globals["desk_links"] = desk_links
