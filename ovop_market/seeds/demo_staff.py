"""Who helps the demo's producers: somebody who packs for the group of Belo Laut, and somebody who
has been asked to and has not answered yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ovop_market.accounts import services as accounts
from ovop_market.accounts.models import Role
from ovop_market.seeds.demo_market import Market
from ovop_market.seeds.demo_producers import GROUP, PASSWORD
from ovop_market.villages import staff_services
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole

COORDINATOR, PACKER = "produsen@ovop.example", "pengemas@ovop.example"
ASKED = "+6281234500017"
HELPS_FOR = timedelta(days=120)


def invite(session: Session, market: Market, now: datetime) -> int:
    """The packer and the open invitation; how many people that is."""
    group, owner = market.producers[GROUP], market.users[COORDINATOR]
    since = now - HELPS_FOR
    packer = accounts.register(
        session,
        login=PACKER,
        password=PASSWORD,
        name="Kak Kenanga",
        role=Role.PRODUCER,
        now=since,
    )
    market.users[PACKER] = packer
    session.add(
        ProducerStaff(
            user_id=packer.id,
            producer_id=group.id,
            role=StaffRole.PACKER,
            since=since,
            invited_by_id=owner.id,
        )
    )
    session.flush()
    staff_services.invite(
        session, group, login=ASKED, role=StaffRole.PACKER, actor_id=owner.id, now=now
    )
    return 2
