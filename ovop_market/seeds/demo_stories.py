"""The orders that are under way on the day of planting: at least one in every state.

Each story goes through the real services, at moments of the last days: so stock, payments, events
and notices are exactly what they would be if people had done it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.orders.models import Order, PaymentMethod, Purchase
from ovop_market.orders.services import cart as carts
from ovop_market.orders.services import checkout, lifecycle
from ovop_market.orders.services.checkout import Details
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.payments.models import Payment, Refund
from ovop_market.payments.services import claims, corrections, payouts, receiving, refunds
from ovop_market.payments.states import RefundKind
from ovop_market.seeds.demo_buyers import reference
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_places import Address, Places
from ovop_market.seeds.demo_producers import ACCOUNTS, invented_phone
from ovop_market.seeds.demo_story_list import STORIES, Step, Story

# How long ago the operator has put into a batch what was due then.
_BATCH_MADE = timedelta(hours=26)
# Between those of producers and those of the buyers of the last two years.
_FIRST_PHONE = 500
_ACTIONS: Mapping[str, tuple[Action, Actor]] = {
    "accept": (Action.ACCEPT, Actor.PRODUCER),
    "decline": (Action.DECLINE, Actor.PRODUCER),
    "lapse": (Action.LAPSE, Actor.CLOCK),
    "cancel": (Action.CANCEL, Actor.BUYER),
    "revoke": (Action.REVOKE, Actor.OPERATOR),
    "start": (Action.START, Actor.PRODUCER),
    "finish": (Action.FINISH, Actor.PRODUCER),
    "dispute": (Action.DISPUTE, Actor.BUYER),
}


@dataclass(slots=True)
class Teller:
    """Tells the stories, step by step, in the order in which they happened."""

    session: Session
    market: Market
    places: Places
    rng: Random
    purchases: dict[int, Purchase] = field(default_factory=dict)
    # By the name of the buyer.
    phones: dict[str, str] = field(default_factory=dict)

    def tell(self, now: datetime) -> int:
        """Tells all stories as of `now`; returns how many there were."""
        steps = [(story, step) for story in STORIES for step in story.all_steps()]
        batch: datetime | None = now - _BATCH_MADE
        for story, step in sorted(steps, key=lambda pair: -pair[1].hours_ago):
            at = now - timedelta(hours=step.hours_ago)
            if batch is not None and at > batch:
                self._make_batch(batch)
                batch = None
            self._take(story, step, at)
        self.session.flush()
        return len(STORIES)

    def _take(self, story: Story, step: Step, at: datetime) -> None:
        if step.verb == "place":
            self.purchases[id(story)] = self._place(story, at)
            return
        order = self._order(story, step.producer)
        if step.verb in _ACTIONS:
            action, actor = _ACTIONS[step.verb]
            by = self._by(actor, order, story)
            lifecycle.act(self.session, order, action, by, at, reason=step.text)
        else:
            _VERBS[step.verb](self, story, order, step, at)

    def _order(self, story: Story, producer: str | None) -> Order:
        orders = self.purchases[id(story)].orders
        return next(o for o in orders if producer is None or o.producer.slug == producer)

    def _place(self, story: Story, at: datetime) -> Purchase:
        cart = carts.create(self.session, self.rng.randbytes(24).hex(), at)
        for line in story.lines:
            variant = self.market.products[line.product].variants[line.variant]
            carts.add(self.session, cart, variant, line.quantity, at)
        return checkout.place(
            self.session,
            cart,
            self._details(story),
            submission=self.rng.randbytes(32).hex(),
            buyer_id=self._buyer_id(story),
            now=at,
        )

    def _details(self, story: Story) -> Details:
        address: Address = self.places.first_of(story.regency)
        producers = [self.market.products[line.product].producer.slug for line in story.lines]
        ways = [story.ways[min(n, len(story.ways) - 1)] for n in range(len(story.lines))]
        return Details(
            name=story.name,
            phone=self._phone(story.name),
            email=story.login,
            region_code=address.code,
            street=story.street,
            postal_code=address.postal_code,
            note=story.note,
            payment_method=PaymentMethod.COD if story.cash else PaymentMethod.TRANSFER,
            delivery=dict(zip(producers, ways, strict=True)),
        )

    def _phone(self, name: str) -> str:
        """The same for the same person, and nobody else's."""
        return self.phones.setdefault(name, invented_phone(_FIRST_PHONE + len(self.phones)))

    def _buyer_id(self, story: Story) -> int | None:
        return self.market.users[story.login].id if story.login else None

    def _by(self, actor: Actor, order: Order, story: Story) -> By:
        staff = {a.producer: self.market.users[a.login].id for a in ACCOUNTS if a.producer}
        return By(
            actor,
            {
                Actor.BUYER: self._buyer_id(story),
                Actor.PRODUCER: staff.get(order.producer.slug),
                Actor.OPERATOR: self.operator_id,
                Actor.CLOCK: None,
            }[actor],
        )

    @property
    def operator_id(self) -> int:
        return self.market.users["operator@ovop.example"].id

    def _payment(self, order: Order) -> Payment:
        payment = self.session.scalar(
            select(Payment)
            .where(Payment.purchase_id == order.purchase_id)
            .order_by(Payment.id.desc())
            .limit(1)
        )
        assert payment is not None  # the story would not have come to this
        return payment

    def _counter(self, story: Story, order: Order, step: Step, at: datetime) -> None:
        """Fewer packs where the step says how many, or three days more."""
        lifecycle.counter(
            self.session,
            order,
            self._by(Actor.PRODUCER, order, story),
            at,
            quantities={order.lines[0].id: step.number} if step.number else {},
            ready_by=order.ready_by + timedelta(days=3),
        )

    def _agree(self, story: Story, order: Order, _step: Step, at: datetime) -> None:
        lifecycle.agree(self.session, order, self._by(Actor.BUYER, order, story), at)

    def _claim(self, story: Story, order: Order, _step: Step, at: datetime) -> None:
        claims.claim(
            self.session,
            self._payment(order),
            at,
            reference=reference(self.rng, story.name),
            proof_key=None,
            by=self._by(Actor.BUYER, order, story),
        )

    def _confirm(self, _story: Story, order: Order, step: Step, at: datetime) -> None:
        """What was asked, or so much more as the step says."""
        payment = self._payment(order)
        amount = payment.amount + step.number if step.number else None
        by = By(Actor.OPERATOR, self.operator_id)
        receiving.confirm(self.session, payment, by, at, amount=amount)

    def _take_back(self, _story: Story, order: Order, step: Step, at: datetime) -> None:
        corrections.take_back(
            self.session,
            self._payment(order),
            By(Actor.OPERATOR, self.operator_id),
            at,
            reason=step.text or "",
        )

    def _reject(self, _story: Story, order: Order, step: Step, at: datetime) -> None:
        claims.reject(
            self.session, self._payment(order), self.operator_id, at, reason=step.text or ""
        )

    def _ship(self, story: Story, order: Order, _step: Step, at: datetime) -> None:
        assert order.service is not None
        lifecycle.ship(
            self.session,
            order,
            self._by(Actor.PRODUCER, order, story),
            at,
            courier=order.service.courier,
            tracking_number=f"CONTOH{self.rng.randint(0, 10**8):08d}",
        )

    def _hand_over(self, story: Story, order: Order, _step: Step, at: datetime) -> None:
        lifecycle.hand_over(self.session, order, self._by(Actor.PRODUCER, order, story), at)

    def _receive(self, story: Story, order: Order, _step: Step, at: datetime) -> None:
        lifecycle.receive(self.session, order, self._by(Actor.BUYER, order, story), at)

    def _settle(self, story: Story, order: Order, step: Step, at: datetime) -> None:
        """For the buyer where the step gives a reason, else for the producer."""
        lifecycle.settle(
            self.session,
            order,
            self._by(Actor.OPERATOR, order, story),
            at,
            for_buyer=step.text is not None,
            reason=step.text,
        )

    def _make_batch(self, at: datetime) -> None:
        """What was due on that day has been put into a batch, and waits to be sent."""
        payouts.make_batch(self.session, By(Actor.OPERATOR, self.operator_id), at)

    def _give_back(self, _story: Story, order: Order, step: Step, at: datetime) -> None:
        """A part of the price."""
        refunds.owe_part(
            self.session,
            order,
            RefundKind.GOODS,
            step.number or 0,
            By(Actor.OPERATOR, self.operator_id),
            at,
            reason=step.text or "",
        )

    def _name_destination(self, _story: Story, order: Order, step: Step, at: datetime) -> None:
        refund = self.session.scalars(
            select(Refund).where(Refund.purchase_id == order.purchase_id)
        ).one()
        refunds.name_destination(self.session, refund, step.text or "", at)

    def _refund(self, _story: Story, order: Order, _step: Step, at: datetime) -> None:
        refund = self.session.scalars(select(Refund).where(Refund.order_id == order.id)).one()
        refunds.send(
            self.session, refund, self.operator_id, at, reference="BRI, sudah dikirim kembali"
        )


_VERBS: Mapping[str, Callable[[Teller, Story, Order, Step, datetime], None]] = {
    "counter": Teller._counter,
    "agree": Teller._agree,
    "claim": Teller._claim,
    "confirm": Teller._confirm,
    "take_back": Teller._take_back,
    "reject": Teller._reject,
    "ship": Teller._ship,
    "hand_over": Teller._hand_over,
    "receive": Teller._receive,
    "settle": Teller._settle,
    "give_back": Teller._give_back,
    "destination": Teller._name_destination,
    "refund": Teller._refund,
}
