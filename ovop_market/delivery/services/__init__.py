"""What operators change about delivery."""

from ovop_market.delivery.services.couriers import add_service, change_service
from ovop_market.delivery.services.imports import apply, discard, upload
from ovop_market.delivery.services.points import (
    add_collection_point,
    change_collection_point,
    set_open,
)

__all__ = [
    "add_collection_point",
    "add_service",
    "apply",
    "change_collection_point",
    "change_service",
    "discard",
    "set_open",
    "upload",
]
