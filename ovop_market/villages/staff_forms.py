"""What an owner fills in about the people who help."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice

from ovop_market.villages.labels import STAFF
from ovop_market.villages.policy import StaffRole
from ovop_market.web.forms import BaseForm, at_most, chosen, required

_ROLES = [SelectChoice(str(role), STAFF[role]) for role in StaffRole]


class InviteForm(BaseForm):
    """Who is asked, and to be what: packers are the usual helpers."""

    login = StringField(_l("Email atau nomor HP"), [required(), at_most(254)])
    role = RadioField(
        _l("Sebagai"),
        [chosen()],
        choices=_ROLES,
        default=str(StaffRole.PACKER),
    )


class RoleForm(BaseForm):
    """What somebody becomes."""

    role = RadioField(_l("Sebagai"), [chosen()], choices=_ROLES)


def invite_form(slug: str, *, sent: bool, typed: Mapping[str, str] | None = None) -> InviteForm:
    """The form of a producer, as it was sent, or with what was typed before; its ids begin with
    whose it is."""
    form = InviteForm() if sent else InviteForm(formdata=None, data=typed)
    form.login.id = form.login.label.field_id = f"{slug}-login"
    return form
