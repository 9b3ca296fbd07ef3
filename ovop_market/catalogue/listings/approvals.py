"""What of a listing was approved, and what has become different since.

An operator's look is on a name, a kind, texts, packs with their prices, and pictures. What is there
later is held against that, however it came about: in small steps, while nobody saw it, or by packs
that take the place of others. Only what is new counts: a pack that is sold no more and a picture
that is gone need no look, and none when they come back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.catalogue.listings.models import ListingApproval
from ovop_market.catalogue.listings.values import Looked, looked_at
from ovop_market.catalogue.models import Product

# A price that is so many times what it was, or so small a part of it, is looked at.
PRICE_JUMP = 2


class Part(StrEnum):
    """What is looked at in a listing."""

    NAME = "name"
    KIND = "kind"
    TEXT = "text"
    PACK = "pack"
    PRICE = "price"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Change:
    """A part that is not what was approved. `pack`: the name of the pack that it is about; `was`:
    what was there (a price in rupiah), where that is known and was anything."""

    part: Part
    pack: str = ""
    was: str | int | None = None


def changes(approved: Looked, now: Looked) -> list[Change]:
    """What is there now and was not approved."""
    found = []
    if now["name"] != approved["name"]:
        found.append(Change(Part.NAME, was=approved["name"]))
    if now["category"] != approved["category"]:
        found.append(Change(Part.KIND, was=approved["category"]))
    if now["text"] != approved["text"]:
        found.append(Change(Part.TEXT))
    for pack_id, (name, price) in now["packs"].items():
        if pack_id not in approved["packs"]:
            found.append(Change(Part.PACK, name))
            continue
        was, cost = approved["packs"][pack_id]
        if name != was:
            found.append(Change(Part.PACK, name, was))
        if jumps(cost, price):
            found.append(Change(Part.PRICE, name, cost))
    if not set(now["pictures"]) <= set(approved["pictures"]):
        found.append(Change(Part.PICTURE))
    return found


def jumps(before: int, after: int) -> bool:
    """Whether a price (rupiah) has changed so much that it may be a slip, or another product."""
    return after >= before * PRICE_JUMP or after * PRICE_JUMP <= before


def known(session: Session, ids: Sequence[int]) -> Mapping[int, Looked]:
    """What was approved of these listings, where that is known. One statement."""
    rows = session.execute(
        select(ListingApproval.product_id, ListingApproval.looked).where(
            ListingApproval.product_id.in_(ids)
        )
    )
    return dict(iter(rows))


def differs(session: Session, product: Product) -> bool:
    """Whether an operator has yet to look at what is there now. The product is locked."""
    approved = known(session, [product.id]).get(product.id)
    return approved is None or bool(changes(approved, looked_at(product)))


def note(session: Session, product: Product) -> None:
    """Before a listing is changed: one that is shown and waits for no look is approved as it is,
    also if it is from before approvals were kept."""
    approved = product.listed and product.review_since is None
    if approved and not known(session, [product.id]):
        keep(session, product.id, looked_at(product))


def keep(session: Session, product_id: int, looked: Looked | None) -> None:
    """From now on this is what was approved of a listing that is locked; None: nothing."""
    row = session.get(ListingApproval, product_id, populate_existing=True)
    if looked is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(ListingApproval(product_id=product_id, looked=looked))
    else:
        row.looked = looked
    session.flush()
