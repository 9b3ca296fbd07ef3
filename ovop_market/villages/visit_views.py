"""Mentoring one producer: its visits, the form to note one, its permits and its sales."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import MarketError, NotFound
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.villages import labels, permit_queries
from ovop_market.villages import visit_queries as queries
from ovop_market.villages import visit_services as services
from ovop_market.villages.models import Producer
from ovop_market.villages.visit_forms import VisitForm, WithdrawalForm
from ovop_market.villages.visit_models import MOST_PHOTOS, Topic
from ovop_market.web import access, limits, pictures
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain, tap_key
from ovop_market.web.pictures import StoredPicture

blueprint = Blueprint("visits", __name__)


def _page(
    producer: Producer,
    status: int = 200,
    *,
    form: VisitForm | None = None,
    problem: str = "",
    unclear: Mapping[str, Any] | None = None,
) -> Response:
    """`unclear`: the visit (id) that was not withdrawn for its reason (why), and what is said."""
    session = db.session()
    today = clock.wib_date(clock.now())
    visits = queries.visits_to(session, current_user, producer, today)
    months = queries.sales_of(session, producer.id, today) if queries.sales_of else ()
    [(_producer, permits)] = permit_queries.rows_of(session, [producer], today)
    body = render_template(
        "villages/visits/producer.html",
        producer=producer,
        visits=visits,
        months=months,
        marks=queries.marks(visits, months),
        permits=permits,
        form=form or VisitForm(formdata=None, data={"day": today}),
        refused=form,
        problem=problem,
        unclear=unclear,
        key=secret_token(),
        labels=labels,
        today=today,
        most_photos=MOST_PHOTOS,
        accepted=pictures.ACCEPTED,
        earliest=services.EARLIEST,
    )
    return make_response(body, status)


@blueprint.get("/mentoring/producers/<slug>")
@access.role(*queries.ROLES)
def producer(slug: str) -> ResponseReturnValue:
    return _page(queries.producer_of(db.session(), current_user, slug))


@blueprint.post("/mentoring/producers/<slug>/visits")
@access.role(*queries.ROLES)
@access.takes_files(pictures.MAX_UPLOAD)
@limits.on("upload")
def note(slug: str) -> ResponseReturnValue:
    found = queries.producer_of(db.session(), current_user, slug)
    form = VisitForm()
    if not form.validate():
        return _page(found, 422, form=form)
    files = [f for f in form.photo.data or [] if isinstance(f, FileStorage) and f.filename]
    said = _said(form)
    # Decoding takes its time; nobody waits for it meanwhile.
    db.session.rollback()
    try:
        services.check(said, clock.wib_date(clock.now()))
        services.refuse_too_many(len(files))
        stored = [_stored(file) for file in files]
        found = queries.producer_of(db.session(), current_user, slug)
        services.note(
            db.session(),
            found,
            said,
            stored,
            key=tap_key() or secret_token(),
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        if not isinstance(refusal, NotFound):
            found = queries.producer_of(db.session(), current_user, slug)
            return _page(found, refusal.status, form=form, problem=explain(form, refusal))
        raise
    return _done(slug, _("Kunjungan tercatat."))


@blueprint.post(f"/mentoring/visits/<{ID}:visit_id>/completion")
@access.role(*queries.ROLES)
def finish(visit_id: int) -> ResponseReturnValue:
    visit = queries.visit_of(db.session(), current_user, visit_id)
    services.finish(db.session(), visit, actor_id=current_user.id, now=clock.now())
    slug = visit.producer.slug
    db.session.commit()
    return _done(slug, _("Langkah berikutnya selesai."))


@blueprint.post(f"/mentoring/visits/<{ID}:visit_id>/withdrawal")
@access.role(*queries.ROLES)
def withdraw(visit_id: int) -> ResponseReturnValue:
    visit = queries.visit_of(db.session(), current_user, visit_id)
    form = WithdrawalForm()
    if services.can_withdraw(current_user, visit.by_id) and not form.validate():
        said = _("Tulis alasannya, paling banyak 200 huruf, lalu batalkan lagi.")
        unclear = {"id": visit_id, "said": said, "why": form.why.data or ""}
        return _page(_again(visit.producer.slug), 422, problem=said, unclear=unclear)
    services.withdraw(db.session(), visit, current_user, why=form.why.data or "", now=clock.now())
    slug = visit.producer.slug
    db.session.commit()
    return _done(slug, _("Kunjungan dibatalkan."))


@blueprint.get(f"/mentoring/visits/<{ID}:visit_id>/photos/<{ID}:photo_id>")
@access.role(*queries.ROLES)
def photo(visit_id: int, photo_id: int) -> ResponseReturnValue:
    found = queries.photo_of(db.session(), current_user, visit_id, photo_id)
    path = pictures.private_path(_media(), found.key)
    if not path.exists():
        raise NotFound(_("Foto ini tidak ada di wilayah Anda."))
    response = send_file(path.absolute(), mimetype="image/webp")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.get("/shop/visits")
@access.role("producer")
def own() -> ResponseReturnValue:
    today = clock.wib_date(clock.now())
    visits = queries.visits_of_own(db.session(), current_user, today)
    return render_template("villages/visits/own.html", visits=visits, labels=labels)


def _said(form: VisitForm) -> services.Said:
    assert form.day.data is not None  # the form requires it
    return services.Said(
        day=form.day.data,
        topic=Topic(form.topic.data),
        advice=form.advice.data or "",
        next_step=form.next_step.data or "",
        next_by=form.next_by.data,
    )


def _stored(file: FileStorage) -> StoredPicture:
    key = pictures.store_private(file.stream.read(pictures.MAX_BYTES + 1), _media())
    return pictures.private_picture(_media(), key)


def _media() -> Path:
    folder: Path = current_app.config["OVOP"].media
    return folder


def _again(slug: str) -> Producer:
    return queries.producer_of(db.session(), current_user, slug)


def _done(slug: str, notice: str) -> ResponseReturnValue:
    flash(notice, "done")
    return redirect(url_for("visits.producer", slug=slug) + "#visits", 303)
