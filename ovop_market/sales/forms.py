"""What a seller fills in about a sale: choices, numbers and a day. There is no field for words, so
that nothing of a buyer can be written."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, ValidationError

from ovop_market.sales.models import MOST_PAID, MOST_SOLD, SaleChannel
from ovop_market.web.forms import (
    BaseForm,
    DayField,
    PacksField,
    RupiahField,
    at_most,
    between,
    chosen,
    optional,
    required,
)


class SaleForm(BaseForm):
    """One sale. An empty total is the list price; region_code is a regency, or an area in one."""

    variant_id = HiddenField(validators=[required(), at_most(10)])
    producer = HiddenField(validators=[required(), at_most(80)])
    quantity = PacksField(_l("Jumlah bungkus"), [between(1, MOST_SOLD)])
    total = RupiahField(_l("Harga semuanya"), [optional(), between(1, MOST_PAID)])
    channel = RadioField(
        _l("Lewat apa"),
        [chosen()],
        choices=[str(channel) for channel in SaleChannel],
        validate_choice=False,
    )
    region_code = RadioField(
        _l("Dikirim atau dibawa ke"), [chosen(), at_most(13)], choices=[], validate_choice=False
    )
    day = DayField(_l("Hari penjualan"), [required()])
    from_stock = BooleanField(
        _l("Kurangi stok siap di situs ini"), false_values=(False, "false", "", "0")
    )

    def validate_channel(self, field: RadioField) -> None:
        if field.data not in set(SaleChannel):
            raise ValidationError(_("Pilih salah satu."))
