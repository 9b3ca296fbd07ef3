"""The lives of a payment and of a refund, as data."""

from __future__ import annotations

from enum import StrEnum

from ovop_market.core.errors import MoveRefused


class PaymentState(StrEnum):
    """A claim is a claim: only a named person, or a matched statement line, confirms."""

    ASKED = "ASKED"
    CLAIMED = "CLAIMED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    LAPSED = "LAPSED"


class PaymentAction(StrEnum):
    """What is done to a payment. `amend` changes the amount asked, not the state."""

    ASK = "ask"
    AMEND = "amend"
    CLAIM = "claim"
    CONFIRM = "confirm"
    REJECT = "reject"
    LAPSE = "lapse"


class RefundState(StrEnum):
    """Money owed back to a buyer."""

    DUE = "DUE"
    SENT = "SENT"


class RefundAction(StrEnum):
    """What is done to a refund."""

    SEND = "send"


P, A = PaymentState, PaymentAction

# A rejected payment is asked again: the buyer claims it anew on the same page.
PAYMENT_MOVES: dict[tuple[PaymentState, PaymentAction], PaymentState] = {
    (P.ASKED, A.AMEND): P.ASKED,
    (P.REJECTED, A.AMEND): P.REJECTED,
    (P.ASKED, A.CLAIM): P.CLAIMED,
    (P.REJECTED, A.CLAIM): P.CLAIMED,
    # The operator may see the money on the account before the buyer says a word.
    (P.ASKED, A.CONFIRM): P.CONFIRMED,
    (P.CLAIMED, A.CONFIRM): P.CONFIRMED,
    (P.REJECTED, A.CONFIRM): P.CONFIRMED,
    (P.CLAIMED, A.REJECT): P.REJECTED,
    (P.ASKED, A.LAPSE): P.LAPSED,
    (P.REJECTED, A.LAPSE): P.LAPSED,
}

# States in which the buyer is still asked for money.
OPEN = frozenset({P.ASKED, P.REJECTED})


def payment_after(state: PaymentState, action: PaymentAction) -> PaymentState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    target = PAYMENT_MOVES.get((state, action))
    if target is None:
        raise MoveRefused(f"cannot {action} a payment that is {state}", state=state, action=action)
    return target


REFUND_MOVES: dict[tuple[RefundState, RefundAction], RefundState] = {
    (RefundState.DUE, RefundAction.SEND): RefundState.SENT,
}


def refund_after(state: RefundState, action: RefundAction) -> RefundState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    target = REFUND_MOVES.get((state, action))
    if target is None:
        raise MoveRefused(f"cannot {action} a refund that is {state}", state=state, action=action)
    return target
