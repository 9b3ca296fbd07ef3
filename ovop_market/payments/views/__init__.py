"""The operator's desk: what is stuck, payments, any order; and the buyer's claim of having paid."""

from flask import Blueprint

blueprint = Blueprint("payments", __name__)

# The databases' own limit for an id: beyond it there is nothing to look for.
ID = "int(max=2147483647)"

from ovop_market.payments.views import (  # noqa: E402
    claims,
    desk,
    earnings,
    gateway,
    gateway_desk,
    orders,
    paying,
    payments,
    payouts,
    refunds,
    splits,
    statement_lines,
    statements,
)

__all__ = [
    "ID",
    "blueprint",
    "claims",
    "desk",
    "earnings",
    "gateway",
    "gateway_desk",
    "orders",
    "paying",
    "payments",
    "payouts",
    "refunds",
    "splits",
    "statement_lines",
    "statements",
]
