"""What buyers say of a payment, and what operators decide about payments, orders and refunds."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import AnyOf

from ovop_market.web.forms import BaseForm, at_most, chosen, optional, required

LONGEST_KEY = 100
FOR_BUYER, FOR_PRODUCER = "buyer", "producer"


class ClaimForm(BaseForm):
    """The buyer's word that the money is on its way, and a picture of it if there is one."""

    reference = StringField(_l("Keterangan transfer"), [required(), at_most(200)])
    proof = FileField(_l("Foto bukti transfer"), [optional()])


class RejectionForm(BaseForm):
    """Why the payment is not confirmed: the buyer reads it."""

    reason = TextAreaField(_l("Alasan untuk pembeli"), [required(), at_most(500)])


class RevocationForm(BaseForm):
    """Why the operator cancels the order: both sides read it."""

    reason = TextAreaField(
        _l("Alasan pembatalan"), [required(), at_most(500)], id="cancellation-reason"
    )


class SettlementForm(BaseForm):
    """For whom a dispute is decided, and why."""

    side = StringField(
        _l("Keputusan"),
        [chosen(), AnyOf((FOR_PRODUCER, FOR_BUYER), message=_l("Pilih salah satu."))],
        name="for",
    )
    reason = TextAreaField(
        _l("Alasan keputusan"), [required(), at_most(500)], id="settlement-reason"
    )


class RefundForm(BaseForm):
    """The transfer by which the money went back."""

    reference = StringField(_l("Nomor atau keterangan transfer"), [required(), at_most(200)])


def refund_form(refund_id: int, typed: BaseForm | None = None) -> BaseForm:
    """The form of one refund among several on a page: empty, or as it was typed."""
    form = typed or RefundForm(formdata=None)
    form["reference"].id = f"refund-reference-{refund_id}"
    return form
