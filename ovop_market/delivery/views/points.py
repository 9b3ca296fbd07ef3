"""Collection points as operators keep them."""

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
from ovop_market.delivery.forms import NewPointForm, PointForm
from ovop_market.delivery.models import CollectionPoint
from ovop_market.delivery.views import blueprint
from ovop_market.extensions import db
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain


def _points(status: int = 200, *, form: NewPointForm | None = None, problem: str = "") -> Response:
    return htmx.page_or_fragment(
        "delivery/points.html",
        "delivery/_points.html",
        status,
        points=desk.points(db.session()),
        form=form or NewPointForm(formdata=None),
        problem=problem,
    )


def _point(
    point: CollectionPoint, form: PointForm, status: int = 200, *, problem: str = ""
) -> Response:
    return htmx.page_or_fragment(
        "delivery/point.html",
        "delivery/_point.html",
        status,
        point=point,
        form=form,
        problem=problem,
    )


@blueprint.get("/desk/collection-points")
@access.role("operator")
def points() -> ResponseReturnValue:
    return _points()


@blueprint.post("/desk/collection-points")
@access.role("operator")
def add_point() -> ResponseReturnValue:
    form, operator_id = NewPointForm(), current_user.id
    if not form.validate():
        return _points(422, form=form)
    try:
        verbs.add_collection_point(
            db.session(),
            slug=form.slug.data or "",
            **form.values(),
            now=clock.now(),
            actor_id=operator_id,
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        return _points(refusal.status, form=form, problem=explain(form, refusal))
    flash(_("Tempat ambilnya ditambahkan."), "done")
    return redirect(url_for("delivery.points"), 303)


@blueprint.get(f"/desk/collection-points/<{ID}:point_id>")
@access.role("operator")
def point(point_id: int) -> ResponseReturnValue:
    found = desk.point_of(db.session(), point_id)
    return _point(found, forms.of_point(found))


@blueprint.post(f"/desk/collection-points/<{ID}:point_id>")
@access.role("operator")
def change_point(point_id: int) -> ResponseReturnValue:
    form, operator_id = PointForm(), current_user.id
    found = desk.point_of(db.session(), point_id)
    if not form.validate():
        return _point(found, form, 422)
    try:
        verbs.change_collection_point(
            db.session(), point_id, **form.values(), now=clock.now(), actor_id=operator_id
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        found = desk.point_of(db.session(), point_id)
        return _point(found, form, refusal.status, problem=explain(form, refusal))
    flash(_("Tempat ambilnya diubah."), "done")
    return redirect(url_for("delivery.points"), 303)


@blueprint.post(f"/desk/collection-points/<{ID}:point_id>/opening")
@access.role("operator")
def open_point(point_id: int) -> ResponseReturnValue:
    verbs.set_open(db.session(), point_id, True, clock.now(), current_user.id)
    db.session.commit()
    flash(_("Tempat ambilnya dibuka lagi."), "done")
    return redirect(url_for("delivery.points"), 303)


@blueprint.post(f"/desk/collection-points/<{ID}:point_id>/closure")
@access.role("operator")
def close_point(point_id: int) -> ResponseReturnValue:
    verbs.set_open(db.session(), point_id, False, clock.now(), current_user.id)
    db.session.commit()
    flash(_("Tempat ambilnya ditutup untuk pesanan baru."), "done")
    return redirect(url_for("delivery.points"), 303)
