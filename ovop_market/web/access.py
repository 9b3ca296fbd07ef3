"""Who may come in. Every view names its door; a view without one is refused to everybody.

| door | for whom | the page |
| --- | --- | --- |
| public | all, the same for everybody | no cookie, may be kept by any cache |
| visitor | all, but about this visitor (cart, sign-in) | private |
| link | whoever has the secret link | private, never sent on as a Referer |
| signed_in | anyone with an account | private |
| role(…) | accounts with one of the roles | private |
| staff(…) | producers' accounts whose role in the producer has this duty | private |

A view for producers is for their owners, unless `staff` says for which duty others are let in.

A door decides only who comes in; which things a person finds inside is decided by queries that
start from the actor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from ovop_market.core.errors import NotAllowed
from ovop_market.extensions import csrf, patience
from ovop_market.extensions.database import begin_as_reader
from ovop_market.web import htmx

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Below it every address holds a secret link.
LINKS = "/purchases/"
MAX_PLAIN_FORM = 64 * 1024  # bytes of a form without files
PRODUCER = "producer"
# The duty of views that name none: those of a producer's owners.
OWNERS = "own"

# Whether an account of a producer has a duty in it. villages, which is above, puts its function
# here; it raises NotAllowed.
refuse_without_duty: Callable[[Any, str], None] | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """What a view declares: its kind, the roles it admits, and how its POST is guarded."""

    kind: str
    roles: frozenset[str] = frozenset()
    guard: str = "csrf"
    # What a producer's account must be allowed there (villages.policy); others are not asked.
    duty: str = OWNERS


def _door(door: Door) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.door = door  # type: ignore[attr-defined]
        return view

    return mark


public = _door(Door("public"))
visitor = _door(Door("visitor"))
link = _door(Door("link"))
signed_in = _door(Door("signed_in"))
# A POST whose form stands on a public page: no token can be in it, so the browser's own word
# on where the form came from is asked instead.
visitor_from_public_page = _door(Door("visitor", guard="origin"))
# A POST that another machine sends: it has neither cookie nor token. The view itself checks the
# signature of what it says before it looks at anything.
machine = _door(Door("visitor", guard="signature"))


def role(*roles: str) -> Callable[[View], View]:
    """Accounts with one of these roles; of producers' accounts, those of owners."""
    return _door(Door("role", frozenset(roles)))


def staff(duty: str) -> Callable[[View], View]:
    """Producers' accounts, also of those who are not owners, if their role has this duty."""
    return _door(Door("role", frozenset({PRODUCER}), duty=str(duty)))


def takes_files(most: int) -> Callable[[View], View]:
    """A view to which files are sent: its body may have so many bytes. All others take plain forms,
    however they are encoded."""

    def mark(view: View) -> View:
        view.max_body = most  # type: ignore[attr-defined]
        return view

    return mark


def takes_time(seconds: float) -> Callable[[View], View]:
    """A view that reads much: it may wait so long for the database in all."""

    def mark(view: View) -> View:
        view.patience = seconds  # type: ignore[attr-defined]
        return view

    return mark


def door_of(endpoint: str | None) -> Door | None:
    """The door of an endpoint, or None when it has declared none."""
    view = current_app.view_functions.get(endpoint or "")
    return getattr(view, "door", None)


def on_public_page() -> bool:
    """Whether this answer is the same for everybody: then no template may look at the visitor."""
    door = door_of(request.endpoint)
    return door is None or door.kind == "public"


def require_same_origin() -> None:
    """Refuses a POST unless the browser says that it comes from our own page.

    Sec-Fetch-Site is believed first (no script can set it); Origin is for older browsers.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site == "same-origin":
            return
    elif request.headers.get("Origin") == request.host_url.rstrip("/"):
        return
    raise NotAllowed(
        _("Formulir ini dikirim dari situs lain. Buka halamannya di sini, lalu ulangi.")
    )


def _from_elsewhere() -> bool:
    """Whether the browser says that a form was sent from another site, whatever token it has.

    The names are compared, not the schemes: a proxy that speaks TLS may not say so. Pages with a
    secret link send no origin (`null`), and programs none at all: their token decides.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("cross-site", "same-site")
    origin = request.headers.get("Origin")
    return origin not in (None, "null") and origin.partition("://")[2] != request.host


def _sign_in_first() -> ResponseReturnValue:
    target = (
        request.full_path.rstrip("?") if request.method == "GET" else url_for("catalogue.front")
    )
    address = url_for("accounts.sign_in", next=target)
    if htmx.is_fragment():
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address, 303)


def _refuse_control_characters() -> None:
    """No address of ours holds any; a database or a page would choke on them later."""
    texts = (text for _name, text in request.args.items(multi=True))
    if any(ord(c) < 32 and c not in "\t\n\r" for text in (request.path, *texts) for c in text):
        abort(400)


def _limit_body() -> None:
    """Only uploads are large. One that comes in pieces, without its length, is read at once: what
    is beyond the limit must be refused, not cut off."""
    view = current_app.view_functions.get(request.endpoint or "")
    most: int | None = getattr(view, "max_body", None)
    if most is not None and request.mimetype == "multipart/form-data":
        request.max_content_length = most
        return
    request.max_content_length = MAX_PLAIN_FORM
    if request.content_length is None and request.method not in SAFE_METHODS:
        request.max_content_length += 1
        if len(request.get_data()) > MAX_PLAIN_FORM:
            abort(413)


def _admit() -> ResponseReturnValue | None:
    begin_as_reader(request.method in SAFE_METHODS)
    view = current_app.view_functions.get(request.endpoint or "")
    patience.hurry(
        getattr(view, "patience", patience.REQUEST), request.environ.get("ovop.waited", 0.0)
    )
    _refuse_control_characters()
    _limit_body()
    if request.endpoint is None:
        return None
    door = door_of(request.endpoint)
    if door is None:
        raise NotAllowed(_("Halaman ini belum dibuka."))
    if request.method not in SAFE_METHODS:
        if door.guard == "origin":
            require_same_origin()
        elif door.guard != "signature":
            if _from_elsewhere():
                require_same_origin()
            csrf.protect()
        g.may_resend = door.guard != "signature"
    if door.kind in ("signed_in", "role"):
        if not current_user.is_authenticated:
            return _sign_in_first()
        if door.roles and current_user.role not in door.roles:
            raise NotAllowed(
                _("Halaman ini untuk akun lain. Masuk dengan akun yang sesuai."), other_account=True
            )
        if refuse_without_duty and PRODUCER in door.roles and current_user.role == PRODUCER:
            refuse_without_duty(current_user, door.duty)
    return None


def _label(response: Response) -> Response:
    """Caching as the door says it: what is about a person is kept by nobody."""
    door = door_of(request.endpoint)
    if door is not None and door.kind == "public":
        return response
    response.headers.setdefault("Cache-Control", "private, no-store")
    # By the address as well: what is wrong there (405, 404) has no view, and the same secret.
    if (door is not None and door.kind == "link") or request.path.startswith(LINKS):
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


def init_app(app: Flask) -> None:
    """Puts the doors in front of all views."""
    app.before_request(_admit)
    app.after_request(_label)
    app.jinja_env.globals["on_public_page"] = on_public_page
