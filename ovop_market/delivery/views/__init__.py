"""Does it reach me?, for everybody; tariffs, services and collection points, for operators."""

from flask import Blueprint

blueprint = Blueprint("delivery", __name__)

from ovop_market.delivery.views import couriers, imports, points, tariffs, ways  # noqa: E402

__all__ = ["blueprint", "couriers", "imports", "points", "tariffs", "ways"]
