"""Noting a sale beyond the website in two taps: what was sold, and save."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.catalogue.models import Variant
from ovop_market.core import clock
from ovop_market.core.errors import MarketError
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.regions import queries as regions
from ovop_market.sales import labels, queries, services
from ovop_market.sales.forms import SaleForm
from ovop_market.sales.models import ReportedSale, SaleChannel
from ovop_market.sales.services import Sold
from ovop_market.villages.models import Producer
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID, LARGEST_ID
from ovop_market.web.filters import number
from ovop_market.web.forms import explain, tap_key
from ovop_market.web.paging import page_number, pager

blueprint = Blueprint("sales", __name__)


def _page(
    status: int = 200,
    *,
    chosen: tuple[Producer, Variant] | None = None,
    form: SaleForm | None = None,
    notice: str = "",
    problem: str = "",
) -> Response:
    """The page with a form for what was chosen, filled in as usual or as it was typed."""
    today = clock.wib_date(clock.now())
    values: dict[str, Any] = {}
    if chosen is not None:
        seller, variant = chosen
        usual = queries.usual(db.session(), seller, variant)
        form = form or _fresh(seller, variant, usual, today)
        q = request.values.get("region_q", "")[:100]
        known = {place.code for place in usual.places}
        selected = (form.region_code.data or "")[:13]
        options = regions.picker_options(
            db.session(), q, selected if selected not in known else "", regions.REGENCY_LEVELS
        )
        values = {
            "seller": seller,
            "variant": variant,
            "places": usual.places,
            "region_q": q,
            "options": [option for option in options if option.code not in known],
            "key": secret_token(),
            "earliest": today - services.OLDEST,
        }
    page = page_number(request.args.get("page", ""))
    found = queries.notes(db.session(), current_user, page, today)
    return htmx.page_or_fragment(
        "sales/page.html",
        "sales/_panel.html",
        status,
        form=form,
        sellables=queries.sellables(db.session(), current_user),
        notes=found,
        channels=labels.CHANNELS,
        today=today,
        notice=notice,
        problem=problem,
        pager=pager(found.page, found.pages, _address),
        **values,
    )


def _address(page: int) -> str:
    return url_for("sales.sales", page=page if page > 1 else None)


def _fresh(seller: Producer, variant: Variant, usual: queries.Usual, today: date) -> SaleForm:
    return SaleForm(
        formdata=None,
        data={
            "variant_id": variant.id,
            "producer": seller.slug,
            "quantity": usual.quantity,
            "channel": str(usual.channel),
            "region_code": usual.region_code,
            "day": today,
        },
    )


def _chosen(variant_id: str, seller_slug: str) -> tuple[Producer, Variant]:
    """What the account may sell, by the texts of an address or a form. Raises NotFound."""
    digits = variant_id if variant_id.isascii() and variant_id.isdecimal() else "0"
    known = min(int(digits[:12]), LARGEST_ID)
    return queries.sellable(db.session(), current_user, known, seller_slug)


@blueprint.get("/shop/sales")
@access.role("producer")
def sales() -> ResponseReturnValue:
    if "variant" not in request.args:
        return _page()
    return _page(chosen=_chosen(request.args["variant"], request.args.get("producer", "")))


@blueprint.post("/shop/sales")
@access.role("producer")
def note() -> ResponseReturnValue:
    form = SaleForm()
    if not form.variant_id.data:
        return _page(422, problem=_("Pilih dulu apa yang terjual."))
    chosen = _chosen(form.variant_id.data, form.producer.data or "")
    if "find_region" in request.form:
        return _page(chosen=chosen, form=form)
    if not form.validate():
        return _page(422, chosen=chosen, form=form)
    try:
        sale = services.note(
            db.session(),
            *chosen,
            _sold(form),
            key=tap_key() or secret_token(),
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        chosen = _chosen(form.variant_id.data, form.producer.data or "")
        return _page(refusal.status, chosen=chosen, form=form, problem=problem)
    return _done(
        _(
            "Tercatat: %(n)s × %(product)s %(variant)s, %(region)s.",
            n=number(sale.quantity),
            product=sale.variant.product.name,
            variant=sale.variant.name,
            region=sale.region.name,
        )
    )


@blueprint.post(f"/shop/sales/<{ID}:sale_id>/withdrawal")
@access.role("producer")
def withdraw(sale_id: int) -> ResponseReturnValue:
    sale: ReportedSale = queries.sale_of(db.session(), current_user, sale_id)
    services.withdraw(db.session(), sale, actor_id=current_user.id, now=clock.now())
    db.session.commit()
    return _done(_("Catatan dibatalkan. Angkanya sudah dikurangi lagi."))


def _sold(form: SaleForm) -> Sold:
    assert form.quantity.data is not None and form.day.data is not None  # the form requires them
    return Sold(
        quantity=form.quantity.data,
        total=form.total.data,
        channel=SaleChannel(form.channel.data),
        region_code=form.region_code.data,
        day=form.day.data,
        from_stock=form.from_stock.data,
    )


def _done(notice: str) -> ResponseReturnValue:
    if htmx.is_fragment():
        return _page(notice=notice)
    flash(notice, "done")
    return redirect(url_for("sales.sales"), 303)
