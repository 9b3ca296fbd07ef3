"""The page of reach, made from numbers that are written here: what is withheld is never told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask, render_template, request
from werkzeug.datastructures import MultiDict

from ovop_market.reach import changed, drawn, figures, forms, panel, series, showing
from ovop_market.reach.figures import Ladder, Line, MonthLine, PlaceLine, Spread, Sums, VillageLine
from ovop_market.reach.filters import Filters, Period
from ovop_market.reach.first import FirstLine
from ovop_market.reach.queries import Choices, VillageChoice
from ovop_market.reach.rungs import VillageRungs, rungs
from ovop_market.web import language
from tests.pages import check_html

HELD = Sums(held=True)
TODAY = date(2026, 11, 29)
OCTOBER = Period(date(2026, 9, 1), date(2026, 10, 31))


def some(number: int, *, held: bool = False) -> Sums:
    return Sums(number, number * 2, number * 1000, held)


GROWN = some(20), some(10)


def village(number: int, now: Sums = GROWN[0], before: Sums = GROWN[1]) -> VillageLine:
    return VillageLine(f"desa-{number}", f"Desa {number:02}", now, before, Spread(3, 2))


def overview(**changed: Any) -> figures.Overview:
    bandung = PlaceLine("32.73", "Bandung", some(40), some(30))
    bekasi = PlaceLine("32.75", "Bekasi", HELD, Sums())
    west_java = PlaceLine("32", "Jawa Barat", some(45), some(30), 27, (bandung, bekasi))
    bali = PlaceLine("51", "Bali", some(8), Sums(), 9, (PlaceLine("51.71", "Denpasar", some(8)),))
    papua = PlaceLine("94", "Papua Tengah", HELD, HELD, 8)
    aceh = PlaceLine("11", "Aceh", Sums(), some(6), 23)
    months = (
        MonthLine("2026-09", "", HELD, some(9), first=date(2026, 9, 1)),
        MonthLine("2026-10", "", some(48), HELD, first=date(2026, 10, 1), reported=some(7)),
    )
    found = figures.Overview(
        filters=Filters(OCTOBER),
        total=Line("", "", some(53), some(36)),
        spread=Spread(2, 2, held=True),
        spread_before=Spread(1, 1),
        villages_reaching=2,
        reported=figures.Reported(Line("", "", some(7)), Spread(1, 1), Spread(), (), ()),
        provinces=(aceh, west_java, bali, papua),
        province=west_java,
        ladder=Ladder.of(10, 20, 30, 40),
        ladder_before=Ladder(),
        months=months,
        villages=(village(1), village(2, some(9), some(30)), village(3, HELD, some(99))),
        years=(figures.YearLine("2016", "2016", some(53), HELD, 2),),
        products=(),
        more_products=False,
        calendar=(2026,),
    )
    return replace(found, **changed)


def known(villages: int = 3, products: int = 2) -> Choices:
    return Choices(
        tuple(
            VillageChoice(n, f"desa-{n}", f"Desa {n:02}", (2016,)) for n in range(1, villages + 1)
        ),
        tuple((f"produk-{n}", f"Produk {n}") for n in range(1, products + 1)),
        (2016,),
    )


@pytest.fixture
def asked(applications: dict[str, Flask]) -> Iterator[Flask]:
    with applications["sqlite"].test_request_context("/reach"):
        yield applications["sqlite"]


Show = Callable[..., str]


@pytest.fixture
def show(asked: Flask) -> Show:
    def show(found: figures.Overview, choices: Choices | None = None, pressed: str = "") -> str:
        context = panel.context(found, choices or known(), today=TODAY)
        body = render_template("reach/_panel.html", said=[], pressed=pressed, **context)
        check_html(body, whole=False)
        return body

    return show


def part(body: str, name: str) -> str:
    """A section of the page, up to the next."""
    return body.split(f'id="reach-{name}"', 1)[1].split(' id="reach-', 1)[0]


def values(markup: str) -> list[str]:
    """What stands in the tiles."""
    return re.findall(r'<text class="value[ a-z]*"[^>]*>([^<]*)<', markup)


def text(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


# Numbers


def test_a_number_is_shown_or_at_least_or_withheld(asked) -> None:
    assert showing.shown(some(1234)) == "1.234"
    assert showing.shown(some(12), "revenue") == "Rp12.000"
    assert showing.shown(HELD) == '<i class="held">ditahan</i>'
    least = showing.shown(some(1234, held=True))
    assert text(least) == "≥ sedikitnya 1.234"
    assert 'aria-hidden="true">≥' in least and 'class="hide">sedikitnya' in least
    assert showing.counted(7) == "7" and text(showing.counted(7, True)).endswith("7")
    assert showing.share(Ladder.of(1, 0, 0, 1), "nation") == "50%"
    # What stayed at home is not known, and yet how much left the regency is.
    partly = replace(Ladder.of(0, 5, 0, 5), unknown=frozenset(["village", "regency"]))
    assert showing.share(partly, "beyond") == "50%"
    assert "ditahan" in showing.share(partly, "regency")
    assert showing.share(Ladder(), "nation") == "–"


def test_each_language_has_its_own_words(asked) -> None:
    showing.shown(HELD)
    with language.speaking("en"):
        assert "ditahan" not in showing.shown(HELD)
        assert showing.shown(some(1234)) == "1,234"
    assert "ditahan" in showing.shown(HELD)


def test_the_totals_keep_plain_integers_and_say_what_is_withheld(show) -> None:
    whole = show(overview())
    assert 'data-total="orders" data-value="53">53<' in whole
    assert 'data-total="regencies" data-value="2" data-held>' in whole
    part_of = show(overview(total=Line("", "", some(53, held=True), some(36))))
    assert 'data-total="orders" data-value="53" data-held><span aria-hidden="true">≥' in part_of
    nothing = show(overview(total=Line("", "", HELD, some(36))))
    assert 'data-total="orders" data-value="0" data-held><i class="held">ditahan</i>' in nothing
    for body in (whole, part_of, nothing):
        assert body.count('id="reach-held"') == 1


def test_no_change_is_told_of_a_withheld_number(show) -> None:
    rows = re.findall(r"<tr>.*?</tr>", part(show(overview()), "months"))
    assert text(rows[-2]) == "Oktober 2026 48 ditahan – 96 Rp48.000 7 14"
    assert text(rows[-1]) == "September 2026 ditahan 9 – ditahan ditahan 0 0"


def test_all_withheld_is_not_taken_for_nothing(show) -> None:
    nothing = Line("", "", Sums(), Sums())
    body = show(
        overview(
            total=Line("", "", HELD), reported=figures.Reported(nothing, Spread(), Spread(), (), ())
        )
    )
    assert "Belum ada pesanan yang sampai" not in body and 'id="reach-map"' in body


def test_what_is_withheld_of_a_ladder_has_no_share(show) -> None:
    partly = replace(Ladder.of(0, 20, 30, 50), unknown=frozenset(["village", "regency"]))
    ladder = part(show(overview(ladder=partly)), "ladder")
    said = [text(row) for row in re.findall(r"<tr>.*?</tr>", ladder)]
    assert said[1].startswith("Di desa sendiri ditahan –")
    assert said[4].startswith("Di provinsi lain 50 50%")
    assert ladder.count('class="stripes"') == 2


# The map


def test_a_withheld_tile_is_hatched_and_named(show) -> None:
    body = part(show(overview()), "map")
    tile = body.split('id="tile-94"', 1)[1].split("</a>", 1)[0]
    assert "data-held" in tile and 'class="hatch"' in tile
    assert "<title>Papua Tengah: ditahan</title>" in tile and 'class="value' not in tile
    assert '<i class="held" aria-hidden="true"></i>ditahan' in body
    row = text(body.split('data-region="94"><th', 1)[1].split("</tr>", 1)[0])
    assert "ditahan ditahan – ditahan ditahan" in row
    assert "≥ sedikitnya 1 / 27" not in text(body), "a known sum has no withheld parts to reach"


def test_a_province_may_have_reached_more_than_is_shown(show) -> None:
    places = (PlaceLine("32.73", "Bandung", some(40)), PlaceLine("32.75", "Bekasi", HELD))
    line = PlaceLine("32", "Jawa Barat", some(40, held=True), Sums(), 27, places)
    body = show(overview(provinces=(line,), province=line))
    assert "≥ sedikitnya 1 / 27" in text(body)
    assert "≥ 40 pesanan ke ≥ 1 dari 27 kabupaten/kota." in body
    assert values(body) == ["≥40"]
    assert 'class="hatch"' not in body


@pytest.mark.parametrize(
    ("measure", "value"),
    [("", "8"), ("orders", "8"), ("units", "16"), ("revenue", "8000"), ("first", "2025")],
)
def test_the_map_is_drawn_by_what_is_asked_for(show, measure, value) -> None:
    first = (FirstLine("51", "Bali", 2025), FirstLine("51.71", "Denpasar", 2025))
    body = show(overview(filters=Filters(OCTOBER, measure=measure), first=first))
    tile = body.split('id="tile-51"', 1)[1].split("</a>", 1)[0]
    assert values(tile) == [value]
    chosen = re.findall(r'value="(\w*)" selected', part(body, "measure"))
    assert chosen == [measure] if measure not in ("", "orders") else chosen in ([], [""])


@pytest.mark.parametrize(
    ("measure", "legend"),
    [
        # Fewer than five are not shown: there is no colour for them.
        ("", ["5–8", "9–12", "13–19", "20–30", "31–46"]),
        ("units", ["9–12", "13–17", "18–24", "25–33", "34–46"]),
        ("revenue", ["5.000–7.793", "7.794–13rb", "13rb–19rb", "19rb–30rb", "30rb–46rb"]),
    ],
)
def test_the_colours_begin_with_what_may_be_shown(asked, measure, legend) -> None:
    numbers = {"31": 5, "32": 46, "33": 9, "34": 19}
    lines = [PlaceLine(code, code, some(number)) for code, number in numbers.items()]
    if measure == "units":
        lines = [PlaceLine(code, code, Sums(n, n + 5 * (n < 9), n)) for code, n in numbers.items()]
    provinces = (*lines, PlaceLine("51", "51", HELD), PlaceLine("11", "11"))
    found = overview(filters=Filters(OCTOBER, measure=measure), provinces=provinces, province=None)
    drawing = drawn.drawn(found, lambda code: code)
    told = {shade.cls: shade.text for shade in drawing.shades}
    assert [told.pop("s0"), told.pop("held")] == ["belum ada", "ditahan"]
    assert list(told.values()) == legend
    steps = {cell.code: (cell.step, cell.held) for cell in drawing.cells}
    assert steps["51"] == (0, True) and steps["11"] == (0, False)
    assert steps["31"] == (1, False) and steps["32"] == (5, False)


def test_the_map_of_first_years(show) -> None:
    first = (
        FirstLine("51", "Bali", 2024),
        FirstLine("32", "Jawa Barat", 2025, or_earlier=True),
        FirstLine("32.73", "Bandung", 2026),
        FirstLine("94", "Papua Tengah", None, or_earlier=True),
    )
    body = show(overview(filters=Filters(OCTOBER, measure="first"), first=first))
    found = part(body, "map")
    assert "<title>Jawa Barat: 2025 atau lebih awal</title>" in found
    assert "<title>Papua Tengah: ditahan</title>" in found
    assert "<title>Aceh: belum pernah</title>" in found
    assert values(found) == ["≤2025", "2024"]
    rows = re.findall(r"<tr data-region.*?</tr>", found)
    assert [text(row) for row in rows] == [
        "Bali 2024",
        "Jawa Barat 2025 atau lebih awal",
        "Papua Tengah ditahan",
    ]
    assert "2026" in part(body, "province").split("Bandung")[2]


def test_years_are_shades_and_the_latest_share_one(asked) -> None:
    codes = ("31", "32", "33", "34", "35", "36", "51")
    provinces = tuple(PlaceLine(code, code) for code in codes)
    first = tuple(FirstLine(code, code, 2019 + n) for n, code in enumerate(codes))
    found = overview(
        filters=Filters(OCTOBER, measure="first"), provinces=provinces, province=None, first=first
    )
    drawing = drawn.drawn(found, lambda code: code)
    assert [cell.step for cell in drawing.cells] == [5, 4, 3, 2, 1, 1, 1]
    assert [(shade.cls, shade.text) for shade in drawing.shades] == [
        ("s0", "belum pernah"),
        ("s5", "2019"),
        ("s4", "2020"),
        ("s3", "2021"),
        ("s2", "2022"),
        ("s1", "2023–2025"),
    ]


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (9999, "9999"), (10_000, "10rb"), (1_234_567, "1jt"), (45_000_000_000, "45M")],
)
def test_a_tile_has_few_letters(asked, number, written) -> None:
    assert drawn.short(number) == written


# The filters


def test_the_measure_stands_in_the_address() -> None:
    for measure in ("orders", "units", "revenue", "first"):
        found, said = forms.read({"measure": measure}, known(), TODAY)
        assert (found.measure, said) == (measure, [])
        assert forms.written(found)["measure"] == measure
    assert "measure" not in forms.written(Filters(OCTOBER))


def test_an_unknown_measure_is_left_out_and_said(asked) -> None:
    found, said = forms.read({"measure": "profit"}, known(), TODAY)
    assert found.measure == "" and len(said) == 1


def test_addresses_are_those_that_flask_would_make(asked) -> None:
    from flask import url_for

    filters = Filters(OCTOBER, village="belo-laut", province="32", measure="units")
    address = panel.addresses(filters)
    written = forms.written(filters)
    assert address() == url_for("reach.reach", **written)
    assert address(province=None, _anchor="reach-map") == url_for(
        "reach.reach", **{**written, "province": None}, _anchor="reach-map"
    )
    assert address("reach.export_csv", channel="reported") == url_for(
        "reach.export_csv", **written, channel="reported"
    )


def test_many_products_are_offered_of_a_chosen_village_only(show) -> None:
    many = known(products=100)
    body = show(overview(), many)
    assert "Produk 7" not in body and "Pilih desanya dulu" in body
    chosen = part(show(overview(filters=Filters(OCTOBER, product="produk-7")), many), "product")
    assert 'value="produk-7" selected' in chosen and "Produk 8" not in chosen
    of_village = part(show(overview(filters=Filters(OCTOBER, village="desa-1")), many), "product")
    assert "Produk 100" in of_village and "Pilih desanya dulu" not in of_village
    assert "Produk 2" in part(show(overview()), "product")


def test_a_name_in_a_choice_stays_text(asked) -> None:
    made = showing.options([("a", "<b>A & B</b>")], "a")
    assert made == '<option value="a" selected>&lt;b&gt;A &amp; B&lt;/b&gt;</option>'


# The villages


def test_villages_are_paged(show) -> None:
    villages = tuple(village(n) for n in range(1, 61))
    first = part(show(overview(villages=villages)), "villages")
    assert "Desa 25" in first and "Desa 26" not in first
    assert 'id="vpage-next" hx-get="/reach?' in first and "vpage=2#reach-villages" in first
    third = show(overview(villages=villages, filters=Filters(OCTOBER, vpage=3)))
    assert "Desa 51" in part(third, "villages") and "Desa 50" not in part(third, "villages")
    beyond = show(overview(villages=villages, filters=Filters(OCTOBER, vpage=99)))
    assert part(beyond, "villages") == part(third, "villages")


def test_turning_a_page_keeps_the_reader_there(show) -> None:
    body = show(overview(), pressed="vpage-next")
    assert '<h2 tabindex="-1" autofocus>Menurut desa</h2>' in body


def test_another_filter_begins_with_the_first_page(asked) -> None:
    found, _said = forms.read(MultiDict({"vpage": "3"}), known(), TODAY)
    assert found.vpage == 3
    assert "vpage" not in forms.written(found)
    for wrong in ("", "0", "-1", "x", "٣", "9" * 5000):
        assert forms.read({"vpage": wrong}, known(), TODAY)[0].vpage >= 1


def test_the_ladder_of_each_village(show) -> None:
    steps = rungs(
        {
            2025: (HELD, some(9), some(20), some(50)),
            2026: (some(5), some(10), some(30), some(60)),
        }
    )
    body = part(show(overview(rungs=(VillageRungs("desa-1", "Desa 01", steps),))), "rungs")
    row = text(body.split("<tbody>", 1)[1])
    assert row.startswith(
        "Desa 01 ≥ sedikitnya 10 sejak 2026 atau lebih awal ≥ sedikitnya 10 sejak 2026 atau lebih "
        "awal 62 sejak 2025 120 sejak 2025"
    )
    assert body.count("<rect") == 4 and 'class="stripes"' in body


def test_villages_beside_each_other_on_one_scale(show) -> None:
    each = tuple(
        series.Multiple(f"desa-{n}", f"Desa {n:02}", (some(n), HELD)) for n in range(1, 15)
    )
    body = part(show(overview(multiples=each)), "multiples")
    assert body.count('class="chart strip ') == 12 and "setinggi-tingginya 14." in body
    assert "M1 60v-4h8v4z" in body, "the first on the scale of the fourteenth"
    assert body.count('class="stripes" d="M15 60v-14"') == 12
    assert "village=desa-1" in body and "mpage=2#reach-multiples" in body
    assert "Desa 13" not in body
    rows = re.findall(r"<tr>.*?</tr>", body)
    assert text(rows[1]) == "Desa 01 1 ditahan ≥ sedikitnya 1"
    assert 'id="reach-multiples"' not in show(overview(multiples=each[:1]))
    noted = show(overview(multiples=each, filters=Filters(OCTOBER, channel="reported")))
    assert "Catatan tiap bulan" in part(noted, "multiples")


def test_the_second_page_of_villages_beside_each_other(applications) -> None:
    each = tuple(series.Multiple(f"desa-{n}", f"Desa {n:02}", (some(n),)) for n in range(1, 15))
    with applications["sqlite"].test_request_context("/reach?mpage=2"):
        assert request.args["mpage"] == "2"
        context = panel.context(overview(multiples=each), known(), today=TODAY)
    assert [one.slug for one in context["multiples"]] == ["desa-13", "desa-14"]
    assert context["vpager"].items[0].url.endswith("&vpage=1&mpage=2#reach-villages")
    assert context["mpager"].prev_url.endswith("&mpage=1#reach-multiples")


# How wide, and who comes back


def test_spread_concentration_and_returning_buyers(show) -> None:
    body = show(
        overview(
            spreads={
                date(2026, 9, 1): Spread(4, 2, held=True),
                date(2026, 10, 1): Spread(12, 5),
            },
            returning=(
                series.ReturningLine(2025, 0, 0, held=True),
                series.ReturningLine(2026, 200, 50),
            ),
        )
    )
    spread = part(body, "spread")
    assert "Yang terbanyak 12." in spread and 'class="stripes"' in spread
    assert "September 2026 ≥ sedikitnya 4" in text(spread)
    three = text(part(body, "concentration"))
    # 48 of 53; Bekasi, which is withheld, could be one of the largest.
    assert "Sedikitnya 90% pergi ke 2 kabupaten/kota terbesar." in three
    assert "Bandung 40 75%" in three
    returning = text(part(body, "returning"))
    assert "2026: 25% dari pembelian" in returning
    assert "2026 200 50 25%" in returning and "2025 ditahan ditahan ditahan" in returning


def test_what_is_not_there_has_no_place_on_the_page(show) -> None:
    body = show(overview())
    for name in ("spread", "returning", "rungs", "multiples"):
        assert f'id="reach-{name}"' not in body and f'href="#reach-{name}"' not in body
    for name in ("map", "ladder", "months", "villages", "years", "products"):
        assert f'id="reach-{name}"' in body and f'href="#reach-{name}"' in body


# What changed


def sentences(found: figures.Overview, *, running: bool = False) -> list[str]:
    return changed.sentences(found, running=running)


def test_what_changed_in_words(asked) -> None:
    assert sentences(overview(), running=True) == [
        "Naik 47%: dari 36 menjadi 53 pesanan.",
        "1 provinsi baru dicapai: Bali.",
        "1 provinsi tidak lagi dicapai: Aceh.",
        "Desa yang paling bertambah: Desa 01, 10 pesanan lebih banyak.",
        "Desa yang paling berkurang: Desa 02, 21 pesanan lebih sedikit.",
        "Bulan terakhir belum selesai: dibandingkan dengan sebulan penuh setahun sebelumnya, "
        "angkanya masih bertambah.",
    ]


def test_nothing_changed_of_what_is_withheld(asked) -> None:
    held = overview(
        total=Line("", "", some(53, held=True), some(36)),
        provinces=tuple(
            replace(line, now=replace(line.now, held=True)) for line in overview().provinces
        ),
        villages=(village(1, HELD, some(99)), village(2, some(50, held=True), some(9))),
        products=(
            figures.ProductLine("a", "A", some(9), HELD),
            figures.ProductLine("b", "B", HELD),
        ),
    )
    assert sentences(held) == []


def test_places_are_named_but_not_all(asked) -> None:
    new = tuple(PlaceLine(f"{n}", f"Provinsi {n}", some(n)) for n in range(11, 16))
    said = sentences(overview(provinces=new, villages=()))
    assert (
        said[1] == "5 provinsi baru dicapai: Provinsi 15, Provinsi 14, Provinsi 13, dan 2 lainnya."
    )
    two = sentences(overview(provinces=new[:2], villages=()))
    assert two[1] == "2 provinsi baru dicapai: Provinsi 12 dan Provinsi 11."


def test_of_reports_notes_are_counted(asked) -> None:
    found = overview(
        filters=Filters(OCTOBER, channel="reported"),
        reported=figures.Reported(
            Line("", "", some(5), some(10)), Spread(4, 2), Spread(6, 3), (), ()
        ),
        provinces=(),
    )
    assert sentences(found) == [
        "Turun 50%: dari 10 menjadi 5 catatan.",
        "Desa yang paling bertambah: Desa 01, 10 catatan lebih banyak.",
        "Desa yang paling berkurang: Desa 02, 21 catatan lebih sedikit.",
        "Kabupaten/kota tujuan: dari 6 menjadi 4.",
    ]


def test_at_most_six_sentences_stand_on_the_page(show) -> None:
    products = (
        figures.ProductLine("a", "A", some(19), some(6)),
        figures.ProductLine("b", "B", some(6), some(19)),
    )
    full = overview(products=products, spread=Spread(2, 2))
    assert len(sentences(full)) == len(sentences(full, running=True)) == 6
    assert part(show(full), "changed").count("<li>") == 6
