"""Which line of a statement is the money for which payment. Pure; amounts are rupiah.

`match` finds what is certain, whatever the order of the lines. `rank` puts what is likely before a
person, each with its reasons.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from ovop_market.payments.states import AWAITED, PaymentState

# A line may be booked for the next day: banks close theirs before midnight.
MOST_AHEAD = timedelta(days=1)
# What an operator sees in the bank's app today may stand on the statement only after a weekend.
LONGEST_LAG = timedelta(days=5)
# So far may an amount be off and still be a slip (a fee of the sender's bank, a figure mistyped).
NEAR = 7_500
MOST_CANDIDATES = 3
# Of so many payments alike in something each is looked at; of more, a part or none.
_MOST_ALIKE = 50
# A day so close to when a payment was asked that it speaks for it.
CLOSE = timedelta(days=4)
_SHORTEST_WORD = 4


class Reason(StrEnum):
    """What speaks for a payment, or against it."""

    CODE = "code"
    NUMBER = "number"
    AMOUNT = "amount"
    WITHOUT_DIGITS = "without digits"
    FORMER_AMOUNT = "former amount"
    NEAR = "near"
    NAME = "name"
    REFERENCE = "reference"
    DAY = "day"
    TOO_EARLY = "too early"
    LATE = "late"
    DOUBLE = "double"
    BY_HAND = "by hand"


# Reasons without which a payment is no candidate, and what each is worth.
_STRONG = {
    Reason.CODE: 100,
    Reason.NUMBER: 90,
    Reason.BY_HAND: 70,
    Reason.AMOUNT: 60,
    Reason.FORMER_AMOUNT: 45,
    Reason.WITHOUT_DIGITS: 40,
    Reason.NAME: 25,
    Reason.REFERENCE: 20,
}
_WEAK = {
    Reason.NEAR: 12,
    Reason.DAY: 5,
    Reason.TOO_EARLY: -25,
    Reason.LATE: -8,
    Reason.DOUBLE: -15,
}
# A name says nothing of a payment that is closed: people buy again.
_WORDS = {Reason.NAME, Reason.REFERENCE}
_WORTH = _STRONG | _WEAK
# What banks write in every description: no one's name.
_COMMON = frozenset(
    (
        *("bank", "banking", "ebanking", "mobile", "internet", "online", "transfer", "trsf"),
        *("bifast", "fast", "qris", "switching", "otomatis", "antar", "bersama", "mandiri"),
        *("setoran", "tunai", "kredit", "debet", "biaya", "admin", "rekening", "atas", "nama"),
        *("dari", "untuk", "kepada", "lewat", "from", "payment", "pembayaran", "bayar", "sudah"),
        *("pesanan", "order", "ovop", "market"),
    )
)
# Codes and numbers have eight (core.tokens).
_CODE = re.compile(r"(?=([0-9A-Z]{8}))")
_HYPHENS = re.compile(r"(?<=[0-9A-Z])-(?=[0-9A-Z])")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Line:
    """Money that came in: `key` is the caller's name for it; `fingerprint` orders equal ones."""

    key: int
    day: date
    amount: int
    description: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Money that a line may be. Days are in WIB.

    That of a payment which is asked for: its amount with its unique digits. Or that which an
    operator has already booked by hand (`receipt_id`, on `booked_on`) and whose line is still to
    come: then the line only bears it out.
    """

    payment_id: int
    code: str
    amount: int
    unique_digits: int
    asked_on: date
    receipt_id: int | None = None
    booked_on: date | None = None

    def may_be_of(self, day: date) -> bool:
        """Whether a line of this day can be for it."""
        if self.booked_on is not None and day > self.booked_on + LONGEST_LAG:
            return False
        return day >= self.asked_on


@dataclass(frozen=True, slots=True)
class Match:
    """A line and the money that it is certain to be."""

    line: Line
    expected: Expected


def match(lines: Iterable[Line], expected: Iterable[Expected], today: date) -> list[Match]:
    """The lines that are certain, each for money of its own.

    Certain is a line whose description names the code of a payment and whose amount fits it; or
    whose amount has the unique digits of a payment, is asked by no other, and names no other. A
    round amount says nothing of who sent it. The line must not be booked
    before the day on which was asked, nor further ahead than tomorrow. Of several such lines for
    one payment the first counts; the others are for a person to see.
    """
    by_code: dict[str, list[Expected]] = defaultdict(list)
    by_amount: dict[int, list[Expected]] = defaultdict(list)
    for money in expected:
        by_code[money.code].append(money)
        by_amount[money.amount].append(money)
    named: list[Match] = []
    plain: list[Match] = []
    for line in sorted(lines, key=lambda x: (x.day, x.amount, x.fingerprint)):
        if line.day > today + MOST_AHEAD:
            continue
        codes = {code for code in codes_in(line.description) if code in by_code}
        if codes:
            fitting = [m for code in codes for m in by_code[code] if _fits(line, m)]
            named += [Match(line, fitting[0])] if len(fitting) == 1 else []
            continue
        same = [m for m in by_amount.get(line.amount, ()) if m.may_be_of(line.day)]
        sure = len(same) == 1 and same[0].unique_digits > 0
        plain += [Match(line, same[0])] if sure else []
    found: dict[tuple[int, int | None], Match] = {}
    # A code says more than an amount, whichever came first.
    for pair in (*named, *plain):
        found.setdefault((pair.expected.payment_id, pair.expected.receipt_id), pair)
    return list(found.values())


def _fits(line: Line, money: Expected) -> bool:
    """Whether a line that names a payment is all of its money, with or without unique digits."""
    whole = money.amount - money.unique_digits
    return whole <= line.amount <= money.amount and money.may_be_of(line.day)


def codes_in(description: str) -> Iterator[str]:
    """All that could be a code in a description, hyphens left out, even within longer words."""
    text = _HYPHENS.sub("", description.upper())
    return (found[1] for found in _CODE.finditer(text))


@dataclass(frozen=True, slots=True)
class Known:
    """A payment as candidates are looked for among: `former` are amounts that it asked once,
    `by_hand` those that were booked for it by hand and whose lines are still to come."""

    payment_id: int
    code: str
    amount: int
    unique_digits: int
    asked_on: date
    state: PaymentState
    name: str
    reference: str = ""
    former: frozenset[int] = frozenset()
    by_hand: frozenset[int] = frozenset()
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A payment that a line may be for, and why; the higher the score the likelier."""

    payment_id: int
    score: int
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Pool:
    """Payments, found by amount, by code, by words. Made once for many lines."""

    payments: Sequence[Known]
    _by_amount: list[tuple[int, int]] = field(init=False)
    _exact: dict[int, list[int]] = field(init=False)
    _by_code: dict[str, list[int]] = field(init=False)
    _by_word: dict[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._exact, self._by_code = defaultdict(list), defaultdict(list)
        self._by_word = defaultdict(list)
        for at, payment in enumerate(self.payments):
            whole = payment.amount - payment.unique_digits
            for amount in {whole, *payment.former, *payment.by_hand}:
                self._exact[amount].append(at)
            for code in {payment.code, *(n.replace("-", "") for n in payment.numbers)}:
                self._by_code[code].append(at)
            for word in words_of(f"{payment.name} {payment.reference}"):
                self._by_word[word].append(at)
        self._by_amount = sorted((p.amount, at) for at, p in enumerate(self.payments))

    def rank(self, line: Line, most: int = MOST_CANDIDATES) -> list[Candidate]:
        """The likeliest payments for a line, the likeliest first."""
        found = set(self._near(line.amount))
        found.update(self._exact.get(line.amount, ())[:_MOST_ALIKE])
        for code in codes_in(line.description):
            found.update(self._by_code.get(code, ()))
        for word in words_of(line.description):
            alike = self._by_word.get(word, ())
            # A name that so many have tells nobody from anybody.
            found.update(alike if len(alike) <= _MOST_ALIKE else ())
        weighed = (weigh(line, self.payments[at]) for at in found)
        worthy = [c for c in weighed if c is not None]
        return sorted(worthy, key=lambda c: (-c.score, c.payment_id))[:most]

    def _near(self, amount: int) -> Iterator[int]:
        """Those that ask for about this amount, the nearest if there are many."""
        least = bisect_left(self._by_amount, (amount - NEAR, -1))
        beyond = bisect_right(self._by_amount, (amount + NEAR, len(self.payments)))
        here = bisect_left(self._by_amount, (amount, -1))
        least, beyond = max(least, here - _MOST_ALIKE), min(beyond, here + _MOST_ALIKE)
        return (at for _amount, at in self._by_amount[least:beyond])


def weigh(line: Line, payment: Known) -> Candidate | None:
    """What speaks for a payment as what a line is for; None when nothing does."""
    reasons = [*_by_name(line, payment), *_by_money(line, payment)]
    enough = _STRONG.keys() if payment.state in AWAITED else _STRONG.keys() - _WORDS
    near = Reason.NEAR in reasons and payment.state in AWAITED
    if not (set(reasons) & enough or near):
        return None
    gap = line.day - payment.asked_on
    if gap < timedelta():
        reasons.append(Reason.TOO_EARLY)
    elif gap <= CLOSE:
        reasons.append(Reason.DAY)
    if payment.state is PaymentState.LAPSED:
        reasons.append(Reason.LATE)
    elif payment.state is PaymentState.CONFIRMED and Reason.BY_HAND not in reasons:
        reasons.append(Reason.DOUBLE)
    score = sum(_WORTH[reason] for reason in reasons)
    return Candidate(payment.payment_id, score, tuple(reasons)) if score > 0 else None


def _by_name(line: Line, payment: Known) -> Iterator[Reason]:
    codes = set(codes_in(line.description))
    if payment.code in codes:
        yield Reason.CODE
    if any(number.replace("-", "") in codes for number in payment.numbers):
        yield Reason.NUMBER
    said = words_of(line.description)
    if said & words_of(payment.name):
        yield Reason.NAME
    elif said & words_of(payment.reference):
        yield Reason.REFERENCE


def _by_money(line: Line, payment: Known) -> Iterator[Reason]:
    if line.amount in payment.by_hand:
        yield Reason.BY_HAND
    elif line.amount == payment.amount:
        yield Reason.AMOUNT
    elif payment.unique_digits and line.amount == payment.amount - payment.unique_digits:
        yield Reason.WITHOUT_DIGITS
    elif line.amount in payment.former:
        yield Reason.FORMER_AMOUNT
    elif abs(line.amount - payment.amount) <= NEAR:
        yield Reason.NEAR


def words_of(text: str) -> frozenset[str]:
    """The words that may tell one person from another: long enough, and not what all banks say."""
    found = (word.casefold() for word in _WORD.findall(text))
    return frozenset(w for w in found if len(w) >= _SHORTEST_WORD) - _COMMON
