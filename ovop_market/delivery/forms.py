"""What operators send about delivery: tariff files, services, collection points."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, RadioField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Regexp

from ovop_market.core.quantity import VOLUMETRIC_DIVISOR
from ovop_market.delivery.models import CollectionPoint, ImportMode, Service
from ovop_market.delivery.services.couriers import ServiceTerms
from ovop_market.web.forms import BaseForm, PacksField, at_most, between, chosen, optional, required

_SLUG = r"[a-z0-9]+(-[a-z0-9]+)*$"


class TariffFileForm(BaseForm):
    """A tariff table: as a file, or pasted."""

    file = FileField(_l("Berkas CSV"))
    text = TextAreaField(_l("Atau tempel isinya di sini"), [optional()])
    mode = RadioField(
        _l("Tarif yang tidak ada di berkas"),
        [chosen()],
        choices=[
            SelectChoice(
                str(ImportMode.CHANGE), _l("Biarkan: berkas ini hanya menambah dan mengubah")
            ),
            SelectChoice(
                str(ImportMode.REPLACE),
                _l("Hapus: berkas ini tabel lengkap dari layanan yang disebut di dalamnya"),
            ),
        ],
        default=str(ImportMode.CHANGE),
    )


class ServiceForm(BaseForm):
    """What a service is; see delivery.models.Service."""

    courier = StringField(_l("Nama kurir"), [required(), at_most(60)])
    name = StringField(_l("Nama layanan"), [required(), at_most(60)])
    offered = BooleanField(_l("Ditawarkan kepada pembeli"), default=True)
    cold_chain = BooleanField(_l("Berpendingin dari awal sampai akhir"))
    volumetric_divisor = PacksField(
        _l("Pembagi volume (cm³ untuk 1 kg)"),
        [required(), between(1, 100_000)],
        default=VOLUMETRIC_DIVISOR,
    )
    rate_courier = StringField(
        _l("Kode kurir di RajaOngkir"),
        [optional(), at_most(20), Regexp(r"[a-z0-9]+$", message=_l("Tulis seperti jne."))],
    )
    rate_service = StringField(_l("Kode layanan di RajaOngkir"), [optional(), at_most(60)])

    def validate_rate_service(self, field: StringField) -> None:
        if bool(field.data) != bool(self.rate_courier.data):
            raise ValidationError(_("Isi keduanya, atau kosongkan keduanya."))

    def validate(self, extra_validators: Any = None) -> bool:
        """An empty pair is none; half a pair is said where the empty half is."""
        valid = bool(super().validate(extra_validators))
        if self.rate_courier.data and not self.rate_service.data:
            self.rate_service.errors = [_("Isi keduanya, atau kosongkan keduanya.")]
            valid = False
        return valid

    def terms(self) -> ServiceTerms:
        """What has been filled in; call it once the form is valid."""
        return ServiceTerms(
            courier=self.courier.data or "",
            name=self.name.data or "",
            offered=bool(self.offered.data),
            cold_chain=bool(self.cold_chain.data),
            volumetric_divisor=self.volumetric_divisor.data or VOLUMETRIC_DIVISOR,
            rate_courier=self.rate_courier.data or None,
            rate_service=self.rate_service.data or None,
        )


class NewServiceForm(ServiceForm):
    """A service with the code by which forms and tariff files will name it."""

    code = StringField(
        _l("Kode"),
        [required(), at_most(30), Regexp(_SLUG, message=_l("Tulis seperti jne-reg."))],
    )
    local = BooleanField(_l("Antar sendiri oleh penjual"))

    def validate_code(self, field: StringField) -> None:
        if (field.data or "").startswith("pickup"):
            raise ValidationError(_("Kode ini dipakai untuk ambil sendiri. Pilih yang lain."))


class PointForm(BaseForm):
    """A place where buyers fetch their orders."""

    name = StringField(_l("Nama tempat"), [required(), at_most(100)])
    region_code = StringField(_l("Kode wilayah tempatnya"), [required(), at_most(13)])
    address = TextAreaField(_l("Alamat"), [required(), at_most(300)])
    hours = StringField(_l("Jam buka"), [required(), at_most(100)])
    serves = StringField(_l("Melayani penjual di wilayah"), [required(), at_most(13)])

    def values(self) -> dict[str, str]:
        """What has been filled in; call it once the form is valid."""
        names = ("name", "region_code", "address", "hours", "serves")
        return {name: self[name].data or "" for name in names}


class NewPointForm(PointForm):
    """A place with the name that it has in codes."""

    slug = StringField(
        _l("Nama pendek"),
        [required(), at_most(60), Regexp(_SLUG, message=_l("Tulis seperti jebus."))],
    )


def of_service(service: Service) -> ServiceForm:
    """The form as the service is now."""
    return ServiceForm(formdata=None, obj=service)


def of_point(point: CollectionPoint) -> PointForm:
    """The form as the place is now."""
    return PointForm(formdata=None, obj=point)
