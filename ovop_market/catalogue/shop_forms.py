"""What producers fill in about their supply; and the fields for days and packs."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, Form, IntegerField
from wtforms.validators import StopValidation

from ovop_market.web.forms import BaseForm, between, optional, required

# More packs than any household or group keeps or makes.
MOST_PACKS = 99_999
MOST_LEAD_DAYS = 365
LONGEST_SHOWN = 40


def _stop_if_unreadable(field: Field, _form: Form) -> None:
    """What could not be read needs no second complaint about its value."""
    if field.process_errors:
        raise StopValidation


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


class CountForm(BaseForm):
    """What somebody counted, and the number that stood on the screen."""

    counted = PacksField(_l("Stok siap"), [between(0, MOST_PACKS)])
    seen = PacksField(_l("Stok sebelumnya"), [between(0, MOST_PACKS)])


class CapacityForm(BaseForm):
    """Packs that can be made in a week, and the days that one takes."""

    weekly_capacity = PacksField(_l("Sanggup per minggu"), [between(0, MOST_PACKS)])
    lead_days = PacksField(_l("Lama membuat (hari)"), [between(0, MOST_LEAD_DAYS)])


class ClosureForm(BaseForm):
    """Days without orders, both included; without an end, until opened again."""

    closed_from = DayField(_l("Tutup mulai"), [required()])
    closed_to = DayField(_l("Sampai"), [optional()])
