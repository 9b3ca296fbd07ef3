"""Stock in two taps, its history, and packs for one week; part of the shop."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.catalogue import seasons, services, shop_forms, shop_queries, shop_services
from ovop_market.catalogue import stock_history as histories
from ovop_market.catalogue.models import StockReason
from ovop_market.catalogue.services import Cause
from ovop_market.catalogue.shop_views import blueprint, change
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.core.tokens import digest
from ovop_market.extensions import db
from ovop_market.web import access
from ovop_market.web.addresses import ID
from ovop_market.web.forms import tap_key
from ovop_market.web.paging import page_number, pager


@blueprint.post(f"/shop/offers/<{ID}:offer_id>/movements")
@access.role("producer")
def note_packs(offer_id: int) -> ResponseReturnValue:
    """Packs that were made, or sold elsewhere, spoiled, used up."""
    offer = shop_queries.offer_of(db.session(), current_user, offer_id)
    form = shop_forms.PacksForm()

    def verb() -> str:
        reason, packs = StockReason(form.reason.data), form.packs.data or 0
        # Two buttons of one form are two taps, also before its answer has come.
        key = tap_key()
        cause = Cause(
            reason,
            clock.now(),
            current_user.id,
            key=digest(f"{key} {reason} {packs}") if key else None,
        )
        sign = 1 if reason is StockReason.MADE else -1
        if services.note_packs(db.session(), offer, sign * packs, cause):
            return _("Tercatat.")
        return _("Ketukan ini sudah tercatat tadi, tidak dihitung dua kali.")

    return change(offer, form, verb)


@blueprint.get(f"/shop/offers/<{ID}:offer_id>/movements")
@access.role("producer")
def movements(offer_id: int) -> ResponseReturnValue:
    today = clock.wib_date(clock.now())
    offer = shop_queries.offer_row(db.session(), current_user, offer_id, today)
    page = page_number(request.args.get("page", ""))
    found = histories.history(db.session(), offer_id, page)
    return render_template(
        "shop/movements.html",
        offer=offer,
        history=found,
        pager=pager(
            page,
            found.pages,
            lambda n: url_for("shop.movements", offer_id=offer_id, page=n),
        ),
    )


@blueprint.post(f"/shop/offers/<{ID}:offer_id>/plan")
@access.role("producer")
def plan(offer_id: int) -> ResponseReturnValue:
    """How many packs can be made in one week."""
    offer = shop_queries.offer_of(db.session(), current_user, offer_id)
    form = shop_forms.PlanForm()

    def verb() -> str:
        assert form.week.data is not None  # the form requires it
        now = clock.now()
        shop_services.plan_week(
            db.session(),
            offer,
            form.week.data,
            form.planned.data,
            actor_id=current_user.id,
            now=now,
            today=clock.wib_date(now),
        )
        return _("Tersimpan. Yang sudah dijanjikan tetap dijanjikan.")

    return change(offer, form, verb)


@blueprint.post("/shop/surge")
@access.role("producer")
def surge() -> ResponseReturnValue:
    """More, less or nothing in the weeks before Lebaran, for all own offers at once."""
    form = shop_forms.SurgeForm()
    now = clock.now()
    today = clock.wib_date(now)
    offered = {week.first for week in seasons.season(today).weeks}
    weeks = [day for day in map(_day, form.week.data or ()) if day in offered]
    if not form.validate() or len(weeks) != len(form.week.data or ()):
        raise Unusable(_("Pilih dulu minggunya, lalu ketuk tombolnya."))
    shop_services.plan_weeks(
        db.session(),
        shop_queries.own_offer_ids(db.session(), current_user),
        [day for day in weeks if day is not None],
        int(form.percent.data) if form.percent.data else None,
        actor_id=current_user.id,
        now=now,
        today=today,
    )
    db.session.commit()
    flash(_("Jadwal Lebaran tersimpan untuk semua produk Anda."), "done")
    return redirect(url_for("shop.offers"), 303)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
