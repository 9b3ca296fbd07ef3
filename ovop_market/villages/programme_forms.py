"""What officials fill in about the programme."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, Form, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from ovop_market.villages.labels import STAGES
from ovop_market.villages.models import Stage
from ovop_market.web.forms import (
    BaseForm,
    DayField,
    PacksField,
    RupiahField,
    at_most,
    between,
    chosen,
    optional,
    required,
)

MOST_RUPIAH = 100_000_000_000


def _given(_form: Form, field: Field) -> None:
    """A number, which may be nothing at all (0), is filled in."""
    if field.data is None:
        raise ValidationError(_("Isi bagian ini."))


class NewForm(BaseForm):
    """A designation of a village that there is."""

    village = SelectField(_l("Desa"), [chosen()], coerce=int)
    year = PacksField(_l("Tahun program"), [_given, between(2000, 2100)])
    flagship = StringField(_l("Produk unggulan"), [required(), at_most(80)])
    day = DayField(_l("Tanggal diusulkan"), [required()])

    @classmethod
    def of(cls, villages: Sequence[tuple[int, str]]) -> NewForm:
        """The form as it was sent, or empty, with these villages to choose from."""
        form = cls()
        form.village.choices = [SelectChoice(village, name) for village, name in villages]
        return form


class StageForm(BaseForm):
    """One step."""

    to = SelectField(
        _l("Tahap"),
        [chosen()],
        choices=[SelectChoice(stage.value, STAGES[stage]) for stage in Stage],
    )
    day = DayField(_l("Tanggal"), [required()])
    note = TextAreaField(_l("Catatan"), [at_most(500)])


class StarsForm(BaseForm):
    """Stars and the certificate that says so."""

    stars = PacksField(_l("Bintang"), [_given, between(1, 5)])
    day = DayField(_l("Tanggal sertifikat"), [required()])
    certificate = StringField(_l("Nomor sertifikat"), [required(), at_most(60)])
    expires_on = DayField(_l("Berlaku sampai"), [optional()])


class ProductForm(BaseForm):
    """A product by its slug, or none."""

    # Which there are the service says.
    product = SelectField(_l("Produk di situs ini"), validate_choice=False)

    @property
    def slug(self) -> str:
        """What was chosen; nothing: none."""
        return self.product.data or ""


class BaselineForm(BaseForm):
    """Rupiah a month."""

    baseline_sales = RupiahField(
        _l("Penjualan sebulan sebelum ditetapkan"), [_given, between(0, MOST_RUPIAH)]
    )


class TargetForm(BaseForm):
    """Of one year, which the form brings along."""

    year = IntegerField(_l("Tahun"), [_given])
    orders = PacksField(_l("Pesanan"), [optional(), between(1, 1_000_000)])
    regencies = PacksField(_l("Kabupaten/kota"), [optional(), between(1, 600)])
    revenue = RupiahField(_l("Omzet (rupiah)"), [optional(), between(1, MOST_RUPIAH * 10)])
