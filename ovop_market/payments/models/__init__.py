"""The tables of money: payments and refunds, the ledger, bank statements, payouts, the gateway."""

from ovop_market.payments.models.gateway import AttemptState, GatewayAttempt, GatewayNotification
from ovop_market.payments.models.ledger import (
    AccountKind,
    Cause,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
)
from ovop_market.payments.models.payments import (
    MOST_UNIQUE_DIGITS,
    Payment,
    PaymentEvent,
    PaymentPart,
    Refund,
)
from ovop_market.payments.models.payouts import Payout, PayoutAccount, PayoutBatch
from ovop_market.payments.models.statements import (
    BankMapping,
    BankStatement,
    StatementLine,
    StatementState,
)

__all__ = [
    "MOST_UNIQUE_DIGITS",
    "AccountKind",
    "AttemptState",
    "BankMapping",
    "BankStatement",
    "Cause",
    "GatewayAttempt",
    "GatewayNotification",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "Payment",
    "PaymentEvent",
    "PaymentPart",
    "Payout",
    "PayoutAccount",
    "PayoutBatch",
    "Refund",
    "StatementLine",
    "StatementState",
]
