"""What households fill in about their shares, and a coordinator who shares an order out otherwise.
The ids differ, because several of these forms stand on one page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from ovop_market.catalogue.models import Offer
from ovop_market.core.quantity import MAX_PACKS
from ovop_market.orders.models import Allocation
from ovop_market.web.forms import (
    BaseForm,
    PacksField,
    at_most,
    between,
    filled_in_if_sent,
    optional,
    required,
)

_NUMBER = re.compile(r"(packs|seen)-(\d+)-(\d+)")


class TakeForm(BaseForm):
    """How many packs of the share the household makes; not said at all: all."""

    quantity = PacksField(
        _l("Yang sanggup dibuat"), [filled_in_if_sent, between(1, MAX_PACKS)], id="take-quantity"
    )


class GiveUpForm(BaseForm):
    """Why not, for the coordinator."""

    reason = TextAreaField(
        _l("Alasan untuk koordinator"),
        [optional(), at_most(500)],
        id="give-up-reason",
    )


class HandInForm(BaseForm):
    """How many packs were handed in and counted; not said at all: all."""

    quantity = PacksField(
        _l("Yang disetor"), [filled_in_if_sent, between(0, MAX_PACKS)], id="hand-in-quantity"
    )


class ShareOutForm(BaseForm):
    """Packs for each household (see `share_out_form`), and why it is not as the market shared."""

    reason = TextAreaField(
        _l("Alasan untuk para anggota"), [required(), at_most(500)], id="share-out-reason"
    )

    def packs(self) -> dict[tuple[int, int], int]:
        """The packs by line and offer."""
        return self._numbers("packs")

    def seen(self) -> dict[tuple[int, int], int]:
        """The packs that stood there before."""
        return self._numbers("seen")

    def _numbers(self, what: str) -> dict[tuple[int, int], int]:
        found = {}
        for name, value in self.data.items():
            match = _NUMBER.fullmatch(name)
            if match and match[1] == what and value is not None:
                found[int(match[2]), int(match[3])] = int(value)
        return found


def share_out_form(
    offers: Mapping[int, Sequence[Offer]], shares: Sequence[Allocation], **values: Any
) -> ShareOutForm:
    """The form with a field `packs-<line>-<offer>` for each household of the group."""
    now: dict[tuple[int, int], int] = {}
    for share in shares:
        key = (share.line_id, share.offer_id)
        now[key] = now.get(key, 0) + share.packs
    fields: dict[str, PacksField] = {
        f"{what}-{line_id}-{offer.id}": PacksField(
            offer.producer.name,
            [optional(), between(0, MAX_PACKS)],
            default=now.get((line_id, offer.id), 0),
        )
        for what in ("packs", "seen")
        for line_id, many in offers.items()
        for offer in many
    }
    form: ShareOutForm = type("ShareOutForm", (ShareOutForm,), fields)(**values)
    return form
