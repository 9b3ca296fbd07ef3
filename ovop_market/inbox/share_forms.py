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
from ovop_market.web.forms import BaseForm, PacksField, at_most, between, optional, required

_PACKS = re.compile(r"packs-(\d+)-(\d+)")


class TakeForm(BaseForm):
    """How many packs of the share the household makes; empty: all."""

    quantity = PacksField(
        _l("Yang sanggup dibuat"), [optional(), between(1, MAX_PACKS)], id="take-quantity"
    )


class GiveUpForm(BaseForm):
    """Why not, for the coordinator."""

    reason = TextAreaField(
        _l("Alasan untuk koordinator (boleh kosong)"),
        [optional(), at_most(500)],
        id="give-up-reason",
    )


class HandInForm(BaseForm):
    """How many packs were handed in and counted; empty: all."""

    quantity = PacksField(
        _l("Yang disetor"), [optional(), between(0, MAX_PACKS)], id="hand-in-quantity"
    )


class ShareOutForm(BaseForm):
    """Packs for each household (see `share_out_form`), and why it is not as the market shared."""

    reason = TextAreaField(
        _l("Alasan untuk para anggota"), [required(), at_most(500)], id="share-out-reason"
    )

    def packs(self) -> dict[tuple[int, int], int]:
        """The packs by line and offer."""
        found = {}
        for name, value in self.data.items():
            match = _PACKS.fullmatch(name)
            if match and value is not None:
                found[int(match[1]), int(match[2])] = int(value)
        return found


def share_out_form(
    offers: Mapping[int, Sequence[Offer]], shares: Sequence[Allocation], **values: Any
) -> ShareOutForm:
    """The form with a field `packs-<line>-<offer>` for each household of the group."""
    now: dict[tuple[int, int], int] = {}
    for share in shares:
        key = (share.line_id, share.offer_id)
        now[key] = now.get(key, 0) + share.packs
    fields = {
        f"packs-{line_id}-{offer.id}": PacksField(
            offer.producer.name,
            [optional(), between(0, MAX_PACKS)],
            default=now.get((line_id, offer.id), 0),
        )
        for line_id, many in offers.items()
        for offer in many
    }
    form: ShareOutForm = type("ShareOutForm", (ShareOutForm,), fields)(**values)
    return form
