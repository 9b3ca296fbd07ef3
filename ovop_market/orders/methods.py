"""How a cart can be paid: the checkout page shows it and placing asks the same once more.

Which ways there are, payments knows; it puts its function into `offered` when it is loaded, so that
this feature need not know it (imports point one way). Until then there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ovop_market.core.money import Rupiah
from ovop_market.delivery.queries import Way
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services.quotes import Quote


@dataclass(frozen=True, slots=True)
class Choice:
    """What one producer would deliver, in the way that the buyer has chosen (None: in none yet)."""

    quote: Quote
    way: Way | None

    @property
    def total(self) -> Rupiah:
        """What the order would cost with its delivery, in rupiah."""
        return Rupiah(self.quote.goods + (self.way.price if self.way else 0))


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A way to pay, in the reader's words. `refusal` says why these orders cannot be paid so, and
    what to do; empty when they can."""

    method: PaymentMethod
    title: str
    text: str
    refusal: str = ""

    @property
    def possible(self) -> bool:
        return not self.refusal


# payments: the ways to pay for these orders, in the order of the page.
offered: Callable[[Sequence[Choice]], Sequence[PaymentOption]] | None = None


def options(choices: Sequence[Choice]) -> Sequence[PaymentOption]:
    """The ways to pay for these orders, also those that these orders cannot be paid in."""
    return offered(choices) if offered else ()
