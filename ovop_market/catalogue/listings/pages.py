"""The page of a product as its staff sees it, and its parts: what was done, or is wrong, in one of
them is said there."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ovop_market.catalogue import labels
from ovop_market.catalogue.labels import CATEGORIES, STORAGE
from ovop_market.catalogue.listings import desk_queries, queries, reviews
from ovop_market.catalogue.listings.forms import ListingForm, PackForm, listing_form, pack_form
from ovop_market.catalogue.listings.states import state_of
from ovop_market.catalogue.listings.values import (
    LISTING_FIELDS,
    MOST_PHOTOS,
    PACK_FIELDS,
    Listing,
    Pack,
    listing_of,
    mark,
    pack_of,
)
from ovop_market.catalogue.models import Category, Product, Storage
from ovop_market.core.money import format_rupiah
from ovop_market.extensions import db
from ovop_market.web import htmx, pictures
from ovop_market.web.forms import BaseForm

PARTS = {
    "details": "shop/_details.html",
    "packs": "shop/_packs.html",
    "photos": "shop/_photos.html",
    "state": "shop/_state.html",
}


def product_page(product: Product, status: int = 200, *, at: str = "", **said: Any) -> Response:
    """One part of it for HTMX, else the whole page. `said` is about the part `at`: a form, a
    problem, a notice, and `pack`, the id of the pack that the form is for (0: a new one)."""
    part = at if at in PARTS and htmx.is_fragment() else ""
    template = PARTS.get(part, "shop/product.html")
    return make_response(render_template(template, **_context(product, at, **said)), status)


def done(product: Product, at: str, notice: str) -> ResponseReturnValue:
    """What was asked for is done: the part as it is now, or the page from the beginning."""
    if htmx.is_fragment():
        return product_page(product, at=at, notice=notice)
    flash(notice, "done")
    return redirect(url_for("listings.product", slug=product.slug) + f"#{at}", 303)


def _context(
    product: Product,
    at: str,
    *,
    form: BaseForm | None = None,
    pack: int | None = None,
    problem: str = "",
    notice: str = "",
) -> dict[str, Any]:
    session = db.session()
    session.refresh(product)
    now = listing_of(product)
    typed = form if isinstance(form, ListingForm) else None
    variants = queries.variants_of(session, product)
    forms = {
        v.id: form if pack == v.id and form is not None else pack_form(f"pack-{v.id}", pack_of(v))
        for v in variants
    }
    new = form if pack == 0 and isinstance(form, PackForm) else pack_form("pack-new")
    changed = next((v for v in variants if v.id == pack), None)
    return {
        "product": product,
        "state": state_of(product),
        "reason": desk_queries.reason_of(session, product),
        "kept_back": reviews.kept_back(session, product),
        "labels": labels,
        "at": at,
        "problem": problem,
        "notice": notice,
        "form": form,
        "details": typed or listing_form(now),
        "details_seen": mark(now),
        "theirs": _theirs(typed, now) if typed and problem else [],
        "packs": variants,
        "pack_forms": forms,
        "pack_marks": {v.id: mark(pack_of(v)) for v in variants},
        "pack_at": pack,
        "pack_theirs": (
            _theirs(form, pack_of(changed)) if changed is not None and form and problem else []
        ),
        "new_pack": new,
        "photos": queries.photos_of(session, product),
        "most_photos": MOST_PHOTOS,
        "most_bytes": pictures.MAX_BYTES,
        "most_pixels": pictures.MAX_PIXELS,
        "accepted": pictures.ACCEPTED,
    }


def _theirs(form: BaseForm, now: Listing | Pack) -> list[tuple[str, str]]:
    """Where what was typed differs from what is there now: the field, and what is there."""
    names = LISTING_FIELDS if isinstance(now, Listing) else PACK_FIELDS
    return [
        (str(form[name].label.text), _words(name, getattr(now, name)))
        for name in names
        if name in form and str(form[name].data or "") != str(getattr(now, name) or "")
    ]


def _words(name: str, value: Any) -> str:
    if isinstance(value, Category):
        text = str(CATEGORIES[value])
    elif isinstance(value, Storage):
        text = str(STORAGE[value])
    elif isinstance(value, bool):
        text = _("ya") if value else _("tidak")
    elif name == "price":
        text = format_rupiah(value)
    else:
        text = "" if value is None else str(value)
    return text or _("(kosong)")
