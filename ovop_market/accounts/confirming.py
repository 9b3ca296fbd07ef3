"""Who is at the keyboard is asked again, before what a thief of the phone would do: the password,
and a code where the second factor is on."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from flask import flash, session, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.accounts import attempts, cookies, sealing
from ovop_market.accounts.forms import PersonForm
from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.web import htmx
from ovop_market.web.forms import BaseForm

_TYPED = "typed"

F = TypeVar("F", bound=PersonForm)


def confirm_first(
    endpoint: str, *, typed: BaseForm | None = None, **values: Any
) -> Response | None:
    """Leads to the page that asks who it is, unless that was shown a moment ago; from there back to
    the page of `endpoint`, which finds by `typed_before` what was typed into this form."""
    if cookies.is_fresh(clock.now()):
        return None
    back = url_for(endpoint, **values)
    if typed is not None:
        fields = {each.name: each.data for each in typed if isinstance(each.data, str)}
        text = json.dumps(fields, ensure_ascii=False)
        # It may name somebody: the browser keeps it sealed, and for this page alone.
        session[_TYPED] = sealing.seal(_for(back), text, clock.now())
    return htmx.moved(url_for("accounts.confirmation", next=back))


def typed_before(endpoint: str, **values: Any) -> dict[str, str]:
    """What was typed when the page of `endpoint` had to ask first who it is, once; says so."""
    if _TYPED not in session:
        return {}
    here, since = _for(url_for(endpoint, **values)), clock.now() - cookies.FRESH
    kept = sealing.unseal(here, session[_TYPED])
    if kept is None:
        # It is another page's.
        return {}
    if sealing.unseal(here, session.pop(_TYPED), since=since) is None:
        return {}
    flash(_("Belum tersimpan: tekan tombolnya sekali lagi."), "needs")
    fields: dict[str, str] = json.loads(kept)
    return fields


def _for(address: str) -> str:
    return f"typed on {address}"


def asking(kind: type[F]) -> F:
    """The form, without the code where the account has no second factor."""
    form = kind()
    if current_user.totp_since is None:
        del form.code
    return form


def is_person(user: User, form: PersonForm) -> bool:
    """Whether password and code are right; if not, the form says so. Raises TooSoon."""
    code = form.code.data if "code" in form else ""
    if attempts.confirm_person(user, form.current.data or "", code or ""):
        return True
    if "code" in form:
        # Which of the two is wrong, nobody is told.
        form.form_errors = [_("Kata sandi atau kodenya tidak cocok. Coba lagi.")]
    else:
        form.current.errors = [_("Kata sandi sekarang tidak cocok.")]
    return False
