"""What people type into one line, and what a spreadsheet makes of it."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import StringField, TextAreaField

from ovop_market.web.exports import csv_file
from ovop_market.web.forms import BaseForm, required


class Form(BaseForm):
    line = StringField("Nama", [required()])
    text = TextAreaField("Pesan")


def filled(app: Flask, line: str, text: str = "") -> Form:
    with app.test_request_context():
        return Form(MultiDict({"line": line, "text": text}))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Sari \u00a0", "Sari"),
        ("Budi\r\n=cmd|x", "Budi =cmd|x"),
        ("BCA 1\tBCC: x", "BCA 1 BCC: x"),
        ("\u200bSari\u200b", "Sari"),
    ],
)
def test_one_line_is_one_line(app: Flask, typed: str, kept: str) -> None:
    form = filled(app, typed, "satu\ndua")
    assert form.validate()
    assert (form.line.data, form.text.data) == (kept, "satu\ndua")


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "\u2060 \ufeff"])
def test_what_nobody_sees_is_nothing(app: Flask, typed: str) -> None:
    assert not filled(app, typed).validate()


@pytest.mark.parametrize("typed", ["a\u202eb", "a\u2066b", "a\x00b"])
def test_marks_that_turn_text_around_are_refused(app: Flask, typed: str) -> None:
    form = filled(app, typed)
    assert not form.validate()
    assert form.line.data == "ab"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\u200b=", "\uff1d", "\n="])
def test_no_cell_is_a_formula_or_a_second_line(app: Flask, start: str) -> None:
    with app.test_request_context():
        body = csv_file("x.csv", ["a"], [[f"{start}1+1"], ["Budi\r\nIbu"]]).get_data(as_text=True)
    _header, first, second = body.splitlines()
    assert first.startswith("'") and second == "Budi Ibu"
