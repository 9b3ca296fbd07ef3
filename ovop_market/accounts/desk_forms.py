"""What operators fill in about accounts."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from ovop_market.accounts.labels import ROLES
from ovop_market.accounts.models import Role
from ovop_market.web.forms import BaseForm, at_most, chosen, optional, required

INVITED = (Role.PRODUCER, Role.OFFICIAL, Role.OPERATOR)


def _choices(*roles: Role) -> list[SelectChoice]:
    return [SelectChoice(str(role), ROLES[role]) for role in roles]


class InviteForm(BaseForm):
    """Who is asked to have an account for what. Buyers register by themselves."""

    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])
    role = SelectField(_l("Sebagai"), [chosen()], choices=_choices(*INVITED))
    producer = SelectField(_l("Penjual"), [optional()], choices=[])
    region_code = StringField(_l("Kode wilayah"), [optional(), at_most(13)])

    @staticmethod
    def asking(
        producers: list[tuple[str, str]], *, sent: bool, typed: Mapping[str, str] | None = None
    ) -> InviteForm:
        """As it was sent, or with what was typed before; `producers`: slug and name of those that
        nobody owns."""
        form = InviteForm() if sent else InviteForm(formdata=None, data=typed)
        form.producer.choices = [
            SelectChoice("", _l("pilih kalau sebagai penjual")),
            *(SelectChoice(slug, name) for slug, name in producers),
        ]
        return form


class ReasonForm(BaseForm):
    """Why: it stands in the audit, where the next operator reads it."""

    reason = TextAreaField(_l("Alasan"), [required(), at_most(300)])


class RoleForm(BaseForm):
    """What an account is to become; an official's area is a regency or a province."""

    role = SelectField(_l("Menjadi"), [chosen()], choices=_choices(*Role))
    region_code = StringField(_l("Kode wilayah"), [optional(), at_most(13)])


class ChangeForm(RoleForm):
    """The same with the reason, after the preview."""

    reason = TextAreaField(_l("Alasan"), [required(), at_most(300)])
