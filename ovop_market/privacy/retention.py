"""What is erased by itself, when nobody needs it any more: small batches, each thing in a
transaction of its own, so that a run may stop anywhere and nothing is done twice.

| what | after | why so long |
| --- | --- | --- |
| guests' purchases: all that names the buyer | OVOP_RETENTION_DAYS (730) after the last event | two seasons before Lebaran: who comes back each year is recognised, and then no more |
| buyers' words and pictures about payments, accounts for refunds | 180 days after the last event | complaints end 2 days after receipt; refunds and questions about them take weeks |
| messages that were sent or given up | 180 days | they answer "was I told?" while it matters |
| browsers of accounts that are disabled | at once | nobody is told anything there |
| why an operator did something to many at once, and what it undid | 7 days after it can be undone | what is to stay is kept with the things themselves |
| what the bank wrote, and notes on it; accounts that producers were paid to | 10 years after the end of its year | accounting documents (UU 8/1997, article 11) |

Purchases of an account stay until its person erases them: the list of orders is what it is for.
"""  # noqa: E501

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

from sqlalchemy import delete, exists, func, null, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ovop_market.accounts.models import User
from ovop_market.accounts.personal import Whose
from ovop_market.accounts.services import record
from ovop_market.bulk.models import Batch, BatchItem
from ovop_market.bulk.registry import UNDO_WITHIN
from ovop_market.config import Config
from ovop_market.core import clock
from ovop_market.extensions.database import empty_log
from ovop_market.notices.models import Notice, PushSubscription
from ovop_market.notices.states import NoticeState
from ovop_market.orders.models import Order, OrderEvent, Purchase
from ovop_market.orders.services.erasure import OVER
from ovop_market.payments import own_data as payments
from ovop_market.payments.models import (
    Payment,
    PaymentEvent,
    Payout,
    PayoutAccount,
    PayoutBatch,
    Refund,
    StatementLine,
)
from ovop_market.payments.states import BatchState
from ovop_market.privacy import services
from ovop_market.web import pictures

WORDS_AFTER = timedelta(days=180)
MESSAGES_AFTER = timedelta(days=180)
BATCHES_AFTER = UNDO_WITHIN + timedelta(days=7)
# Each has as many things as an operator can choose on a page.
BATCHES_AT_ONCE = 50
ACCOUNTING_YEARS = 10
# Rows that one statement takes out at most: nobody waits long for it.
AT_ONCE = 500
# Purchases of a run: whatever is due beyond waits for the next, and other jobs get their turn.
MOST_A_RUN = 2_000
# Seconds between two things, so that nobody waits for a long list (jobs.GIVE_WAY).
GIVE_WAY = 0.005
Look = Callable[[Session, datetime, Collection[int], int], Sequence[int]]
Do = Callable[[Session, int, datetime], list[str]]
_DONE = (NoticeState.SENT, NoticeState.FAILED, NoticeState.DROPPED)


def run(
    session: Session,
    config: Config,
    counts: Counter[str],
    stopped: Callable[[], bool],
    *,
    reading: Callable[[], AbstractContextManager[None]],
    failed: Callable[..., None],
) -> None:
    """All of it, once, counted as it goes. `reading` looks without holding anybody up; `failed`
    logs what went wrong with one purchase, so that the others go on."""

    def each(name: str, look: Look, do: Do, after: timedelta) -> None:
        left: set[int] = set()
        done = 0
        while not stopped() and done < MOST_A_RUN:
            with reading():
                found = look(session, clock.now() - after, left, AT_ONCE)
            if not found:
                return
            for purchase_id in found:
                if stopped():
                    return
                left.add(purchase_id)
                done += 1
                try:
                    keys = do(session, purchase_id, clock.now())
                    session.commit()
                except services.ErasureRefused:
                    # Money is owed: another day.
                    session.rollback()
                    counts[f"{name} later"] += 1
                except OperationalError:
                    session.rollback()
                    raise
                except Exception as error:
                    session.rollback()
                    failed(error, counts, purchase=str(purchase_id))
                else:
                    left.discard(purchase_id)
                    counts[name] += 1
                    for key in keys:
                        pictures.discard_private(config.media, key)
                time.sleep(GIVE_WAY)

    each("erased", due_purchases, erase_purchase, timedelta(days=config.retention_days))
    each("words", due_words, erase_words, WORDS_AFTER)
    rest: dict[str, Callable[[], int]] = {
        "messages": lambda: remove_messages(session, clock.now()),
        "browsers": lambda: remove_browsers(session),
        "batches": lambda: blank_batches(session, clock.now()),
        "bank": lambda: blank_statement_lines(session, clock.now()),
        "paid": lambda: blank_payouts(session, clock.now()),
        "accounts": lambda: remove_payout_accounts(session, clock.now()),
    }
    for name, remove in rest.items():
        while not stopped():
            removed = remove()
            session.commit()
            if not removed:
                break
            counts[name] += removed
            time.sleep(GIVE_WAY)
    empty_log(session.get_bind().engine)


def due_purchases(
    session: Session, before: datetime, skipped: Collection[int], limit: int
) -> Sequence[int]:
    """Guests' purchases (ids), the oldest first, all of whose orders were over before a moment."""
    own = Order.purchase_id == Purchase.id
    under_way = exists().where(own, Order.state.not_in(OVER))
    lately = exists().where(own, OrderEvent.order_id == Order.id, OrderEvent.at >= before)
    return session.scalars(
        select(Purchase.id)
        .where(
            Purchase.placed_at < before,
            Purchase.erased_at.is_(None),
            Purchase.buyer_id.is_(None),
            Purchase.id.not_in(skipped),
            ~under_way,
            ~lately,
        )
        .order_by(Purchase.placed_at, Purchase.id)
        .limit(limit)
    ).all()


def erase_purchase(session: Session, purchase_id: int, now: datetime) -> list[str]:
    """Erases what names the buyer. Raises ErasureRefused while money is owed."""
    return services.erase(session, Whose(None, (purchase_id,)), now)


def due_words(
    session: Session, before: datetime, skipped: Collection[int], limit: int
) -> Sequence[int]:
    """Purchases (ids), of guests and of accounts, whose payments are settled for so long that
    nobody asks about proofs any more."""
    mine = Payment.purchase_id == Purchase.id
    said = exists().where(
        mine,
        or_(Payment.proof_key.is_not(None), Payment.reference.is_not(None)),
    )
    named = exists().where(Refund.purchase_id == Purchase.id, Refund.destination.is_not(None))
    under_way = exists().where(Order.purchase_id == Purchase.id, Order.state.not_in(OVER))
    lately = exists().where(mine, PaymentEvent.payment_id == Payment.id, PaymentEvent.at >= before)
    refunded_lately = exists().where(
        Refund.purchase_id == Purchase.id,
        or_(Refund.due_at >= before, Refund.sent_at >= before),
    )
    return session.scalars(
        select(Purchase.id)
        .where(
            Purchase.placed_at < before,
            Purchase.erased_at.is_(None),
            Purchase.id.not_in(skipped),
            or_(said, named),
            ~under_way,
            ~lately,
            ~refunded_lately,
        )
        .order_by(Purchase.placed_at, Purchase.id)
        .limit(limit)
    ).all()


def erase_words(session: Session, purchase_id: int, now: datetime) -> list[str]:
    """Takes the buyer's words, proofs and account for refunds out of a purchase's payments. Raises
    ErasureRefused while money is owed."""
    whose = Whose(None, (purchase_id,))
    reasons = payments.refusals(session, whose, now)
    if reasons:
        raise services.ErasureRefused(reasons)
    keys = payments.forget_words(session, whose.purchase_ids)
    record(session, "words erased", f"purchase {purchase_id}", now, None)
    return keys


def remove_messages(session: Session, now: datetime) -> int:
    """Deletes old messages of which nothing more will become; returns how many. Those that still
    wait are far too old to be sent (notices.states.OLDEST)."""
    over = (*_DONE, NoticeState.PENDING)
    old = (
        select(Notice.id)
        .where(Notice.state.in_(over), Notice.made_at < now - MESSAGES_AFTER)
        .limit(AT_ONCE)
    )
    return _count(session.execute(delete(Notice).where(Notice.id.in_(old))))


def remove_browsers(session: Session) -> int:
    """Deletes the browsers of accounts that are disabled; returns how many."""
    disabled = select(User.id).where(User.disabled_at.is_not(None))
    theirs = select(PushSubscription.id).where(PushSubscription.user_id.in_(disabled))
    told = Notice.subscription_id.in_(theirs)
    session.execute(delete(Notice).where(told, Notice.state.in_(_DONE)))
    found = delete(PushSubscription).where(PushSubscription.user_id.in_(disabled))
    return _count(session.execute(found))


def blank_batches(session: Session, now: datetime) -> int:
    """Takes an operator's words out of what was done to many at once, once nobody can undo it;
    returns of how many."""
    undoing = exists().where(BatchItem.batch_id == Batch.id, BatchItem.before.is_not(null()))
    old = session.scalars(
        select(Batch.id)
        .where(Batch.at < now - BATCHES_AFTER, or_(Batch.reason != "", undoing))
        .order_by(Batch.id)
        .limit(BATCHES_AT_ONCE)
    ).all()
    if not old:
        return 0
    quietly = {"synchronize_session": False}
    items = update(BatchItem).where(BatchItem.batch_id.in_(old)).values(before=null())
    session.execute(items, execution_options=quietly)
    batches = update(Batch).where(Batch.id.in_(old)).values(reason="")
    return _count(session.execute(batches, execution_options=quietly))


def blank_statement_lines(session: Session, now: datetime) -> int:
    """Takes names out of bank statements whose year was over ten years ago; returns how many."""
    worded = or_(func.length(StatementLine.description) > 0, StatementLine.note.is_not(None))
    old = (
        select(StatementLine.id)
        .where(StatementLine.booked_on < _first_day(now), worded)
        .limit(AT_ONCE)
    )
    blanked = (
        update(StatementLine)
        .where(StatementLine.id.in_(old))
        .values(description="", note=None)
        .execution_options(synchronize_session=False)
    )
    return _count(session.execute(blanked))


def blank_payouts(session: Session, now: datetime) -> int:
    """Takes the accounts out of payouts whose year was over ten years ago, and what was noted of
    their transfer; returns how many."""
    first = clock.start_of_day(_first_day(now))
    over = select(PayoutBatch.id).where(
        PayoutBatch.made_at < first,
        PayoutBatch.state != BatchState.MADE,
        or_(PayoutBatch.sent_at.is_(None), PayoutBatch.sent_at < first),
    )
    named = or_(Payout.bank != "", Payout.number != "", Payout.holder != "")
    old = select(Payout.id).where(Payout.batch_id.in_(over), named).limit(AT_ONCE)
    quietly = {"synchronize_session": False}
    session.execute(
        update(PayoutBatch)
        .where(PayoutBatch.id.in_(over), PayoutBatch.reference.is_not(None))
        .values(reference=None),
        execution_options=quietly,
    )
    blanked = update(Payout).where(Payout.id.in_(old)).values(bank="", number="", holder="")
    return _count(session.execute(blanked, execution_options=quietly))


def remove_payout_accounts(session: Session, now: datetime) -> int:
    """Deletes accounts that were named, and last paid to, in years that were over ten years ago;
    returns how many. Whoever is to be paid after so long names theirs anew."""
    first = clock.start_of_day(_first_day(now))
    paid_since = exists().where(
        Payout.producer_id == PayoutAccount.producer_id,
        PayoutBatch.id == Payout.batch_id,
        PayoutBatch.made_at >= first,
    )
    old = (
        select(PayoutAccount.producer_id)
        .where(PayoutAccount.changed_at < first, ~paid_since)
        .limit(AT_ONCE)
    )
    # The day once more: it may have been named anew a moment ago.
    removed = delete(PayoutAccount).where(
        PayoutAccount.producer_id.in_(old), PayoutAccount.changed_at < first
    )
    return _count(session.execute(removed))


def _first_day(now: datetime) -> date:
    """The first day of which accounting documents are still kept."""
    return date(clock.wib_date(now).year - ACCOUNTING_YEARS, 1, 1)


def _count(result: object) -> int:
    return int(result.rowcount)  # type: ignore[attr-defined]
