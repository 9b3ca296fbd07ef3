"""The producer's products: the list, a new one, what is said of one, shown or hidden."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.catalogue import labels
from ovop_market.catalogue.listings import queries, services
from ovop_market.catalogue.listings.forms import NewListingForm, listing_form, new_listing_form
from ovop_market.catalogue.listings.pages import done, product_page
from ovop_market.catalogue.listings.states import ListingState
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.villages import producer_queries
from ovop_market.villages.models import Producer
from ovop_market.web import access, htmx
from ovop_market.web.forms import explain, state_seen, tap_key

blueprint = Blueprint("listings", __name__)


@blueprint.get("/shop/products")
@access.role("producer")
def products() -> str:
    session = db.session()
    return render_template(
        "shop/products.html",
        products=queries.products_of(session, current_user),
        producers=queries.producers_of(session, current_user),
        standings=producer_queries.standings(session, current_user),
        labels=labels,
    )


@blueprint.get("/shop/products/new")
@access.role("producer")
def new() -> ResponseReturnValue:
    return _new()


def _new(
    status: int = 200, form: NewListingForm | None = None, problem: str = "", key: str | None = None
) -> Response:
    own = queries.producers_of(db.session(), current_user)
    if form is None:
        like = queries.latest_category(db.session(), current_user)
        empty = new_listing_form([(p.slug, p.name) for p in own], sent=False, like=like)
    body = render_template(
        "shop/new_product.html",
        form=form or empty,
        refused=form,
        problem=problem,
        producers=own,
        key=key or secret_token(),
    )
    return make_response(body, status)


@blueprint.post("/shop/products")
@access.role("producer")
def create() -> ResponseReturnValue:
    own = queries.producers_of(db.session(), current_user)
    form = new_listing_form([(p.slug, p.name) for p in own], sent=True)
    key = tap_key()
    if not own:
        return _new(422, form, _("Belum ada penjual di akun ini."), key)
    if not form.validate():
        return _new(422, form, key=key)
    try:
        product = services.create(
            db.session(),
            _chosen(own, form),
            form.listing,
            key=key,
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        return _new(refusal.status, form, explain(form, refusal), key)
    flash(_("Produk dibuat. Tambah foto dan kemasannya, lalu tampilkan."), "done")
    return htmx.moved(url_for("listings.product", slug=product.slug))


def _chosen(own: Sequence[Producer], form: NewListingForm) -> Producer:
    if "producer" not in form:
        return own[0]
    return next(p for p in own if p.slug == form.producer.data)


@blueprint.get("/shop/products/<slug>")
@access.role("producer")
def product(slug: str) -> ResponseReturnValue:
    return product_page(queries.product_of(db.session(), current_user, slug))


@blueprint.post("/shop/products/<slug>")
@access.role("producer")
def revise(slug: str) -> ResponseReturnValue:
    found = queries.product_of(db.session(), current_user, slug)
    form = listing_form()
    if not form.validate():
        return product_page(found, 422, at="details", form=form)
    try:
        services.revise(
            db.session(),
            found,
            form.listing,
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        return product_page(found, refusal.status, at="details", form=form, problem=problem)
    return done(found, "details", _("Tersimpan."))


@blueprint.post("/shop/products/<slug>/publication")
@access.role("producer")
def publish(slug: str) -> ResponseReturnValue:
    found = queries.product_of(db.session(), current_user, slug)
    try:
        state = services.publish(db.session(), found, actor_id=current_user.id, now=clock.now())
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        return product_page(found, refusal.status, at="state", problem=refusal.message)
    if state is ListingState.SUBMITTED:
        return done(found, "state", _("Terkirim. Pengelola memeriksanya sebelum tampil."))
    return done(found, "state", _("Produk ditampilkan kepada pembeli."))


@blueprint.post("/shop/products/<slug>/withdrawal")
@access.role("producer")
def withdraw(slug: str) -> ResponseReturnValue:
    found = queries.product_of(db.session(), current_user, slug)
    services.withdraw(db.session(), found, actor_id=current_user.id, now=clock.now())
    db.session.commit()
    return done(found, "state", _("Produk disembunyikan. Pesanan yang sudah ada tetap jalan."))
