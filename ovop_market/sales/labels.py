"""How the channels of reported sales are called on the screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ovop_market.sales.models import SaleChannel

CHANNELS: dict[SaleChannel, LazyString] = {
    SaleChannel.WHATSAPP: _l("WhatsApp"),
    SaleChannel.OFFICE: _l("Di kantor"),
    SaleChannel.FAIR: _l("Di pameran"),
    SaleChannel.DOOR: _l("Di rumah, lainnya"),
}
