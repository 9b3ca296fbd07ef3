"""What an official fills in about a visit."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import SelectField, StringField, TextAreaField, ValidationError

from ovop_market.villages.visit_models import (
    MOST_ADVICE,
    MOST_NEXT_STEP,
    MOST_REASON,
    Topic,
)
from ovop_market.web.forms import BaseForm, DayField, at_most, chosen, optional, required


class VisitForm(BaseForm):
    """A visit: when, about what, what was advised, and what comes next."""

    day = DayField(_l("Hari kunjungan"), [required()])
    topic = SelectField(
        _l("Tentang apa"),
        [chosen()],
        choices=[str(topic) for topic in Topic],
        validate_choice=False,
    )
    advice = TextAreaField(_l("Apa yang disarankan"), [required(), at_most(MOST_ADVICE)])
    next_step = TextAreaField(_l("Langkah berikutnya"), [optional(), at_most(MOST_NEXT_STEP)])
    next_by = DayField(_l("Selesai paling lambat"), [optional()])
    photo = MultipleFileField(_l("Foto"))

    def validate_topic(self, field: SelectField) -> None:
        if field.data not in set(Topic):
            raise ValidationError(_("Pilih salah satu."))


class WithdrawalForm(BaseForm):
    """Why a visit is taken back."""

    why = StringField(_l("Alasan"), [required(), at_most(MOST_REASON)])
