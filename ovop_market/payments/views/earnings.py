"""A producer's statement: a month of what was earned, and the account to which it is paid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts.confirming import confirm_first, typed_before
from ovop_market.core import clock
from ovop_market.core.errors import Unusable
from ovop_market.extensions import db
from ovop_market.payments.models import PayoutAccount
from ovop_market.payments.payout_forms import AccountForm
from ovop_market.payments.payout_labels import LINES, PAID, part_name
from ovop_market.payments.queries import earnings as queries
from ovop_market.payments.queries import splits
from ovop_market.payments.services import payouts
from ovop_market.payments.views import blueprint
from ovop_market.villages.models import Producer, ProducerKind
from ovop_market.web import access, limits
from ovop_market.web.exports import csv_file
from ovop_market.web.forms import explain


def _statement(
    producer: Producer | None,
    status: int = 200,
    *,
    form: AccountForm | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    session = db.session()
    if producer is None:
        return make_response(render_template("payments/earnings.html", statement=None), status)
    is_group = producer.kind is ProducerKind.GROUP
    since = None if is_group else splits.first_part(session, producer)
    month = chosen_month()
    found = queries.statement(session, producer, month, clock.now(), since=since)
    body = render_template(
        "payments/earnings.html",
        statement=found,
        division=splits.of_month(session, producer, month) if is_group else None,
        # What a household has from groups; none has ever had a part in one.
        from_groups=splits.of_household(session, producer, month) if since else None,
        producers=queries.producers_of(session, current_user),
        labels=LINES,
        paid=PAID,
        part_name=part_name,
        form=form or _account_form(producer, found.account, typed),
        refused=form,
    )
    return make_response(body, status)


def _account_form(
    producer: Producer, account: PayoutAccount | None, typed: Mapping[str, str] | None
) -> AccountForm:
    """With what was typed before, else with the account as it is."""
    if typed:
        return AccountForm(formdata=None, data=typed)
    return AccountForm(formdata=None, obj=account, producer=producer.slug)


def chosen_month() -> date:
    """The month that the address names, else the present one."""
    return queries.month_of(request.values.get("month", ""), clock.now())


def chosen_or_first() -> Producer | None:
    """The producer that the address or form names, else the account's first, if there is one.

    Raises NotFound for somebody else's.
    """
    slug = request.values.get("producer", "")
    if slug:
        return queries.producer_of(db.session(), current_user, slug)
    return next(iter(queries.producers_of(db.session(), current_user)), None)


@blueprint.get("/shop/statement")
@access.role("producer")
def earnings() -> ResponseReturnValue:
    producer = chosen_or_first()
    typed = typed_before("payments.earnings", **_at(producer)) if producer is not None else None
    return _statement(producer, typed=typed)


def _at(producer: Producer) -> dict[str, Any]:
    """Where on the page the account of this producer is."""
    return {"producer": producer.slug, "_anchor": "account"}


@blueprint.get("/shop/statement/export.csv")
@access.role("producer")
@limits.on("export")
def export_earnings() -> ResponseReturnValue:
    """The lines of the month, with the balance before the first and after each."""
    producer = chosen_or_first()
    header = (
        _("Tanggal"),
        _("Keterangan"),
        _("Pesanan"),
        _("Barang"),
        _("Ongkos kirim"),
        _("Jumlah"),
        _("Saldo"),
    )
    if producer is None:
        return csv_file("ovop.csv", header, [])
    found = queries.statement(db.session(), producer, chosen_month(), clock.now())
    opening = (found.month.isoformat(), _("Saldo awal"), "", "", "", "", found.opening)
    rows = [
        (
            clock.wib_date(line.at).isoformat(),
            str(LINES[line.what]),
            line.number,
            line.goods,
            line.shipping,
            line.amount,
            line.balance,
        )
        for line in found.lines
    ]
    return csv_file(f"{producer.slug}-{found.month:%Y-%m}.csv", header, [opening, *rows])


@blueprint.post("/shop/statement/account")
@access.role("producer")
def name_account() -> ResponseReturnValue:
    producer = chosen_or_first()
    if producer is None:
        return _statement(None, 422)
    form = AccountForm()
    if not form.validate():
        return _statement(producer, 422, form=form)
    # Sessions of producers live for months; whoever picks up the phone must not be paid.
    asked = confirm_first("payments.earnings", typed=form, **_at(producer))
    if asked is not None:
        return asked
    try:
        payouts.name_account(
            db.session(),
            producer,
            bank=form.bank.data or "",
            number=form.number.data or "",
            holder=form.holder.data or "",
            actor_id=current_user.id,
            now=clock.now(),
        )
        db.session.commit()
    except Unusable as refusal:
        db.session.rollback()
        explain(form, refusal)
        return _statement(producer, 422, form=form)
    flash(_("Rekening tersimpan. Pembayaran berikutnya dikirim ke sana."), "done")
    return redirect(url_for("payments.earnings", **_at(producer)), 303)
