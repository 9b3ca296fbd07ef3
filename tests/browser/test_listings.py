"""A producer lists a product with a picture, on a phone, with script and without."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.people import Market, Person
from tests.browser.test_accessible import examine
from tests.browser.test_targets import SMALL

pytestmark = pytest.mark.browser
GPS = 0x8825


def camera(folder: Path, size: tuple[int, int] = (4000, 3000)) -> Path:
    """A photo as a phone takes it: large, lying on its side, and it knows where."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(GPS)[2] = (2.0, 4.0, 30.0)
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(buffer, "JPEG", quality=85, exif=exif)
    path = folder / "IMG_0001.jpg"
    path.write_bytes(buffer.getvalue())
    return path


def look_at(person: Person) -> None:
    """Nothing that axe objects to, nothing beside the screen, nothing too small for a thumb."""
    opened = "all => all.forEach((each) => { each.open = true; })"
    person.page.locator("main details").evaluate_all(opened)
    examine(person.page)
    assert person.page.evaluate(SMALL) == [], person.page.url


@pytest.mark.parametrize("script", [True, False])
def test_a_product_from_the_camera_to_the_market(
    market: Market, tmp_path: Path, script: bool
) -> None:
    name = "Tampah rotan besar" if script else "Tampah rotan kecil"
    slug = name.lower().replace(" ", "-")
    photo = camera(tmp_path)
    assert photo.stat().st_size > 2_000_000
    sizes: list[int] = []
    with market.visited_by("perajin", script=script) as weaver:
        page = weaver.page
        page.on(
            "request",
            lambda asked: (
                sizes.append(int(asked.headers.get("content-length", 0)))
                if asked.method == "POST" and asked.url.endswith("/photos")
                else None
            ),
        )
        weaver.open("/shop/products")
        page.get_by_role("link", name="Tambah produk").click()
        page.fill("[name=name]", name)
        page.select_option("[name=category]", "craft")
        page.fill("[name=summary]", "Dianyam rapat, untuk menampi beras.")
        page.select_option("[name=storage]", "ambient")
        page.check("[name=made_to_order]")
        if script:
            look_at(weaver)
        page.get_by_role("button", name="Buat produk").click()
        page.wait_for_url(f"**/shop/products/{slug}")
        weaver.settle()

        page.set_input_files("#photo-camera", photo)
        if not script:
            weaver.press(page.locator("form[enctype='multipart/form-data']"))
        picture = page.locator("[data-photo] img")
        expect(picture).to_have_count(1)
        weaver.settle()
        # Upright: higher than wide.
        assert int(picture.get_attribute("height") or 0) > int(picture.get_attribute("width") or 0)
        if script:
            assert sizes
            assert sizes[0] < photo.stat().st_size

        pack = page.locator("form[action$='/packs']")
        pack.locator("[name=name]").fill("Garis tengah 60 cm")
        pack.locator("[name=price]").fill("85.000")
        pack.locator("[name=weight_grams]").fill("900")
        weaver.press(pack)
        expect(page.locator("[data-pack]")).to_have_count(1)
        weaver.press(page.locator("form[action$='/publication']"))
        expect(page.locator("#state")).to_contain_text("Ditampilkan")
        if script:
            look_at(weaver)
        weaver.open("/shop/products")
        expect(page.locator(f"[data-product='{slug}']")).to_contain_text("Rp85.000")
    with market.visited_by() as buyer:
        buyer.open(f"/products/{slug}")
        expect(buyer.page.locator("h1")).to_have_text(name)
        expect(buyer.page.locator(".gallery img")).to_have_count(1)


def test_what_cannot_be_sent_is_said_beside_the_field(market: Market, tmp_path: Path) -> None:
    disguised = tmp_path / "gambar.jpg"
    disguised.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    heavy = tmp_path / "berat.jpg"
    heavy.write_bytes(b"\xff\xd8\xff" + b"\0" * (10 * 1024 * 1024))
    with market.visited_by("perajin", refused=422) as weaver:
        page = weaver.page
        weaver.open("/shop/products/keranjang-rotan-dendang")
        error = page.locator("#photo-error")
        page.set_input_files("#photo-gallery", heavy)
        expect(error).to_contain_text("lebih besar dari 10 MB")
        page.set_input_files("#photo-gallery", disguised)
        expect(error).to_contain_text("bukan gambar")
        weaver.settle()
        look_at(weaver)


def test_the_shops_pages(market: Market) -> None:
    with market.visited_by("produsen") as producer:
        for path in ("/shop/products", "/shop/permits", "/shop/offers", "/shop/statement"):
            producer.open(path)
            look_at(producer)
            tab = producer.page.locator("nav.tabs [aria-current=page]").first
            expect(tab).to_have_attribute("href", re.compile(path))


def test_too_much_at_once_is_told_on_a_page(market: Market, tmp_path: Path) -> None:
    """Also on a real server, which need not read what it refuses."""
    heavy = [tmp_path / f"{number}.jpg" for number in range(3)]
    for each in heavy:
        each.write_bytes(b"\xff\xd8\xff" + b"\0" * (9 * 1024 * 1024))
    with market.visited_by("perajin", script=False, refused=413) as weaver:
        weaver.open("/shop/products/keranjang-rotan-dendang")
        weaver.page.set_input_files("#photo-gallery", heavy)
        weaver.press(weaver.page.locator("form[enctype='multipart/form-data']"))
        expect(weaver.page.locator("h1")).to_have_text("Kiriman terlalu besar")
        back = weaver.page.locator(".empty a.button")
        expect(back).to_have_attribute("href", "/shop/products/keranjang-rotan-dendang")
