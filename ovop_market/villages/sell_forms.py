"""What somebody fills in who wants to sell."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from ovop_market.accounts.services import phone_of
from ovop_market.villages.labels import PERMITS, PRODUCER_KINDS
from ovop_market.villages.models import PermitKind, Producer, ProducerKind
from ovop_market.villages.producer_services import Application
from ovop_market.web.forms import BaseForm, ChoiceField, at_most, chosen, optional, required


class SellForm(BaseForm):
    """Who sells, where, and what. Made with `of`: the villages are in the database."""

    village = ChoiceField(_l("Desa"), [chosen()])
    kind = ChoiceField(
        _l("Siapa yang berjualan"),
        [chosen()],
        choices=[SelectChoice(kind.value, text) for kind, text in PRODUCER_KINDS.items()],
    )
    name = StringField(_l("Nama penjual"), [required(), at_most(100, at_least=3)])
    about = TextAreaField(_l("Apa yang dibuat"), [required(), at_most(1000)])
    phone = StringField(_l("Nomor WhatsApp"), [required(), at_most(30)])
    nib = StringField(PERMITS[PermitKind.NIB], [optional(), at_most(60)])
    pirt = StringField(PERMITS[PermitKind.PIRT], [optional(), at_most(60)])
    halal = StringField(PERMITS[PermitKind.HALAL], [optional(), at_most(60)])

    @classmethod
    def of(cls, villages: Sequence[tuple[int, str]], shown: Producer | None = None) -> SellForm:
        """The form as it was sent, or with what was said before, if anything was."""
        form = cls() if shown is None else cls(formdata=None, data=_said(shown))
        form.village.choices = [
            SelectChoice("", _l("Pilih desa")),
            *(SelectChoice(str(id_), name) for id_, name in villages),
        ]
        return form

    def validate_phone(self, field: StringField) -> None:
        """A number on which a chat can be begun."""
        if phone_of(field.data or "") is None:
            raise ValidationError(_("Tulis nomor HP seperti 0812 3456 7890."))

    @property
    def application(self) -> Application:
        """The values of a form that has passed."""
        numbers = {PermitKind.NIB: self.nib, PermitKind.PIRT: self.pirt}
        numbers |= {PermitKind.HALAL: self.halal}
        return Application(
            village_id=int(self.village.data),
            kind=ProducerKind(self.kind.data),
            name=self.name.data or "",
            about=self.about.data or "",
            phone=phone_of(self.phone.data or "") or "",
            permits={kind: field.data or "" for kind, field in numbers.items()},
        )


def _said(producer: Producer) -> dict[str, str]:
    numbers = {str(permit.kind): permit.number for permit in producer.permits}
    return {
        "village": str(producer.village_id),
        "kind": producer.kind.value,
        "name": producer.name,
        "about": producer.about,
        "phone": producer.phone,
        **numbers,
    }


class DecisionForm(BaseForm):
    """Why an operator decides so; whether there must be a reason is for the move to say."""

    reason = TextAreaField(_l("Alasan"), [optional(), at_most(500)])


def decision_form(at: str, *, sent: bool = False) -> DecisionForm:
    """A form of one of several decisions on a page: its ids begin with which."""
    form = DecisionForm() if sent else DecisionForm(formdata=None)
    for field in form:
        field.id = field.label.field_id = f"{at}-{field.name}"
    return form
