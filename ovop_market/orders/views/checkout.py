"""One short page from the cart to the purchase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from ovop_market.accounts.services import email_of, phone_of
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.core.tokens import secret_token
from ovop_market.delivery.rates import asking
from ovop_market.extensions import db
from ovop_market.orders import methods
from ovop_market.orders.forms import CheckoutForm, delivery_choices
from ovop_market.orders.methods import Choice, PaymentOption
from ovop_market.orders.models import Cart, PaymentMethod
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout as purchases
from ovop_market.orders.services import hoarding, quotes
from ovop_market.orders.services.checkout import Details
from ovop_market.orders.services.quotes import Quote
from ovop_market.orders.views import blueprint
from ovop_market.orders.views.cart import cart_page, current_cart
from ovop_market.regions import queries as regions
from ovop_market.web import access, htmx, language, limits, resend, sessions
from ovop_market.web.forms import explain


def _defaults() -> dict[str, Any]:
    """What is known before anything is typed: the account's own, and a key for this form."""
    known: dict[str, Any] = {"idempotency_key": secret_token()}
    if current_user.is_authenticated:
        known |= {
            "name": current_user.name,
            "phone": current_user.phone,
            "email": current_user.email,
        }
    return known


def _page(
    form: CheckoutForm,
    found: Sequence[Quote],
    chosen: Mapping[str, str],
    status: int = 200,
    problem: str = "",
) -> ResponseReturnValue:
    """The page, or for HTMX the part that depends on the address and on what is chosen in it."""
    selected = {
        quote.producer.slug: quote.way(chosen.get(quote.producer.slug)) or quote.way(None)
        for quote in found
    }
    goods = sum(quote.goods for quote in found)
    shipping = sum(way.price for way in selected.values() if way)
    options = methods.options([Choice(quote, selected[quote.producer.slug]) for quote in found])
    form.seen.data = quotes.fingerprint(found)
    return htmx.page_or_fragment(
        "orders/checkout.html",
        "orders/_delivery.html",
        status,
        form=form,
        quotes=found,
        selected=selected,
        goods=goods,
        shipping=shipping,
        priced=all(selected.values()),
        total=goods + shipping,
        methods=options,
        paying_by=_paying_by(form, options),
        at_once=all(quote.from_stock for quote in found),
        problem=problem,
        region_q=request.values.get("region_q", "")[:100],
        options=regions.picker_options(
            db.session(), request.values.get("region_q", "")[:100], form.region_code.data or ""
        ),
    )


def _paying_by(form: CheckoutForm, options: Sequence[PaymentOption]) -> PaymentMethod | None:
    """What is chosen on the page: what the buyer chose if it can be, else the first that can."""
    possible = [option.method for option in options if option.possible]
    wanted = form.payment_method.data
    return next((m for m in possible if m == wanted), next(iter(possible), None))


def _destination(form: CheckoutForm) -> str | None:
    region = regions.address_region(db.session(), (form.region_code.data or "")[:13])
    return region.code if region else None


def _quotes(cart: Cart, form: CheckoutForm, *, reading: bool) -> list[Quote]:
    """The quotes of the cart, once what couriers ask is known as far as it can be. This may end the
    transaction: only while nothing has been changed. `reading` says how the next one begins."""
    destination = _destination(form)
    found = quotes.make(db.session(), cart, destination, clock.now())
    if destination is None or not asking.refresh(
        db.session(), quotes.parcels(found, destination), clock.now(), reading=reading
    ):
        return found
    again = current_cart()
    return quotes.make(db.session(), again, destination, clock.now()) if again else []


@blueprint.get("/checkout")
@access.visitor
@limits.on("delivery")
def checkout() -> ResponseReturnValue:
    cart = current_cart()
    if cart is None or not cart.lines:
        return redirect(url_for("orders.cart"), 303)
    asked = {"region_code": request.args.get("region_code", "")[:13]}
    if request.args.get("payment_method") in set(PaymentMethod):
        asked["payment_method"] = request.args["payment_method"]
    form = CheckoutForm(formdata=None, data=_defaults() | asked)
    found = _quotes(cart, form, reading=True)
    return _page(form, found, delivery_choices(request.args))


@blueprint.post("/checkout")
@access.visitor
@limits.on("checkout")
def place() -> ResponseReturnValue:
    form = CheckoutForm()
    # One cart is ordered once at a time, whichever form or tab it comes from. Locked before
    # anything is looked at: a second submit then sees what the first one did.
    cart = carts.find(db.session(), sessions.cart_token(), lock=True)
    submission = purchases.submission_digest(sessions.cart_token(), form.idempotency_key.data or "")
    earlier = purchases.already_placed(db.session(), submission)
    if earlier is not None:
        return redirect(url_for("orders.purchase", token=earlier.token), 303)
    if cart is None or not cart.lines:
        return cart_page(409, problem=_("Keranjang Anda sudah kosong. Pilih produk lagi."))
    if "find_region" in request.form or "update" in request.form:
        # Nothing has been changed, so the cart can be let go while couriers are asked.
        return _again(form, found=_quotes(cart, form, reading=False))
    if not _is_complete(form, _destination(form)):
        return _again(form, 422)
    details = _details(form, delivery_choices(request.form))
    buyer_id = current_user.id if current_user.is_authenticated else None
    try:
        if not limits.from_this_machine():
            contact = current_app.config["OVOP"].privacy_contact
            hoarding.refuse(db.session(), details.phone, buyer_id, contact=contact)
        purchase = purchases.place(
            db.session(),
            cart,
            details,
            submission=submission,
            buyer_id=buyer_id,
            now=clock.now(),
            seen=form.seen.data or None,
        )
        db.session.commit()
    except (Conflict, Unusable) as refusal:
        db.session.rollback()
        return _again(form, refusal.status, explain(form, refusal))
    return redirect(url_for("orders.purchase", token=purchase.token), 303)


def _again(
    form: CheckoutForm,
    status: int = 200,
    problem: str = "",
    found: Sequence[Quote] | None = None,
) -> ResponseReturnValue:
    """The page as it was typed, with the cart as it is now: another tab may have been quicker."""
    if found is None:
        cart = current_cart()
        found = quotes.make(db.session(), cart, _destination(form), clock.now()) if cart else []
    if not found:
        return cart_page(409, problem=_("Keranjang Anda sudah kosong. Pilih produk lagi."))
    return _page(form, found, delivery_choices(request.form), status, problem)


def _is_complete(form: CheckoutForm, destination: str | None) -> bool:
    """Validates the form, with what needs the database: the area, and its postal code."""
    valid = form.validate()
    if form.region_code.data and destination is None:
        form.region_code.errors = [_("Pilih kecamatan atau desa dari daftar.")]
        valid = False
    if destination is not None and not form.postal_code.data and not form.postal_code.errors:
        region = regions.get(db.session(), destination)
        if region is not None and region.postal_code:
            form.postal_code.data = region.postal_code
        else:
            form.postal_code.errors = [_("Isi kode pos.")]
            valid = False
    return bool(valid)


def _details(form: CheckoutForm, chosen: Mapping[str, str]) -> Details:
    return Details(
        name=form.name.data or "",
        phone=phone_of(form.phone.data or "") or "",
        email=email_of(form.email.data) if form.email.data else None,
        region_code=form.region_code.data or "",
        street=form.street.data or "",
        postal_code=form.postal_code.data or "",
        note=form.note.data or "",
        payment_method=PaymentMethod(form.payment_method.data),
        delivery=chosen,
        language=language.current(),
    )


resend.name_fields("orders.place", CheckoutForm)
