"""Tariff files: uploaded or pasted, looked at, applied as they were seen."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.delivery import desk, services, tariff_files
from ovop_market.delivery.forms import TariffFileForm
from ovop_market.delivery.models import ImportMode, ImportState, TariffImport
from ovop_market.delivery.tariff_files import MOST_BYTES
from ovop_market.delivery.views import blueprint
from ovop_market.extensions import db
from ovop_market.web import access, htmx, limits
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain

# Lines of a kind that a preview shows; of the others it says the number.
SHOWN = 50


def _files(status: int = 200, *, form: TariffFileForm | None = None, problem: str = "") -> Response:
    return htmx.page_or_fragment(
        "delivery/imports.html",
        "delivery/_imports.html",
        status,
        files=desk.imports(db.session()),
        form=form or TariffFileForm(formdata=None),
        problem=problem,
    )


def _file(found: TariffImport, status: int = 200, *, problem: str = "") -> Response:
    outlook = None
    if found.state is ImportState.PREVIEW and found.content is not None:
        outlook = desk.outlook(db.session(), found.content, found.mode)
    return htmx.page_or_fragment(
        "delivery/import.html",
        "delivery/_import.html",
        status,
        file=found,
        outlook=outlook,
        shown=SHOWN,
        problem=problem,
    )


@blueprint.get("/desk/tariffs/imports")
@access.role("operator")
def imports() -> ResponseReturnValue:
    return _files()


@blueprint.post("/desk/tariffs/imports")
@access.role("operator")
@access.takes_files(MOST_BYTES + 512 * 1024)
@limits.on("upload")
def upload_tariffs() -> ResponseReturnValue:
    form, operator_id = TariffFileForm(), current_user.id
    if not form.validate():
        return _files(422, form=form)
    try:
        text, name = _text(form)
        found = services.upload(
            db.session(), text, name, ImportMode(form.mode.data), operator_id, clock.now()
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        return _files(refusal.status, form=form, problem=explain(form, refusal))
    return htmx.moved(url_for("delivery.tariff_import", import_id=found.id))


def _text(form: TariffFileForm) -> tuple[str, str]:
    """What was sent and the file's name. Raises Unusable."""
    if form.file.data:
        content = form.file.data.read(tariff_files.MOST_BYTES + 1)
        return tariff_files.decode(content), form.file.data.filename or ""
    if form.text.data:
        return tariff_files.tidy(form.text.data), ""
    raise Unusable(_("Pilih berkasnya, atau tempel isinya."), field="file")


@blueprint.get(f"/desk/tariffs/imports/<{ID}:import_id>")
@access.role("operator")
def tariff_import(import_id: int) -> ResponseReturnValue:
    return _file(desk.import_of(db.session(), import_id))


@blueprint.post(f"/desk/tariffs/imports/<{ID}:import_id>/application")
@access.role("operator")
def apply_tariffs(import_id: int) -> ResponseReturnValue:
    seen, operator_id = request.form.get("seen", "")[:64], current_user.id
    try:
        services.apply(db.session(), import_id, operator_id, clock.now(), seen=seen)
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        return _refused(import_id, refusal)
    flash(_("Tarifnya sudah berlaku."), "done")
    return htmx.moved(url_for("delivery.tariff_import", import_id=import_id))


@blueprint.post(f"/desk/tariffs/imports/<{ID}:import_id>/removal")
@access.role("operator")
def remove_tariffs(import_id: int) -> ResponseReturnValue:
    try:
        services.discard(db.session(), import_id)
        db.session.commit()
    except Conflict as refusal:
        return _refused(import_id, refusal)
    flash(_("Pratinjaunya dibuang. Tarifnya tetap seperti semula."), "done")
    return redirect(url_for("delivery.imports"), 303)


def _refused(import_id: int, refusal: MarketError) -> ResponseReturnValue:
    db.session.rollback()
    found = desk.import_of(db.session(), import_id)
    return _file(found, refusal.status, problem=refusal.message)
