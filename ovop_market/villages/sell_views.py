"""Asking to sell here, and what became of it."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.core.errors import MarketError
from ovop_market.extensions import db
from ovop_market.villages import producer_queries, producer_services
from ovop_market.villages.models import Producer, Village
from ovop_market.villages.producer_states import ProducerState
from ovop_market.villages.sell_forms import SellForm
from ovop_market.web import access, limits
from ovop_market.web.forms import explain

blueprint = Blueprint("sell", __name__)


def _villages() -> list[tuple[int, str]]:
    rows = db.session.execute(select(Village.id, Village.name).order_by(Village.name))
    return [(row.id, row.name) for row in rows]


def own_application() -> Producer | None:
    """For templates: the producer for which whoever is signed in asked last."""
    return producer_services.latest_of(db.session(), current_user.id)


def _page(status: int = 200, form: SellForm | None = None, problem: str = "") -> Response:
    known = current_user.is_authenticated
    may = known and current_user.role in (Role.BUYER, Role.PRODUCER)
    producer = producer_services.latest_of(db.session(), current_user.id) if known else None
    open_now = may and (producer is None or producer.state is not ProducerState.APPLIED)
    body = render_template(
        "villages/sell.html",
        known=known,
        may=may,
        producer=producer,
        reason=producer_queries.latest_reason(db.session(), producer.id) if producer else "",
        form=form or (_form(producer) if open_now else None),
        refused=form,
        problem=problem,
        # Who sells already is asked nothing until it wants to sell something else.
        folded=producer is not None and producer.state is not ProducerState.REFUSED and not form,
    )
    return make_response(body, status)


def _form(producer: Producer | None) -> SellForm:
    if producer is not None and producer.state is ProducerState.REFUSED:
        return SellForm.of(_villages(), producer)
    form = SellForm.of(_villages())
    form.phone.data = form.phone.data or current_user.phone or ""
    return form


@blueprint.get("/sell")
@access.visitor
def sell() -> ResponseReturnValue:
    return _page()


@blueprint.post("/sell")
@access.signed_in
@limits.on("apply")
def apply() -> ResponseReturnValue:
    form = SellForm.of(_villages())
    if not form.validate():
        return _page(422, form)
    try:
        producer_services.apply(db.session(), current_user, form.application, now=clock.now())
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        return _page(refusal.status, form, explain(form, refusal))
    flash(_("Pendaftaran terkirim."), "done")
    return redirect(url_for("sell.sell"), 303)
