"""The addresses of the open data: what each is about, what may be asked of it, and of what kind its
rows are. Views serve them, the document describes them, and the dictionary lists them."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from ovop_market.opendata import parameters as p
from ovop_market.opendata import reach_records as reach
from ovop_market.opendata import records
from ovop_market.opendata.parameters import Parameter
from ovop_market.opendata.shape import Text

ROOT = "/api/v1"
VERSION = "1.1.0"
LICENCE = "CC BY 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"
# Seconds for which caches may keep an answer.
_SOON, _SLOWLY = 300, 3600
_PROGRAMME = _l("Catatan program di dinas dan halaman desa di situs ini.")
_SHELVES = _l("Yang ditulis penjual di situs ini; sama dengan halaman produknya.")
_CLOSED = _l(
    "Pesanan yang sudah diterima di situs ini, atau yang dilaporkan penjual; hanya tahun kalender"
    " yang sudah berakhir, sejak 1 April berikutnya."
)
_AT_ONCE = _l("Begitu ada perubahan; salinan boleh disimpan 5 menit.")
_YEARLY = _l("Setahun sekali, pada 1 April: sejak itu angka tahun lalu hampir tidak berubah lagi.")


@dataclass(frozen=True, slots=True)
class Resource:
    """An address below ROOT. `many`: a list in pages of `record`, else a single one. `missing`:
    what must be there, or the answer is 404. `max_age`: seconds for which it may be kept."""

    endpoint: str
    path: str
    title: Text
    record: type
    source: Text
    updated: Text
    many: bool = True
    missing: Text = ""
    parameters: tuple[Parameter, ...] = ()
    max_age: int = _SOON

    @property
    def asked(self) -> tuple[Parameter, ...]:
        """All of its query parameters."""
        return (*self.parameters, p.PAGE, p.PER_PAGE) if self.many else self.parameters

    @property
    def rule(self) -> str:
        """As Flask writes it."""
        return ROOT + self.path.replace("{", "<").replace("}", ">")


def _about(endpoint: str, path: str, title: Text, record: type, **more: object) -> Resource:
    return Resource(endpoint, path, title, record, _PROGRAMME, _AT_ONCE, **more)  # type: ignore[arg-type]


def _sold(endpoint: str, path: str, title: Text, record: type, **more: object) -> Resource:
    return Resource(endpoint, path, title, record, _SHELVES, _AT_ONCE, **more)  # type: ignore[arg-type]


def _reached(
    name: str, title: Text, record: type, *more: Parameter, missing: Text = ""
) -> Resource:
    return Resource(
        f"reach_{name.replace('-', '_')}",
        f"/reach/{name}",
        title,
        record,
        _CLOSED,
        _YEARLY,
        missing=missing or _l("Tidak ada tabel dari kabupaten ini untuk tahun itu."),
        parameters=(p.AREA, p.YEAR, p.KIND, *more),
        max_age=_SLOWLY,
    )


_NO_VILLAGE = _l("Tidak ada tabel untuk tahun itu, atau desa ini tidak ada di kabupaten itu.")

VILLAGES = _about(
    "villages", "/villages", _l("Semua desa"), records.VillageRow, parameters=(p.REGENCY,)
)
VILLAGE = _about(
    "village",
    "/villages/{slug}",
    _l("Satu desa"),
    records.Village,
    many=False,
    missing=_l("Desa ini tidak ada."),
)
PRODUCTS = _sold(
    "products",
    "/products",
    _l("Semua produk"),
    records.ProductRow,
    parameters=(p.VILLAGE, p.CATEGORY),
)
PRODUCT = _sold(
    "product",
    "/products/{slug}",
    _l("Satu produk"),
    records.Product,
    many=False,
    missing=_l("Produk ini tidak dijual, atau tidak dijual lagi."),
)
DESIGNATIONS = _about(
    "designations",
    "/designations",
    _l("Tahun program"),
    records.Designation,
    parameters=(p.PROGRAMME_YEAR, p.VILLAGE, p.STAGE),
)
REACH = Resource(
    "reach",
    "/reach",
    _l("Tabel jangkauan yang ada"),
    reach.Tables,
    _CLOSED,
    _YEARLY,
    max_age=_SLOWLY,
)
REACH_TOTALS = _reached("totals", _l("Jangkauan: seluruh kabupaten"), reach.TotalRow)
REACH_PLACES = _reached("places", _l("Jangkauan menurut tujuan"), reach.PlaceRow)
REACH_VILLAGES = _reached("villages", _l("Jangkauan menurut desa"), reach.VillageReachRow)
REACH_PRODUCTS = _reached(
    "products",
    _l("Jangkauan menurut produk"),
    reach.ProductReachRow,
    p.THE_VILLAGE,
    missing=_NO_VILLAGE,
)
REACH_VILLAGE_PLACES = _reached(
    "village-places",
    _l("Jangkauan menurut desa dan tujuan"),
    reach.VillagePlaceRow,
    p.THE_VILLAGE,
    missing=_NO_VILLAGE,
)

RESOURCES = (
    VILLAGES,
    VILLAGE,
    PRODUCTS,
    PRODUCT,
    DESIGNATIONS,
    REACH,
    REACH_TOTALS,
    REACH_PLACES,
    REACH_VILLAGES,
    REACH_PRODUCTS,
    REACH_VILLAGE_PLACES,
)
