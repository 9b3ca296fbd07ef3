"""The base of all forms: what every text field must be, in the reader's words."""

from __future__ import annotations

import re
import string
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
from wtforms import DateField, Field, Form, IntegerField, PasswordField, SelectField, StringField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    StopValidation,
    ValidationError,
)
from wtforms.widgets import TextInput

from ovop_market.core.errors import MarketError
from ovop_market.core.tokens import digest

# Signs that nobody sees at the ends of a text: spaces of all widths, joiners, marks of direction.
_UNSEEN = (
    string.whitespace
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "\x85\xa0\xad\u1680\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
# Marks that make text read in another order than it is written.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# What a decoder puts where bytes were no text, and what Unicode says is never a character.
_NO_LETTERS = frozenset("\ufffd\ufffe\uffff")


def strip(value: Any) -> Any:
    """Text without what nobody sees at its ends; anything else as it is."""
    return value.strip(_UNSEEN) if isinstance(value, str) else value


def on_one_line(value: Any) -> Any:
    """Text of a field of one line: what was pasted with line breaks has spaces instead."""
    return " ".join(re.split(r"[\n\r\t]+", value)) if isinstance(value, str) else value


def plain_text(_form: Form, field: Field) -> None:
    """Refuses control characters: no database keeps NUL, and no person types the others.

    They are taken out of what the field shows again; the rest of the text stays.
    """
    text = field.data
    if not isinstance(text, str):
        return
    clean = "".join(c for c in text if _is_readable(c))
    if clean != text:
        field.data = clean
        raise StopValidation(_("Ada huruf yang tidak terbaca. Periksa isian ini, lalu kirim."))


def _is_readable(character: str) -> bool:
    """Neither a control character, nor a mark of direction, nor half of a surrogate pair, which no
    encoding can write, nor what stands for bytes that were no text."""
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF or character in _DIRECTIONS or character in _NO_LETTERS:
        return False
    return (32 <= code < 0x7F or code > 0x9F) or character in "\n\r\t"


def required(message: Any = None) -> DataRequired:
    """The field must be filled in; `message` says it where the usual words would not do."""
    return DataRequired(message=message or lazy_gettext("Isi bagian ini."))


class _Chosen(InputRequired):  # type: ignore[misc]
    """Sent, so that no default is taken for a choice; and something, which spaces are not."""

    def __call__(self, form: Form, field: Field) -> None:
        super().__call__(form, field)
        if not field.data:
            raise StopValidation(self.message)


def chosen() -> InputRequired:
    """One of the choices must be taken."""
    return _Chosen(message=lazy_gettext("Pilih salah satu."))


def optional() -> Optional:
    """The field may stay empty."""
    return Optional(strip_whitespace=True)


def filled_in_if_sent(_form: Form, field: Field) -> None:
    """A number that stands on a form is filled in; a form that has no such field says nothing."""
    if field.name not in request.form:
        raise StopValidation
    if field.data is None:
        raise StopValidation(_("Isi jumlahnya."))


def at_most(characters: int, at_least: int = -1) -> Length:
    """The length of a text, in characters."""
    message = (
        lazy_gettext("Tulis %(min)d sampai %(max)d huruf.")
        if at_least > 0
        else lazy_gettext("Tulis paling banyak %(max)d huruf.")
    )
    return Length(min=at_least, max=characters, message=message)


def between(least: int, most: int) -> NumberRange:
    """A whole number within bounds."""
    return NumberRange(
        min=least, max=most, message=lazy_gettext("Isi angka %(min)s sampai %(max)s.")
    )


LONGEST_SHOWN = 40  # characters of what could not be read
LONGEST_KEY = 100
FILES = (FileField, MultipleFileField)


class BaseForm(FlaskForm):
    """All forms: texts are stripped and checked for control characters.

    The CSRF token is checked at the door (web.access), once, for every POST.
    """

    class Meta(FlaskForm.Meta):
        csrf = False

        def wrap_formdata(self, form: Form, formdata: Any) -> Any:
            """Texts are read from texts: a file that is sent in a text field's place is none."""
            data = super().wrap_formdata(form, formdata)
            if data is None or not request.files:
                return data
            uploads = {n for n, f in form._fields.items() if isinstance(f, FILES)}
            texts: Any = request.form.copy()
            for name in uploads & set(request.files):
                texts.setlist(name, request.files.getlist(name))
            return texts

        def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Any:
            filters = list(unbound_field.kwargs.get("filters", ()))
            if unbound_field.field_class is not PasswordField:
                filters.insert(0, strip)
            if unbound_field.field_class is StringField:
                filters.insert(1, on_one_line)
            field = unbound_field.bind(form=form, **{**options, "filters": filters})
            field.validators = [plain_text, *field.validators]
            return field


def _stop_if_unreadable(field: Field, _form: Form) -> None:
    """What could not be read needs no second complaint about its value."""
    if field.process_errors:
        raise StopValidation


class ChoiceField(SelectField):  # type: ignore[misc]
    """One of the choices; what is none of them is refused in the reader's language."""

    def pre_validate(self, form: Form) -> None:
        try:
            super().pre_validate(form)
        except ValueError:
            raise ValidationError(_("Pilih salah satu.")) from None


def _typed(field: Field, values: list[Any]) -> str:
    """What was typed; the field shows it again without control characters and not without end."""
    text = str(values[0]).strip() if values else ""
    field.raw_data = ["".join(c for c in text if c.isprintable())[:LONGEST_SHOWN]]
    return text


class PacksField(IntegerField):  # type: ignore[misc]
    """A whole number in plain digits, refused in the reader's language."""

    pre_validate = _stop_if_unreadable

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _typed(self, valuelist)
        self.data = None
        if not text:
            return
        if not (text.isascii() and text.isdecimal()) or len(text) > 9:
            raise ValueError(_("Isi dengan angka bulat, misalnya 12."))
        self.data = int(text)


class RupiahField(IntegerField):  # type: ignore[misc]
    """Whole rupiah as people write them: 45000, 45.000 or Rp45.000."""

    # A number's field takes a point for a decimal one, and 45.000 for 45.
    widget = TextInput()
    pre_validate = _stop_if_unreadable

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _typed(self, valuelist)
        self.data = None
        if not text:
            return
        digits = text.lower().removeprefix("rp").strip().removesuffix(",-")
        grouped = re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3})+", digits)
        digits = digits.replace(".", "") if grouped else digits
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > 12:
            raise ValueError(_("Tulis jumlah dalam rupiah, misalnya 45.000."))
        self.data = int(digits)


class DayField(DateField):  # type: ignore[misc]
    """A day as browsers send it (2026-11-24), or as it is written here (24-11-2026, 24/11/2026)."""

    pre_validate = _stop_if_unreadable

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, format=["%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"], **values)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = _typed(self, valuelist)
        self.data = None
        if not text:
            return
        try:
            super().process_formdata([text])
        except ValueError:
            self.data = None
            raise ValueError(_("Tulis tanggal seperti 24-11-2026.")) from None


def tap_key() -> str | None:
    """The key of this very tap, from the header or the form; an odd one by its digest."""
    key = request.headers.get("Idempotency-Key") or request.form.get("idempotency_key") or ""
    fit = len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()
    return (key if fit else digest(key)) or None


def state_seen() -> str | None:
    """The state that was on the page from which this tap comes, if the page says it."""
    return request.form.get("seen") or None


def explain(form: BaseForm, refusal: MarketError) -> str:
    """Puts a refusal beside the field that it names; returns what has to be said on top."""
    field = str(refusal.details.get("field", ""))
    if field in form:
        form[field].errors = [refusal.message]
        return ""
    return refusal.message
