"""A producer's permits: seen, said, changed, removed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound, Unusable
from ovop_market.extensions import db
from ovop_market.villages import permit_queries as queries
from ovop_market.villages import permit_services as services
from ovop_market.villages.labels import PERMITS
from ovop_market.villages.models import PermitKind, Producer
from ovop_market.villages.permit_forms import PermitForm, permit_form
from ovop_market.web import access, htmx
from ovop_market.web.forms import explain, state_seen

blueprint = Blueprint("permits", __name__)


def _page(status: int = 200, *, at: str = "", **said: Any) -> Response:
    """All permits; `said` is about those of the producer `at`, who alone is shown to HTMX."""
    producers = queries.producers_of(db.session(), current_user)
    today = clock.wib_date(clock.now())
    shown = queries.rows_of(db.session(), producers, today)
    if at and htmx.is_fragment():
        template = "shop/_permits.html"
        own = next(each for each in shown if each[0].slug == at)
        context = {"producer": own[0], "permits": own[1]}
    else:
        template, context = "shop/permits.html", {"shown": shown}
    body = render_template(
        template, **context, **_about(at=at, **said), names=PERMITS, permit_form=permit_form
    )
    return make_response(body, status)


def _about(
    at: str = "",
    kind: PermitKind | None = None,
    form: PermitForm | None = None,
    problem: str = "",
    notice: str = "",
) -> dict[str, Any]:
    return {"at": at, "at_kind": kind, "form": form, "problem": problem, "notice": notice}


@blueprint.get("/shop/permits")
@access.role("producer")
def permits() -> ResponseReturnValue:
    return _page()


@blueprint.post("/shop/producers/<slug>/permits/<kind>")
@access.role("producer")
def save_permit(slug: str, kind: str) -> ResponseReturnValue:
    producer = queries.producer_of(db.session(), current_user, slug)
    which = _kind(kind)
    form = permit_form(slug, which)
    if not form.validate():
        return _page(422, at=slug, kind=which, form=form)
    try:
        services.save(
            db.session(),
            producer,
            which,
            number=form.number.data or "",
            expires_on=form.expires_on.data,
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        return _refused(slug, which, form, refusal)
    return _done(producer, _("%(permit)s tersimpan.", permit=PERMITS[which]))


@blueprint.post("/shop/producers/<slug>/permits/<kind>/removal")
@access.role("producer")
def remove_permit(slug: str, kind: str) -> ResponseReturnValue:
    producer = queries.producer_of(db.session(), current_user, slug)
    which = _kind(kind)
    try:
        services.remove(
            db.session(),
            producer,
            which,
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except Conflict as refusal:
        return _refused(slug, which, None, refusal)
    return _done(producer, _("%(permit)s dihapus.", permit=PERMITS[which]))


def _kind(text: str) -> PermitKind:
    if text not in set(PermitKind):
        raise NotFound(_("Jenis izin ini tidak ada."))
    return PermitKind(text)


def _refused(
    slug: str, kind: PermitKind, form: PermitForm | None, refusal: MarketError
) -> ResponseReturnValue:
    db.session.rollback()
    problem = explain(form, refusal) if form is not None else refusal.message
    return _page(refusal.status, at=slug, kind=kind, form=form, problem=problem)


def _done(producer: Producer, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return _page(at=producer.slug, notice=notice)
    flash(notice, "done")
    return redirect(url_for("permits.permits") + f"#permits-{producer.slug}", 303)
