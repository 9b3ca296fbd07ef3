"""Pictures come in safely, and go out small and for ever."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from ovop_market.core.errors import Unusable
from ovop_market.web import pictures

ORIENTATION, MAKER = 0x0112, 0x010F


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(width: int = 1600, height: int = 1200) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def files(folder: Path) -> dict[str, Image.Image]:
    return {path.name.partition("-")[2]: Image.open(path) for path in folder.glob("*-*.*")}


def test_three_widths_in_two_formats(tmp_path: Path) -> None:
    stored = pictures.store(encoded(photo(), "JPEG"), tmp_path)
    assert (stored.width, stored.height) == (1200, 900)
    sizes = {name: image.size for name, image in files(tmp_path).items()}
    assert sizes == {
        f"{width}.{kind}": (width, width * 3 // 4)
        for width in pictures.WIDTHS
        for kind in ("avif", "webp")
    }


def test_small_pictures_are_not_enlarged(tmp_path: Path) -> None:
    stored = pictures.store(photo(600, 300), tmp_path)
    assert (stored.width, stored.height) == (600, 300)
    sizes = {name: image.size for name, image in files(tmp_path).items()}
    assert sizes["400.webp"] == (400, 200)
    assert sizes["800.avif"] == sizes["1200.webp"] == (600, 300)


def test_upright_and_without_camera_data(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "Kamera di rumah"
    data = encoded(photo(800, 400), "JPEG", exif=exif)
    stored = pictures.store(data, tmp_path)
    assert (stored.width, stored.height) == (400, 800)
    for path in tmp_path.iterdir():
        assert not dict(Image.open(path).getexif())
        assert b"Kamera" not in path.read_bytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_any_mode_is_read(tmp_path: Path, mode: str, kind: str) -> None:
    image = Image.new(mode, (40, 30))
    try:
        data = encoded(image, kind)
    except (OSError, KeyError, ValueError):
        return  # this kind of file has no such mode
    if kind == "TIFF":
        with pytest.raises(Unusable):
            pictures.store(data, tmp_path)
    else:
        assert pictures.store(data, tmp_path).width == 40


def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    image = photo(500, 400)
    first = pictures.store(encoded(image), tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert pictures.store(image, tmp_path) == first
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before
    assert pictures.store(photo(501, 400), tmp_path).key != first.key


def test_nothing_unfinished_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        pictures.store(photo(50, 50), tmp_path)
    assert list(tmp_path.iterdir()) == []


def _bomb() -> bytes:
    return encoded(Image.new("1", (20_000, 20_000)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(photo(), "PNG")[:2000],
        encoded(photo(), "JPEG")[:2000],
        encoded(photo(60, 60), "GIF"),
        b"\0" * (pictures.MAX_BYTES + 1),
        encoded(Image.new("L", (4000, 4000))),
        _bomb(),
    ],
    ids=["empty", "gif header", "svg", "cut png", "cut jpeg", "gif", "heavy", "large", "bomb"],
)
def test_what_is_no_fit_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    for keep in (pictures.store, pictures.store_private):
        with pytest.raises(Unusable) as refusal:
            keep(data, tmp_path)
        assert refusal.value.message
    assert not list(tmp_path.rglob("*.*"))


def _heic() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_heic(), "HEIC dari iPhone"),
        (_bomb(), "12 megapiksel"),
        (encoded(Image.new("L", (8192, 6144))), "12 megapiksel"),
        (b"\xff\xd8" + b"\0" * pictures.MAX_BYTES, "10 MB"),
        (encoded(Image.new("L", (12_000, 20))), "panjang dan sempit"),
        (encoded(Image.new("L", (20, 12_000))), "panjang dan sempit"),
        (b"<!doctype html><img src=x onerror=alert(1)>", "bukan gambar"),
        (b"GIF89a/*<svg/onload=alert(1)>*/", "bukan gambar"),
        (b"%PDF-1.7 " + b"\0" * 50, "bukan gambar"),
    ],
    ids=["heic", "bomb", "50 MP", "heavy", "wide", "tall", "html", "both", "pdf"],
)
def test_a_refusal_says_why(app: Flask, tmp_path: Path, data: bytes, said: str) -> None:
    with app.test_request_context("/"), pytest.raises(Unusable) as refusal:
        pictures.store(data, tmp_path)
    assert said in refusal.value.message
    assert not list(tmp_path.rglob("*.*"))


def test_no_pixel_is_decoded_before_they_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_args: object) -> None:
        raise AssertionError("decoded")

    data = _bomb()
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    with pytest.raises(Unusable, match="megapiksel"):
        pictures.store(data, tmp_path)


def test_whatever_its_name_and_its_moves(tmp_path: Path) -> None:
    """Of what moves, the first picture is taken; a wide gamut is brought to sRGB."""
    frames = [photo(60, 40), Image.new("RGB", (60, 40), "red")]
    for kind in ("PNG", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        key = pictures.store(data, tmp_path / kind).key
        with Image.open(tmp_path / kind / f"{key}-400.webp") as kept:
            assert getattr(kept, "n_frames", 1) == 1
            assert kept.getpixel((30, 0))[0] < 100  # the gradient's dark beginning, no red


def test_sixteen_bits_of_grey_are_as_dark_as_they_were(tmp_path: Path) -> None:
    dark = Image.new("I;16", (40, 30), 0x4000)
    key = pictures.store(encoded(dark), tmp_path).key
    with Image.open(tmp_path / f"{key}-400.webp") as kept:
        assert abs(kept.convert("L").getpixel((20, 15)) - 0x40) < 6


def test_what_is_clear_gets_the_papers_colour(tmp_path: Path) -> None:
    palette = Image.new("P", (40, 30), 0)
    for image, options in (
        (Image.new("RGBA", (40, 30), (0, 0, 0, 0)), {}),
        (Image.new("LA", (40, 30), (0, 0)), {}),
        (palette, {"transparency": 0}),
    ):
        key = pictures.store(encoded(image, **options), tmp_path).key
        with Image.open(tmp_path / f"{key}-400.webp") as kept:
            red, green, blue = kept.getpixel((20, 15))
            assert min(red, green, blue) > 230


def test_broken_camera_data_does_not_matter(tmp_path: Path) -> None:
    data = encoded(photo(60, 40), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\1\1\x12")
    assert pictures.store(data, tmp_path).width == 60


def test_a_usual_phone_fits(tmp_path: Path) -> None:
    assert pictures.store(encoded(photo(4032, 3024), "JPEG"), tmp_path).width == 1200


def test_sources_name_only_what_differs() -> None:
    found = pictures.sources(SimpleNamespace(key="k", alt="Rotan", width=600, height=450))
    assert found.webp == [("/media/k-400.webp", 400), ("/media/k-800.webp", 600)]
    assert found.avif == [("/media/k-400.avif", 400), ("/media/k-800.avif", 600)]
    assert found.fallback == "/media/k-800.webp"
    tiny = pictures.sources(SimpleNamespace(key="k", alt="", width=90, height=90))
    assert tiny.webp == [("/media/k-400.webp", 90)]
    assert tiny.fallback == "/media/k-400.webp"


def test_served_for_ever(app: Flask, client: FlaskClient) -> None:
    media = app.config["OVOP"].media
    stored = pictures.store(photo(500, 400), media)
    for kind in ("avif", "webp"):
        answer = client.get(f"/media/{stored.key}-400.{kind}")
        assert answer.status_code == 200
        assert answer.mimetype == f"image/{kind}"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers
        assert answer.data == (media / f"{stored.key}-400.{kind}").read_bytes()


def test_addresses_are_the_same_in_both_languages(app: Flask) -> None:
    photo = SimpleNamespace(key="k", alt="", width=400, height=300)
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/en"}):
        assert pictures.sources(photo).fallback == "/media/k-400.webp"


def test_only_pictures_are_served(app: Flask, client: FlaskClient) -> None:
    media = app.config["OVOP"].media
    key = pictures.store_private(photo(510, 400), media)
    assert Image.open(pictures.private_path(media, key)).format == "WEBP"
    (media / "secret.txt").write_text("secret")
    names = [
        "secret.txt",
        f"private/{key}.webp",
        f"{key}.webp",
        f"{key}-400.webp",
        f"{key}-500.webp",
        f"{key}-400.png",
        "..%2fsecret.txt",
        "%2e%2e/config.py",
        f"{key}-400.webp%0a",
        f"{key.upper()}-400.webp",
    ]
    for name in names:
        assert client.get(f"/media/{name}").status_code == 404, name
    # The folder is one for all tests, and others look at all that lies in it.
    (media / "secret.txt").unlink()


def test_private_pictures_are_small_and_their_keys_strict(tmp_path: Path) -> None:
    key = pictures.store_private(photo(3000, 2000), tmp_path)
    assert Image.open(pictures.private_path(tmp_path, key)).size == (1600, 1067)
    assert pictures.store_private(photo(3000, 2000), tmp_path) == key
    for wrong in ("", "../x", "a" * 39, "a" * 41, "A" * 40, "a" * 40 + "\n"):
        with pytest.raises(ValueError, match="key"):
            pictures.private_path(tmp_path, wrong)
