"""Who shows a listing to buyers: its producer, an operator, or both, one after the other.

The first listing of a producer who has just come is looked at before buyers see it. After that,
listings are shown at once and looked at afterwards, whenever they are not what was approved. An
operator hides what must not be sold, and says why; its producer mends it and submits it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.catalogue.listings import approvals, values
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


def lock(session: Session, product: Product) -> None:
    """Whoever changes a product, its packs or its pictures does so after the others.

    Orders that point to it need not wait.
    """
    one = select(Product.id).where(Product.id == product.id)
    session.execute(one.with_for_update(key_share=True))
    session.refresh(product)


def look(session: Session, product: Product) -> None:
    """Locks a listing, and reads anew all that is shown of it: what is held against what was seen,
    or was approved, is of this moment."""
    lock(session, product)
    for part in (Variant, ProductPhoto):
        whole = select(part).where(part.product_id == product.id)
        session.scalars(whole.execution_options(populate_existing=True)).all()


@contextmanager
def changing(session: Session, product: Product, now: datetime) -> Iterator[None]:
    """For whoever changes what buyers read or see of a listing: locks it, and when it is shown and
    no longer what was approved, an operator looks at it again, afterwards."""
    look(session, product)
    approvals.note(session, product)
    yield
    session.flush()
    session.expire(product, ["variants", "photos"])
    if product.listed and product.review_since is None and approvals.differs(session, product):
        product.review_since = now
        session.flush()


def offer(session: Session, product: Product, *, actor_id: int, now: datetime) -> ListingState:
    """Its producer wants buyers to see it: they do at once, or an operator looks first; returns
    which of the two. The product is locked (`look`)."""
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
    """Does something to a listing that is locked (`look`); returns where it stands then. The one
    writer of what is shown.

    Raises MoveRefused when there is no such move (any more), Unusable for a missing reason.
    """
    if action in WITH_REASON and not reason.strip():
        raise Unusable(_("Tulis alasannya: penjual membacanya."), field="reason")
    was = product.listed
    approvals.note(session, product)
    try:
        state = listing_after(state_of(product), action)
    except MoveRefused as refused:
        raise MoveRefused(
            _("Keadaan %(product)s sudah berubah. Periksa lagi.", product=product.name),
            **refused.details,
        ) from None
    product.listed, product.review = state is S.SHOWN, review_in(state)
    if action in (A.SUBMIT, A.RECALL):
        product.review_since = now
    elif action in (A.SHOW, A.UNHIDE) and approvals.differs(session, product):
        # Whoever waited already goes on waiting.
        product.review_since = product.review_since or now
    elif action in (A.APPROVE, A.RETURN, A.HIDE):
        product.review_since = None
    if action is A.APPROVE:
        approvals.keep(session, product.id, values.looked_at(product))
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
    look(session, product)
    return act(session, product, action, actor_id=actor_id, now=now, reason=reason)


def mark(product: Product) -> str:
    """What a page shows of a listing, and of where it stands, for its forms to say back: an
    operator's word is on what they have seen, to the last picture and price."""
    since = product.review_since.isoformat() if product.review_since else ""
    packs = [values.mark(values.pack_of(pack)) for pack in product.variants if pack.sold]
    photos = [(photo.key, photo.alt) for photo in product.photos]
    shown = digest(repr((values.mark(values.listing_of(product)), packs, photos)))
    return f"{state_of(product)} {since} {shown[:32]}"


def same_again(session: Session, product: Product, action: ListingAction, actor_id: int) -> bool:
    """Whether the last thing done to the listing is this, by this account: the same tap twice."""
    last = latest_event(session, product.id)
    # What was shown and has changed since is looked at anew.
    done = last is not None and (last.action, last.actor_id) == (action, actor_id)
    return done and not (product.listed and product.review_since is not None)


def latest_event(session: Session, product_id: int) -> ListingEvent | None:
    """The last thing that was done to the listing; None: nothing since this is written down."""
    return session.scalar(
        select(ListingEvent)
        .where(ListingEvent.product_id == product_id)
        .order_by(ListingEvent.id.desc())
        .limit(1)
    )
