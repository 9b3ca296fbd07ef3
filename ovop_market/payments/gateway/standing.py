"""What Midtrans says of a payment page, and what follows from it, as data. Pure functions.

The words are those of its API (https://docs.midtrans.com/reference/handle-notifications). Amounts
are whole rupiah; Midtrans writes them as `83000.00`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ovop_market.core.tokens import matches
from ovop_market.payments.models import AttemptState

# Our name for a page: the payment's code (older ones are shorter: migration 0006), and which try it
# is. As Midtrans names a status.
_CODE = re.compile(r"[0-9A-Z]{2,12}-[1-9][0-9]{0,5}")
_WORD = re.compile(r"[a-z_]{1,30}")
# No more digits than any amount here has.
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.00?)?", re.ASCII)
_CURRENCY = "IDR"


class Outcome(StrEnum):
    """What a status means: the money is there, it may still come, or this page is over."""

    PAID = "paid"
    WAITS = "waits"
    OVER = "over"


# What is given back in part has come whole before; what is given back whole is as if it never came,
# unless it has been booked: that, an operator must see (queries.gateway.given_back).
OUTCOMES: Mapping[str, Outcome] = {
    "settlement": Outcome.PAID,
    "capture": Outcome.PAID,
    "partial_refund": Outcome.PAID,
    "partial_chargeback": Outcome.PAID,
    "pending": Outcome.WAITS,
    "authorize": Outcome.WAITS,
    "deny": Outcome.OVER,
    "cancel": Outcome.OVER,
    "expire": Outcome.OVER,
    "failure": Outcome.OVER,
    "refund": Outcome.OVER,
    "chargeback": Outcome.OVER,
}
# The words under which money that was booked is still there, or is there in part.
KEPT = frozenset({"settlement", "capture"})
IN_PART = frozenset({"partial_refund", "partial_chargeback"})
# Words that no earlier one can follow: how far a page has come by them.
_FURTHER = {
    "capture": 1,
    "settlement": 2,
    **dict.fromkeys(IN_PART, 3),
    **dict.fromkeys(("refund", "chargeback", "cancel"), 4),
}
# Where cards are checked for fraud, this is what lets the money through.
_ACCEPTED = "accept"

S, W = AttemptState, Outcome
# Paid is paid: whatever is heard afterwards, the money is booked once. A page that was over can
# still be paid, because Midtrans lets a buyer try another way on it.
ATTEMPT_MOVES: Mapping[tuple[AttemptState, Outcome], AttemptState] = {
    (S.OPEN, W.PAID): S.PAID,
    (S.OPEN, W.WAITS): S.OPEN,
    (S.OPEN, W.OVER): S.CLOSED,
    (S.CLOSED, W.PAID): S.PAID,
    (S.CLOSED, W.WAITS): S.OPEN,
    (S.CLOSED, W.OVER): S.CLOSED,
    (S.PAID, W.PAID): S.PAID,
    (S.PAID, W.WAITS): S.PAID,
    (S.PAID, W.OVER): S.PAID,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a payment page stands: Midtrans' word, the amount in rupiah, and what it means."""

    status: str
    amount: int
    outcome: Outcome


def outdated(known: str, said: str, *, earlier: bool) -> bool:
    """Whether an answer tells of an earlier time than what is known of a page: answers overtake
    each other. `earlier`: the gateway was asked before what is known was heard."""
    return earlier and _FURTHER.get(said, 0) <= _FURTHER.get(known, 0)


def rupiah(text: object) -> int:
    """`83000.00` as 83000. Raises ValueError for anything that is not whole, positive rupiah."""
    found = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if found is None or not int(found[1]):
        raise ValueError("not an amount of whole rupiah")
    return int(found[1])


def standing(code: str, answer: object) -> Standing:
    """What the API's answer about the page `code` means. Raises ValueError for one that is about
    something else or that cannot be understood."""
    if not isinstance(answer, Mapping) or answer.get("order_id") != code:
        raise ValueError("the answer is not about what was asked")
    if answer.get("currency", _CURRENCY) != _CURRENCY:
        raise ValueError("the answer is not in rupiah")
    status = word(answer.get("transaction_status"))
    outcome = OUTCOMES.get(status)
    if outcome is None:
        raise ValueError("the answer has an unknown status")
    fraud = answer.get("fraud_status")
    cleared = fraud == _ACCEPTED or (fraud is None and status != "capture")
    if outcome is Outcome.PAID and not cleared:
        # Somebody at Midtrans or at the market's account there still has to decide.
        outcome = Outcome.WAITS
    return Standing(status, rupiah(answer.get("gross_amount")), outcome)


def word(value: object) -> str:
    """A status as Midtrans spells them; empty for anything else."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def is_code(value: object) -> bool:
    """Whether this can be one of our names for a page."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def read(body: bytes) -> Mapping[str, object] | None:
    """The notification in a request's body, or None when it holds no JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def signed(said: Mapping[str, object], server_key: str) -> bool:
    """Whether a notification is signed with our key. The signature covers the page, a status code
    and the amount, but not the status: that has to be asked for."""
    parts = [said.get(name) for name in ("order_id", "status_code", "gross_amount")]
    given = said.get("signature_key")
    if not isinstance(given, str) or not all(isinstance(part, str) for part in parts):
        return False
    text = "".join(map(str, parts)) + server_key
    expected = hashlib.sha512(text.encode("utf-8", "surrogatepass")).hexdigest()
    return matches(given, expected)
