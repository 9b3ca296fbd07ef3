"""Pictures from the camera: brought, put in order, described, taken away, swept."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market import jobs
from ovop_market.accounts.models import AuditEvent, Role
from ovop_market.catalogue.listings.values import MOST_PHOTOS
from ovop_market.catalogue.models import Product, ProductPhoto
from ovop_market.core import clock
from ovop_market.villages.models import VillagePhoto
from ovop_market.web import pictures
from tests.factories import make_producer, make_product, make_user, sign_in

HTMX = {"HX-Request": "true"}
GPS = 0x8825


def jpeg(shade: int = 0, size: tuple[int, int] = (90, 60), **options: Any) -> bytes:
    buffer = io.BytesIO()
    # So different that they still are once they have been compressed.
    colour = (shade * 53 % 256, shade * 97 % 256, shade * 29 % 256)
    Image.new("RGB", size, colour).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.fixture
def product(session: Session, client: FlaskClient) -> Product:
    """A product whose staff is signed in."""
    staff = make_user(session, Role.PRODUCER)
    found = make_product(session, make_producer(session, staff=staff), slug="pempek", ready=1)
    session.commit()
    sign_in(client, staff)
    return found


@pytest.fixture
def media(app: Flask) -> Path:
    folder: Path = app.config["OVOP"].media
    return folder


def bring(
    client: FlaskClient, *files: bytes, slug: str = "pempek", name: str = "foto.jpg", **more: Any
) -> TestResponse:
    data: dict[str, Any] = {"csrf_token": client.csrf("/shop/products/new")}
    data["photo"] = [(io.BytesIO(file), name) for file in files]
    return client.post(f"/shop/products/{slug}/photos", data=data, **more)


def send(client: FlaskClient, photo: int, action: str = "", **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    fields["csrf_token"] = client.csrf("/shop/products/new")
    url = f"/shop/products/pempek/photos/{photo}{action}"
    return client.post(url, data=fields, headers=headers)


def shown(session: Session, product: Product) -> list[ProductPhoto]:
    session.expire_all()
    return list(product.photos)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_bringing_pictures(
    client: FlaskClient, session: Session, product: Product, headers: dict[str, str]
) -> None:
    answer = bring(client, jpeg(1), jpeg(2), jpeg(1), headers=headers)
    if headers:
        body = answer.get_data(as_text=True)
        assert body.lstrip().startswith('<section class="panel stack" id="photos"')
        assert "2 foto masuk" in body
    else:
        assert (answer.status_code, answer.location) == (303, "/shop/products/pempek#photos")
    photos = shown(session, product)
    assert [(p.position, p.width, p.height, p.alt) for p in photos] == [
        (0, 90, 60, product.name),
        (1, 90, 60, product.name),
    ]
    public = client.get("/products/pempek").get_data(as_text=True)
    assert all(photo.key in public for photo in photos)
    assert photos[0].key in client.get("/products").get_data(as_text=True)
    assert client.get(f"/media/{photos[1].key}-400.webp").status_code == 200


def test_a_picture_that_is_sent_twice_is_there_once(
    client: FlaskClient, session: Session, product: Product
) -> None:
    for _twice in range(2):
        assert bring(client, jpeg(3)).status_code == 303
    assert len(shown(session, product)) == 1


def test_where_it_was_taken_is_kept_nowhere(
    client: FlaskClient, session: Session, product: Product, media: Path
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Kamera di rumah"
    exif.get_ifd(GPS)[2] = (2.0, 4.0, 30.0)
    data = jpeg(200, (640, 480), exif=exif, comment=b"rahasia rumah")
    assert b"Kamera di rumah" in data
    bring(client, data, name="IMG_rahasia.jpg")
    assert shown(session, product)
    kept = [path for path in media.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} <= {".webp", ".avif"}
    for path in kept:
        content = path.read_bytes()
        assert b"Kamera" not in content
        assert b"rahasia" not in content
        with Image.open(path) as image:
            assert not dict(image.getexif())


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "kosong.jpg", "bukan gambar"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "a.jpg", "bukan gambar"),
        (b"<!doctype html><script>alert(1)</script>", "a.png", "bukan gambar"),
        (jpeg(5, (600, 400))[:900], "potong.jpg", "bukan gambar"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, "IMG_1.HEIC", "HEIC dari iPhone"),
        (b"\xff\xd8\xff" + b"\0" * pictures.MAX_BYTES, "besar.jpg", "lebih besar dari 10 MB"),
    ],
    ids=["empty", "svg", "html", "cut", "heic", "heavy"],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_refused_is_said_beside_the_field(
    client: FlaskClient,
    session: Session,
    product: Product,
    content: bytes,
    name: str,
    said: str,
    headers: dict[str, str],
) -> None:
    answer = bring(client, content, name=name, headers=headers)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 422
    error = body.split('id="photo-error"')[1].split("</p>")[0]
    assert said in error
    assert not shown(session, product)


def test_nothing_chosen(client: FlaskClient, product: Product) -> None:
    answer = bring(client, b"", name="")
    assert answer.status_code == 422
    assert "Pilih fotonya dulu." in answer.get_data(as_text=True)


def test_there_is_an_end_to_pictures(
    client: FlaskClient, session: Session, product: Product
) -> None:
    assert bring(client, *(jpeg(n) for n in range(MOST_PHOTOS + 1))).status_code == 422
    assert not shown(session, product)
    bring(client, *(jpeg(n) for n in range(MOST_PHOTOS)))
    assert bring(client, jpeg(99)).status_code == 422
    # One of those that are there is no more than there are.
    assert bring(client, jpeg(0)).status_code == 303
    assert len(shown(session, product)) == MOST_PHOTOS


def test_too_large_a_body_is_told_in_our_words(
    client: FlaskClient, session: Session, product: Product
) -> None:
    answer = bring(client, b"x" * (pictures.MAX_UPLOAD + 1))
    assert answer.status_code == 413
    assert "Kiriman terlalu besar" in answer.get_data(as_text=True)
    # Elsewhere files are no reason for a large body.
    token = client.csrf("/shop/products/new")
    data = {"csrf_token": token, "name": "x", "photo": (io.BytesIO(b"x" * 80_000), "a.jpg")}
    assert client.post("/shop/products", data=data).status_code == 413


def test_the_order_and_the_words(client: FlaskClient, session: Session, product: Product) -> None:
    bring(client, jpeg(1), jpeg(2), jpeg(3))
    first, second, third = (photo.id for photo in shown(session, product))
    for _twice in range(2):
        assert send(client, third, "/position", position="0").status_code == 303
    assert [photo.id for photo in shown(session, product)] == [third, first, second]
    answer = send(client, third, alt="Pempek di atas daun", headers=HTMX)
    assert "Pempek di atas daun" in answer.get_data(as_text=True)
    assert 'alt="Pempek di atas daun"' in client.get("/products").get_data(as_text=True)
    send(client, third, alt="")
    assert shown(session, product)[0].alt == product.name
    assert send(client, third, alt="x" * 201).status_code == 422
    assert send(client, third, "/position", position="x").status_code == 422
    changed = session.scalars(
        select(AuditEvent.details)
        .where(AuditEvent.action == "pictures changed")
        .order_by(AuditEvent.id)
    ).all()
    assert [next(iter(details or {})) for details in changed] == ["added", "order", "alt", "alt"]


def test_another_products_picture_stays(
    client: FlaskClient, session: Session, product: Product
) -> None:
    other = make_product(session)
    other.photos.append(ProductPhoto(key="k" * 40, alt="lain", width=4, height=3))
    session.commit()
    for action, fields in (("", {"alt": "x"}), ("/position", {"position": "0"}), ("/removal", {})):
        assert send(client, other.photos[0].id, action, **fields).status_code == 303
    session.expire_all()
    assert [(photo.alt, photo.product_id) for photo in other.photos] == [("lain", other.id)]
    assert bring(client, jpeg(), slug=other.slug).status_code == 404


def age(media: Path) -> None:
    before = time.time() - jobs.PICTURE_LIFETIME.total_seconds() - 5
    for path in media.glob("*.*"):
        os.utime(path, (before, before))


def test_files_of_removed_pictures_are_swept(
    app: Flask, client: FlaskClient, session: Session, product: Product, media: Path
) -> None:
    # One that died between file and row; one of a village; two of the product.
    orphan = pictures.store(jpeg(50), media).key
    village = pictures.store(jpeg(51), media)
    bring(client, jpeg(52), jpeg(53))
    first, second = shown(session, product)
    session.add(
        VillagePhoto(
            village_id=product.producer.village_id, key=village.key, alt="", width=9, height=6
        )
    )
    session.commit()
    removed, kept = first.key, {second.key, village.key}
    first_id, second_id = first.id, second.id
    for _twice in range(2):
        assert send(client, first_id, "/removal").status_code == 303
    assert [photo.id for photo in shown(session, product)] == [second_id]
    sweep = next(job for job in jobs.JOBS if job.name == "sweep")
    session.commit()
    # What has just come may be about to get its row.
    assert not jobs.run(app, sweep).failed
    assert pictures.keys(media, clock.now() + timedelta(days=1)) >= {removed, orphan} | kept
    age(media)
    report = jobs.run(app, sweep)
    assert report.counts["pictures"] >= 2
    left = pictures.keys(media, clock.now() + timedelta(days=1))
    assert left >= kept
    assert not left & {removed, orphan}
    # Brought again, it is there again.
    bring(client, jpeg(52))
    assert client.get(f"/media/{removed}-400.webp").status_code == 200


def test_what_is_brought_anew_is_not_swept(
    app: Flask, client: FlaskClient, session: Session, product: Product, media: Path
) -> None:
    key = pictures.store(jpeg(60), media).key
    age(media)
    pictures.store(jpeg(60), media)
    assert key not in pictures.keys(media, clock.now() - jobs.PICTURE_LIFETIME)
