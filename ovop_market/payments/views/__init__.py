"""The operator's desk: what is stuck, payments, any order; and the buyer's claim of having paid."""

from flask import Blueprint

blueprint = Blueprint("payments", __name__)

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
    proofs,
    refunds,
    splits,
    statement_lines,
    statements,
)

__all__ = [
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
    "proofs",
    "refunds",
    "splits",
    "statement_lines",
    "statements",
]
