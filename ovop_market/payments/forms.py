"""What buyers say of a payment, and what operators decide about payments, orders and refunds."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import AnyOf
from wtforms.widgets import HiddenInput

from ovop_market.core.money import MAX_PRICE
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.states import RefundKind
from ovop_market.web.forms import (
    BaseForm,
    PacksField,
    RupiahField,
    at_most,
    between,
    chosen,
    optional,
    required,
)

FOR_PRODUCER, FOR_BUYER = "producer", "buyer"
# For the buyer of a cash order who has in fact paid at the door.
FOR_BUYER_WHO_PAID = "buyer-who-paid"
SIDES = (FOR_PRODUCER, FOR_BUYER, FOR_BUYER_WHO_PAID)
# Rupiah that a gateway pays out in one go, at most: many payments together.
MOST_AT_ONCE = 100_000_000_000


class ClaimForm(BaseForm):
    """The buyer's word that the money is on its way, and a picture of it if there is one."""

    reference = StringField(_l("Keterangan transfer"), [required(), at_most(200)])
    proof = FileField(_l("Foto bukti transfer"), [optional()])


class MethodForm(BaseForm):
    """Another way to pay; which there are, the methods know."""

    payment_method = StringField(
        _l("Cara bayar"),
        [chosen(), AnyOf(tuple(PaymentMethod), message=_l("Pilih cara bayar yang tersedia."))],
    )


class DestinationForm(BaseForm):
    """The account that money is to be sent back to, in the buyer's words."""

    destination = StringField(_l("Rekening tujuan"), [required(), at_most(200)])


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
        [chosen(), AnyOf(SIDES, message=_l("Pilih salah satu."))],
        name="for",
    )
    reason = TextAreaField(
        _l("Alasan keputusan"), [required(), at_most(500)], id="settlement-reason"
    )


class ConfirmationForm(BaseForm):
    """What has come, where it is not what was asked."""

    amount = RupiahField(_l("Jumlah yang masuk"), [optional(), between(1, MAX_PRICE)])


class ReversalForm(BaseForm):
    """Why money that was booked is taken back: the buyer reads it. `receipt` is which."""

    receipt = PacksField("", [optional()], widget=HiddenInput())
    reason = TextAreaField(
        _l("Alasan untuk pembeli"), [required(), at_most(500)], id="reversal-reason"
    )


class PartialRefundForm(BaseForm):
    """How much of what is given back, and why: both sides read it."""

    part = StringField(
        _l("Yang dikembalikan"),
        [chosen(), AnyOf((RefundKind.GOODS, RefundKind.SHIPPING), message=_l("Pilih salah satu."))],
    )
    amount = RupiahField(_l("Jumlah"), [required(), between(1, MAX_PRICE)], id="refund-amount")
    reason = TextAreaField(_l("Alasan"), [required(), at_most(500)], id="refund-reason")


class RefundForm(BaseForm):
    """The transfer by which the money went back."""

    reference = StringField(_l("Nomor atau keterangan transfer"), [required(), at_most(200)])
    at_gateway = BooleanField(_l("Dikembalikan di Midtrans, bukan dari rekening bank"))


class WithdrawalForm(BaseForm):
    """Why money is not given back after all: the buyer reads it."""

    reason = TextAreaField(
        _l("Alasan untuk pembeli"), [required(), at_most(500)], id="withdrawal-reason"
    )


def refund_form(refund_id: int, typed: BaseForm | None = None, *, at_gateway: bool) -> BaseForm:
    """The form of one refund among several on a page: empty, or as it was typed. `at_gateway`: its
    money came in there, so that it can be given back there."""
    form = typed or RefundForm(formdata=None)
    if not (at_gateway or form["at_gateway"].errors):
        del form["at_gateway"]
    for field in form:
        if field.name != "csrf_token":
            field.id = f"refund-{field.name.replace('_', '-')}-{refund_id}"
    return form


class GatewayPayoutForm(BaseForm):
    """What the gateway has paid to the bank account, and what it has kept of it."""

    amount = RupiahField(
        _l("Jumlah yang masuk ke rekening"), [required(), between(1, MOST_AT_ONCE)]
    )
    fee = RupiahField(_l("Biaya Midtrans"), [optional(), between(0, MOST_AT_ONCE)])
    reference = StringField(_l("Keterangan dari Midtrans"), [required(), at_most(100)])
