"""Cash when it arrives or is fetched, as far as each producer allows it.

A producer says whether the courier may collect cash, whether it may be paid at the collection
point, and up to which total of an order (rupiah).
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ovop_market.core.money import format_rupiah
from ovop_market.orders.labels import PAYMENT_METHODS
from ovop_market.orders.methods import Choice
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.methods.interface import Method


def refusal(choices: Sequence[Choice]) -> str:
    """Why these orders cannot be paid in cash, one sentence for each producer that does not take
    it; "" when all do."""
    return " ".join(filter(None, map(_refusal, choices)))


def _refusal(choice: Choice) -> str:
    producer, way = choice.quote.producer, choice.way
    to_courier, at_pickup = producer.cash_on_delivery, producer.cash_at_pickup
    fetched = way is not None and way.collection_point_id is not None
    sent = way is not None and not fetched
    reason = ""
    if not to_courier and not at_pickup:
        reason = _(
            "%(producer)s tidak menerima bayar di tempat. Pilih cara bayar lain.",
            producer=producer.name,
        )
    elif sent and not to_courier:
        reason = _(
            "%(producer)s menerima tunai hanya kalau pesanan diambil sendiri. "
            "Pilih ambil di tempat, atau cara bayar lain.",
            producer=producer.name,
        )
    elif fetched and not at_pickup:
        reason = _(
            "%(producer)s menerima tunai hanya lewat kurir. Pilih kurir, atau cara bayar lain.",
            producer=producer.name,
        )
    elif producer.cash_limit is not None and choice.total > producer.cash_limit:
        reason = _(
            "Bayar di tempat di %(producer)s hanya sampai %(limit)s. Pilih cara bayar lain.",
            producer=producer.name,
            limit=format_rupiah(producer.cash_limit),
        )
    return reason


METHOD = Method(
    method=PaymentMethod.COD,
    title=PAYMENT_METHODS[PaymentMethod.COD],
    text=_l("Tunai saat barang sampai atau diambil."),
    configured=lambda _config: True,
    refusal=refusal,
)
