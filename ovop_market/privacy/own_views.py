"""A person and their own data: who has looked, taking it away, having it erased."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import attempts, cookies
from ovop_market.accounts.confirming import asking, is_person
from ovop_market.accounts.models import User
from ovop_market.accounts.personal import Whose
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.extensions.database import empty_log
from ovop_market.orders import queries
from ovop_market.orders.models import Purchase
from ovop_market.privacy import own_data, services
from ovop_market.privacy.forms import AccountErasureForm, PurchaseErasureForm
from ovop_market.privacy.services import ErasureRefused
from ovop_market.privacy.views import blueprint
from ovop_market.web import access, limits, pictures
from ovop_market.web.exports import download

# Lines of who looked that a page shows; the file has more.
SHOWN = 50


@blueprint.get("/account/privacy")
@access.signed_in
def account() -> ResponseReturnValue:
    whose = services.of_user(db.session(), current_user)
    views = own_data.views_of(db.session(), whose, SHOWN)
    return render_template("privacy/account.html", views=views)


@blueprint.post("/account/export")
@access.signed_in
@limits.on("own data")
def export() -> ResponseReturnValue:
    return _export(services.of_user(db.session(), current_user))


@blueprint.get("/account/erasure")
@access.signed_in
def erasure() -> ResponseReturnValue:
    return _erasure(asking(AccountErasureForm))


@blueprint.post("/account/erasure")
@access.signed_in
def erase() -> ResponseReturnValue:
    form = asking(AccountErasureForm)
    if not form.validate():
        return _erasure(form, 422)
    try:
        if not is_person(db.session.get_one(User, current_user.id), form):
            return _erasure(form, 422)
    except attempts.TooSoon as error:
        form.form_errors = attempts.waiting(form, error).form_errors
        return attempts.answer(_erasure(form)[0], error)
    whose = services.of_user(db.session(), current_user)
    try:
        keys = services.erase(db.session(), whose, clock.now())
        db.session.commit()
    except ErasureRefused as refusal:
        db.session.rollback()
        return _erasure(form, refusal.status)
    _discard(keys)
    cookies.end()
    return redirect(url_for("privacy.erased"), 303)


def _erasure(form: AccountErasureForm, status: int = 200) -> tuple[str, int]:
    whose = services.of_user(db.session(), current_user)
    reasons = services.refusals(db.session(), whose, clock.now())
    page = render_template("privacy/erasure.html", form=form, reasons=reasons)
    return page, status


@blueprint.get("/purchases/<token>/privacy")
@access.link
@limits.on("tracking")
def purchase(token: str) -> ResponseReturnValue:
    return _purchase(queries.purchase_by_token(db.session(), token))


@blueprint.post("/purchases/<token>/export")
@access.link
@limits.on("tracking", "own data")
def export_purchase(token: str) -> ResponseReturnValue:
    found = queries.purchase_by_token(db.session(), token)
    return _export(services.of_purchase(found))


@blueprint.post("/purchases/<token>/erasure")
@access.link
@limits.on("tracking", "erasure")
def erase_purchase(token: str) -> ResponseReturnValue:
    found = queries.purchase_by_token(db.session(), token)
    form = PurchaseErasureForm(ordered_with=found.phone)
    if not form.validate():
        return _purchase(found, 422, form=form)
    try:
        keys = services.erase(db.session(), services.of_purchase(found), clock.now())
        db.session.commit()
    except ErasureRefused as refusal:
        db.session.rollback()
        return _purchase(queries.purchase_by_token(db.session(), token), refusal.status)
    _discard(keys)
    return redirect(url_for("privacy.erased"), 303)


def _purchase(
    found: Purchase, status: int = 200, *, form: PurchaseErasureForm | None = None
) -> ResponseReturnValue:
    whose = services.of_purchase(found)
    page = render_template(
        "privacy/purchase.html",
        purchase=found,
        form=form or PurchaseErasureForm(ordered_with="", formdata=None),
        refused=form is not None,
        reasons=services.refusals(db.session(), whose, clock.now()),
        views=own_data.views_of(db.session(), whose, SHOWN),
    )
    return page, status


def _export(whose: Whose) -> Response:
    """The file that is asked for; both in one archive when none is named."""
    kind, now = request.form.get("format", ""), clock.now()
    found = own_data.sections(db.session(), whose)
    name = _("data-saya")
    if kind == "html":
        answer = Response(own_data.as_page(found, now), mimetype="text/html")
    elif kind == "json":
        answer = Response(own_data.as_json(found, now), mimetype="application/json")
    else:
        kind = "zip"
        answer = Response(own_data.as_archive(found, now), mimetype="application/zip")
    services.note_taken(db.session(), whose, kind, now)
    db.session.commit()
    return download(f"{name}.{kind}", answer)


def _discard(keys: list[str]) -> None:
    """What an erasure leaves beside the rows, once it is committed."""
    folder: Path = current_app.config["OVOP"].media
    for key in keys:
        pictures.discard_private(folder, key)
    empty_log(db.engine)
