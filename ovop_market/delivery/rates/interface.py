"""What a rate API must be able to do, whoever offers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from ovop_market.delivery.rates.breaker import Breaker


class Unreachable(Exception):
    """The API does not answer in time, or not in a way that can be understood.

    `wait`: seconds for which it wants to be left alone, if it says so.
    """

    def __init__(self, why: str, wait: float = 0) -> None:
        super().__init__(why)
        self.why = why
        self.wait = wait


@dataclass(frozen=True, slots=True)
class District:
    """One of our districts by the names of what it is and lies in, in plain words (regions.words):
    "coblong", "bandung", "jawa barat"."""

    code: str
    name: str
    regency: str
    province: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """A service as a courier offers it for a parcel: rupiah, days (None: it does not say)."""

    service: str
    price: int
    days: tuple[int, int] | None


class RateApi(Protocol):
    """Asked over the network: never while a transaction is open."""

    def place(self, district: District) -> str | None:
        """The API's own name of a district; None if it has none. Raises Unreachable."""

    def rates(
        self, origin: str, destination: str, kilograms: int, couriers: Sequence[str]
    ) -> Mapping[str, Sequence[Quoted]]:
        """What each courier offers between two places, those that offer nothing as well. Raises
        Unreachable."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A rate API as it is asked here: whether it answers at all, and for how long an answer is
    taken before it is asked again."""

    api: RateApi
    breaker: Breaker
    age: timedelta
