"""What producers fill in about their supply and about cash; and the fields for days and packs."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, SelectMultipleField

from ovop_market.catalogue.models import StockReason
from ovop_market.catalogue.services import MOST_PACKS
from ovop_market.core.money import MAX_PRICE
from ovop_market.web.forms import (
    BaseForm,
    DayField,
    PacksField,
    RupiahField,
    between,
    chosen,
    optional,
    required,
)

MOST_LEAD_DAYS = 365


class CountForm(BaseForm):
    """What somebody counted, and the number that stood on the screen."""

    counted = PacksField(_l("Stok siap"), [between(0, MOST_PACKS)])
    seen = PacksField(_l("Stok sebelumnya"), [between(0, MOST_PACKS)])


class PacksForm(BaseForm):
    """Packs that came or went, and why."""

    packs = PacksField(_l("Jumlah bungkus"), [between(1, MOST_PACKS)])
    reason = SelectField(
        _l("Sebab"),
        [chosen()],
        choices=[
            str(reason)
            for reason in (
                StockReason.MADE,
                StockReason.SOLD_ELSEWHERE,
                StockReason.SPOILED,
                StockReason.USED,
            )
        ],
    )


class PlanForm(BaseForm):
    """Packs that can be made in one week (by its Monday); empty: as usual."""

    week = DayField(_l("Minggu"), [required()])
    planned = PacksField(_l("Sanggup"), [optional(), between(0, MOST_PACKS)])


class SurgeForm(BaseForm):
    """Weeks (by their Mondays) and how much more or less than usual can be made in them, in percent
    of it; empty: as usual."""

    # The weeks on the page: those before Lebaran.
    week = SelectMultipleField(_l("Minggu"), [chosen()], validate_choice=False)
    percent = SelectField(_l("Sanggup"), choices=["", "0", "150", "200"])


class CapacityForm(BaseForm):
    """Packs that can be made in a week, and the days that one takes."""

    weekly_capacity = PacksField(_l("Sanggup per minggu"), [between(0, MOST_PACKS)])
    lead_days = PacksField(_l("Lama membuat (hari)"), [between(0, MOST_LEAD_DAYS)])
    # Only a household of a group is asked; who is not leaves it as it is.
    smallest_batch = PacksField(
        _l("Paling sedikit sekali buat (bungkus)"), [optional(), between(1, 999)]
    )


class ClosureForm(BaseForm):
    """Days without orders, both included; without an end, until opened again."""

    closed_from = DayField(_l("Tutup mulai"), [required()])
    closed_to = DayField(_l("Sampai"), [optional()])


class CashForm(BaseForm):
    """Where buyers may pay in cash, and up to which total of an order (rupiah; empty: any)."""

    cash_on_delivery = BooleanField(_l("Kepada kurir, saat barang sampai"))
    cash_at_pickup = BooleanField(_l("Di tempat ambil"))
    cash_limit = RupiahField(
        _l("Paling banyak untuk satu pesanan"), [optional(), between(1, MAX_PRICE)]
    )
