"""What operators say of a batch of payouts, and where producers want their earnings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField

from ovop_market.web.forms import BaseForm, at_most, required


class SendingForm(BaseForm):
    """The transfer by which a batch was sent at the bank."""

    reference = StringField(_l("Nomor atau keterangan transfer"), [required(), at_most(200)])


class AccountForm(BaseForm):
    """The bank account of a producer. The number may be typed with spaces, points and hyphens."""

    producer = HiddenField(validators=[at_most(100)])
    bank = StringField(_l("Nama bank"), [required(), at_most(60)])
    number = StringField(_l("Nomor rekening"), [required(), at_most(60)])
    holder = StringField(_l("Nama pemilik rekening"), [required(), at_most(100)])
