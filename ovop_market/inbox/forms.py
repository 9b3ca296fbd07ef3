"""What producers fill in when they answer, ship or decline. Field names are the contract's; the
ids differ, because several of these forms stand on one page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from ovop_market.orders.models import Order
from ovop_market.orders.states import Action
from ovop_market.web.forms import (
    BaseForm,
    DayField,
    PacksField,
    at_most,
    between,
    optional,
    required,
)

QUANTITY = "quantity-"


class TapForm(BaseForm):
    """An action that needs nothing but the tap."""


class AcceptanceForm(BaseForm):
    """`ready_by` replaces the promised day."""

    ready_by = DayField(_l("Siap tanggal"), [optional()], id="acceptance-ready_by")


class DeclineForm(BaseForm):
    """Why not: the buyer reads it."""

    reason = TextAreaField(
        _l("Alasan untuk pembeli"), [required(), at_most(500)], id="decline-reason"
    )


class GivingUpForm(BaseForm):
    """Why nobody waits any longer for the buyer of a cash order: the buyer reads it."""

    reason = TextAreaField(
        _l("Alasan untuk pembeli"), [required(), at_most(500)], id="cancellation-reason"
    )


class ShipmentForm(BaseForm):
    """The courier, and the number by which the buyer follows the parcel, if there is one."""

    courier = StringField(_l("Kurir"), [required(), at_most(60)], id="shipment-courier")
    tracking_number = StringField(
        _l("Nomor resi"), [optional(), at_most(60)], id="shipment-tracking_number"
    )


class TrackingForm(BaseForm):
    """The same of a parcel that is under way; empty takes a wrong number away."""

    courier = StringField(_l("Kurir"), [required(), at_most(60)], id="tracking-courier")
    tracking_number = StringField(
        _l("Nomor resi"), [optional(), at_most(60)], id="tracking-tracking_number"
    )


class CounterofferForm(BaseForm):
    """A later day; `counteroffer_form` adds a quantity for each line."""

    ready_by = DayField(_l("Bisa siap tanggal"), [optional()], id="counteroffer-ready_by")

    def quantities(self) -> dict[int, int]:
        """The packs offered, by line id."""
        return {
            int(name.removeprefix(QUANTITY)): int(value)
            for name, value in self.data.items()
            if name.startswith(QUANTITY) and value is not None
        }


def counteroffer_form(order: Order, **values: Any) -> CounterofferForm:
    """The form with a field `quantity-<line id>` for each line of this very order."""
    fields = {
        f"{QUANTITY}{line.id}": PacksField(
            f"{line.product_name} {line.variant_name}",
            [optional(), between(0, line.quantity)],
            id=f"counteroffer-quantity-{line.id}",
            default=line.quantity,
        )
        for line in order.lines
    }
    form: CounterofferForm = type("CounterofferForm", (CounterofferForm,), fields)(**values)
    return form


def fresh(order: Order, action: Action) -> BaseForm:
    """The form of an action, with what is known already and nothing of what was posted."""
    match action:
        case Action.ACCEPT:
            return AcceptanceForm(formdata=None)
        case Action.COUNTER:
            return counteroffer_form(order, formdata=None)
        case Action.DECLINE:
            return DeclineForm(formdata=None)
        case Action.GIVE_UP:
            return GivingUpForm(formdata=None)
        case Action.SHIP:
            courier = order.service.courier if order.service else ""
            return ShipmentForm(formdata=None, data={"courier": courier})
        case Action.TRACK:
            return TrackingForm(formdata=None, obj=order)
    return TapForm(formdata=None)
