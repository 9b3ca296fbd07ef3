"""What payments know of a buyer or of a producer's staff: told to them, and erased with them.

Amounts and days of money stay, as accounts must be kept for ten years (UU 8/1997, article 11); what
the bank wrote on its statement is such a document. The buyers' words, pictures and accounts go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import has_request_context, url_for
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from ovop_market.accounts.personal import Fact, Holder, Record, Section, Whose
from ovop_market.core.money import format_rupiah
from ovop_market.orders.labels import ACTORS, PAYMENT_METHODS
from ovop_market.payments.labels import (
    PAYMENT_EVENTS,
    PAYMENT_STATES,
    REFUND_KINDS,
    REFUND_STATES,
)
from ovop_market.payments.models import (
    GatewayAttempt,
    Payment,
    PaymentEvent,
    PayoutAccount,
    Refund,
)
from ovop_market.payments.queries import balances
from ovop_market.payments.states import PaymentState, RefundState
from ovop_market.villages.models import ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.web.hosts import public_root


def refusals(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """Money that is on its way in either direction."""
    mine = Payment.purchase_id.in_(whose.purchase_ids)
    found = []
    if session.scalar(select(Payment.id).where(mine, Payment.state == PaymentState.CLAIMED)):
        found.append(_("Pembayaran Anda masih dicek pengelola. Tunggu sampai selesai dicek."))
    owed = session.scalars(
        select(Refund.amount).where(
            Refund.purchase_id.in_(whose.purchase_ids), Refund.state == RefundState.DUE
        )
    ).all()
    credit = sum(balances.credits_of(session, whose.purchase_ids).values())
    if sum(owed) + max(credit, 0):
        found.append(
            _(
                "Masih ada uang Anda yang harus dikembalikan: %(amount)s. Tulis rekening Anda di"
                " halaman pesanan, dan tunggu sampai uangnya dikirim.",
                amount=format_rupiah(sum(owed) + max(credit, 0)),
            )
        )
    return found


def own_data(session: Session, whose: Whose) -> list[Section]:
    return [*_of_buyer(session, whose), *_of_staff(session, whose)]


def _of_buyer(session: Session, whose: Whose) -> list[Section]:
    if not whose.purchase_ids:
        return []
    payments = session.scalars(
        select(Payment)
        .where(Payment.purchase_id.in_(whose.purchase_ids))
        .order_by(Payment.id)
        .options(selectinload(Payment.events))
    )
    refunds = session.scalars(
        select(Refund).where(Refund.purchase_id.in_(whose.purchase_ids)).order_by(Refund.id)
    )
    return [
        Section("payments", _("Pembayaran"), [_payment(own, whose) for own in payments]),
        Section("refunds", _("Uang kembali"), [_refund(own) for own in refunds]),
    ]


def _payment(own: Payment, whose: Whose) -> Record:
    return Record(
        (
            Fact("code", _("Kode"), own.code),
            Fact(
                "method",
                _("Cara bayar"),
                str(own.method),
                words=str(PAYMENT_METHODS[own.method]),
            ),
            Fact("amount", _("Jumlah"), own.amount, money=True),
            Fact("state", _("Keadaan"), str(PAYMENT_STATES[own.state])),
            Fact("reference", _("Keterangan Anda"), own.reference),
            Fact("proof", _("Foto bukti disimpan"), own.proof_key is not None),
            *_proof(own, whose),
        ),
        [Section("history", _("Riwayat"), [_event(each) for each in own.events])],
    )


def _proof(own: Payment, whose: Whose) -> list[Fact]:
    """Where the account that made the purchase sees its picture, once it is signed in. Guests have
    but the secret link, which no file holds."""
    if own.proof_key is None or whose.user_id is None or not has_request_context():
        return []
    address = public_root() + url_for("payments.own_proof", payment_id=own.id)
    return [Fact("proof_address", _("Foto bukti"), address, link=True)]


def _event(event: PaymentEvent) -> Record:
    return Record(
        (
            Fact("at", _("Waktu"), event.at),
            Fact("by", _("Oleh"), str(ACTORS[event.actor])),
            Fact("what", _("Apa"), str(PAYMENT_EVENTS[event.action])),
            Fact("amount", _("Jumlah"), event.amount, money=True),
            Fact("reason", _("Alasan"), event.reason),
        )
    )


def _refund(own: Refund) -> Record:
    return Record(
        (
            Fact("amount", _("Jumlah"), own.amount, money=True),
            Fact("kind", _("Untuk"), str(REFUND_KINDS[own.kind])),
            Fact("state", _("Keadaan"), str(REFUND_STATES[own.state][1])),
            Fact("reason", _("Alasan"), own.reason),
            Fact("destination", _("Rekening Anda"), own.destination),
            Fact("due_at", _("Sejak"), own.due_at),
            Fact("sent_at", _("Dikirim"), own.sent_at),
        )
    )


def _of_staff(session: Session, whose: Whose) -> list[Section]:
    """The accounts of producers that the person owns: whoever packs never sees them."""
    if whose.user_id is None:
        return []
    accounts = session.scalars(
        select(PayoutAccount)
        .join(ProducerStaff, ProducerStaff.producer_id == PayoutAccount.producer_id)
        .where(ProducerStaff.user_id == whose.user_id, ProducerStaff.role == StaffRole.OWNER)
    ).all()
    if not accounts:
        return []
    records = [
        Record(
            (
                Fact("bank", _("Bank"), own.bank),
                Fact("number", _("Nomor rekening"), own.number),
                Fact("holder", _("Atas nama"), own.holder),
            )
        )
        for own in accounts
    ]
    return [Section("payout_accounts", _("Rekening penjual"), records)]


def erase(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """Takes the buyers out of payments; their purchases have been erased before (the histories'
    triggers ask for it). Returns the pictures that nothing shows any more."""
    ids = whose.purchase_ids
    if not ids:
        return []
    quietly = {"synchronize_session": False}
    payments = select(Payment.id).where(Payment.purchase_id.in_(ids))
    for statement in (
        update(PaymentEvent)
        .where(PaymentEvent.payment_id.in_(payments), PaymentEvent.reason.is_not(None))
        .values(reason=None),
        update(Refund).where(Refund.purchase_id.in_(ids)).values(reason=None, reference=None),
        # The page at the gateway greets the buyer by name.
        update(GatewayAttempt)
        .where(GatewayAttempt.payment_id.in_(payments))
        .values(redirect_url=""),
    ):
        session.execute(statement, execution_options=quietly)
    return forget_words(session, ids)


def forget_words(session: Session, purchase_ids: Sequence[int]) -> list[str]:
    """Takes out what buyers said and showed about their payments, and whither refunds went.
    Returns the keys of the pictures that nothing shows any more."""
    quietly = {"synchronize_session": False}
    mine = Payment.purchase_id.in_(purchase_ids)
    keys = set(
        session.scalars(select(Payment.proof_key).where(mine, Payment.proof_key.is_not(None)))
    )
    for statement in (
        update(Payment).where(mine).values(reference=None, proof_key=None),
        update(Refund).where(Refund.purchase_id.in_(purchase_ids)).values(destination=None),
    ):
        session.execute(statement, execution_options=quietly)
    session.expire_all()
    # One picture may be the proof of two payments: its name is what it shows.
    still = set(session.scalars(select(Payment.proof_key).where(Payment.proof_key.in_(keys))))
    return sorted(str(key) for key in keys - still)


HOLDER = Holder("payments", refusals, own_data, erase)
