"""What couriers themselves ask for a parcel, from a rate API, beside the tariff table.

`asking` goes over the network, before a page is made and outside of any transaction; `kept` reads
what it has brought. Where the API is not configured, cannot be reached or knows nothing, the table
is all there is. See ADR 20.
"""

from __future__ import annotations

from flask import Flask, current_app

from ovop_market.delivery.rates.breaker import Breaker
from ovop_market.delivery.rates.interface import Desk
from ovop_market.delivery.rates.rajaongkir import RajaOngkir

_NAME = "courier rates"


def init_app(app: Flask) -> None:
    """Makes the configured API known, and lets the ways of delivery look at what is kept."""
    from ovop_market.delivery import queries
    from ovop_market.delivery.rates.kept import rates_of

    config = app.config["OVOP"]
    if config.rajaongkir_key:
        api = RajaOngkir(config.rajaongkir_key, config.rajaongkir_url)
        app.extensions[_NAME] = Desk(api, Breaker(), config.rate_age)
    queries.rates_of = rates_of


def configured() -> Desk | None:
    """The rate API of this installation, if it has one."""
    found: Desk | None = current_app.extensions.get(_NAME)
    return found
