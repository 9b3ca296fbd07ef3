"""A buyer whose every word and file carries a mark that can be found again, wherever it went."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from sqlalchemy import text
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.extensions import db
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.states import Channel, NoticeState
from ovop_market.orders.models import Order, Purchase
from ovop_market.orders.services import lifecycle, notes
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor
from ovop_market.payments.models import GatewayAttempt, Payment, Refund
from ovop_market.payments.models.gateway import AttemptState
from ovop_market.payments.services import claims, receiving, refunds
from ovop_market.payments.states import RefundKind
from ovop_market.web import pictures
from tests.factories import (
    NOW,
    make_delivery,
    make_producer,
    make_product,
    make_purchase,
    make_user,
)
from tests.notices.browsers import session_of

MARK = "Zqxwvmark"
DIGITS = "8977123456"
PHONE = f"+62{DIGITS}"
ACCOUNT_PHONE = "+628965544332"


@dataclass
class Planted:
    """What was planted."""

    purchase: Purchase
    order: Order
    buyer: User | None
    staff: User
    operator: User
    proof: str


def plant(session: Session, media: Path, *, account: bool = False, color: int = 9) -> Planted:
    """A purchase that went through everything: claimed, rejected, paid, shipped, disputed, settled
    with a refund that was sent. All of its words carry the mark."""
    operator = make_user(session, Role.OPERATOR)
    staff = make_user(session, Role.PRODUCER)
    make_delivery(session)
    product = make_product(session, make_producer(session, staff=staff), ready=50)
    buyer = (
        make_user(session, name=f"{MARK} akun", login=f"{MARK}@ovop.example") if account else None
    )
    if buyer is not None:
        buyer.phone = ACCOUNT_PHONE
    bought = make_purchase(
        session,
        [(product, 2)],
        buyer=buyer,
        name=f"{MARK} nama",
        phone=PHONE,
        email=f"{MARK.lower()}@ovop.example",
    )
    bought.street, bought.note = f"Jalan {MARK} 1", f"Pesan {MARK}"
    session.flush()
    order = bought.orders[0]
    payment = session.query(Payment).filter_by(purchase_id=bought.id).one()
    by_operator, by_buyer = By(Actor.OPERATOR, operator.id), By(Actor.BUYER)
    key = pictures.store_private(Image.new("RGB", (40, 40), (color, 20, 30)), media)
    claims.claim(session, payment, NOW, reference=f"BCA {MARK}", proof_key=key, by=by_buyer)
    claims.reject(session, payment, operator.id, NOW, reason=f"tidak ada {MARK}")
    claims.claim(session, payment, NOW, reference=f"BCA {MARK}", proof_key=key, by=by_buyer)
    receiving.confirm(session, payment, by_operator, NOW)
    session.add(
        GatewayAttempt(
            payment_id=payment.id,
            code=f"OVOP-{bought.id}",
            amount=payment.amount,
            state=AttemptState.CLOSED,
            redirect_url=f"https://gateway.example/{MARK}",
            made_at=NOW,
        )
    )
    by_staff = By(Actor.PRODUCER, staff.id)
    lifecycle.act(session, order, Action.FINISH, by_staff, NOW)
    lifecycle.ship(session, order, by_staff, NOW, courier=f"Pak {MARK}", tracking_number="1")
    notes.track(session, order, by_staff, NOW, courier=f"Pak {MARK}", tracking_number=f"{MARK}2")
    lifecycle.act(session, order, Action.DISPUTE, by_buyer, NOW, reason=f"pecah {MARK}")
    lifecycle.settle(session, order, by_operator, NOW, for_buyer=False, reason=f"diganti {MARK}")
    refund = refunds.owe_part(
        session, order, RefundKind.GOODS, 1_000, by_operator, NOW, reason=f"ganti rugi {MARK}"
    )
    refunds.name_destination(session, refund, f"BCA 123 a.n. {MARK}", NOW)
    refunds.send(session, refund, operator.id, NOW, reference=f"kirim {MARK}", at_gateway=False)
    for made in session.query(Notice).filter(Notice.purchase_id == bought.id):
        made.details = {**made.details, "reason": MARK}
    if buyer is not None:
        browser = PushSubscription(
            user_id=buyer.id,
            session_id=session_of(session, buyer),
            endpoint=f"https://push.example/{MARK}",
            endpoint_digest="0" * 64,
            p256dh=MARK,
            auth=MARK,
            made_at=NOW,
        )
        session.add(browser)
        session.flush()
        session.add(
            Notice(
                kind="payout",
                key="payout 1",
                channel=Channel.PUSH,
                recipient=f"browser {browser.id}",
                user_id=buyer.id,
                subscription_id=browser.id,
                details={"to": MARK},
                language="id",
                state=NoticeState.DROPPED,
                made_at=NOW,
                due_at=NOW,
            )
        )
    session.commit()
    return Planted(bought, order, buyer, staff, operator, key)


def dump(session: Session) -> str:
    """The whole database as text."""
    return "\n".join(
        f"{table}: {tuple(row)!r}"
        for table in sorted(db.Model.metadata.tables)
        for row in session.execute(text(f'SELECT * FROM "{table}"'))
    )


def found_in(session: Session) -> list[str]:
    """The lines of the database that still name the person."""
    marks = (MARK.lower(), DIGITS, ACCOUNT_PHONE.removeprefix("+62"))
    return [
        line for line in dump(session).splitlines() if any(mark in line.lower() for mark in marks)
    ]


def refund_of(session: Session, planted: Planted) -> Refund:
    return session.query(Refund).filter_by(purchase_id=planted.purchase.id).one()
