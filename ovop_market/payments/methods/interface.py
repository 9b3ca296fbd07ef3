"""What a method of payment has to say of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_babel.speaklater import LazyString

from ovop_market.config import Config
from ovop_market.orders.methods import Choice
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.models import Payment


def never(_choices: Sequence[Choice]) -> str:
    """Any order can be paid so."""
    return ""


def nothing(_payment: Payment, _config: Config) -> object:
    """The template needs no more than the payment."""
    return None


@dataclass(frozen=True, slots=True)
class Method:
    """A method of payment.

    `configured`: whether this installation has it. `title` and `text`: its name and a few words, at
    checkout and wherever the buyer chooses another way. `refusal(choices)`: why these orders cannot
    be paid so, and what to do; "" when they can.

    The rest is of methods by which a payment is asked (`template` is not empty). The purchase page
    includes `template` for an open payment, under `heading` and the amount: there, `view.payment`
    is the payment and `view.shown` is what `shown(payment, config)` answered. It may raise
    Unusable, whose message is then shown instead of the template. `claimable`: whether the buyer
    tells that the money is on its way, because nobody else does.
    """

    method: PaymentMethod
    title: LazyString
    text: LazyString
    configured: Callable[[Config], bool]
    refusal: Callable[[Sequence[Choice]], str] = never
    heading: LazyString | str = ""
    template: str = ""
    shown: Callable[[Payment, Config], object] = nothing
    claimable: bool = True

    @property
    def online(self) -> bool:
        """Whether a payment can be asked so: everything but cash."""
        return bool(self.template)
