"""How a group's earnings are split: of a month as a file, and of a payout as a page and a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.payments.payout_labels import PAID, part_name
from ovop_market.payments.queries import splits as queries
from ovop_market.payments.queries.splits import Division
from ovop_market.payments.views import blueprint
from ovop_market.payments.views.earnings import chosen_month, chosen_or_first
from ovop_market.villages.models import ProducerKind
from ovop_market.web import access, limits
from ovop_market.web.addresses import ID
from ovop_market.web.exports import csv_file


@blueprint.get("/shop/statement/split.csv")
@access.role("producer")
@limits.on("export")
def export_split() -> ResponseReturnValue:
    """Of a group everybody's parts of the month, of a household its own; a line for each order."""
    session, producer, month = db.session(), chosen_or_first(), chosen_month()
    if producer is None:
        return _file("ovop.csv", [])
    if producer.kind is ProducerKind.GROUP:
        found = [queries.of_month(session, producer, month)]
    else:
        found = list(queries.of_household(session, producer, month))
    return _file(f"{producer.slug}-split-{month:%Y-%m}.csv", found)


@blueprint.get(f"/shop/statement/payouts/<{ID}:payout_id>")
@access.role("producer")
def payout_split(payout_id: int) -> ResponseReturnValue:
    return render_template(
        "payments/payout_split.html",
        split=queries.of_payout(db.session(), current_user, payout_id),
        part_name=part_name,
    )


@blueprint.get(f"/shop/statement/payouts/<{ID}:payout_id>/export.csv")
@access.role("producer")
@limits.on("export")
def export_payout_split(payout_id: int) -> ResponseReturnValue:
    found = queries.of_payout(db.session(), current_user, payout_id)
    group = found.division.group
    return _file(f"{group.slug}-split-{payout_id}.csv", [found.division])


def _file(name: str, divisions: Iterable[Division]) -> Response:
    header = (
        _("Kelompok"),
        _("Rumah"),
        _("Pesanan"),
        _("Tanggal"),
        _("Bungkus"),
        _("Bagian"),
        _("Uangnya"),
    )
    return csv_file(name, header, _rows(divisions))


def _rows(divisions: Iterable[Division]) -> Iterator[tuple[object, ...]]:
    for division in divisions:
        for part in division.parts:
            for portion in part.portions:
                yield (
                    division.group.name,
                    part_name(part),
                    portion.number,
                    clock.wib_date(portion.at).isoformat(),
                    portion.packs,
                    portion.amount,
                    str(PAID[portion.paid]),
                )
