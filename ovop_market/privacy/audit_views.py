"""The audit on the desk: everything that was done, and by whom; and the same as a file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.privacy import audit_queries as queries
from ovop_market.privacy.audit_search import LONGEST, Kind, Wanted
from ovop_market.privacy.views import blueprint
from ovop_market.web import access, limits
from ovop_market.web.exports import csv_stream

KINDS: dict[Kind, LazyString] = {
    Kind.ACTIONS: _l("Akun, produk, uang, program"),
    Kind.ORDERS: _l("Pesanan"),
    Kind.PAYMENTS: _l("Pembayaran"),
    Kind.STOCK: _l("Stok dengan tangan"),
    Kind.VIEWS: _l("Melihat data pribadi"),
}
# Whom a look at many names on the page; the file has all.
MOST_EACH = 100
HEADER = ("time", "kind", "who", "what", "about", "detail")


def _words(name: str) -> str:
    text = request.args.get(name, "")
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST]


def _day(name: str, problems: dict[str, str]) -> date | None:
    text = _words(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems[name] = _("Tulis tanggal seperti 2026-11-24.")
        return None


def _wanted(problems: dict[str, str]) -> Wanted:
    kind, first, last = request.args.get("kind"), _day("from", problems), _day("to", problems)
    if first and last and first > last:
        problems["to"] = _("Tanggal akhir sebelum tanggal awal.")
    beyond = last + timedelta(days=1) if last and last < date.max else None
    return Wanted(
        kind=Kind(kind) if kind in set(Kind) else None,
        who=_words("who"),
        about=_words("about"),
        since=clock.start_of_day(first) if first else None,
        until=clock.start_of_day(beyond) if beyond else None,
    )


def _asked() -> dict[str, Any]:
    """What was asked for, as the form and the links that follow say it again."""
    names = ("kind", "who", "about", "from", "to")
    return {name: _words(name) for name in names if _words(name)}


@blueprint.get("/desk/audit")
@access.role("operator")
def audit() -> ResponseReturnValue:
    problems: dict[str, str] = {}
    wanted, asked = _wanted(problems), _asked()
    found = queries.Page((), "")
    if not problems:
        found = queries.page(db.session(), wanted, request.args.get("after", ""))
    following = url_for("privacy.audit", **asked, after=found.following) if found.following else ""
    return render_template(
        "privacy/audit.html",
        found=found,
        kinds=KINDS,
        asked=asked,
        problems=problems,
        following=following,
        first=url_for("privacy.audit", **asked) if request.args.get("after") else "",
        file=url_for("privacy.audit_file", **asked),
        most=queries.MOST_IN_FILE,
        most_each=MOST_EACH,
    ), 422 if problems else 200


@blueprint.get("/desk/audit/export.csv")
@access.role("operator")
@limits.on("export")
def audit_file() -> ResponseReturnValue:
    problems: dict[str, str] = {}
    wanted = _wanted(problems)
    if problems:
        return audit()
    rows = (
        (
            clock.wib(line.at).isoformat(timespec="seconds"),
            str(KINDS[line.kind]),
            line.who,
            line.what,
            line.about,
            line.detail,
        )
        for line in queries.every(db.session(), wanted)
    )
    return csv_stream("audit.csv", HEADER, rows)
