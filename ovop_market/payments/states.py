"""The lives of a payment, a refund, a payout and a line of a bank statement, as data."""

from __future__ import annotations

from enum import StrEnum

from ovop_market.core.moves import after


class PaymentState(StrEnum):
    """A claim is a claim: only a named person, or a matched statement line, confirms."""

    ASKED = "ASKED"
    CLAIMED = "CLAIMED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    LAPSED = "LAPSED"


class PaymentAction(StrEnum):
    """What is done to a payment.

    `amend` changes the amount asked, not the state. `receive_part` is money that does not cover
    what is asked; `receive_late` is money that comes when nothing is asked any more. What was
    booked by mistake is taken back: by `reverse` where it had paid for something, so that it is
    asked again, else by `take_back`.
    """

    ASK = "ask"
    AMEND = "amend"
    CLAIM = "claim"
    CONFIRM = "confirm"
    REJECT = "reject"
    LAPSE = "lapse"
    RECEIVE_PART = "receive_part"
    RECEIVE_LATE = "receive_late"
    REVERSE = "reverse"
    TAKE_BACK = "take_back"


class RefundState(StrEnum):
    """Money owed back to a buyer; WITHDRAWN when it had never come: its booking was a mistake."""

    DUE = "DUE"
    SENT = "SENT"
    WITHDRAWN = "WITHDRAWN"


class RefundAction(StrEnum):
    """What is done to a refund. `recall`: it had not been sent after all."""

    SEND = "send"
    RECALL = "recall"
    WITHDRAW = "withdraw"


class RefundKind(StrEnum):
    """Why money is owed back: the whole order, a part of its goods, its shipping, or money that
    came without anything being asked for it."""

    ORDER = "order"
    GOODS = "goods"
    SHIPPING = "shipping"
    SURPLUS = "surplus"


class BatchState(StrEnum):
    """A batch of payouts: made (and exported to the bank), then sent or undone."""

    MADE = "MADE"
    SENT = "SENT"
    UNDONE = "UNDONE"


class BatchAction(StrEnum):
    """What is done to a batch of payouts. `recall`: it had not been sent after all."""

    SEND = "send"
    RECALL = "recall"
    UNDO = "undo"


class LineState(StrEnum):
    """A line of a bank statement: waits for a person, belongs to a payment, or is set aside."""

    OPEN = "OPEN"
    MATCHED = "MATCHED"
    SET_ASIDE = "SET_ASIDE"


class LineAction(StrEnum):
    """What is done to a line of a bank statement."""

    MATCH = "match"
    SET_ASIDE = "set_aside"
    REOPEN = "reopen"


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
    # Less than asked: the rest is asked again.
    (P.ASKED, A.RECEIVE_PART): P.ASKED,
    (P.CLAIMED, A.RECEIVE_PART): P.ASKED,
    (P.REJECTED, A.RECEIVE_PART): P.ASKED,
    # Money that nobody asked for, or asked for no more: it is kept as credit or owed back.
    (P.LAPSED, A.RECEIVE_LATE): P.LAPSED,
    (P.CONFIRMED, A.RECEIVE_LATE): P.CONFIRMED,
    (P.CONFIRMED, A.REVERSE): P.REJECTED,
    **{(state, A.TAKE_BACK): state for state in P},
}

# Money came; and what was booked of it is taken back.
RECEIPTS = frozenset({A.CONFIRM, A.RECEIVE_PART, A.RECEIVE_LATE})
CORRECTIONS = frozenset({A.REVERSE, A.TAKE_BACK})

# States in which the buyer is still asked for money.
OPEN = frozenset({P.ASKED, P.REJECTED})
# States in which money may still come for it as asked: its amount is taken.
AWAITED = OPEN | {P.CLAIMED}


def payment_after(state: PaymentState, action: PaymentAction) -> PaymentState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    return after(PAYMENT_MOVES, state, action, "a payment")


REFUND_MOVES: dict[tuple[RefundState, RefundAction], RefundState] = {
    (RefundState.DUE, RefundAction.SEND): RefundState.SENT,
    (RefundState.DUE, RefundAction.WITHDRAW): RefundState.WITHDRAWN,
    (RefundState.SENT, RefundAction.RECALL): RefundState.DUE,
}


def refund_after(state: RefundState, action: RefundAction) -> RefundState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    return after(REFUND_MOVES, state, action, "a refund")


BATCH_MOVES: dict[tuple[BatchState, BatchAction], BatchState] = {
    (BatchState.MADE, BatchAction.SEND): BatchState.SENT,
    (BatchState.MADE, BatchAction.UNDO): BatchState.UNDONE,
    (BatchState.SENT, BatchAction.RECALL): BatchState.MADE,
}


def batch_after(state: BatchState, action: BatchAction) -> BatchState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    return after(BATCH_MOVES, state, action, "a batch")


LINE_MOVES: dict[tuple[LineState, LineAction], LineState] = {
    (LineState.OPEN, LineAction.MATCH): LineState.MATCHED,
    (LineState.OPEN, LineAction.SET_ASIDE): LineState.SET_ASIDE,
    (LineState.SET_ASIDE, LineAction.REOPEN): LineState.OPEN,
    # A match is taken back together with what was booked by it (services.corrections).
    (LineState.MATCHED, LineAction.REOPEN): LineState.OPEN,
}


def line_after(state: LineState, action: LineAction) -> LineState:
    """The state that the action leads to. Raises MoveRefused when the table has no such move."""
    return after(LINE_MOVES, state, action, "a line")
