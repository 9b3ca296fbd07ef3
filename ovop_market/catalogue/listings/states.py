"""What becomes of a listing between its producer and an operator, as data.

| the listing is | listed | review | looked at |
| --- | --- | --- | --- |
| a draft: the producer's own | no | none | |
| submitted: an operator looks before buyers do | no | submitted | |
| returned: with what to mend | no | returned | |
| shown | yes | none | review_since: not since it was shown or changed |
| hidden by an operator | no | hidden | |
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ovop_market.catalogue.models import Product, Review
from ovop_market.core.moves import after


class ListingState(StrEnum):
    """Where a listing stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    SHOWN = "shown"
    HIDDEN = "hidden"


class ListingAction(StrEnum):
    """What is done to a listing."""

    SUBMIT = "submit"
    SHOW = "show"
    WITHDRAW = "withdraw"
    # By operators: shown, or found to be in order; turned back; hidden.
    APPROVE = "approve"
    RETURN = "return"
    HIDE = "hide"
    # What an operator did a moment ago is taken back.
    RECALL = "recall"
    REOPEN = "reopen"
    UNHIDE = "unhide"


S, A = ListingState, ListingAction
MOVES: Mapping[tuple[ListingState, ListingAction], ListingState] = {
    (S.DRAFT, A.SHOW): S.SHOWN,
    (S.DRAFT, A.SUBMIT): S.SUBMITTED,
    (S.RETURNED, A.SUBMIT): S.SUBMITTED,
    (S.HIDDEN, A.SUBMIT): S.SUBMITTED,
    (S.SUBMITTED, A.WITHDRAW): S.DRAFT,
    (S.SHOWN, A.WITHDRAW): S.DRAFT,
    (S.SUBMITTED, A.APPROVE): S.SHOWN,
    (S.SHOWN, A.APPROVE): S.SHOWN,
    (S.SUBMITTED, A.RETURN): S.RETURNED,
    (S.SHOWN, A.HIDE): S.HIDDEN,
    (S.SHOWN, A.RECALL): S.SUBMITTED,
    (S.SHOWN, A.REOPEN): S.SHOWN,
    (S.HIDDEN, A.UNHIDE): S.SHOWN,
}
# Whoever is told no is told why.
WITH_REASON = frozenset({A.RETURN, A.HIDE})
OWN = frozenset({A.SUBMIT, A.SHOW, A.WITHDRAW})
# An operator's word, by whether it keeps the listing from buyers: until the next one, whatever its
# producer does in between.
KEEPS_BACK: Mapping[ListingAction, bool] = {
    A.RETURN: True,
    A.HIDE: True,
    A.RECALL: True,
    A.APPROVE: False,
    A.UNHIDE: False,
}


def state_of(product: Product) -> ListingState:
    """Where the listing stands."""
    if product.listed:
        return S.SHOWN
    return S.DRAFT if product.review is None else ListingState(product.review)


def review_in(state: ListingState) -> Review | None:
    """What `Product.review` says in this state."""
    return Review(state) if str(state) in set(Review) else None


def listing_after(state: ListingState, action: ListingAction) -> ListingState:
    """The state that the action leads to. Raises MoveRefused when there is no such move."""
    return after(MOVES, state, action, "a listing")
