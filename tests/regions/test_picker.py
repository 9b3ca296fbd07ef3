"""The address field in a form, as templates use it."""

from __future__ import annotations

from flask import Flask, get_template_attribute
from sqlalchemy.orm import Session

from ovop_market.regions import queries
from tests.pages import check_html


def _picker(app: Flask, session: Session, q: str, selected: str = "", **values: object) -> str:
    with app.test_request_context():
        options = queries.picker_options(session, q, selected)
        macro = get_template_attribute("regions/_picker.html", "region_picker")
        body = str(macro(q, options, selected, **values))
    check_html(f"<form>{body}</form>", whole=False)
    return body


def test_it_shows_what_the_words_find(app: Flask, session: Session) -> None:
    body = _picker(app, session, "belo laut")
    assert 'value="19.05.01.2006"' in body
    assert "1 wilayah ditemukan. Pilih satu." in body
    assert " checked" not in body


def test_the_choice_is_checked_and_named(app: Flask, session: Session) -> None:
    body = _picker(app, session, "", "19.05.01")
    assert 'value="19.05.01" checked' in body
    assert "Terpilih: Mentok." in body


def test_it_says_what_to_do_when_there_is_nothing(app: Flask, session: Session) -> None:
    assert "sedikitnya 3 huruf" in _picker(app, session, "")
    assert "Periksa ejaannya" in _picker(app, session, "zzzyyyxxx")


def test_an_error_belongs_to_the_group(app: Flask, session: Session) -> None:
    body = _picker(app, session, "", errors=["Pilih wilayah."])
    assert 'aria-describedby="region_code-error"' in body
    assert 'id="region_code-error">Pilih wilayah.' in body


def test_what_is_typed_is_shown_as_text(app: Flask, session: Session) -> None:
    assert "<b>" not in _picker(app, session, '"><b>').split("<label", 1)[1].split("</div>", 1)[0]
