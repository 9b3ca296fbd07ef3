"""Pictures: made safe and small when they come in, served under addresses that never change.

What a person sends is never served as it came. It is decoded, turned upright and written anew, so
that no camera data (where a house stands) and nothing hidden in a file reaches anyone. The name of
a file is the hash of its pixels: the same picture is kept once, and browsers may keep it for ever.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from flask import Blueprint, Flask, abort, current_app, has_request_context, request
from flask import send_from_directory as send
from flask_babel import gettext as _
from PIL import Image, ImageCms, ImageOps
from werkzeug.wrappers import Response

from ovop_market.core.errors import Unusable
from ovop_market.web import access, language
from ovop_market.web.assets import FOREVER

# A card on a phone, a card on a dense screen, a product page.
WIDTHS = (400, 800, 1200)
MAX_BYTES = 10 * 1024 * 1024
# Of a form with one picture: room to say that it is too large, beside its field.
MAX_BODY = MAX_BYTES + 2 * 1024 * 1024
# Of a form with several.
MAX_UPLOAD = 2 * MAX_BODY
# 12 binary megapixels: the usual phone (4032 × 3024) fits; one decoded picture takes 38 MB, and all
# that becomes of it at the same time some 100 MB more (docs/adr/0021).
MAX_PIXELS = 12 * 1024 * 1024
# Pixels of a side: no file that we write, and no column, holds a longer one.
MAX_SIDE = 10_000
# What a file field offers: naming these, an iPhone sends its HEIC photos as JPEG.
ACCEPTED = "image/jpeg,image/png,image/webp"
# A proof of payment is read by a person: small print must stay legible.
PRIVATE_SIDE = 1600
PRIVATE_FOLDER = "private"
_READABLE = ("JPEG", "PNG", "WEBP", "AVIF")
_REDUCIBLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
# Brands of ISO 14496-12 files that are HEIC or HEIF (ISO 23008-12): photos of an iPhone.
_HEIC = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_PAPER = (0xFB, 0xF7, 0xF0)
_MIMETYPES = {"avif": "image/avif", "webp": "image/webp"}
_NAME = re.compile(rf"[0-9a-f]{{40}}-(?:{'|'.join(map(str, WIDTHS))})\.(avif|webp)", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{40}", re.ASCII)

blueprint = Blueprint("pictures", __name__)


# A small file may hold a large picture: only so many are in memory at once.
_DECODING = threading.BoundedSemaphore(2)
# Seconds for which an upload waits for its turn.
LONGEST_TURN = 10
# A scan of a progressive JPEG is decoded over the whole picture: phones use some ten, and thousands
# of empty ones would keep the server busy for minutes.
MAX_SCANS = 100
# The beginning of a scan of one to four components (ITU-T T.81, B.2.3).
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture in the store; width and height are those of its largest file."""

    key: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PictureSources:
    """What a <picture> needs: addresses with their widths in pixels, smallest first."""

    alt: str
    width: int
    height: int
    avif: Sequence[tuple[str, int]]
    webp: Sequence[tuple[str, int]]
    fallback: str


class Photo(Protocol):
    """A row with the columns of extensions.pictures.PictureColumns, or anything that has them."""

    @property
    def key(self) -> str: ...
    @property
    def alt(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


def store(data: bytes | Image.Image, folder: Path) -> StoredPicture:
    """Writes the picture in every width as AVIF and WebP into the folder, unless it is there.

    A small picture is not enlarged: its larger files are as wide as it is. Needs no application
    context, so callers may store several at once. Raises Unusable for what is no fit picture.
    """
    with _decoding():
        return _stored(_opened(data), folder)


def _stored(image: Image.Image, folder: Path) -> StoredPicture:
    key = _key_of(image)
    largest = _fitted(image, WIDTHS[-1])
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[tuple[int, str], bytes] = {}
    for width in WIDTHS:
        small = _fitted(image, width)
        for extension in _MIMETYPES:
            path = folder / f"{key}-{width}.{extension}"
            if path.exists():
                path.touch()  # brought anew: see keys
                continue
            same = (small.width, extension)
            made[same] = made.get(same) or _encoded(small, extension)
            _write(path, made[same])
    return StoredPicture(key, largest.width, largest.height)


def store_private(data: bytes | Image.Image, folder: Path) -> str:
    """Keeps a picture that only some may see, and returns its key.

    One WebP of at most 1600 pixels a side; /media never serves it (see `private_path`). Raises
    Unusable for what is no fit picture.
    """
    with _decoding():
        image = _opened(data)
        key = _key_of(image)
        path = private_path(folder, key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            path.touch()  # brought anew: see private_keys
        else:
            image.thumbnail((PRIVATE_SIDE, PRIVATE_SIDE), Image.Resampling.LANCZOS)
            _write(path, _encoded(image, "webp"))
    return key


def private_path(folder: Path, key: str) -> Path:
    """Where a private picture is, for the view that checks who may see it.

    Raises ValueError for a key that `store_private` cannot have made.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("not the key of a picture")
    return folder / PRIVATE_FOLDER / f"{key}.webp"


def private_picture(folder: Path, key: str) -> StoredPicture:
    """A private picture with its size, as its file's header says it."""
    with Image.open(private_path(folder, key)) as image:
        return StoredPicture(key, image.width, image.height)


def private_keys(folder: Path, before: datetime) -> list[str]:
    """The keys of private pictures that nobody has brought since a moment."""
    found = (folder / PRIVATE_FOLDER).glob("*.webp")
    return [path.stem for path in found if path.stat().st_mtime < before.timestamp()]


def keys(folder: Path, before: datetime) -> set[str]:
    """The keys of the pictures on /media of which no file has been brought since a moment."""
    found: dict[str, float] = {}
    for path in folder.glob("*-*.*"):
        if _NAME.fullmatch(path.name):
            key = path.name.partition("-")[0]
            found[key] = max(found.get(key, 0), path.stat().st_mtime)
    return {key for key, brought in found.items() if brought < before.timestamp()}


def discard(folder: Path, key: str) -> None:
    """Removes a picture's files from /media; that some are gone already is no error."""
    for width in WIDTHS:
        for extension in _MIMETYPES:
            (folder / f"{key}-{width}.{extension}").unlink(missing_ok=True)


def discard_private(folder: Path, key: str) -> None:
    """Removes a private picture; that it is gone already is no error."""
    private_path(folder, key).unlink(missing_ok=True)


def sources(photo: Photo) -> PictureSources:
    """The addresses of a stored picture. It is the same in all languages."""
    root = request.script_root.removesuffix(language.PREFIX) if has_request_context() else ""
    base = f"{root}/media/{photo.key}"
    # Beyond the picture's own width, the files are all alike.
    widths = [w for i, w in enumerate(WIDTHS) if i == 0 or WIDTHS[i - 1] < photo.width]
    avif, webp = (
        [(f"{base}-{width}.{kind}", min(width, photo.width)) for width in widths]
        for kind in ("avif", "webp")
    )
    return PictureSources(
        alt=photo.alt,
        width=photo.width,
        height=photo.height,
        avif=avif,
        webp=webp,
        fallback=webp[min(1, len(webp) - 1)][0],
    )


def _opened(data: bytes | Image.Image) -> Image.Image:
    """The picture, decoded, upright, in sRGB, without transparency."""
    if isinstance(data, Image.Image):
        _check_size(data)
        return _plain(data)
    if len(data) > MAX_BYTES:
        raise Unusable(_("Gambar lebih besar dari 10 MB. Perkecil dulu, lalu kirim lagi."))
    try:
        image = Image.open(io.BytesIO(data), formats=_READABLE)
        _check_size(image)
        if image.format == "JPEG" and len(_SCAN.findall(data)) > MAX_SCANS:
            raise _unreadable(data)
        image.verify()
        # verify() leaves the picture unusable.
        return _plain(Image.open(io.BytesIO(data), formats=_READABLE))
    except Unusable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except Exception:
        # A decoder meets anything in a broken file and raises anything (OSError, SyntaxError,
        # ValueError, struct.error …); to the sender it is all the same.
        raise _unreadable(data) from None


def _unreadable(data: bytes) -> Unusable:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return Unusable(
            _(
                "Foto HEIC dari iPhone belum bisa dibaca. Di Pengaturan, Kamera, Format, pilih"
                " Paling Kompatibel lalu foto lagi, atau kirim tangkapan layar foto itu."
            )
        )
    return Unusable(_("Berkas ini bukan gambar yang bisa dibaca. Kirim foto JPEG, PNG, atau WebP."))


def _too_large() -> Unusable:
    return Unusable(_("Gambar lebih dari 12 megapiksel. Perkecil dulu, lalu kirim lagi."))


@contextmanager
def _decoding() -> Iterator[None]:
    """A turn to decode; whoever would wait too long is told, so that nobody fills the server."""
    if not _DECODING.acquire(timeout=LONGEST_TURN):
        raise Unusable(_("Sedang banyak gambar yang dikirim. Coba lagi sebentar lagi."))
    try:
        yield
    finally:
        _DECODING.release()


def _check_size(image: Image.Image) -> None:
    # The header says so before a single pixel is decoded.
    if image.width * image.height > MAX_PIXELS:
        raise _too_large()
    if max(image.size) > MAX_SIDE:
        raise Unusable(_("Gambar terlalu panjang dan sempit. Potong dulu, lalu kirim lagi."))


def _plain(image: Image.Image) -> Image.Image:
    upright = _upright(_reduced(image))
    if upright.mode.startswith("I"):
        # 16 bits of grey: converted as they are, all that is not black would be white.
        upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        clear = upright.convert("RGBA")
        ground = Image.new("RGBA", clear.size, (*_PAPER, 255))
        upright = Image.alpha_composite(ground, clear).convert("RGB")
    elif upright.info.get("icc_profile"):
        upright = _in_srgb(upright)
    upright = upright.convert("RGB")
    upright.info.clear()
    return upright


def _reduced(image: Image.Image) -> Image.Image:
    """Decoded, by halves or thirds of its sides if it has far more pixels than anybody is shown:
    that is what keeps a large photo from taking a few hundred megabytes."""
    factor = min(image.size) // WIDTHS[-1]
    if factor > 1:
        wanted = -(-image.width // factor), -(-image.height // factor)
        image.draft(None, wanted)  # a JPEG is decoded in a smaller size
    image.load()
    factor = min(image.size) // WIDTHS[-1]
    return image.reduce(factor) if factor > 1 and image.mode in _REDUCIBLE else image


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # Camera data that is broken says nothing; the picture itself has been decoded.
        return image


def _in_srgb(image: Image.Image) -> Image.Image:
    """Without its profile, a phone's wide-gamut photo would look dull."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, profile, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _key_of(image: Image.Image) -> str:
    seen = hashlib.sha256(f"{image.width}x{image.height}".encode())
    seen.update(image.tobytes())
    return seen.hexdigest()[:40]


def _fitted(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(image: Image.Image, extension: str) -> bytes:
    buffer = io.BytesIO()
    if extension == "avif":
        image.save(buffer, "AVIF", quality=58, speed=8)
    else:
        image.save(buffer, "WEBP", quality=78, method=3)
    return buffer.getvalue()


def _write(path: Path, body: bytes) -> None:
    """Whoever reads the file finds all of it or nothing, also after a crash in between."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        # mkstemp makes files for the owner alone; a web server in front may serve /media.
        temporary.chmod(0o600 if path.parent.name == PRIVATE_FOLDER else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@blueprint.get("/media/<name>")
@access.public
def picture(name: str) -> Response:
    match = _NAME.fullmatch(name)
    if match is None:
        abort(404)
    folder: Path = current_app.config["OVOP"].media
    response = send(folder.absolute(), name, mimetype=_MIMETYPES[match[1]])
    response.headers["Cache-Control"] = FOREVER
    return response


def init_app(app: Flask) -> None:
    """Serves the pictures; `picture_sources` is at hand in templates."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["picture_sources"] = sources
