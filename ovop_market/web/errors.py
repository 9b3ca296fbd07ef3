"""What a person sees when something cannot be done: what happened, and what to do next."""

from __future__ import annotations

import contextlib
import errno
import sqlite3

import psycopg
from flask import Flask, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from ovop_market.core.errors import MarketError
from ovop_market.extensions import db, login
from ovop_market.web import back, filters, htmx, pictures, problems, resend
from ovop_market.web.logs import log, places_of

# A disk, a quota or the largest file that is allowed, and nothing fits any more.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# What passes without anybody changing what they typed: it is offered to be sent again.
_PASSES = frozenset({429, 503, 507})
_MB = 1024 * 1024


def _title(status: int) -> str:
    titles = {
        400: _("Permintaan ini tidak bisa dibaca"),
        403: _("Halaman ini tidak untuk Anda"),
        404: _("Halaman ini tidak ada"),
        405: _("Cara ini tidak bisa dipakai"),
        408: _("Kiriman ini terlalu lama datangnya"),
        409: _("Keadaannya sudah berubah"),
        410: _("Halaman ini sudah tidak ada"),
        413: _("Kiriman terlalu besar"),
        414: _("Alamat ini terlalu panjang"),
        415: _("Jenis berkas ini tidak diterima"),
        421: _("Situs ini tidak dikenal dengan nama itu"),
        422: _("Belum bisa dilakukan"),
        429: _("Terlalu sering dicoba"),
        431: _("Permintaan ini terlalu besar"),
        501: _("Cara ini tidak bisa dipakai"),
        502: _("Pasar sedang dimulai ulang"),
        503: _("Sedang sibuk"),
        504: _("Jawabannya terlalu lama"),
        507: _("Penyimpanan kami sedang penuh"),
    }
    return titles.get(status, titles[400] if status < 500 else _("Ada yang salah di pihak kami"))


def _advice(status: int) -> str:
    if problems.wanted():
        return problems.advice(status)
    advice = {
        400: _("Kembali ke halaman sebelumnya, muat ulang, lalu coba lagi."),
        404: _("Periksa alamatnya, atau mulai dari halaman depan."),
        405: _("Kembali ke halaman sebelumnya dan pakai tombol yang ada di sana."),
        408: _("Cari tempat yang sinyalnya lebih baik, lalu coba lagi."),
        410: _("Periksa alamatnya, atau mulai dari halaman depan."),
        413: _("Perkecil gambar atau tulisan yang dikirim, lalu coba lagi."),
        414: _("Mulai dari halaman depan, lalu cari lagi dengan kata yang lebih pendek."),
        415: _("Kirim gambar JPEG, PNG, atau WebP; tabel kirim sebagai CSV."),
        421: _("Buka lagi dari tautan yang Anda terima, atau ketik alamatnya sendiri."),
        429: _("Tunggu sebentar, lalu coba lagi."),
        431: _("Hapus kuki situs ini di peramban Anda, lalu buka lagi."),
        501: _("Kembali ke halaman sebelumnya dan pakai tombol yang ada di sana."),
        502: _("Tunggu beberapa detik, lalu muat ulang. Yang sudah tersimpan tidak hilang."),
        503: _("Tunggu beberapa detik, lalu muat ulang. Yang sudah tersimpan tidak hilang."),
        504: _("Muat ulang, dan lihat dulu apakah yang tadi sudah tersimpan."),
        507: _("Yang baru Anda kirim belum tersimpan. Coba lagi beberapa menit lagi."),
    }
    if status < 500:
        return advice.get(status, advice[400])
    return advice.get(status, _("Coba lagi sebentar lagi. Kesalahan ini sudah tercatat."))


def words(status: int) -> tuple[str, str]:
    """What happened and what to do, in the language that is spoken here."""
    return _title(status), _advice(status)


def answer(
    status: int,
    message: str,
    *,
    other_account: bool = False,
    own_page: bool = False,
    goes_back: str = "",
) -> Response:
    """The error as a page, or for HTMX as a notice that leaves what was typed where it is; for
    programs as they read it.

    `other_account`: whether the person is signed in, and another account would be let in;
    `own_page`: whether the person is signed in as who they should be, and goes on from their own;
    `goes_back`: the page on which they were, if they go on from there.
    """
    if problems.wanted() or problems.preferred():
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
        kept=resend.kept() if status in _PASSES else None,
        title=_title(status),
        message=message,
        # To whoever is signed in, signing in answers with their own first page.
        action_url=goes_back or url_for("accounts.sign_in" if known else "catalogue.front"),
        action_text=_onwards(known, goes_back),
        other_account=other_account,
    )
    return make_response(page, status)


def _onwards(known: bool, goes_back: str) -> str:
    if goes_back:
        return _("Kembali, lalu coba lagi")
    return _("Ke halaman saya") if known else _("Ke halaman depan")


def _too_large() -> Response:
    """With how large it may be: the view says that (access.takes_files) before all is read."""
    most = request.max_content_length or 0
    if most >= pictures.MAX_BODY:
        message = _(
            "Satu kiriman paling besar %(all)d MB, dan satu gambar di dalamnya %(one)d MB. Pilih "
            "gambar yang lebih kecil, atau kirim sedikit demi sedikit.",
            all=most // _MB,
            one=pictures.MAX_BYTES // _MB,
        )
    elif most >= _MB:
        message = _("Berkasnya paling besar %(all)d MB. Bagi menjadi beberapa.", all=most // _MB)
    else:
        message = _(
            "Tulisannya terlalu panjang: semua isian bersama paling banyak sekitar %(n)s huruf.",
            n=filters.number(most // 1000 * 1000),
        )
    return answer(413, message, goes_back=back.came_from())


def _market_error(error: MarketError) -> Response:
    _let_go()
    if problems.wanted():
        named = error.details.get("parameters", ())
        return problems.answer(error.status, _title(error.status), error.message, named)
    response = answer(
        error.status,
        error.message,
        other_account=bool(error.details.get("other_account")),
        own_page=bool(error.details.get("own_page")),
    )
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


def _csrf_error(_error: CSRFError) -> Response:
    return answer(
        400, _("Halaman ini sudah terlalu lama terbuka. Muat ulang halamannya, lalu kirim lagi.")
    )


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError):
        cause = error.original_exception
        # Also when the page for another error asked for what is out of reach.
        return (
            _database_error(cause)
            if isinstance(cause, SQLAlchemyError)
            else _unexpected(cause or error)
        )
    status = error.code or 500
    if status < 400:
        return error.get_response()  # type: ignore[return-value]
    if status == 413 and not problems.wanted():
        return _too_large()
    response = answer(status, _advice(status))
    for name, value in error.get_headers(request.environ):
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _database_error(error: SQLAlchemyError) -> Response:
    _let_go()
    if isinstance(error, OperationalError | NoConnection):
        # Out of reach or locked for too long: it passes, so the person is asked to come back.
        cause = getattr(error, "orig", None) or error
        log.warning("database out of reach", error=type(cause).__name__)
        return _later(507 if _is_full(cause) else 503)
    return _unexpected(error)


def _is_full(error: BaseException) -> bool:
    """Whether a database has no room left to write."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return isinstance(error, psycopg.errors.DiskFull)


def _later(status: int) -> Response:
    response = answer(status, _advice(status))
    response.headers["Retry-After"] = "5"
    return response


def _system_error(error: OSError) -> Response:
    if error.errno in _NO_ROOM:
        _let_go()
        log.error("no room left", places=places_of(error))
        return _later(507)
    return _unexpected(error)


def _let_go() -> None:
    """Gives up what the request has begun. A database that is out of reach may refuse even that:
    then its connection is thrown away, and the person still has to be told."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        with contextlib.suppress(SQLAlchemyError):
            db.session().invalidate()
    if not hasattr(g, "_login_user"):
        # Flask-Login would look for the person again as soon as the page is rendered.
        g._login_user = login.anonymous_user()


def _unexpected(error: BaseException) -> Response:
    _let_go()
    # The type and the place, not the message: a driver's message may quote what a person typed.
    log.error("unexpected", error=type(error).__name__, places=places_of(error))
    return answer(500, _advice(500))


def init_app(app: Flask) -> None:
    """Answers every error in the site's own look."""
    app.register_error_handler(MarketError, _market_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SQLAlchemyError, _database_error)
    app.register_error_handler(OSError, _system_error)
    if not app.config.get("PROPAGATE_UNEXPECTED"):
        app.register_error_handler(Exception, _unexpected)
