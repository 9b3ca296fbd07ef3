"""Producers on the operator's desk: who applies, who sells, and what is decided of them.

Here, above the orders: closing for good looks at them, and a suspension says what goes on.
"""

from __future__ import annotations

from functools import partial

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock, whatsapp
from ovop_market.core.errors import MarketError
from ovop_market.extensions import db
from ovop_market.orders import producers as weights
from ovop_market.orders.services import membership
from ovop_market.villages import labels, permit_queries, producer_services
from ovop_market.villages import producer_queries as queries
from ovop_market.villages.models import Producer
from ovop_market.villages.producer_queries import Told
from ovop_market.villages.producer_states import ProducerAction, ProducerState, moves_from
from ovop_market.villages.sell_forms import DecisionForm, decision_form
from ovop_market.web import access
from ovop_market.web.forms import explain, state_seen
from ovop_market.web.language import DEFAULT, speaking
from ovop_market.web.paging import page_number, pager

blueprint = Blueprint("producers", __name__)

# What an operator decides, by the noun in the address.
DECISIONS = {
    ProducerAction.APPROVE: "approval",
    ProducerAction.REFUSE: "refusal",
    ProducerAction.SUSPEND: "suspension",
    ProducerAction.RESUME: "resumption",
    ProducerAction.CLOSE: "closure",
}


@blueprint.get("/desk/producers")
@access.role("operator")
def producers() -> ResponseReturnValue:
    wanted = request.args.get("state", "")
    state = ProducerState(wanted) if wanted in set(ProducerState) else ProducerState.APPLIED
    q = request.args.get("q", "").strip()[: queries.LONGEST_SEARCH]
    found = queries.producers(db.session(), state, q, page_number(request.args.get("page", "")))
    address = partial(_address, state, q)
    return render_template(
        "orders/producers.html",
        found=found,
        state=state,
        q=q,
        pager=pager(found.page, found.pages, address),
        labels=labels,
    )


def _address(state: ProducerState, q: str, page: int) -> str:
    return url_for("producers.producers", state=state, q=q or None, page=page if page > 1 else None)


def _page(
    producer: Producer,
    status: int = 200,
    *,
    at: ProducerAction | None = None,
    form: DecisionForm | None = None,
    problem: str = "",
) -> Response:
    session = db.session()
    today = clock.wib_date(clock.now())
    weight = weights.weights_of(session, [producer.id])[producer.id]
    [(_producer, permits)] = permit_queries.rows_of(session, [producer], today)
    history = queries.history(session, producer.id)
    moves = [action for action in moves_from(producer.state) if action in DECISIONS]
    body = render_template(
        "orders/producer.html",
        producer=producer,
        weight=weight,
        permits=permits,
        history=history,
        moves=moves,
        forms={each: form if each == at and form else decision_form(each) for each in moves},
        nouns=DECISIONS,
        seen=producer_services.mark(producer),
        at=at,
        refused=form,
        problem=problem,
        labels=labels,
        chat=whatsapp.address(producer.phone, _greeting(producer, history)),
        told=queries.hears(session, producer.id),
    )
    return make_response(body, status)


def _greeting(producer: Producer, history: list[Told]) -> str:
    """What an operator says to the producer, in its language: what was decided last, if anything
    was."""
    with speaking(DEFAULT):
        hello = _("Halo %(producer)s, ini pengelola OVOP Market.", producer=producer.name)
        return f"{hello} {_decided(history[0])}".strip() if history else hello


def _decided(last: Told) -> str:
    if last.action is ProducerAction.APPROVE:
        return _(
            "Pendaftaran Anda disetujui. Buka OVOP Market, lalu tampilkan produk pertama Anda."
        )
    if last.action is ProducerAction.REFUSE:
        return _(
            "Pendaftaran Anda belum bisa diterima. Alasannya: %(reason)s Perbaiki, lalu "
            "kirim lagi.",
            reason=_sentence(last.reason),
        )
    if last.action is ProducerAction.SUSPEND:
        return _(
            "Penjualan Anda dihentikan sementara. Alasannya: %(reason)s",
            reason=_sentence(last.reason),
        )
    if last.action is ProducerAction.RESUME:
        return _("Anda boleh berjualan lagi.")
    return ""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


@blueprint.get("/desk/producers/<slug>")
@access.role("operator")
def producer(slug: str) -> ResponseReturnValue:
    return _page(queries.producer_of(db.session(), slug))


@blueprint.post("/desk/producers/<slug>/approval")
@access.role("operator")
def approve(slug: str) -> ResponseReturnValue:
    return _decide(slug, ProducerAction.APPROVE, _("Disetujui. Sekarang boleh berjualan."))


@blueprint.post("/desk/producers/<slug>/refusal")
@access.role("operator")
def refuse(slug: str) -> ResponseReturnValue:
    return _decide(slug, ProducerAction.REFUSE, _("Ditolak. Pendaftar membaca alasannya."))


@blueprint.post("/desk/producers/<slug>/suspension")
@access.role("operator")
def suspend(slug: str) -> ResponseReturnValue:
    return _decide(
        slug, ProducerAction.SUSPEND, _("Dihentikan sementara. Produknya tidak terlihat lagi.")
    )


@blueprint.post("/desk/producers/<slug>/resumption")
@access.role("operator")
def resume(slug: str) -> ResponseReturnValue:
    return _decide(slug, ProducerAction.RESUME, _("Boleh berjualan lagi."))


@blueprint.post("/desk/producers/<slug>/closure")
@access.role("operator")
def close(slug: str) -> ResponseReturnValue:
    return _decide(slug, ProducerAction.CLOSE, _("Ditutup untuk seterusnya."))


def _decide(slug: str, action: ProducerAction, said: str) -> ResponseReturnValue:
    """What an operator decides of a producer, in five beats."""
    found = queries.producer_of(db.session(), slug)
    form = decision_form(action, sent=True)
    if not form.validate():
        return _page(found, 422, at=action, form=form)
    try:
        _do(found, action, form.reason.data or "")
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        found = queries.producer_of(db.session(), slug)
        problem = explain(form, refusal)
        return _page(found, refusal.status, at=action, form=form, problem=problem)
    flash(said, "done")
    return redirect(url_for("producers.producer", slug=slug), 303)


def _do(producer: Producer, action: ProducerAction, reason: str) -> None:
    session, now = db.session(), clock.now()
    if action is ProducerAction.CLOSE:
        membership.close_for_good(
            session,
            producer,
            actor_id=current_user.id,
            now=now,
            reason=reason,
            seen=state_seen(),
        )
        return
    producer_services.move(
        session,
        producer,
        action,
        actor_id=current_user.id,
        now=now,
        reason=reason,
        seen=state_seen(),
    )
