"""The packs of a product: added, changed, put in order, sold no more and again."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.catalogue.listings import pack_services, queries
from ovop_market.catalogue.listings.forms import PlaceForm, pack_form
from ovop_market.catalogue.listings.pages import done, product_page
from ovop_market.catalogue.listings.views import blueprint
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.web import access
from ovop_market.web.addresses import ID
from ovop_market.web.forms import explain, state_seen

PACK = f"/shop/products/<slug>/packs/<{ID}:pack_id>"


@blueprint.post("/shop/products/<slug>/packs")
@access.role("producer")
def add_pack(slug: str) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    form = pack_form("pack-new", sent=True)
    if not form.validate():
        return product_page(product, 422, at="packs", form=form, pack=0)
    try:
        pack_services.add(
            db.session(), product, form.pack, actor_id=current_user.id, now=clock.now()
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        problem = explain(form, refusal)
        return product_page(product, 422, at="packs", form=form, pack=0, problem=problem)
    return done(product, "packs", _("Kemasan ditambah. Isi stoknya di Stok dan jadwal."))


@blueprint.post(PACK)
@access.role("producer")
def revise_pack(slug: str, pack_id: int) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    variant = queries.variant_of(db.session(), product, pack_id)
    form = pack_form(f"pack-{pack_id}", sent=True)
    if not form.validate():
        return product_page(product, 422, at="packs", form=form, pack=pack_id)
    try:
        pack_services.revise(
            db.session(),
            variant,
            form.pack,
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        said = explain(form, refusal)
        return product_page(
            product, refusal.status, at="packs", form=form, pack=pack_id, problem=said
        )
    return done(product, "packs", _("Tersimpan. Berlaku untuk pesanan yang baru."))


@blueprint.post(f"{PACK}/position")
@access.role("producer")
def place_pack(slug: str, pack_id: int) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    variant = queries.variant_of(db.session(), product, pack_id)
    form = PlaceForm()
    if not form.validate():
        return product_page(product, 422, at="packs", problem=form.position.errors[0])
    pack_services.place(
        db.session(),
        variant,
        form.position.data or 0,
        actor_id=current_user.id,
        now=clock.now(),
    )
    db.session.commit()
    return done(product, "packs", _("Urutan tersimpan."))


@blueprint.post(f"{PACK}/retirement")
@access.role("producer")
def retire_pack(slug: str, pack_id: int) -> ResponseReturnValue:
    return _sell(slug, pack_id, False, _("Kemasan ini tidak dijual lagi."))


@blueprint.post(f"{PACK}/return")
@access.role("producer")
def return_pack(slug: str, pack_id: int) -> ResponseReturnValue:
    return _sell(slug, pack_id, True, _("Kemasan ini dijual lagi."))


def _sell(slug: str, pack_id: int, sold: bool, notice: str) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    variant = queries.variant_of(db.session(), product, pack_id)
    pack_services.sell(db.session(), variant, sold, actor_id=current_user.id, now=clock.now())
    db.session.commit()
    return done(product, "packs", notice)
