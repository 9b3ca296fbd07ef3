"""What a coordinator decides about the shares of a group's order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.catalogue.services import held_weeks, supplies
from ovop_market.catalogue.supply import Share, made_by, taken_from_stock
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, OutOfStock, Unusable
from ovop_market.orders import share_states
from ovop_market.orders.models import Allocation, Order, OrderEvent, OrderLine
from ovop_market.orders.services import allocating
from ovop_market.orders.services.asking_households import Rule, note, offer_shares
from ovop_market.orders.services.history import By
from ovop_market.orders.services.holds import give_back, held, hold_for
from ovop_market.orders.services.locks import lock
from ovop_market.orders.services.shares import accept_if_covered, offer_rest, said_before
from ovop_market.orders.share_states import ANSWERABLE, LIVE
from ovop_market.villages.acting import refuse_unless
from ovop_market.villages.policy import Duty


def share_out(
    session: Session,
    order: Order,
    by: By,
    now: datetime,
    *,
    packs: Mapping[tuple[int, int], int],
    reason: str,
    seen: Mapping[tuple[int, int], int] | None = None,
) -> OrderEvent:
    """The coordinator decides who makes how many: `packs` by line and offer; who is not named keeps
    its share. What is decided counts as taken; packs handed in stay.

    `seen` are the numbers that stood there: only what differs from them is decided, and somebody
    whose number has changed meanwhile is not decided about (409).

    Raises Unusable without a reason, or for packs that the households cannot make or nobody has
    ordered; MoveRefused when the order is over.
    """
    refuse_unless(session, by.user_id, [order.producer_id], Duty.OWN)
    lock(session, order)
    said = {
        "action": "share out",
        "packs": [[line_id, offer_id, n] for (line_id, offer_id), n in sorted(packs.items())],
    }
    done = said_before(session, order, by, said)
    if done is not None:
        return done
    packs = _decided(order, packs, seen or {})
    if order.state not in ANSWERABLE:
        raise MoveRefused(_("Pesanan ini sudah selesai dibagi. Muat ulang halamannya."))
    if not reason.strip():
        raise Unusable(_("Tulis alasannya, supaya anggota lain mengerti."), field="reason")
    allocating.lock_offers(session, order)
    wanted: dict[OrderLine, dict[int, int]] = {}
    for line in order.lines:
        wanted[line] = {o: n for (line_id, o), n in packs.items() if line_id == line.id}
        _fewer(session, order, line, wanted[line], by, now)
    more = {line: _more(line, many) for line, many in wanted.items()}
    _ask_more(session, order, more, by, now, reason.strip())
    event = note(session, order, said, by, now, reason=reason.strip(), own=True)
    accept_if_covered(session, order, by, now)
    return event


def offer_on(session: Session, order: Order, by: By, now: datetime) -> int:
    """Looks once more for households that make what nobody makes; how many packs are left."""
    refuse_unless(session, by.user_id, [order.producer_id], Duty.OWN)
    lock(session, order)
    if order.state not in ANSWERABLE:
        raise MoveRefused(_("Pesanan ini sudah selesai dibagi. Muat ulang halamannya."))
    allocating.lock_offers(session, order)
    return offer_rest(session, order, by, now)


def _decided(
    order: Order,
    packs: Mapping[tuple[int, int], int],
    seen: Mapping[tuple[int, int], int],
) -> dict[tuple[int, int], int]:
    """What the coordinator has changed on the page."""
    lines = {line.id: line for line in order.lines}
    changed = {key: n for key, n in packs.items() if n != seen.get(key)}
    for line_id, offer_id in changed:
        line = lines.get(line_id)
        known = seen.get((line_id, offer_id))
        if line is not None and known is not None and known != _packs_at(line, offer_id):
            raise Conflict(_("Pembagian ini baru saja berubah. Periksa angkanya, lalu bagi lagi."))
    return changed


def _fewer(
    session: Session, order: Order, line: OrderLine, many: Mapping[int, int], by: By, now: datetime
) -> None:
    """Takes from households what they are to make less."""
    freed: list[Share] = []
    changed: list[Allocation] = []
    for share in [s for s in line.allocations if s.state in share_states.OPEN]:
        if share.offer_id in many:
            others = _packs_at(line, share.offer_id) - share.packs
            keeps = min(max(many[share.offer_id] - others, 0), share.packs)
            if keeps < share.packs:
                freed += allocating.reduce(share, keeps)
                changed.append(share)
    give_back(session, order, freed, by, now)
    allocating.say_changed(session, order, changed, by, now)


def _more(line: OrderLine, many: Mapping[int, int]) -> dict[int, int]:
    """Packs by offer that households are to make besides what they have."""
    added = {o: n - _packs_at(line, o) for o, n in many.items() if n > _packs_at(line, o)}
    if held(line) + sum(added.values()) > line.agreed_quantity:
        raise Unusable(
            _("Dibagi lebih dari yang dipesan: %(n)d bungkus.", n=line.agreed_quantity),
            field=f"line-{line.id}",
        )
    return added


def _ask_more(
    session: Session,
    order: Order,
    more: Mapping[OrderLine, Mapping[int, int]],
    by: By,
    now: datetime,
    reason: str,
) -> None:
    """Holds the added packs at the households that the coordinator named."""
    today = clock.wib_date(now)
    means = supplies(session, [line.variant_id for line in more], today)
    by_offer = {s.offer_id: s for many in means.values() for s in many}
    weeks = held_weeks(session, list(by_offer), today)
    plans: dict[OrderLine, list[Share]] = {}
    for line, many in more.items():
        plans[line] = []
        for offer_id, packs in many.items():
            able = [by_offer[offer_id]] if offer_id in by_offer else []
            ready, rest = taken_from_stock(able, packs, today)
            made, rest = made_by(able, weeks, rest, today)
            if rest:
                raise OutOfStock(
                    _("Rumah ini hanya sanggup %(n)d bungkus lagi.", n=packs - rest),
                    field=f"packs-{line.id}-{offer_id}",
                )
            plans[line] += ready + made
    holds = hold_for(session, plans, order, now)
    offer_shares(
        session, order, holds, plans, by_offer, by, now, rule=Rule.COORDINATOR, reason=reason
    )


def _packs_at(line: OrderLine, offer_id: int) -> int:
    live = [s for s in line.allocations if s.offer_id == offer_id and s.state in LIVE]
    return sum(share.packs for share in live)
