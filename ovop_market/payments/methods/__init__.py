"""The methods of payment, behind one small interface: a `Method` for each, in METHODS.

A method says whether this installation has it, its words at checkout, and why certain orders
cannot be paid so. One that is paid online also says how the purchase page asks for the money: by
which template, and with what in it. Whoever adds one writes a module with a `Method` and puts it
into METHODS; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import current_app

from ovop_market.config import Config
from ovop_market.orders.methods import Choice, PaymentOption
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.methods import cash, gateway, qris, transfer
from ovop_market.payments.methods.interface import Method

# In the order in which they are offered.
METHODS: Mapping[PaymentMethod, Method] = {
    found.method: found for found in (transfer.METHOD, qris.METHOD, gateway.METHOD, cash.METHOD)
}


def offered(choices: Sequence[Choice]) -> list[PaymentOption]:
    """The ways to pay for these orders in this installation (fills orders.methods.offered)."""
    return [
        PaymentOption(
            method=method.method,
            title=str(method.title),
            text=str(method.text),
            refusal=method.refusal(choices),
        )
        for method in METHODS.values()
        if method.configured(_config())
    ]


def online() -> list[Method]:
    """The ways of this installation in which an order can be paid before it is made."""
    return [m for m in METHODS.values() if m.online and m.configured(_config())]


def _config() -> Config:
    config: Config = current_app.config["OVOP"]
    return config
