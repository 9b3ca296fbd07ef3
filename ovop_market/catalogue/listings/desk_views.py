"""Listings on the operator's desk: looked at before or after buyers see them, turned down."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.catalogue import labels
from ovop_market.catalogue.listings import desk_queries as queries
from ovop_market.catalogue.listings import reviews
from ovop_market.catalogue.listings.desk_queries import Tab
from ovop_market.catalogue.listings.states import MOVES, ListingAction
from ovop_market.catalogue.models import Product
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError
from ovop_market.extensions import db
from ovop_market.villages import labels as producer_labels
from ovop_market.villages import producer_queries
from ovop_market.villages.sell_forms import DecisionForm, decision_form
from ovop_market.web import access
from ovop_market.web.forms import explain, state_seen
from ovop_market.web.paging import page_number, pager
from ovop_market.web.pictures import sources

blueprint = Blueprint("reviews", __name__)


@blueprint.get("/desk/listings")
@access.role("operator")
def listings() -> ResponseReturnValue:
    wanted = request.args.get("tab", "")
    tab = Tab(wanted) if wanted in set(Tab) else Tab.WAITING
    page = page_number(request.args.get("page", ""))
    found = queries.queue(db.session(), tab, page, clock.now())
    return render_template(
        "shop/desk_listings.html",
        found=found,
        pager=pager(found.page, found.pages, partial(_address, tab)),
        labels=labels,
        producer_labels=producer_labels,
    )


def _address(tab: Tab, page: int) -> str:
    return url_for("reviews.listings", tab=tab, page=page if page > 1 else None)


def _page(
    slug: str,
    status: int = 200,
    *,
    at: ListingAction | None = None,
    form: DecisionForm | None = None,
    problem: str = "",
) -> Response:
    session = db.session()
    product, row = queries.listing_of(session, slug, clock.now())
    moves = [
        action
        for action in (ListingAction.APPROVE, ListingAction.RETURN, ListingAction.HIDE)
        if (row.state, action) in MOVES
    ]
    body = render_template(
        "shop/desk_listing.html",
        product=product,
        row=row,
        photos=[sources(photo) for photo in product.photos],
        moves=moves,
        forms={each: form if each == at and form else decision_form(each) for each in moves},
        history=queries.history(session, product.id),
        seen=reviews.mark(product),
        at=at,
        refused=form,
        problem=problem,
        labels=labels,
        producer_labels=producer_labels,
        told=producer_queries.hears(session, product.producer_id),
    )
    return make_response(body, status)


@blueprint.get("/desk/listings/<slug>")
@access.role("operator")
def listing(slug: str) -> ResponseReturnValue:
    return _page(slug)


@blueprint.post("/desk/listings/<slug>/approval")
@access.role("operator")
def approve(slug: str) -> ResponseReturnValue:
    return _decide(slug, ListingAction.APPROVE, _("Diperiksa. Pembeli melihatnya."))


@blueprint.post("/desk/listings/<slug>/return")
@access.role("operator")
def send_back(slug: str) -> ResponseReturnValue:
    return _decide(slug, ListingAction.RETURN, _("Dikembalikan. Penjual membaca alasannya."))


@blueprint.post("/desk/listings/<slug>/hiding")
@access.role("operator")
def hide(slug: str) -> ResponseReturnValue:
    return _decide(slug, ListingAction.HIDE, _("Disembunyikan. Penjual membaca alasannya."))


def _decide(slug: str, action: ListingAction, said: str) -> ResponseReturnValue:
    """What an operator decides of a listing, in five beats."""
    session = db.session()
    product, _row = queries.listing_of(session, slug, clock.now())
    form = decision_form(action, sent=True)
    if not form.validate():
        return _page(slug, 422, at=action, form=form)
    try:
        _do(product, action, form.reason.data or "")
        session.commit()
    except MarketError as refusal:
        session.rollback()
        return _page(slug, refusal.status, at=action, form=form, problem=explain(form, refusal))
    flash(said, "done")
    return redirect(url_for("reviews.listing", slug=slug), 303)


def _do(product: Product, action: ListingAction, reason: str) -> None:
    session, seen = db.session(), state_seen()
    reviews.look(session, product)
    if reviews.same_again(session, product, action, current_user.id):
        return
    if seen is not None and seen != reviews.mark(product):
        raise Conflict(_("Produk ini sudah berubah sejak Anda lihat. Periksa lagi."))
    reviews.act(session, product, action, actor_id=current_user.id, now=clock.now(), reason=reason)
