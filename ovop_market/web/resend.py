"""What was typed, on the page that says that it could not be kept just now.

Without script a form is gone once it is sent, so the answer to one that met a fault of ours holds
the same fields again and a button that sends them to the same address, with the same key: what was
done the first time after all is not done again. Nothing is stored for that, and nothing is asked of
the database, which may be what is out of reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from ovop_market.web.forms import BaseForm

MOST_FIELDS = 300
MOST_CHARACTERS = 64 * 1024  # of all names and values together
LONGEST_SHOWN = 300  # characters of one value that is read again; all of it is sent again
KEY = "idempotency_key"
# The names of all password fields (a test finds those of forms): of the password, and of the
# present one that is asked for before a change.
SECRETS = frozenset({"password", "current"})
# Where a field named "code" is a code of the second factor.
_ASKS_FOR_CODES = ("accounts", "privacy")
_TOKEN = "csrf_token"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class Kept:
    """A form as it came: its fields, those that are asked for again, and what a person reads."""

    address: str
    fields: Sequence[tuple[str, str]]
    secrets: Sequence[tuple[str, str]]
    shown: Sequence[tuple[str, str]]
    # Whether pictures came along, which have to be chosen again.
    files: bool
    # Whether the same form, sent twice, counts once.
    once: bool


def kept() -> Kept | None:
    """What to offer again; None where nothing was sent, or not by one of our own pages."""
    if request.method != "POST" or not g.get("may_resend", False):
        return None
    try:
        sent = [(name, value) for name, value in request.form.items(multi=True) if name != _TOKEN]
        files = any(file.filename for file in request.files.values())
    except (HTTPException, OSError):
        return None  # What came could not even be read.
    if len(sent) > MOST_FIELDS or sum(len(n) + len(v) for n, v in sent) > MOST_CHARACTERS:
        return None
    labels, own = _labels(), _own_labels(request.endpoint)
    return Kept(
        address=request.script_root + request.full_path.rstrip("?"),
        fields=[(name, value) for name, value in sent if not _is_secret(name)],
        secrets=[
            (name, _("Kata sandi") if name in SECRETS else _("Kode"))
            for name in dict(sent)
            if _is_secret(name)
        ],
        shown=[
            (own.get(name, labels[name]), value[:LONGEST_SHOWN])
            for name, value in sent
            if name in labels and value.strip()
        ],
        files=files,
        once=any(name == KEY for name, _value in sent),
    )


def _is_secret(name: str) -> bool:
    """Whether no page may repeat this field: it is asked for again."""
    return name in SECRETS or (name == "code" and request.blueprint in _ASKS_FOR_CODES)


def _labels() -> dict[str, str]:
    """The fields that people type much into, by what they are called."""
    return {
        "name": _("Nama"),
        "phone": _("Nomor HP"),
        "email": _("Email"),
        "login": _("Email atau nomor HP"),
        "street": _("Jalan, nomor, RT/RW"),
        "postal_code": _("Kode pos"),
        "quantity": _("Jumlah"),
        "note": _("Catatan"),
        "reason": _("Alasan"),
        "reference": _("Nomor atau keterangan transfer"),
        "courier": _("Kurir"),
        "tracking_number": _("Nomor resi"),
        "title": _("Judul"),
        "description": _("Keterangan"),
        "story": _("Cerita"),
    }


_FORMS: dict[str, tuple[type[BaseForm], ...]] = {}


def name_fields(endpoint: str, *forms: type[BaseForm]) -> None:
    """What people read again of this view's forms is called as in the forms."""
    _FORMS[endpoint] = forms


def _own_labels(endpoint: str | None) -> dict[str, str]:
    forms = _FORMS.get(endpoint or "", ())
    fields = [(name, getattr(form, name, None)) for form in forms for name in _labels()]
    return {name: str(field.args[0]) for name, field in fields if field is not None}
