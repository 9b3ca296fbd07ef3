"""Payments on the gateway's own pages: making one, hearing how it stands, and the money's way from
there to the bank account. Amounts are rupiah.

The gateway itself is never asked here: that can take seconds, and no transaction waits so long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, NotFound, Unusable
from ovop_market.core.money import format_rupiah
from ovop_market.orders.models import PaymentMethod
from ovop_market.orders.services import locks
from ovop_market.orders.services.lifecycle import CLOCK, By
from ovop_market.payments.gateway.standing import ATTEMPT_MOVES, KEPT, Standing, outdated
from ovop_market.payments.models import (
    AccountKind,
    AttemptState,
    Cause,
    GatewayAttempt,
    GatewayNotification,
    LedgerAccount,
    LedgerTransaction,
    Payment,
)
from ovop_market.payments.queries import gateway as queries
from ovop_market.payments.queries.balances import balance
from ovop_market.payments.services import asking, ledger, receiving
from ovop_market.payments.services.ledger import Leg, Posting
from ovop_market.payments.services.receiving import Receipt
from ovop_market.payments.states import OPEN, PaymentAction

# How long after its end a page that was never used is kept in mind.
AFTER_END = timedelta(hours=1)
_NO_PAGE = "expire"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page that has to be asked for at the gateway, outside of any transaction."""

    payment_id: int
    amount: int
    lifetime: timedelta
    # Names for it there, the best first.
    codes: tuple[str, ...]


def page_or_wanted(session: Session, payment: Payment, now: datetime) -> str | Wanted:
    """The address of the page on which the payment can be made, or what is needed for a new one.

    Raises Conflict when it is not paid at the gateway (any more).
    """
    _refuse_unless_asked_there(payment)
    found = queries.usable(session, payment, now)
    if found is not None:
        return found.redirect_url
    made = select(func.count()).where(GatewayAttempt.payment_id == payment.id)
    first = (session.scalar(made) or 0) + 1
    return Wanted(
        payment_id=payment.id,
        amount=payment.amount,
        lifetime=queries.lifetime(queries.due_of(session, payment.id), now),
        # A name may be taken there by a try of which we have never heard the end.
        codes=tuple(f"{payment.code}-{n}" for n in range(first, first + 3)),
    )


def keep_page(session: Session, wanted: Wanted, code: str, address: str, now: datetime) -> str:
    """Keeps a page that the gateway has made; returns the address at which to pay: that of another
    tap if one was quicker. Raises Conflict when what is asked has changed meanwhile."""
    payment = _locked(session, wanted.payment_id)
    _refuse_unless_asked_there(payment)
    found = queries.usable(session, payment, now)
    if found is not None:
        return found.redirect_url
    if payment.amount != wanted.amount:
        raise Conflict(_("Jumlah tagihannya baru saja berubah. Periksa, lalu tekan lagi."))
    attempt = GatewayAttempt(
        payment_id=payment.id,
        code=code,
        amount=wanted.amount,
        state=AttemptState.OPEN,
        redirect_url=address,
        made_at=now,
    )
    try:
        with session.begin_nested():
            session.add(attempt)
            session.flush()
    except IntegrityError:
        raise Conflict(_("Halaman pembayaran ini baru saja dibuat. Tekan sekali lagi.")) from None
    return address


def hear(
    session: Session,
    attempt_id: int,
    standing: Standing,
    now: datetime,
    *,
    asked_at: datetime | None = None,
    said: str = "",
) -> AttemptState:
    """Notes how a page stands, as the gateway said when it was `asked_at` (None: now), and books
    its money the first time that it says paid. Hearing the same again, or something older later,
    changes nothing.

    `said` is the notification's own word, if one came. Money for a payment that has changed or is
    asked no more is the buyer's all the same (receiving.receive).
    """
    attempt = _locked_attempt(session, attempt_id)
    before, asked_at = attempt.state, asked_at or now
    earlier = attempt.status_at is not None and asked_at < attempt.status_at
    if not outdated(attempt.status, standing.status, earlier=earlier):
        attempt.state = ATTEMPT_MOVES[before, standing.outcome]
        attempt.status, attempt.status_at = standing.status, asked_at
    attempt.asked_at = now
    session.add(
        GatewayNotification(
            attempt_id=attempt.id,
            at=now,
            said=said,
            status=standing.status,
            amount=standing.amount,
        )
    )
    session.flush()
    if attempt.state is AttemptState.PAID and before is not AttemptState.PAID:
        receipt = Receipt(attempt.payment_id, standing.amount, ledger.GATEWAY)
        receiving.receive(session, [receipt], CLOCK, now)
    return attempt.state


def forget(session: Session, payment_id: int, amount: int) -> None:
    """What was booked of a page (rupiah) is taken back: if it says paid when it is heard of again,
    it is booked again. The purchase must be locked."""
    paid = session.scalars(
        select(GatewayAttempt)
        .where(
            GatewayAttempt.payment_id == payment_id,
            GatewayAttempt.state == AttemptState.PAID,
            GatewayAttempt.amount == amount,
        )
        # Of several alike, the one whose money is gone; else the latest, as it was booked last.
        .order_by(GatewayAttempt.status.in_(KEPT), GatewayAttempt.id.desc())
        .limit(1)
    ).first()
    if paid is not None:
        paid.state = AttemptState.CLOSED
        session.flush()


def ask_later(session: Session, attempt_id: int, now: datetime) -> None:
    """An open page has been asked about in vain."""
    attempt = _locked_attempt(session, attempt_id)
    attempt.asked_at = now
    session.flush()


def hear_nothing(session: Session, attempt_id: int, now: datetime) -> None:
    """The gateway knows nothing of a page: nobody has begun to pay there. Once its time is over, it
    is closed."""
    attempt = _locked_attempt(session, attempt_id)
    if attempt.state is not AttemptState.OPEN:
        return
    attempt.asked_at = now
    if now > attempt.made_at + queries.LONGEST + AFTER_END:
        attempt.state, attempt.status = AttemptState.CLOSED, _NO_PAGE
    session.flush()


def book_settlement(
    session: Session, amount: int, fee: int, reference: str, by: By, now: datetime
) -> int:
    """The gateway has paid `amount` to the bank account and kept `fee`; returns the transaction.

    The same booking on the same day (WIB) is booked once. Raises Unusable for more than there is.
    """
    _lock_account(session)
    again = _same_today(session, amount, fee, reference, now)
    if again is not None:
        return again
    there = -balance(session, AccountKind.GATEWAY)
    if amount + fee > there:
        raise Unusable(
            _("Di Midtrans hanya tercatat %(there)s.", there=format_rupiah(there)), field="amount"
        )
    posting = Posting(
        Cause.SETTLED,
        # What the gateway keeps is the market's cost: it lessens what unique amounts have left.
        debits=[Leg(ledger.BANK, amount), Leg(ledger.ROUNDING, fee)],
        credits=[Leg(ledger.GATEWAY, amount + fee)],
        note=reference,
    )
    return ledger.post(session, posting, by, now)


def undo_settlement(session: Session, transaction_id: int, by: By, now: datetime) -> None:
    """Takes a booking back that was a mistake; twice is once. Raises NotFound for anything else."""
    _lock_account(session)
    booked = session.get(LedgerTransaction, transaction_id)
    # Those of a purchase settle cash (services.payouts).
    if booked is None or booked.cause is not Cause.SETTLED or booked.purchase_id is not None:
        raise NotFound(_("Catatan ini tidak ada."))
    back = select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == transaction_id)
    if session.scalar(back) is None:
        ledger.reverse(session, [transaction_id], by, now)


def _same_today(
    session: Session, amount: int, fee: int, reference: str, now: datetime
) -> int | None:
    """A booking of this day that says the same and stands."""
    rows = queries.account(session).bookings
    today = clock.wib_date(now)
    return next(
        (
            row.id
            for row in rows
            if (row.amount, row.fee, row.reference) == (amount, fee, reference)
            and clock.wib_date(row.at) == today
            and not row.undone
        ),
        None,
    )


def _lock_account(session: Session) -> None:
    """One booking at a time. Money that comes in is not held up: its entries only point here."""
    ledger.account_ids(session, [ledger.GATEWAY, ledger.BANK, ledger.ROUNDING])
    session.execute(
        select(LedgerAccount.id)
        .where(LedgerAccount.kind == AccountKind.GATEWAY)
        .with_for_update(key_share=True)
    )


def _locked(session: Session, payment_id: int) -> Payment:
    """The payment as it is now, which nobody else changes until the transaction ends."""
    payment = session.get_one(Payment, payment_id)
    locks.lock_purchase(session, payment.purchase_id)
    session.refresh(payment)
    return payment


def _locked_attempt(session: Session, attempt_id: int) -> GatewayAttempt:
    """A page as it is now: nobody else changes it or its payment until the transaction ends. The
    purchase is what is locked, as for all that moves its money."""
    payment_id = session.scalars(
        select(GatewayAttempt.payment_id).where(GatewayAttempt.id == attempt_id)
    ).one()
    _locked(session, payment_id)
    return session.get_one(GatewayAttempt, attempt_id, populate_existing=True)


def _refuse_unless_asked_there(payment: Payment) -> None:
    if payment.state not in OPEN:
        asking.after(payment, PaymentAction.AMEND)
    if payment.method is not PaymentMethod.GATEWAY:
        raise Conflict(_("Pembayaran ini sekarang memakai cara lain. Muat ulang halamannya."))
