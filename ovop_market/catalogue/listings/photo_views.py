"""The pictures of a product: brought, described, put in order, taken away."""

from __future__ import annotations

from pathlib import Path

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from ovop_market.catalogue.listings import photo_services, queries
from ovop_market.catalogue.listings.forms import AltForm, PhotosForm, PlaceForm
from ovop_market.catalogue.listings.pages import done, product_page
from ovop_market.catalogue.listings.views import blueprint
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.web import access, limits, pictures
from ovop_market.web.addresses import ID
from ovop_market.web.pictures import StoredPicture

PHOTO = f"/shop/products/<slug>/photos/<{ID}:photo_id>"


@blueprint.post("/shop/products/<slug>/photos")
@access.role("producer")
@access.takes_files(pictures.MAX_UPLOAD)
@limits.on("upload")
def add_photos(slug: str) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    form = PhotosForm()
    files = [f for f in form.photo.data or [] if isinstance(f, FileStorage) and f.filename]
    if not form.validate() or not files:
        form.photo.errors = [_("Pilih fotonya dulu.")]
        return product_page(product, 422, at="photos", form=form)
    # Decoding takes its time; nobody's order waits for it meanwhile.
    db.session.rollback()
    try:
        photo_services.refuse_too_many(len(files))
        stored = [_stored(file) for file in files]
        product = queries.product_of(db.session(), current_user, slug)
        new = photo_services.add(
            db.session(), product, stored, actor_id=current_user.id, now=clock.now()
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        form.photo.errors = [refusal.message]
        product = queries.product_of(db.session(), current_user, slug)
        return product_page(product, 422, at="photos", form=form)
    if not new:
        return done(product, "photos", _("Foto ini sudah ada."))
    return done(product, "photos", ngettext("%(num)d foto masuk.", "%(num)d foto masuk.", new))


def _stored(file: FileStorage) -> StoredPicture:
    folder: Path = current_app.config["OVOP"].media
    return pictures.store(file.stream.read(pictures.MAX_BYTES + 1), folder)


@blueprint.post(PHOTO)
@access.role("producer")
def describe_photo(slug: str, photo_id: int) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    form = AltForm()
    if not form.validate():
        return product_page(product, 422, at="photos", problem=form.alt.errors[0])
    photo_services.describe(
        db.session(),
        product,
        photo_id,
        form.alt.data or "",
        actor_id=current_user.id,
        now=clock.now(),
    )
    db.session.commit()
    return done(product, "photos", _("Keterangan foto tersimpan."))


@blueprint.post(f"{PHOTO}/position")
@access.role("producer")
def place_photo(slug: str, photo_id: int) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    form = PlaceForm()
    if not form.validate():
        return product_page(product, 422, at="photos", problem=form.position.errors[0])
    photo_services.place(
        db.session(),
        product,
        photo_id,
        form.position.data or 0,
        actor_id=current_user.id,
        now=clock.now(),
    )
    db.session.commit()
    return done(product, "photos", _("Urutan tersimpan."))


@blueprint.post(f"{PHOTO}/removal")
@access.role("producer")
def remove_photo(slug: str, photo_id: int) -> ResponseReturnValue:
    product = queries.product_of(db.session(), current_user, slug)
    photo_services.remove(
        db.session(), product, photo_id, actor_id=current_user.id, now=clock.now()
    )
    db.session.commit()
    return done(product, "photos", _("Foto dihapus."))
