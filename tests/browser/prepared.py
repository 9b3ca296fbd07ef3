"""What has to be there for some pages to be there: links that were mailed, a tariff file looked at.

They are made past the server, through the services that its pages use."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import links
from ovop_market.accounts.models import Purpose, Role, User
from ovop_market.bulk.models import Batch
from ovop_market.core import clock
from ovop_market.delivery import services as delivery
from ovop_market.delivery.models import ImportMode
from ovop_market.orders.maker_models import MakerPage
from ovop_market.villages.models import Producer
from tests.accounts.conftest import set_up
from tests.factories import make_invitation, make_user

# Who has set up a second factor, and is asked for it.
GUARDED = "berkode@ovop.example"
TARIFF = "service,origin,destination,price,days_from,days_to\njne-reg,19.05,31,20000,2,3"


def for_nobody(session: Session) -> list[str]:
    """Secret links as they stand in messages and on labels."""
    user = make_user(session)
    producer = session.scalars(select(Producer).order_by(Producer.id)).first()
    owner = session.scalars(select(User).where(User.role == Role.PRODUCER)).first()
    assert producer is not None and owner is not None
    _invitation, invited = make_invitation(session, producer, owner)

    def link(purpose: Purpose, **details: object) -> str:
        return links.make(
            session,
            purpose,
            now=clock.now(),
            lifetime=timedelta(hours=1),
            user_id=user.id,
            details=details,
        )

    return [
        f"/invitations/{invited}",
        f"/password/reset/{link(Purpose.RESET)}",
        f"/verify/{link(Purpose.VERIFY)}",
        f"/verify/email/{link(Purpose.EMAIL, email='baru@ovop.example')}",
        f"/made/{session.scalars(select(MakerPage.code)).first()}",
    ]


def for_the_operator(session: Session) -> list[str]:
    """A tariff file that was sent in, what was done to many, and somebody else's account."""
    operator = session.scalars(select(User).where(User.role == Role.OPERATOR)).first()
    assert operator is not None
    found = delivery.upload(
        session, TARIFF, "prepared", ImportMode.CHANGE, operator.id, clock.now()
    )
    batch = Batch(action="listings-hide", made_by_id=operator.id, at=clock.now(), key="prepared")
    session.add(batch)
    session.flush()
    return [
        f"/desk/tariffs/imports/{found.id}",
        f"/desk/batches/{batch.id}",
        f"/desk/users/{make_user(session).id}",
    ]


def guarded(session: Session) -> list[str]:
    """An account that a password alone does not open; its page is where signing in leads."""
    set_up(session, make_user(session, login=GUARDED))
    return []
