"""Taking a buyer out of purchases: figures stay, and nothing that says whose they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import Select, case, exists, func, null, or_, select, update
from sqlalchemy.orm import Session

from ovop_market.accounts.personal import Whose
from ovop_market.accounts.services import record
from ovop_market.core.tokens import digest, secret_token
from ovop_market.orders.models import SAID, Allocation, Order, OrderEvent, OrderLine, Purchase
from ovop_market.orders.services.locks import lock_purchases
from ovop_market.orders.states import FINAL, Action, OrderState
from ovop_market.villages.models import Producer, Village

# Orders in these states are over: nobody needs the address any more.
OVER = FINAL | {OrderState.RECEIVED}
REGENCY_LENGTH = 5  # characters of 19.05
MOST_NAMED = 5  # orders that a refusal names


def refusals(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """Orders under way and complaints that are not decided."""
    rows = session.execute(
        select(Order.number, Order.state)
        .where(Order.purchase_id.in_(whose.purchase_ids), Order.state.not_in(OVER))
        .order_by(Order.id)
    ).all()
    open_ones = [row.number for row in rows if row.state is not OrderState.DISPUTED]
    disputed = [row.number for row in rows if row.state is OrderState.DISPUTED]
    found = []
    if open_ones:
        found.append(
            _(
                "Masih ada pesanan berjalan: %(numbers)s. Batalkan dulu, atau tunggu sampai barang"
                " Anda terima.",
                numbers=_listed(open_ones),
            )
        )
    if disputed:
        found.append(
            _(
                "Keluhan belum diputuskan: %(numbers)s. Tunggu keputusan pengelola.",
                numbers=_listed(disputed),
            )
        )
    return found


def _listed(numbers: Sequence[str]) -> str:
    more = ", …" if len(numbers) > MOST_NAMED else ""
    return ", ".join(numbers[:MOST_NAMED]) + more


def erase(session: Session, whose: Whose, now: datetime) -> list[str]:
    """Blanks all that names the buyers of these purchases; their links open nothing any more.

    Of the address the regency stays, which reach counts; the village itself only where it is the
    maker's own, which reach counts apart.
    """
    wanted = sorted(
        session.scalars(
            select(Purchase.id).where(
                Purchase.id.in_(whose.purchase_ids), Purchase.erased_at.is_(None)
            )
        )
    )
    if not wanted:
        return []
    lock_purchases(session, wanted)
    session.flush()
    for own in wanted:
        _blank(session, own, now)
        record(session, "purchase erased", f"purchase {own}", now, whose.user_id)
    of_these = select(Order.id).where(Order.purchase_id.in_(wanted))
    session.execute(
        update(Order)
        .where(Order.purchase_id.in_(wanted))
        .values(courier=None, tracking_number=None)
        .execution_options(synchronize_session=False)
    )
    # The database lets words of erased purchases go, and nothing else of a history.
    parcels = OrderEvent.action.in_((Action.SHIP, Action.TRACK))
    session.execute(
        update(OrderEvent)
        .where(OrderEvent.order_id.in_(of_these), or_(OrderEvent.reason.is_not(None), parcels))
        .values(reason=null(), details=case((parcels, null()), else_=OrderEvent.details))
        .execution_options(synchronize_session=False)
    )
    _drop_coordinators_words(session, of_these)
    session.expire_all()
    return []


def _drop_coordinators_words(session: Session, order_ids: Select[int]) -> None:
    """Why a household got its share stays as figures; what the coordinator wrote goes."""
    shares = session.execute(
        select(Allocation.id, Allocation.why)
        .join(OrderLine, OrderLine.id == Allocation.line_id)
        .where(OrderLine.order_id.in_(order_ids))
    ).all()
    for share in shares:
        if SAID in share.why:
            session.execute(
                update(Allocation)
                .where(Allocation.id == share.id)
                .values(why={name: what for name, what in share.why.items() if name != SAID})
                .execution_options(synchronize_session=False)
            )


def _blank(session: Session, purchase_id: int, now: datetime) -> None:
    at_home = exists().where(
        Order.purchase_id == purchase_id,
        Order.producer_id == Producer.id,
        Producer.village_id == Village.id,
        Village.region_code == Purchase.region_code,
    )
    regency = func.substr(Purchase.region_code, 1, REGENCY_LENGTH)
    session.execute(
        update(Purchase)
        .where(Purchase.id == purchase_id)
        .values(
            name="",
            phone="",
            email=None,
            street="",
            postal_code="",
            note="",
            region_code=case((at_home, Purchase.region_code), else_=regency),
            # A secret that nobody was ever given.
            token="",
            token_digest=digest(secret_token()),
            buyer_id=None,
            buyer_key=None,
            erased_at=now,
        )
        .execution_options(synchronize_session=False)
    )
