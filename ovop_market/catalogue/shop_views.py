"""The producer's shop: stock, what can be made in a week, days without orders, and cash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.catalogue import seasons, services, shop_forms, shop_queries, shop_services
from ovop_market.catalogue.models import Offer, StockReason
from ovop_market.catalogue.services import Cause
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.villages import producer_queries
from ovop_market.villages import services as producers
from ovop_market.villages.models import Producer
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm, explain

blueprint = Blueprint("shop", __name__)


def _page(status: int = 200, **said: Any) -> Response:
    """The whole page; `said` is about one thing on it: its id (`at`), a form, a problem."""
    today = clock.wib_date(clock.now())
    found = shop_queries.shop(db.session(), current_user, today)
    body = render_template(
        "shop/page.html", shop=found, season=seasons.season(today), **_about(**said)
    )
    return make_response(body, status)


def _about(
    at: str = "", form: BaseForm | None = None, problem: str = "", notice: str = ""
) -> dict[str, Any]:
    return {
        "at": at,
        "form": form,
        "problem": problem,
        "notice": notice,
        "today": clock.wib_date(clock.now()),
        "standings": {
            each.slug: each for each in producer_queries.standings(db.session(), current_user)
        },
        # What makes a tap on this very page the same tap when it comes twice.
        "tap": secret_token(),
    }


def _offer(offer_id: int, status: int = 200, **said: Any) -> Response:
    """One offer for HTMX, or the page with it."""
    at = f"offer-{offer_id}"
    if not htmx.is_fragment():
        return _page(status, at=at, **said)
    today = clock.wib_date(clock.now())
    row = shop_queries.offer_row(db.session(), current_user, offer_id, today)
    body = render_template("shop/_offer.html", offer=row, **_about(at=at, **said))
    return make_response(body, status)


def _producer(producer: Producer, status: int = 200, **said: Any) -> Response:
    """One producer for HTMX, or the page with it."""
    at = f"producer-{producer.slug}"
    if not htmx.is_fragment():
        return _page(status, at=at, **said)
    body = render_template("shop/_producer.html", producer=producer, **_about(at=at, **said))
    return make_response(body, status)


@blueprint.get("/shop")
@access.role("producer")
def shop() -> ResponseReturnValue:
    return redirect(url_for("shop.offers"), 303)


@blueprint.get("/shop/offers")
@access.role("producer")
def offers() -> ResponseReturnValue:
    return _page()


@blueprint.post(f"/shop/offers/<{ID}:offer_id>/count")
@access.role("producer")
def count(offer_id: int) -> ResponseReturnValue:
    offer = shop_queries.offer_of(db.session(), current_user, offer_id)
    form = shop_forms.CountForm()
    cause = Cause(StockReason.COUNTED, clock.now(), current_user.id)
    return change(
        offer,
        form,
        lambda: services.count_ready(
            db.session(),
            offer,
            counted=form.counted.data or 0,
            seen=form.seen.data or 0,
            cause=cause,
        ),
    )


@blueprint.post(f"/shop/offers/<{ID}:offer_id>/capacity")
@access.role("producer")
def capacity(offer_id: int) -> ResponseReturnValue:
    offer = shop_queries.offer_of(db.session(), current_user, offer_id)
    form = shop_forms.CapacityForm()
    return change(
        offer,
        form,
        lambda: shop_services.set_means(
            db.session(),
            offer,
            weekly_capacity=form.weekly_capacity.data or 0,
            lead_days=form.lead_days.data or 0,
            smallest_batch=form.smallest_batch.data,
            actor_id=current_user.id,
            now=clock.now(),
        ),
    )


@blueprint.post("/shop/producers/<slug>/closure")
@access.role("producer")
def close(slug: str) -> ResponseReturnValue:
    producer = shop_queries.producer_of(db.session(), current_user, slug)
    form = shop_forms.ClosureForm()
    if not form.validate():
        return _producer(producer, 422, form=form)
    assert form.closed_from.data is not None  # the form requires it
    try:
        producers.close(
            db.session(),
            producer,
            closed_from=form.closed_from.data,
            closed_to=form.closed_to.data,
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        form[str(refusal.details["field"])].errors = [refusal.message]
        return _producer(producer, 422, form=form)
    return _producer_done(producer, _("Tutup dicatat. Pembeli melihatnya di halaman produk."))


@blueprint.post("/shop/producers/<slug>/reopening")
@access.role("producer")
def reopen(slug: str) -> ResponseReturnValue:
    producer = shop_queries.producer_of(db.session(), current_user, slug)
    producers.reopen(db.session(), producer, actor_id=current_user.id, now=clock.now())
    db.session.commit()
    return _producer_done(producer, _("Sudah buka lagi untuk pesanan."))


@blueprint.post("/shop/producers/<slug>/cash")
@access.role("producer")
def cash(slug: str) -> ResponseReturnValue:
    producer = shop_queries.producer_of(db.session(), current_user, slug)
    form = shop_forms.CashForm()
    if not form.validate():
        return _producer(producer, 422, form=form)
    shop_services.set_cash(
        db.session(),
        producer,
        on_delivery=form.cash_on_delivery.data,
        at_pickup=form.cash_at_pickup.data,
        limit=form.cash_limit.data,
        actor_id=current_user.id,
        now=clock.now(),
    )
    db.session.commit()
    return _producer_done(producer, _("Tersimpan. Berlaku untuk pesanan yang baru."))


def change(offer: Offer, form: BaseForm, verb: Callable[[], str | None]) -> ResponseReturnValue:
    """The beats after loading of what is done to an offer; `verb` returns what to say of it."""
    offer_id = offer.id
    if not form.validate():
        return _offer(offer_id, 422, form=form)
    try:
        notice = verb() or _("Tersimpan.")
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        return _offer_refused(offer_id, form, refusal)
    if htmx.is_fragment():
        return _offer(offer_id, notice=notice)
    flash(notice, "done")
    return redirect(url_for("shop.offers") + f"#offer-{offer_id}", 303)


def _offer_refused(offer_id: int, form: BaseForm, refusal: MarketError) -> Response:
    db.session.rollback()
    return _offer(offer_id, refusal.status, form=form, problem=explain(form, refusal))


def _producer_done(producer: Producer, notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return _producer(producer, notice=notice)
    flash(notice, "done")
    return redirect(url_for("shop.offers") + f"#producer-{producer.slug}", 303)
