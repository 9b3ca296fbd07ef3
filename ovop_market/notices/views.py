"""Notices on this phone; the service worker that shows them; and those that failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.accounts import cookies
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.notices import browsers, queries, services
from ovop_market.notices import failures as failed_notices
from ovop_market.notices.forms import BrowserForm, RemovalForm
from ovop_market.notices.models import Notice
from ovop_market.villages.policy import Duty
from ovop_market.web import access, htmx, language, limits
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm

blueprint = Blueprint("notices", __name__)

# The worker of a phone with an inbox, whose last part shows notices (docs/adr/0024).
WORKER = ("js/worker/pages.js", "js/worker/taps.js", "js/worker/events.js")


@blueprint.get("/sw.js")
@access.public
def worker() -> Response:
    """The service worker. It stands at the root, because it may open what is below it; browsers
    ask for it anew, so it has one address for all its versions."""
    assets = current_app.extensions["assets"]
    script = b"\n".join(assets[name].body for name in WORKER)
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request.environ)


@blueprint.post("/inbox/notifications")
@access.staff(Duty.SEE)
@limits.on("browser")
def subscribe() -> ResponseReturnValue:
    form = BrowserForm()
    _validate(form)
    if not current_app.config["OVOP"].vapid_key:
        raise Conflict(_("Pemberitahuan di HP belum dinyalakan di situs ini."))
    browsers.subscribe(
        db.session(),
        current_user,
        session_id=cookies.session_id(),
        endpoint=form.endpoint.data or "",
        p256dh=form.p256dh.data or "",
        auth=form.auth.data or "",
        language=language.current(),
        now=clock.now(),
    )
    db.session.commit()
    return _back_to_inbox()


@blueprint.post("/inbox/notifications/removal")
@access.staff(Duty.SEE)
def unsubscribe() -> ResponseReturnValue:
    form = RemovalForm()
    _validate(form)
    browsers.unsubscribe(db.session(), current_user, form.endpoint.data or "")
    db.session.commit()
    return _back_to_inbox()


def _validate(form: BaseForm) -> None:
    """A script fills these forms in: there is no field beside which an error could stand."""
    if not form.validate():
        raise Unusable(str(next(iter(form.errors.values()))[0]))


def _back_to_inbox() -> ResponseReturnValue:
    if htmx.is_fragment():
        return Response(status=204)
    return redirect(url_for("inbox.inbox"), 303)


@blueprint.get("/desk/notices")
@access.role("operator")
def failures() -> ResponseReturnValue:
    return _failures()


def _failures(status: int = 200, *, notice: str = "", problem: str = "") -> Response:
    rows, total = failed_notices.failed(db.session(), clock.now())
    return htmx.page_or_fragment(
        "notices/failures.html",
        "notices/_failures.html",
        status,
        rows=rows,
        total=total,
        notice=notice,
        problem=problem,
    )


@blueprint.post(f"/desk/notices/<{ID}:notice_id>/retry")
@access.role("operator")
def retry(notice_id: int) -> ResponseReturnValue:
    return _decide(notice_id, services.retry, _("Pesannya segera dikirim lagi."))


@blueprint.post(f"/desk/notices/<{ID}:notice_id>/drop")
@access.role("operator")
def drop(notice_id: int) -> ResponseReturnValue:
    return _decide(notice_id, services.drop, _("Pesannya dihapus dari daftar ini."))


def _decide(
    notice_id: int, verb: Callable[[Session, Notice, int, datetime], Any], said: str
) -> ResponseReturnValue:
    notice = queries.notice_of(db.session(), notice_id)
    try:
        verb(db.session(), notice, current_user.id, clock.now())
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        return _failures(refusal.status, problem=refusal.message)
    if htmx.is_fragment():
        return _failures(notice=said)
    flash(said, "done")
    return redirect(url_for("notices.failures"), 303)
