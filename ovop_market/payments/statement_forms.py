"""What operators send about bank statements: the file, which column is what, what a line is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import AnyOf

from ovop_market.payments.statement_labels import DECIMALS, ORDERS, ROLES
from ovop_market.payments.statements.columns import Columns
from ovop_market.payments.statements.sheets import Sheet
from ovop_market.payments.statements.values import DateOrder, Decimal
from ovop_market.payments.statements.words import Role
from ovop_market.web.forms import BaseForm, PacksField, at_most, between, required

# How much of what stands in a column is shown beside its name.
_LONGEST_SAMPLE = 24
# Of a column's name.
_LONGEST_NAME = 40


class UploadForm(BaseForm):
    """A bank's CSV export."""

    file = FileField(_l("Berkas CSV dari bank"), [FileRequired(message=_l("Pilih berkasnya."))])


class NoteForm(BaseForm):
    """What a line is that belongs to no payment."""

    note = TextAreaField(_l("Uang apa ini?"), [required(), at_most(200)])


class MatchForm(BaseForm):
    """The payment that a line is for."""

    payment_id = PacksField(_l("Pembayaran"), [required(), between(1, 2_147_483_647)])


class ColumnsForm(BaseForm):
    """Which column of a statement is what, and how days and amounts are written in it.

    Its choices depend on the file: make it with `columns_form`.
    """

    bank = StringField(_l("Nama bank"), [required(), at_most(60)])
    date = SelectField(ROLES[Role.DATE], [required()], validate_choice=False)
    description = SelectField(ROLES[Role.DESCRIPTION], validate_choice=False)
    detail = SelectField(ROLES[Role.DETAIL], validate_choice=False)
    credit = SelectField(ROLES[Role.CREDIT], validate_choice=False)
    debit = SelectField(ROLES[Role.DEBIT], validate_choice=False)
    amount = SelectField(ROLES[Role.AMOUNT], validate_choice=False)
    mark = SelectField(ROLES[Role.MARK], validate_choice=False)
    balance = SelectField(ROLES[Role.BALANCE], validate_choice=False)
    order = SelectField(_l("Urutan tanggal"), [required()], validate_choice=False)
    decimal = SelectField(_l("Tanda sen"), [required()], validate_choice=False)

    def columns(self) -> Columns:
        """What has been chosen; call it once the form is valid."""
        chosen = {role: self[role].data for role in Role}
        at = {role: int(column) for role, column in chosen.items() if column}
        return Columns(at, DateOrder(self.order.data), Decimal(self.decimal.data))


def columns_form(
    sheet: Sheet, columns: Columns | None = None, bank: str = "", **values: Any
) -> ColumnsForm:
    """The form for a sheet: as sent, or (with `columns`) as they are understood now."""
    if columns is not None:
        values = {
            "formdata": None,
            "data": {
                "bank": bank,
                "order": str(columns.order),
                "decimal": str(columns.decimal),
                **{str(role): str(at) for role, at in columns.at.items()},
            },
        }
    form = ColumnsForm(**values)
    named = [("", _("(tidak ada)")), *_named(sheet)]
    for role in Role:
        form[role].choices = named
    form.order.choices = [(str(order), text) for order, text in ORDERS.items()]
    form.decimal.choices = [(str(mark), text) for mark, text in DECIMALS.items()]
    for field in form:
        if isinstance(field, SelectField):
            field.id = f"columns-{field.short_name}"
            listed = AnyOf([value for value, _text in field.choices], _("Pilih salah satu."))
            field.validators = [*field.validators, listed]
    return form


def _named(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """The columns of a sheet by their names, each with what stands in it first."""
    for at in range(sheet.width):
        name = sheet.header[at] if at < len(sheet.header) else ""
        cells = (row.cells[at] for row in sheet.rows if at < len(row.cells))
        sample = next((cell for cell in cells if cell), "")
        shown = name[:_LONGEST_NAME] or _("Kolom %(n)s", n=at + 1)
        yield str(at), f"{shown}: {sample[:_LONGEST_SAMPLE]}" if sample else shown
