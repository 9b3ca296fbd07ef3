"""The base of all forms: what every text field must be, in the reader's words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import Field, Form, PasswordField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    StopValidation,
)


def strip(value: Any) -> Any:
    """Text without spaces at its ends; anything else as it is."""
    return value.strip() if isinstance(value, str) else value


def plain_text(_form: Form, field: Field) -> None:
    """Refuses control characters: no database keeps NUL, and no person types the others.

    They are taken out of what the field shows again; the rest of the text stays.
    """
    text = field.data
    if not isinstance(text, str):
        return
    clean = "".join(c for c in text if (ord(c) >= 32 or c in "\n\r\t") and not _lone(c))
    if clean != text:
        field.data = clean
        raise StopValidation(_("Ada huruf yang tidak terbaca. Periksa isian ini, lalu kirim."))


def _lone(character: str) -> bool:
    """Half of a surrogate pair, which no encoding can write."""
    return 0xD800 <= ord(character) <= 0xDFFF


def required() -> DataRequired:
    """The field must be filled in."""
    return DataRequired(message=lazy_gettext("Isi bagian ini."))


def chosen() -> InputRequired:
    """One of the choices must be taken."""
    return InputRequired(message=lazy_gettext("Pilih salah satu."))


def optional() -> Optional:
    """The field may stay empty."""
    return Optional(strip_whitespace=True)


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


class BaseForm(FlaskForm):
    """All forms: texts are stripped and checked for control characters.

    The CSRF token is checked at the door (web.access), once, for every POST.
    """

    class Meta(FlaskForm.Meta):
        csrf = False

        def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Any:
            filters = list(unbound_field.kwargs.get("filters", ()))
            if unbound_field.field_class is not PasswordField:
                filters.insert(0, strip)
            field = unbound_field.bind(form=form, **{**options, "filters": filters})
            field.validators = [plain_text, *field.validators]
            return field
