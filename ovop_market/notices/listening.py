"""Notices follow what orders and payments announce, in the transaction of the event itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from flask import current_app, has_app_context, has_request_context
from sqlalchemy.orm import Session

from ovop_market.accounts import sealing
from ovop_market.accounts.invitation_models import Invitation
from ovop_market.accounts.invitations import invited, mark_of, over
from ovop_market.accounts.models import User
from ovop_market.accounts.signals import LINK, Told, account_told
from ovop_market.config import Config
from ovop_market.core.tokens import digest
from ovop_market.notices import shares
from ovop_market.notices.kinds import ACCOUNT_KINDS, PAYMENT_KINDS, REFUND_KINDS, Kind, kinds_of
from ovop_market.notices.own_data import forget_invited
from ovop_market.notices.services import USUAL_LANGUAGE, Owed, owe
from ovop_market.notices.states import Channel
from ovop_market.orders.models import Order, OrderEvent
from ovop_market.orders.signals import order_moved, order_noted
from ovop_market.payments.models import PaymentEvent, PayoutAccount, PayoutBatch, Refund
from ovop_market.payments.signals import (
    payments_moved,
    payout_account_named,
    payouts_sent,
    refund_moved,
)
from ovop_market.web import language


def channels_of(config: Config) -> frozenset[Channel]:
    """The channels that are configured."""
    configured = {Channel.EMAIL: config.smtp_url, Channel.PUSH: config.vapid_key}
    return frozenset(channel for channel, value in configured.items() if value)


def configured_channels() -> frozenset[Channel]:
    """Those of the application at hand."""
    # A script on a bare session, without an application, has configured none.
    return channels_of(current_app.config["OVOP"]) if has_app_context() else frozenset()


def follow_order(order: Order, *, session: Session, event: OrderEvent, **_rest: Any) -> None:
    channels = configured_channels()
    if channels:
        owe(session, [*_of_order(event), *shares.owed_of(event)], channels)


def follow_notes(
    _sender: Any, *, session: Session, events: Sequence[OrderEvent], **_rest: Any
) -> None:
    channels = configured_channels()
    if channels:
        owed = [o for event in events for o in (*_of_order(event), *shares.owed_of(event))]
        owe(session, owed, channels)


def follow_payments(
    _sender: Any, *, session: Session, events: Sequence[PaymentEvent], **_rest: Any
) -> None:
    owed = [
        Owed(
            kind=PAYMENT_KINDS[event.action],
            thing=f"payment event {event.id}",
            at=event.at,
            purchase=event.payment.purchase,
            details={"payment_event": event.id},
        )
        for event in events
        if event.action in PAYMENT_KINDS
    ]
    owe(session, owed, configured_channels())


def follow_refund(refund: Refund, *, session: Session, at: datetime, **_rest: Any) -> None:
    if refund.state not in REFUND_KINDS:
        return
    # What was recalled is sent again another time.
    sent = f" {refund.sent_at.isoformat()}" if refund.sent_at else ""
    owed = Owed(
        kind=REFUND_KINDS[refund.state],
        thing=f"refund {refund.id}{sent}",
        at=at,
        purchase=refund.purchase,
        order=refund.order,
        details={"refund": refund.id},
    )
    owe(session, [owed], configured_channels())


def follow_payouts(batch: PayoutBatch, *, session: Session, at: datetime, **_rest: Any) -> None:
    channels = configured_channels()
    if channels:
        owed = [
            Owed(
                kind=Kind.PAYOUT,
                thing=f"payout {payout.id} {at.isoformat()}",
                at=at,
                producer_id=payout.producer_id,
                details={"payout": payout.id},
            )
            for payout in batch.payouts
        ]
        owe(session, owed, channels)


def follow_payout_account(
    account: PayoutAccount, *, session: Session, at: datetime, **_rest: Any
) -> None:
    owed = Owed(
        kind=Kind.PAYOUT_ACCOUNT,
        thing=f"producer {account.producer_id} {at.isoformat()}",
        at=at,
        producer_id=account.producer_id,
        details={"payout_account": account.producer_id},
    )
    owe(session, [owed], configured_channels())


def follow_account(
    user: User,
    *,
    session: Session,
    what: Told,
    at: datetime,
    link: str = "",
    to: str = "",
    **_rest: Any,
) -> None:
    owed = Owed(
        kind=ACCOUNT_KINDS[what],
        thing=f"user {user.id} {at.isoformat()}",
        at=at,
        user=user,
        # The secret of a link is sealed, and so is an address that is not the account's: this table
        # or its copy opens nothing and names nobody.
        details={key: value for key, value in (("link", link), ("to", to)) if value},
        language=language.current() if has_request_context() else USUAL_LANGUAGE,
    )
    owe(session, [owed], configured_channels())


def follow_invitation(
    invitation: Invitation, *, session: Session, token: str, **_rest: Any
) -> bool:
    """Writes down that the link is to be mailed; whether that is possible at all."""
    channels = configured_channels()
    if Channel.EMAIL not in channels or not invitation.email:
        return False
    owed = Owed(
        kind=Kind.INVITED,
        thing=f"invitation {mark_of(digest(token))}",
        at=invitation.made_at,
        invitation=invitation,
        # Sealed, as the secrets of all links.
        details={"invitation": invitation.id, "link": sealing.seal(LINK, token)},
        language=language.current() if has_request_context() else USUAL_LANGUAGE,
    )
    owe(session, [owed], channels)
    return True


def follow_end_of_invitations(marks: Sequence[str], *, session: Session, **_rest: Any) -> None:
    """They let nobody in any more: nothing is mailed of them."""
    forget_invited(session, marks)


def _of_order(event: OrderEvent) -> Iterator[Owed]:
    order = event.order
    for kind in kinds_of(event):
        # Of a purchase of several orders the buyer is told once; its orders are placed one by one.
        whole = kind is Kind.PLACED
        yield Owed(
            kind=kind,
            thing=f"purchase {order.purchase_id}" if whole else f"order event {event.id}",
            at=event.at,
            purchase=order.purchase,
            order=None if whole else order,
            producer_id=order.producer_id,
            details={} if whole else {"order_event": event.id},
        )


def begin() -> None:
    """Listens from now on; once is enough for the process."""
    order_moved.connect(follow_order)
    order_noted.connect(follow_notes)
    payments_moved.connect(follow_payments)
    refund_moved.connect(follow_refund)
    payouts_sent.connect(follow_payouts)
    payout_account_named.connect(follow_payout_account)
    account_told.connect(follow_account)
    invited.connect(follow_invitation)
    over.connect(follow_end_of_invitations)
