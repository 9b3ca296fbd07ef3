"""Does it reach me?, for everybody; tariffs, services and collection points, for operators."""

from flask import Blueprint

blueprint = Blueprint("delivery", __name__)

# The databases' own limit for an id: beyond it there is nothing to look for.
ID = "int(max=2147483647)"

from ovop_market.delivery.views import couriers, imports, points, tariffs, ways  # noqa: E402

__all__ = ["ID", "blueprint", "couriers", "imports", "points", "tariffs", "ways"]
