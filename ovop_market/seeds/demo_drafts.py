"""Orders of the past, drafted in memory by the same state tables that rule the real ones.

A draft does what orders.services.lifecycle and payments.services do, without a database, so that
hundreds of histories can be written at once and are as coherent as if they had happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ovop_market.catalogue.models import Product, StockKind, StockReason, Variant
from ovop_market.catalogue.supply import Plan, Share
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.states import Action, Actor, Condition, Facts, OrderState, move, timer_of
from ovop_market.payments.states import OPEN, PaymentAction, PaymentState, payment_after
from ovop_market.seeds.demo_buyers import Buyer
from ovop_market.seeds.demo_places import Address


@dataclass(frozen=True, slots=True)
class Movement:
    """A stock movement to be written; see catalogue.models.StockMovement."""

    offer_id: int
    kind: StockKind
    week: date | None
    change: int
    reason: StockReason
    at: datetime
    order_number: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An order event to be written."""

    at: datetime
    actor: Actor
    actor_id: int | None
    action: Action
    state: OrderState
    reason: str | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A payment event to be written."""

    at: datetime
    actor: Actor
    actor_id: int | None
    action: PaymentAction
    state: PaymentState


@dataclass(slots=True)
class Bill:
    """The payment of a draft, or None of it when it is paid in cash."""

    asked_at: datetime
    state: PaymentState = PaymentState.ASKED
    claimed_at: datetime | None = None
    reference: str | None = None
    confirmed_by: int | None = None
    notes: list[Note] = field(default_factory=list)

    def do(self, action: PaymentAction, actor: Actor, at: datetime, by: int | None = None) -> None:
        """Moves it along its table. Raises MoveRefused."""
        self.state = payment_after(self.state, action)
        self.notes.append(Note(at, actor, by, action, self.state))


@dataclass(slots=True)
class Draft:
    """A purchase of one line from one producer. Amounts are rupiah."""

    number: str
    placed_at: datetime
    buyer: Buyer
    buyer_id: int | None
    address: Address
    method: PaymentMethod
    note: str
    product: Product
    variant: Variant
    quantity: int
    plan: Plan
    service_id: int | None
    collection_point_id: int | None
    shipping: int
    # Days on the way, at least and at most.
    transit: tuple[int, int]
    ready_by: date
    state: OrderState = OrderState.PLACED
    due_at: datetime | None = None
    offered_ready_by: date | None = None
    paid: int = 0
    courier: str | None = None
    tracking_number: str | None = None
    fulfilled_from: datetime | None = None
    received_at: datetime | None = None
    released: bool = False
    refund_due_at: datetime | None = None
    bill: Bill | None = None
    events: list[Event] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)

    @property
    def goods(self) -> int:
        return self.variant.price * self.quantity

    @property
    def total(self) -> int:
        return self.goods + self.shipping

    @property
    def cash(self) -> bool:
        return self.method is PaymentMethod.COD

    def place(self) -> None:
        """The first event, with the stock that is held from then on."""
        if self.plan.from_stock:
            self.state = OrderState.ACCEPTED
        for share in self.plan.shares:
            self.movements.append(self._movement(share, StockReason.HELD, self.placed_at))
        self._record(
            Action.PLACE,
            Actor.BUYER,
            self.placed_at,
            self.buyer_id,
            details={"from_stock": self.plan.from_stock},
        )
        self._ask(self.placed_at)

    def do(
        self,
        action: Action,
        actor: Actor,
        at: datetime,
        by: int | None = None,
        *,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Moves the order along its table, with all that follows. Raises MoveRefused."""
        step = move(self.state, action, actor, self._facts(at))
        self.state = step.target
        if step.target is OrderState.RECEIVED:
            self.fulfilled_from = self.fulfilled_from or at
            self.received_at = self.received_at or at
            self.paid = self.total if self.cash else self.paid
        if step.target is OrderState.SHIPPED:
            self.fulfilled_from = at
        if step.releases:
            self.released = True
            for share in self.plan.shares:
                self.movements.append(self._movement(share, StockReason.RELEASED, at))
        self._record(action, actor, at, by, reason=reason, details=details)
        if step.refunds and self.bill and self.bill.state in OPEN:
            self.bill.do(PaymentAction.LAPSE, Actor.CLOCK, at)
        if step.refunds and self.paid:
            self.refund_due_at = at
        self._ask(at)

    def claim(self, at: datetime, reference: str) -> None:
        """The buyer says that the money is on its way."""
        assert self.bill is not None
        self.bill.do(PaymentAction.CLAIM, Actor.BUYER, at, self.buyer_id)
        self.bill.claimed_at, self.bill.reference = at, reference
        # It does not lapse while that is being looked at.
        self.due_at = None

    def confirm(self, at: datetime, operator_id: int) -> None:
        """The operator has seen the money."""
        assert self.bill is not None
        self.bill.do(PaymentAction.CONFIRM, Actor.OPERATOR, at, operator_id)
        self.bill.confirmed_by = operator_id
        self.paid = self.total
        self.events.append(
            Event(
                at,
                Actor.OPERATOR,
                operator_id,
                Action.PAY,
                self.state,
                details={"amount": self.total},
            )
        )
        self.due_at = None

    def _ask(self, at: datetime) -> None:
        if self.state is OrderState.ACCEPTED and not self.cash and self.bill is None:
            self.bill = Bill(asked_at=at)
            note = Note(at, Actor.CLOCK, None, PaymentAction.ASK, PaymentState.ASKED)
            self.bill.notes.append(note)

    def _record(
        self,
        action: Action,
        actor: Actor,
        at: datetime,
        by: int | None,
        *,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.events.append(Event(at, actor, by, action, self.state, reason, details))
        timer = timer_of(self.state)
        waits = self.state is not OrderState.ACCEPTED or self._facts(at).meet(
            Condition.AWAITING_MONEY
        )
        self.due_at = at + timer.due if timer and waits else None

    def _facts(self, at: datetime) -> Facts:
        return Facts(
            paid=self.paid >= self.total,
            cash=self.cash,
            by_courier=self.service_id is not None,
            received_at=self.received_at,
            now=at,
        )

    def _movement(self, share: Share, reason: StockReason, at: datetime) -> Movement:
        taken = share.quantity if reason is StockReason.HELD else -share.quantity
        change = -taken if share.kind is StockKind.READY else taken
        return Movement(share.offer_id, share.kind, share.week, change, reason, at, self.number)
