"""Pages are checked once for each kind (tests/pages.py): nothing wrong hides behind a good one."""

from __future__ import annotations

import pytest

from tests import pages

PAGE = '<!doctype html><html lang="id"><title>Judul</title><main><h1>{}</h1>{}</main></html>'
GOOD = (
    '<p title="a">Dua pak, é</p>\n<a href="/satu?a=1&amp;b=2">x</a>'
    '<input name="a" value="1" aria-label="x"><p id="n1" data-n="1"></p><p id="n2"></p>'
    '<label>y<input type="radio" name="b" checked></label><link rel="canonical" href="http://localhost/a">'
    '<table><tr><td>b</td></tr></table><img src="/a.png" alt="">'
)
WRONG = (
    ("Dua pak", "Dua & pak &beda; x"),
    ("Dua pak", "Dua\x01pak"),
    ("Dua pak", "Dua < pak"),
    ("</p>\n", "</div>\n"),
    ('title="a"', 'title="a > b" style="c"'),
    ('title="a"', 'title="a" onclick="b"'),
    ('value="1"', 'value="\x02"'),
    ('value="1"', 'value="1" style="a"'),
    (' aria-label="x"', ""),
    ('data-n="1"', 'data-n="1" data-n="2"'),
    ("n2", "n1"),
    (" checked>", " checked checked>"),
    ("<label>y", "<label>y</label>"),
    ('src="/a.png"', 'src="http://localhost/a.png"'),
    ('rel="canonical" href="http://localhost/a"', 'rel="icon" href="http://localhost/a"'),
    ('title="a"', 'title="a" title="b"'),
    ("a=1&amp;b", "a=1&copyb"),
    ('src="/a.png"', 'src="//a.example/a.png"'),
    ('src="/a.png"', 'src="https://a.example/a.png"'),
    (' alt=""', ""),
    ("<table>", "<h1>b</h1><table>"),
    ("<table>", "<h3>b</h3><table>"),
)


def test_pages_of_one_kind_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pages.check_html(PAGE.format("Satu", GOOD), whole=True)
    monkeypatch.delattr(pages, "_check")
    pages.check_html(
        PAGE.format("Dua\n tiga", GOOD.replace("=1", "=7").replace('="1"', '="8"')), whole=True
    )


@pytest.mark.parametrize(("good", "wrong"), WRONG)
def test_what_is_wrong_is_found_after_a_good_one(good: str, wrong: str) -> None:
    pages.check_html(PAGE.format("Satu", GOOD), whole=True)
    body = PAGE.format("Satu", GOOD.replace(good, wrong, 1))
    assert good in GOOD
    with pytest.raises(AssertionError):
        pages.check_html(body, whole=True)
