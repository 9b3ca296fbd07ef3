"""What numbers of permits look like, and when their end is spoken of: pure rules.

The forms of numbers are only hinted at, never enforced: old permits have other numbers, offices
write them in their own ways, and a producer must be able to enter what stands on the paper.

- NIB: 13 digits (PP 24/2018 on OSS, article 25; kept by PP 5/2021 and PP 28/2025). It has no end.
- PIRT: 15 digits, often written with `P-IRT` before and dots or a dash within: kind of packing (1),
  kind of product (2), regency (4), number of the product (2), of the producer (4), year of its end
  (2) (head of BPOM, HK.03.1.23.04.12.2205/2012, kept by 22/2018). It ends after five years.
- Halal: `ID` and 17 digits, as BPJPH numbers its certificates. A new one has no end as long as
  nothing in the making changes (UU 33/2014, article 42, as amended by UU 6/2023); older ones have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from ovop_market.villages.models import PermitKind

# Days before its end at which a producer is reminded of a permit; 0: when it has ended.
REMINDERS = (60, 14, 0)
# How far ahead the operator's list looks.
SOON = REMINDERS[0]

_FORMS: Mapping[PermitKind, re.Pattern[str]] = {
    PermitKind.NIB: re.compile(r"[0-9]{13}", re.ASCII),
    PermitKind.PIRT: re.compile(r"(PIRT)?[0-9]{15}", re.ASCII),
    PermitKind.HALAL: re.compile(r"ID[0-9]{17}", re.ASCII),
}


def looks_usual(kind: PermitKind, number: str) -> bool:
    """Whether a number looks like those of its kind, whatever stands between its digits."""
    plain = re.sub(r"[^0-9A-Z]", "", number.upper()).replace("NO", "", 1)
    return _FORMS[kind].fullmatch(plain) is not None


def reminder(expires_on: date, today: date) -> int | None:
    """The latest reminder whose day has come, in days before the end; None: none has.

    A permit is good on its last day, and has ended on the day after it.
    """
    left = (expires_on - today).days
    if left < 0:
        return 0
    due = [days for days in REMINDERS if days and left <= days]
    return min(due, default=None)
