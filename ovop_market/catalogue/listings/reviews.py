"""Who shows a listing to buyers: its producer, an operator, or both, one after the other.

The first listing of a producer who has just come is looked at before buyers see it. After that,
listings are shown at once and looked at afterwards, as is what has changed in what it is. An
operator hides what must not be sold, and says why; its producer mends it and submits it again.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.listings import values
from ovop_market.catalogue.listings.models import ListingEvent
from ovop_market.catalogue.listings.signals import listing_moved
from ovop_market.catalogue.listings.states import (
    KEEPS_BACK,
    WITH_REASON,
    ListingAction,
    ListingState,
    listing_after,
    review_in,
    state_of,
)
from ovop_market.catalogue.models import Product, ProductPhoto, Variant
from ovop_market.core.errors import MoveRefused, Unusable
from ovop_market.core.tokens import digest

S, A = ListingState, ListingAction
# A price that is so many times what it was, or so small a part of it, is looked at.
PRICE_JUMP = 2


def lock(session: Session, product: Product) -> None:
    """Whoever changes a product, its packs or its pictures does so after the others.

    Orders that point to it need not wait.
    """
    one = select(Product.id).where(Product.id == product.id)
    session.execute(one.with_for_update(key_share=True))
    session.refresh(product)


def offer(session: Session, product: Product, *, actor_id: int, now: datetime) -> ListingState:
    """Its producer wants buyers to see it: they do at once, or an operator looks first; returns
    which of the two. The product is locked."""
    state = state_of(product)
    if state in (S.SHOWN, S.SUBMITTED):
        return state
    first = product.producer.on_probation or kept_back(session, product)
    return act(session, product, A.SUBMIT if first else A.SHOW, actor_id=actor_id, now=now)


def kept_back(session: Session, product: Product) -> bool:
    """Whether an operator turned the listing down, and none has looked at it since. What its
    producer does in between, as submitting it and taking it back, does not make it a new one."""
    word = session.scalar(
        select(ListingEvent.action)
        .where(ListingEvent.product_id == product.id, ListingEvent.action.in_(KEEPS_BACK))
        .order_by(ListingEvent.id.desc())
        .limit(1)
    )
    return product.review is not None or (word is not None and KEEPS_BACK[word])


def act(
    session: Session,
    product: Product,
    action: ListingAction,
    *,
    actor_id: int,
    now: datetime,
    reason: str = "",
) -> ListingState:
    """Does something to a listing that is locked; returns where it stands then. The one writer of
    what is shown.

    Raises MoveRefused when there is no such move (any more), Unusable for a missing reason.
    """
    if action in WITH_REASON and not reason.strip():
        raise Unusable(_("Tulis alasannya: penjual membacanya."), field="reason")
    was = product.listed
    try:
        state = listing_after(state_of(product), action)
    except MoveRefused as refused:
        raise MoveRefused(
            _("Keadaan %(product)s sudah berubah. Periksa lagi.", product=product.name),
            **refused.details,
        ) from None
    product.listed, product.review = state is S.SHOWN, review_in(state)
    first = action is A.SHOW and not _seen_before(session, product)
    if first or action in (A.SUBMIT, A.RECALL):
        product.review_since = now
    elif action in (A.APPROVE, A.RETURN, A.HIDE):
        product.review_since = None
    if action is A.APPROVE:
        product.producer.on_probation = False
    event = ListingEvent(
        product_id=product.id,
        at=now,
        actor_id=actor_id,
        action=action,
        state=state,
        reason=reason.strip(),
    )
    session.add(event)
    said = "product changed" if action in (A.SHOW, A.WITHDRAW) else f"listing {action}"
    details: dict[str, object] = {"listed": [was, product.listed]}
    record(session, said, f"product {product.id}", now, actor_id, details)
    session.flush()
    listing_moved.send(product, session=session, event=event, shown_before=was)
    return state


def decide(
    session: Session,
    product: Product,
    action: ListingAction,
    *,
    actor_id: int,
    now: datetime,
    reason: str = "",
) -> ListingState:
    """An operator's word on a listing, which it locks. Raises what `act` raises."""
    lock(session, product)
    return act(session, product, action, actor_id=actor_id, now=now, reason=reason)


def mark(product: Product) -> str:
    """What a page shows of a listing, and of where it stands, for its forms to say back: an
    operator's word is on what they have seen, to the last picture and price."""
    since = product.review_since.isoformat() if product.review_since else ""
    packs = [values.mark(values.pack_of(pack)) for pack in product.variants if pack.sold]
    photos = [(photo.key, photo.alt) for photo in product.photos]
    shown = digest(repr((values.mark(values.listing_of(product)), packs, photos)))
    return f"{state_of(product)} {since} {shown[:32]}"


def look(session: Session, product: Product) -> None:
    """Locks a listing, and reads anew all that is shown of it: `mark` is of this moment."""
    lock(session, product)
    for part in (Variant, ProductPhoto):
        whole = select(part).where(part.product_id == product.id)
        session.scalars(whole.execution_options(populate_existing=True)).all()


def same_again(session: Session, product: Product, action: ListingAction, actor_id: int) -> bool:
    """Whether the last thing done to the listing is this, by this account: the same tap twice."""
    last = latest_event(session, product.id)
    # What was shown and has changed since is looked at anew.
    done = last is not None and (last.action, last.actor_id) == (action, actor_id)
    return done and not (product.listed and product.review_since is not None)


def look_again(product: Product, now: datetime) -> None:
    """What buyers see has become something else: an operator looks at it again, afterwards."""
    if product.listed and product.review_since is None:
        product.review_since = now


def jumps(before: int, after: int) -> bool:
    """Whether a price (rupiah) has changed so much that it may be a slip, or another product."""
    return after >= before * PRICE_JUMP or after * PRICE_JUMP <= before


def approved_at(session: Session, product_id: int) -> datetime | None:
    """When an operator found the listing to be in order last; None: never yet."""
    return session.scalar(
        select(ListingEvent.at)
        .where(ListingEvent.product_id == product_id, ListingEvent.action == A.APPROVE)
        .order_by(ListingEvent.id.desc())
        .limit(1)
    )


def latest_event(session: Session, product_id: int) -> ListingEvent | None:
    """The last thing that was done to the listing; None: nothing since this is written down."""
    return session.scalar(
        select(ListingEvent)
        .where(ListingEvent.product_id == product_id)
        .order_by(ListingEvent.id.desc())
        .limit(1)
    )


def _seen_before(session: Session, product: Product) -> bool:
    shown = select(ListingEvent.id).where(
        ListingEvent.product_id == product.id, ListingEvent.action.in_([A.SHOW, A.APPROVE])
    )
    return session.scalar(shown.limit(1)) is not None
