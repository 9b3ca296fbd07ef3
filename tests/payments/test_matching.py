"""What is certain of a statement's lines, and what is only likely."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovop_market.payments.matching import (
    LONGEST_LAG,
    NEAR,
    Expected,
    Known,
    Line,
    Match,
    Pool,
    Reason,
    match,
    weigh,
    words_of,
)
from ovop_market.payments.states import PaymentState

TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
CODE, OTHER = "7K4M2XQ9", "AB23CD45"


def line(amount: int, text: str = "SETORAN", key: int = 1, day: date = TODAY) -> Line:
    return Line(key, day, amount, text, f"fingerprint {key}")


def asked(payment_id: int, amount: int, digits: int = 123, **values: Any) -> Expected:
    values = {"code": f"CODE{payment_id:04}", "asked_on": TODAY - DAY, **values}
    return Expected(payment_id, amount=amount, unique_digits=digits, **values)


def pairs(found: list[Match]) -> set[tuple[int, int]]:
    return {(pair.line.key, pair.expected.payment_id) for pair in found}


def test_the_only_payment_of_this_amount() -> None:
    assert pairs(match([line(90_123)], [asked(1, 90_123), asked(2, 90_124)], TODAY)) == {(1, 1)}
    assert not match([line(90_125)], [asked(1, 90_123), asked(2, 90_124)], TODAY)


def test_a_round_amount_is_for_a_person() -> None:
    """Another buyer who left the digits out, or anybody, may have sent it."""
    by_qris = asked(1, 90_000, 0, code=CODE)
    assert not match([line(90_000, "TRSF DARI ANI")], [by_qris, asked(2, 90_123)], TODAY)
    assert pairs(match([line(90_000, f"QR {CODE}")], [by_qris], TODAY)) == {(1, 1)}


def test_the_same_amount_asked_by_several_is_for_a_person() -> None:
    assert not match([line(90_123)], [asked(1, 90_123), asked(2, 90_123, 0)], TODAY)


def test_a_code_tells_them_apart() -> None:
    several = [asked(1, 90_000, 0, code=CODE), asked(2, 90_000, 0, code=OTHER)]
    for text in (f"QR {OTHER}", "TRSF AB23-CD45/x", f"ref{OTHER.lower()}."):
        assert pairs(match([line(90_000, text)], several, TODAY)) == {(1, 2)}
    assert not match([line(90_000, f"{CODE} {OTHER}")], several, TODAY)


def test_a_code_forgives_the_unique_digits_and_nothing_else() -> None:
    payment = asked(1, 90_123, code=CODE)
    for amount, certain in ((90_123, True), (90_000, True), (89_999, False), (90_124, False)):
        assert bool(match([line(amount, CODE)], [payment], TODAY)) is certain


def test_a_line_that_names_another_payment_is_not_matched_by_amount() -> None:
    both = [asked(1, 90_123, code=CODE), asked(2, 55_001, code=OTHER)]
    assert not match([line(90_123, f"UNTUK {OTHER}")], both, TODAY)


@pytest.mark.parametrize(
    ("day", "certain"),
    [
        (TODAY - 2 * DAY, False),
        (TODAY - DAY, True),
        (TODAY, True),
        (TODAY + DAY, True),
        (TODAY + 2 * DAY, False),
    ],
)
def test_only_days_on_which_it_can_have_come(day: date, certain: bool) -> None:
    for text in ("SETORAN", CODE):
        found = match([line(90_123, text, day=day)], [asked(1, 90_123, code=CODE)], TODAY)
        assert bool(found) is certain


def test_a_payment_asked_after_the_line_does_not_make_it_uncertain() -> None:
    both = [asked(1, 90_123), asked(2, 90_123, 0, asked_on=TODAY)]
    assert pairs(match([line(90_123, day=TODAY - DAY)], both, TODAY)) == {(1, 1)}


def test_of_two_lines_for_one_payment_the_first_counts() -> None:
    twice = [line(90_123, key=1), line(90_123, key=2, day=TODAY - DAY)]
    assert pairs(match(twice, [asked(1, 90_123)], TODAY)) == {(2, 1)}
    # One that names the payment goes before one that does not.
    named = [line(90_123, CODE, key=1), line(90_123, key=2, day=TODAY - DAY)]
    assert pairs(match(named, [asked(1, 90_123, code=CODE)], TODAY)) == {(1, 1)}


def test_what_is_booked_by_hand_is_borne_out() -> None:
    booked = asked(1, 90_123, receipt_id=7, booked_on=TODAY)
    found = match([line(90_123)], [booked], TODAY)
    assert pairs(found) == {(1, 1)} and found[0].expected.receipt_id == 7
    late = line(90_123, day=TODAY + LONGEST_LAG + DAY)
    assert not match([late], [booked], TODAY + 30 * DAY)
    # The part that is booked, and the rest that is asked anew, are different money; a line of a
    # round amount is borne out only if it says whose it is.
    both = [asked(1, 20_000, 0, code=CODE, receipt_id=8, booked_on=TODAY), asked(1, 70_123)]
    found = match([line(20_000, CODE, key=1), line(70_123, key=2)], both, TODAY)
    assert {(p.line.key, p.expected.receipt_id) for p in found} == {(1, 8), (2, None)}
    assert not match([line(20_000)], both, TODAY)


amounts = st.integers(1, 12).map(lambda n: n * 1_000)
days = st.integers(-3, 3).map(lambda n: TODAY + n * DAY)
texts = st.sampled_from(["SETORAN", CODE, OTHER, f"{CODE} {OTHER}", ""])
many_lines = st.lists(st.tuples(amounts, texts, days), max_size=12).map(
    lambda told: [line(a, text, key, day) for key, (a, text, day) in enumerate(told)]
)
many_asked = st.lists(
    st.tuples(amounts, st.booleans(), days, st.sampled_from([CODE, OTHER, "ZZZZ2222"])), max_size=8
).map(
    lambda told: [
        asked(key, a, 999 if unique else 0, asked_on=day, code=code)
        for key, (a, unique, day, code) in enumerate(told)
    ]
)


@settings(max_examples=300, deadline=None)
@given(many_lines, many_asked, st.randoms(use_true_random=False))
def test_whatever_the_order(lines: list[Line], wanted: list[Expected], at: random.Random) -> None:
    found = match(lines, wanted, TODAY)
    at.shuffle(lines)
    at.shuffle(wanted)
    assert set(match(lines, wanted, TODAY)) == set(found)
    # Each line and each money once, and only what can be.
    assert len({pair.line.key for pair in found}) == len(found)
    assert len({pair.expected.payment_id for pair in found}) == len(found)
    for pair in found:
        assert pair.line.amount <= pair.expected.amount
        assert pair.expected.asked_on <= pair.line.day <= TODAY + DAY


def known(payment_id: int = 1, amount: int = 90_123, **values: Any) -> Known:
    base: dict[str, Any] = {
        "code": CODE,
        "unique_digits": 123,
        "asked_on": TODAY - DAY,
        "state": PaymentState.ASKED,
        "name": "Sari Melati",
    }
    return Known(payment_id, amount=amount, **(base | values))


@pytest.mark.parametrize(
    ("payment", "told", "reason"),
    [
        (known(), line(90_123), Reason.AMOUNT),
        (known(), line(90_000), Reason.WITHOUT_DIGITS),
        (known(former=frozenset({50_077})), line(50_077), Reason.FORMER_AMOUNT),
        (known(), line(90_123 - NEAR), Reason.NEAR),
        (known(), line(5, f"X{CODE}"), Reason.CODE),
        (known(numbers=frozenset({"AB23-CD45"})), line(5, OTHER), Reason.NUMBER),
        (known(), line(5, "TRSF MELATI INDAH"), Reason.NAME),
        (known(reference="dari rekening Budiman"), line(5, "BUDIMAN"), Reason.REFERENCE),
        (known(state=PaymentState.LAPSED), line(90_123), Reason.LATE),
        (known(state=PaymentState.CONFIRMED), line(90_123), Reason.DOUBLE),
        (
            known(state=PaymentState.CONFIRMED, by_hand=frozenset({90_123})),
            line(90_123),
            Reason.BY_HAND,
        ),
        (known(), line(90_123, day=TODAY - 9 * DAY), Reason.TOO_EARLY),
    ],
)
def test_each_reason(payment: Known, told: Line, reason: Reason) -> None:
    found = weigh(told, payment)
    assert found is not None and reason in found.reasons
    assert [c.payment_id for c in Pool([payment]).rank(told)] == [1]


def test_nothing_speaks_for_a_payment() -> None:
    assert weigh(line(5), known()) is None
    assert weigh(line(90_123 - NEAR - 1), known()) is None
    # About the same amount says nothing once the payment is closed.
    assert weigh(line(90_100), known(state=PaymentState.CONFIRMED)) is None
    # Nor does the name.
    assert weigh(line(5, "MELATI"), known(state=PaymentState.CONFIRMED)) is None


def test_what_all_banks_write_is_no_name() -> None:
    assert words_of("TRSF E-BANKING dari BANK 12345 Sari-Melati") == {"sari", "melati"}


def test_the_likeliest_comes_first_and_few_are_shown() -> None:
    payments = [
        known(1, 90_100),
        known(2, 90_123, name="Budi"),
        known(3, 90_123, name="Sari Melati"),
        known(4, 90_150, name="Budi", state=PaymentState.CLAIMED),
        known(5, 80_000, name="Melati"),
    ]
    ranked = Pool(payments).rank(line(90_123, "TRSF SARI MELATI"))
    assert [c.payment_id for c in ranked] == [3, 2, 1]
    assert [c.score for c in ranked] == sorted((c.score for c in ranked), reverse=True)


def test_a_name_that_many_have_does_not_hide_the_amount() -> None:
    payments = [known(n, 1_000_000 + n * 10_000, code=f"CODE{n:04}") for n in range(300)]
    ranked = Pool(payments).rank(line(payments[200].amount, "SARI"))
    assert ranked[0].payment_id == 200
