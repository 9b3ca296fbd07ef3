"""How the orders of the demo's past went on: who did what, after how many hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random

from ovop_market.core import clock
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.seeds import demo_buyers
from ovop_market.seeds.demo_drafts import Draft

_AWAKE = time(7)
_DECLINES = (
    "Maaf, minggu ini pesanan sudah penuh.",
    "Bahan sedang kosong, rotannya belum datang.",
    "Cumi dan udang sedang sepi karena ombak besar.",
    "Maaf, sedang ada hajatan di rumah.",
)
_CANCELS = ("Tidak jadi, acaranya ditunda.", "Salah pilih ukuran.", "Sudah beli di tempat lain.")
_REVOKES = ("Freezer rusak, penjual tidak bisa memenuhi.", "Kurir berhenti beroperasi minggu ini.")


@dataclass(slots=True)
class People:
    """Accounts that act in the histories: staff by producer, and the operator."""

    staff: dict[int, int]
    operator_id: int


class Script:
    """Plays one draft until it is over, or until the present comes in between."""

    def __init__(self, draft: Draft, people: People, rng: Random) -> None:
        self.draft = draft
        self.rng = rng
        self.at = draft.placed_at
        self.people = people
        self.staff = people.staff.get(draft.product.producer_id)

    def play(self, now: datetime) -> None:
        """Ends early, with the order as it stands, when the next thing lies after `now`."""
        self.now = now
        self.draft.place()
        if self._answered() and self._paid() and self._left():
            self._arrived()

    def _later(self, least: float, most: float) -> bool:
        """Lets hours pass (people sleep), and says whether that moment has come."""
        at = self.at + timedelta(hours=self.rng.uniform(least, most))
        local = clock.wib(at)
        if local.time() < _AWAKE:
            local = local.replace(hour=_AWAKE.hour, minute=local.minute // 2 + local.hour)
        self.at = max(self.at + timedelta(minutes=4), local.astimezone(at.tzinfo))
        return self.at <= self.now

    def _wait_until(self, moment: datetime) -> bool:
        self.at = max(self.at, moment)
        return self.at <= self.now

    def _do(self, action: Action, actor: Actor, **more: object) -> None:
        by = {
            Actor.PRODUCER: self.staff,
            Actor.BUYER: self.draft.buyer_id,
            Actor.OPERATOR: self.people.operator_id,
            Actor.CLOCK: None,
        }[actor]
        self.draft.do(action, actor, self.at, by, **more)  # type: ignore[arg-type]

    def _answered(self) -> bool:
        """Whether the producer took it."""
        draft, luck = self.draft, self.rng.random()
        if draft.state is OrderState.ACCEPTED:
            return True
        if luck < 0.025:
            if self._wait_until(draft.placed_at + timedelta(hours=24)):
                self._do(Action.LAPSE, Actor.CLOCK)
            return False
        if not self._later(0.2, 15):
            return False
        if luck < 0.075:
            self._do(Action.DECLINE, Actor.PRODUCER, reason=self.rng.choice(_DECLINES))
            return False
        if luck < 0.13:
            return self._bargained()
        self._do(Action.ACCEPT, Actor.PRODUCER, details={"ready_by": draft.ready_by.isoformat()})
        return True

    def _bargained(self) -> bool:
        draft = self.draft
        draft.offered_ready_by = draft.ready_by + timedelta(days=self.rng.randint(2, 6))
        self._do(
            Action.COUNTER,
            Actor.PRODUCER,
            details={"ready_by": draft.offered_ready_by.isoformat()},
        )
        if not self._later(0.5, 16):
            return False
        draft.ready_by, draft.offered_ready_by = draft.offered_ready_by, None
        self._do(Action.AGREE, Actor.BUYER, details={"total": draft.total})
        return True

    def _paid(self) -> bool:
        """Whether the gate before preparing opened."""
        draft, luck = self.draft, self.rng.random()
        if draft.cash:
            return True
        if luck < 0.03:
            if self._wait_until(self.at + timedelta(hours=72)):
                self._do(Action.LAPSE, Actor.CLOCK)
            return False
        if not self._later(0.1, 20):
            return False
        if luck < 0.055:
            self._do(Action.CANCEL, Actor.BUYER, reason=self.rng.choice(_CANCELS))
            return False
        draft.claim(self.at, demo_buyers.reference(self.rng, draft.buyer.name))
        return self._confirmed(revoked=luck < 0.065)

    def _confirmed(self, *, revoked: bool) -> bool:
        if not self._later(0.2, 9):
            return False
        self.draft.confirm(self.at, self.people.operator_id)
        if revoked and self._later(4, 20):
            self._do(Action.REVOKE, Actor.OPERATOR, reason=self.rng.choice(_REVOKES))
            return False
        return True

    def _left(self) -> bool:
        """Whether the parcel left the house, or was fetched."""
        draft = self.draft
        made = not draft.plan.from_stock
        if made:
            if not self._later(1, 24):
                return False
            self._do(Action.START, Actor.PRODUCER)
            day_before = clock.start_of_day(draft.ready_by) - timedelta(hours=10)
            if not self._wait_until(day_before) or not self._later(0, 12):
                return False
        elif not self._later(1, 22):
            return False
        self._do(Action.FINISH, Actor.PRODUCER)
        if draft.collection_point_id is not None:
            if self._later(3, 50):
                self._do(Action.HAND_OVER, Actor.PRODUCER)
            return False
        if not self._later(1, 20):
            return False
        draft.courier = draft.courier or "Kurir"
        draft.tracking_number = f"CONTOH{self.rng.randint(0, 10**8):08d}"
        self._do(
            Action.SHIP,
            Actor.PRODUCER,
            details={"courier": draft.courier, "tracking_number": draft.tracking_number},
        )
        return True

    def _arrived(self) -> None:
        shipped_at = self.at
        first, last = self.draft.transit
        days = self.rng.uniform(max(first, 0.2), max(last, 0.5))
        if self.rng.random() < 0.3 or days > 6:
            if self._wait_until(shipped_at + timedelta(days=7)):
                self._do(Action.RECEIVE, Actor.CLOCK)
        elif self._later(days * 24, days * 24 + 10):
            self._do(Action.RECEIVE, Actor.BUYER)
