"""Stock and capacity of the demo's past, kept in memory by the arithmetic of catalogue.supply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from ovop_market.catalogue.models import Offer, StockKind, StockReason, Variant
from ovop_market.catalogue.supply import Plan, Supply, from_stock, to_be_made
from ovop_market.core.clock import wib_date
from ovop_market.seeds.demo_drafts import Movement


@dataclass(slots=True)
class Shelf:
    """An offer: `usual` is how many packs are ready when it has just been filled up."""

    offer_id: int
    usual: int
    weekly: int
    lead: int
    ready: int


@dataclass(slots=True)
class Shelves:
    """All offers by variant, and the movements that no order caused."""

    by_variant: dict[int, list[Shelf]] = field(default_factory=dict)
    held: dict[tuple[int, date], int] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)

    @classmethod
    def of(cls, stock: Iterable[tuple[Offer, int]]) -> Shelves:
        """The shelves as they were opened."""
        shelves = cls()
        for offer, ready in stock:
            shelf = Shelf(offer.id, ready, offer.weekly_capacity, offer.lead_days, ready)
            shelves.by_variant.setdefault(offer.variant_id, []).append(shelf)
        return shelves

    def plan(self, variant: Variant, quantity: int, at: datetime, rng: Random) -> Plan | None:
        """How an order would be supplied. What is sold from stock alone is filled up in time."""
        shelves, today = self.by_variant[variant.id], wib_date(at)
        to_order = variant.product.made_to_order
        low = sum(s.ready for s in shelves) < max(quantity, sum(s.usual for s in shelves) // 3)
        if low and (not to_order or rng.random() < 0.5):
            self._fill_up(shelves, quantity if not to_order else 0, at - timedelta(seconds=30))
        supplies = [Supply(s.offer_id, s.ready, s.weekly, s.lead) for s in shelves]
        found = from_stock(supplies, quantity, today)
        if found is None and to_order:
            found = to_be_made(supplies, self.held, quantity, today)
        return found

    def take(self, plan: Plan, variant: Variant, sign: int = 1) -> None:
        """Holds the plan's shares, or gives them back (`sign` -1)."""
        shelves = {shelf.offer_id: shelf for shelf in self.by_variant[variant.id]}
        for share in plan.shares:
            if share.kind is StockKind.READY:
                shelves[share.offer_id].ready -= sign * share.quantity
            else:
                assert share.week is not None
                key = (share.offer_id, share.week)
                self.held[key] = self.held.get(key, 0) + sign * share.quantity

    def close(self, at: datetime) -> None:
        """Brings every shelf back to what is usual, as a household does on a quiet evening."""
        for shelf in self.shelves():
            self._change(shelf, shelf.usual - shelf.ready, at)

    def shelves(self) -> Iterator[Shelf]:
        for shelves in self.by_variant.values():
            yield from shelves

    def _fill_up(self, shelves: list[Shelf], least: int, at: datetime) -> None:
        for shelf in shelves:
            # A big order of what is sold from stock alone was agreed on and made before.
            more = least if len(shelves) == 1 else 0
            self._change(shelf, max(shelf.usual, more) - shelf.ready, at)

    def _change(self, shelf: Shelf, change: int, at: datetime) -> None:
        if change:
            reason = StockReason.MADE if change > 0 else StockReason.COUNTED
            shelf.ready += change
            self.movements.append(
                Movement(shelf.offer_id, StockKind.READY, None, change, reason, at)
            )
