"""Couriers' services as operators keep them."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.delivery import desk, forms
from ovop_market.delivery import services as verbs
from ovop_market.delivery.forms import NewServiceForm, ServiceForm
from ovop_market.delivery.models import Service
from ovop_market.delivery.rates import configured
from ovop_market.delivery.views import blueprint
from ovop_market.extensions import db
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain


def _services(
    status: int = 200, *, form: NewServiceForm | None = None, problem: str = ""
) -> Response:
    return htmx.page_or_fragment(
        "delivery/services.html",
        "delivery/_services.html",
        status,
        services=desk.services(db.session()),
        form=form or NewServiceForm(formdata=None),
        rates=_rates_are_asked(),
        problem=problem,
    )


def _service(
    service: Service, form: ServiceForm, status: int = 200, *, problem: str = ""
) -> Response:
    return htmx.page_or_fragment(
        "delivery/service.html",
        "delivery/_service.html",
        status,
        service=service,
        form=form,
        rates=_rates_are_asked(),
        problem=problem,
    )


def _rates_are_asked() -> bool:
    return configured() is not None


@blueprint.get("/desk/tariffs/services")
@access.role("operator")
def services() -> ResponseReturnValue:
    return _services()


@blueprint.post("/desk/tariffs/services")
@access.role("operator")
def add_service() -> ResponseReturnValue:
    form, operator_id = NewServiceForm(), current_user.id
    if not form.validate():
        return _services(422, form=form)
    try:
        verbs.add_service(
            db.session(),
            form.code.data or "",
            form.terms(),
            local=bool(form.local.data),
            now=clock.now(),
            actor_id=operator_id,
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        return _services(refusal.status, form=form, problem=explain(form, refusal))
    flash(_("Layanannya ditambahkan. Isi tarifnya lewat berkas."), "done")
    return redirect(url_for("delivery.services"), 303)


@blueprint.get(f"/desk/tariffs/services/<{ID}:service_id>")
@access.role("operator")
def service(service_id: int) -> ResponseReturnValue:
    found = desk.service_of(db.session(), service_id)
    return _service(found, forms.of_service(found))


@blueprint.post(f"/desk/tariffs/services/<{ID}:service_id>")
@access.role("operator")
def change_service(service_id: int) -> ResponseReturnValue:
    form, operator_id = ServiceForm(), current_user.id
    found = desk.service_of(db.session(), service_id)
    if not form.validate():
        return _service(found, form, 422)
    try:
        verbs.change_service(db.session(), service_id, form.terms(), clock.now(), operator_id)
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        found = desk.service_of(db.session(), service_id)
        return _service(found, form, refusal.status, problem=explain(form, refusal))
    flash(_("Layanannya diubah."), "done")
    return redirect(url_for("delivery.services"), 303)
