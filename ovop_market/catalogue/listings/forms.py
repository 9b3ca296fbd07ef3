"""What staff fills in about a product, its packs and its pictures."""

from __future__ import annotations

from datetime import date

from flask_babel import format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, Field, StringField, TextAreaField
from wtforms.validators import ValidationError

from ovop_market.catalogue.labels import CATEGORIES, STORAGE
from ovop_market.catalogue.listings.values import (
    KEPT_DRY,
    MAX_CENTIMETRES,
    MAX_DAYS,
    MAX_GRAMS,
    MOST_PHOTOS,
    MOST_VARIANTS,
    Listing,
    Pack,
)
from ovop_market.catalogue.models import Category, Storage
from ovop_market.core.money import MAX_PRICE
from ovop_market.web.forms import (
    BaseForm,
    ChoiceField,
    PacksField,
    RupiahField,
    at_most,
    between,
    chosen,
    optional,
    required,
)

LONGEST_TEXT = 5_000


def _months() -> list[tuple[str, str]]:
    return [(str(month), format_date(date(2000, month, 1), "LLLL")) for month in range(1, 13)]


class ListingForm(BaseForm):
    """What is said of a product. Made with `listing_form`: the choices are in words."""

    name = StringField(_l("Nama produk"), [required(), at_most(100, at_least=3)])
    category = ChoiceField(_l("Jenis"), [chosen()])
    summary = StringField(_l("Ringkasan"), [required(), at_most(200)])
    description = TextAreaField(_l("Cerita produk"), [optional(), at_most(LONGEST_TEXT)])
    ingredients = TextAreaField(_l("Bahan"), [optional(), at_most(LONGEST_TEXT)])
    storage = ChoiceField(_l("Disimpan di"), [chosen()])
    storage_note = StringField(_l("Cara menyimpan"), [optional(), at_most(200)])
    shelf_life_days = PacksField(_l("Tahan berapa hari"), [optional(), between(1, MAX_DAYS)])
    max_transit_days = PacksField(
        _l("Paling lama di jalan (hari)"), [optional(), between(1, MAX_DAYS)]
    )
    made_to_order = BooleanField(_l("Bisa dibuat atas pesanan"))
    season_from = ChoiceField(_l("Musim mulai bulan"), [optional()])
    season_to = ChoiceField(_l("Musim sampai bulan"), [optional()])

    @property
    def listing(self) -> Listing:
        """The values of a form that has passed."""
        return Listing(
            name=self.name.data or "",
            category=Category(self.category.data),
            summary=self.summary.data or "",
            description=self.description.data or "",
            ingredients=self.ingredients.data or "",
            storage=Storage(self.storage.data),
            storage_note=self.storage_note.data or "",
            shelf_life_days=self.shelf_life_days.data,
            max_transit_days=self.max_transit_days.data,
            made_to_order=bool(self.made_to_order.data),
            season_from=int(self.season_from.data) if self.season_from.data else None,
            season_to=int(self.season_to.data) if self.season_to.data else None,
        )


class NewListingForm(ListingForm):
    """A new product; of an account that acts for several producers, also whose it is."""

    producer = ChoiceField(_l("Penjual"), [chosen()])
    storage = ChoiceField(_l("Disimpan di"))

    def validate_storage(self, field: Field) -> None:
        """What nobody has chosen follows from the kind where that cannot spoil. Raises
        ValidationError for food."""
        if field.data:
            return
        if self.category.data not in KEPT_DRY:
            raise ValidationError(
                _("Pilih suhu ruang, dingin, atau beku: makanan bisa rusak kalau salah simpan.")
            )
        field.data = str(Storage.AMBIENT)


def listing_form(now: Listing | None = None) -> ListingForm:
    """The form as it was sent, or with `now` showing what is said of the product."""
    if now is None:
        return _with_choices(ListingForm())
    shown = {name: _text(getattr(now, name)) for name in Listing.__slots__}
    return _with_choices(ListingForm(formdata=None, data=shown))


def new_listing_form(
    producers: list[tuple[str, str]], *, sent: bool, like: Category | None = None
) -> NewListingForm:
    """The form of a new product, by (slug, name) of the account's producers; as it was sent, or
    empty, with the kind of what it made last (`like`)."""
    if sent:
        form = NewListingForm()
    else:
        form = NewListingForm(formdata=None, data={"category": like or "", "storage": ""})
    if len(producers) > 1:
        form.producer.choices = producers
    else:
        # There is nothing to choose, so nothing that is sent is looked at.
        del form.producer
    _with_choices(form)
    unsaid = ("", _l("Pilih"))
    form.storage.choices = [unsaid, *form.storage.choices]
    if like is None:
        form.category.choices = [unsaid, *form.category.choices]
    return form


def _with_choices(form: ListingForm) -> ListingForm:
    form.category.choices = [(str(key), text) for key, text in CATEGORIES.items()]
    form.storage.choices = [(str(key), text) for key, text in STORAGE.items()]
    months = [("", _l("Sepanjang tahun")), *_months()]
    form.season_from.choices = form.season_to.choices = months
    return form


def _text(value: object) -> object:
    """As a list of choices knows it."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else value


class PackForm(BaseForm):
    """A pack: what it is called, costs, weighs and measures."""

    name = StringField(_l("Nama kemasan"), [required(), at_most(60)])
    price = RupiahField(_l("Harga, dalam rupiah"), [required(), between(1, MAX_PRICE)])
    weight_grams = PacksField(
        _l("Berat dengan kemasan (gram)"), [required(), between(1, MAX_GRAMS)]
    )
    length_cm = PacksField(_l("Panjang (cm)"), [optional(), between(1, MAX_CENTIMETRES)])
    width_cm = PacksField(_l("Lebar (cm)"), [optional(), between(1, MAX_CENTIMETRES)])
    height_cm = PacksField(_l("Tinggi (cm)"), [optional(), between(1, MAX_CENTIMETRES)])

    @property
    def pack(self) -> Pack:
        """The values of a form that has passed."""
        return Pack(
            name=self.name.data or "",
            price=self.price.data or 0,
            weight_grams=self.weight_grams.data or 0,
            length_cm=self.length_cm.data,
            width_cm=self.width_cm.data,
            height_cm=self.height_cm.data,
        )


def pack_form(at: str, now: Pack | None = None, *, sent: bool = False) -> PackForm:
    """The form of a pack; `at` begins the ids of its fields, for there are many on a page."""
    form = PackForm() if sent else PackForm(formdata=None, obj=now)
    for field in form:
        field.id = field.label.field_id = f"{at}-{field.name}"
    return form


class PlaceForm(BaseForm):
    """A place in a list, counted from 0."""

    position = PacksField(_l("Urutan"), [between(0, max(MOST_VARIANTS, MOST_PHOTOS))], default=None)


class PhotosForm(BaseForm):
    """Pictures from the camera or the gallery."""

    photo = MultipleFileField(_l("Foto"))


class AltForm(BaseForm):
    """What is to be seen on a picture, for those who do not see it."""

    alt = StringField(_l("Apa yang terlihat di foto ini?"), [optional(), at_most(200)])
