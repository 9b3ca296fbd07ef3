"""What a person sees when something cannot be done: what happened, and what to do next."""

from __future__ import annotations

from flask import Flask, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from ovop_market.core.errors import MarketError
from ovop_market.extensions import db
from ovop_market.web import htmx, problems
from ovop_market.web.logs import log, places_of


def _title(status: int) -> str:
    titles = {
        400: _("Permintaan ini tidak bisa dibaca"),
        403: _("Halaman ini tidak untuk Anda"),
        404: _("Halaman ini tidak ada"),
        405: _("Cara ini tidak bisa dipakai"),
        409: _("Keadaannya sudah berubah"),
        413: _("Kiriman terlalu besar"),
        415: _("Jenis berkas ini tidak diterima"),
        422: _("Belum bisa dilakukan"),
        429: _("Terlalu sering dicoba"),
        503: _("Sedang sibuk"),
    }
    return titles.get(status, _("Ada yang salah di pihak kami"))


def _advice(status: int) -> str:
    if problems.wanted():
        return problems.advice(status)
    advice = {
        400: _("Kembali ke halaman sebelumnya, muat ulang, lalu coba lagi."),
        404: _("Periksa alamatnya, atau mulai dari halaman depan."),
        405: _("Kembali ke halaman sebelumnya dan pakai tombol yang ada di sana."),
        413: _("Perkecil gambar atau tulisan yang dikirim, lalu coba lagi."),
        429: _("Tunggu sebentar, lalu coba lagi."),
        503: _("Tunggu beberapa detik, lalu muat ulang. Yang sudah tersimpan tidak hilang."),
    }
    return advice.get(status, _("Coba lagi sebentar lagi. Kesalahan ini sudah tercatat."))


def answer(
    status: int, message: str, *, other_account: bool = False, own_page: bool = False
) -> Response:
    """The error as a page, or for HTMX as a notice that leaves what was typed where it is; for
    programs as they read it.

    `other_account`: whether the person is signed in, and another account would be let in;
    `own_page`: whether the person is signed in as who they should be, and goes on from their own.
    """
    if problems.wanted():
        return problems.answer(status, _title(status), message)
    if htmx.is_fragment():
        response = make_response(render_template("errors/_notice.html", message=message), status)
        response.headers["HX-Retarget"] = "#notices"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
    known = other_account or own_page
    page = render_template(
        "errors/page.html",
        status=status,
        title=_title(status),
        message=message,
        # To whoever is signed in, signing in answers with their own first page.
        action_url=url_for("accounts.sign_in" if known else "catalogue.front"),
        action_text=_("Ke halaman saya") if known else _("Ke halaman depan"),
        other_account=other_account,
    )
    return make_response(page, status)


def _market_error(error: MarketError) -> Response:
    db.session.rollback()
    if problems.wanted():
        named = error.details.get("parameters", ())
        return problems.answer(error.status, _title(error.status), error.message, named)
    return answer(
        error.status,
        error.message,
        other_account=bool(error.details.get("other_account")),
        own_page=bool(error.details.get("own_page")),
    )


def _csrf_error(_error: CSRFError) -> Response:
    return answer(
        400, _("Halaman ini sudah terlalu lama terbuka. Muat ulang halamannya, lalu kirim lagi.")
    )


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError):
        return _unexpected(error.original_exception or error)
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    response = answer(status, _advice(status))
    for name, value in error.get_headers(request.environ):
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _database_error(error: SQLAlchemyError) -> Response:
    db.session.rollback()
    if isinstance(error, OperationalError):
        # Out of reach or locked for too long: it passes, so the person is asked to come back.
        log.warning("database out of reach", error=type(error.orig).__name__)
        response = answer(503, _advice(503))
        response.headers["Retry-After"] = "5"
        return response
    return _unexpected(error)


def _unexpected(error: BaseException) -> Response:
    db.session.rollback()
    # The type and the place, not the message: a driver's message may quote what a person typed.
    log.error("unexpected", error=type(error).__name__, places=places_of(error))
    return answer(500, _advice(500))


def init_app(app: Flask) -> None:
    """Answers every error in the site's own look."""
    app.register_error_handler(MarketError, _market_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SQLAlchemyError, _database_error)
    if not app.config.get("PROPAGATE_UNEXPECTED"):
        app.register_error_handler(Exception, _unexpected)
