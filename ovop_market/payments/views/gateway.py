"""The buyer's way to the gateway's page, and the gateway's notifications about it."""

from __future__ import annotations

from flask import current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound
from ovop_market.extensions import db
from ovop_market.orders.queries import purchase_by_token
from ovop_market.orders.views.purchase import purchase_page
from ovop_market.payments.gateway import standing as words
from ovop_market.payments.gateway.midtrans import Midtrans, NameTaken, Unreachable, configured
from ovop_market.payments.queries import desk
from ovop_market.payments.queries import gateway as queries
from ovop_market.payments.services import gateway as services
from ovop_market.payments.services.gateway import Wanted
from ovop_market.payments.views import blueprint
from ovop_market.web import access, htmx, limits
from ovop_market.web.addresses import ID
from ovop_market.web.hosts import public_root

# Seconds after which a notification may be sent again.
_LATER = "60"


def the_gateway() -> Midtrans:
    """The gateway of this installation. Raises NotFound where there is none."""
    gateway = configured(current_app.config["OVOP"])
    if gateway is None:
        raise NotFound(_("Cara bayar ini tidak ada di sini."))
    return gateway


@blueprint.post(f"/purchases/<token>/payments/<{ID}:payment_id>/gateway")
@access.link
@limits.on("tracking", "gateway")
def pay_at_gateway(token: str, payment_id: int) -> ResponseReturnValue:
    gateway, session = the_gateway(), db.session()
    asked = desk.payment_in(session, purchase_by_token(session, token), payment_id)
    try:
        page = services.page_or_wanted(session, asked, clock.now())
        if isinstance(page, Wanted):
            # Nobody's order waits while the gateway is asked.
            session.rollback()
            code, address = _new_page(gateway, page, public_root() + _home(token))
            page = services.keep_page(session, page, code, address, clock.now())
            session.commit()
    except (Conflict, Unreachable) as refusal:
        session.rollback()
        return purchase_page(token, refusal.status, problem=refusal.message)
    return _on_to(page, token, payment_id)


def _new_page(gateway: Midtrans, wanted: Wanted, back: str) -> tuple[str, str]:
    """Its name and its address. Raises Unreachable."""
    for code in wanted.codes[:-1]:
        try:
            return code, _page_for(gateway, wanted, code, back)
        except NameTaken:
            continue
    return wanted.codes[-1], _page_for(gateway, wanted, wanted.codes[-1], back)


def _page_for(gateway: Midtrans, wanted: Wanted, code: str, back: str) -> str:
    return gateway.page_for(
        code, wanted.amount, back=back, now=clock.now(), lifetime=wanted.lifetime
    )


def _on_to(address: str, token: str, payment_id: int) -> Response:
    """To the gateway with script; without, to our own page, on which there is now a link: a form
    may not lead to another site (Content-Security-Policy, form-action)."""
    if htmx.is_fragment():
        return htmx.moved(address)
    return htmx.moved(f"{_home(token)}#payment-{payment_id}")


def _home(token: str) -> str:
    return url_for("orders.purchase", token=token)


@blueprint.post("/gateway/midtrans/notification")
@access.machine
def gateway_notification() -> ResponseReturnValue:
    """A machine reads the answer: 200 heard, 503 send it again, anything else: do not."""
    try:
        gateway = the_gateway()
    except MarketError:
        return Response(status=404)
    request.max_content_length = access.MAX_PLAIN_FORM
    said = words.read(request.get_data(cache=False))
    if said is None:
        return Response(status=400)
    if not words.signed(said, gateway.server_key):
        return Response(status=403)
    code, session = str(said["order_id"]), db.session()
    attempt_id = queries.attempt_named(session, code) if words.is_code(code) else None
    if attempt_id is None:
        return Response(status=404)
    session.rollback()
    asked_at = clock.now()
    try:
        standing = gateway.standing(code)
    except Unreachable:
        standing = None
    if standing is None:
        return Response(status=503, headers={"Retry-After": _LATER})
    word = words.word(said.get("transaction_status"))
    services.hear(session, attempt_id, standing, clock.now(), asked_at=asked_at, said=word)
    session.commit()
    return jsonify(status="heard")
