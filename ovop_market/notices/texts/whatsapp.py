"""Prefilled WhatsApp messages: a person taps, reads what stands there, and sends it.

The text is in the language of whoever receives it. The buyer's secret link is never in it: whoever
writes must not have it, and the buyer has it already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.core import whatsapp
from ovop_market.core.money import format_rupiah
from ovop_market.orders.models import Order
from ovop_market.orders.presentation import given_up, may_be_made
from ovop_market.orders.signals import Panel
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Refund
from ovop_market.payments.queries.desk import Kind as DeskKind
from ovop_market.payments.queries.desk import Stuck, refunds_for
from ovop_market.payments.states import RefundState
from ovop_market.web import filters
from ovop_market.web.language import DEFAULT, speaking

S = OrderState


@dataclass(frozen=True, slots=True)
class Tap:
    """A link to WhatsApp: to whom (its label, in the reader's language), and what stands there."""

    label: str
    link: str


def panel(order: Order, *, session: Session, to: Actor, **_rest: Any) -> Panel | None:
    """The messages that somebody may send about an order, for its page (orders.signals)."""
    if order.purchase.erased_at is not None:
        return None  # there is no number any more
    refunds = refunds_for(session, order) if to is Actor.OPERATOR else ()
    found = taps(order, to, refunds)
    return Panel("notices/_whatsapp.html", {"taps": found}) if found else None


def taps(order: Order, by: Actor, refunds: Sequence[Refund] = ()) -> list[Tap]:
    """What a producer or an operator may want to say about the order as it stands now."""
    if by is Actor.PRODUCER:
        return _to_buyer(order, producer_to_buyer(order))
    if by is Actor.OPERATOR:
        found = _to_buyer(order, operator_to_buyer(order))
        for refund in refunds:
            text = partial(about_refund, order, refund)
            money = format_rupiah(refund.amount)
            found += _to_buyer(
                order, text, _("Kabari pembeli: uang kembali %(amount)s", amount=money)
            )
        return found + _to_producer(order, operator_to_producer(order))
    return []


# A text is made when its language is known.
Text = Callable[[], str]


def _to_buyer(order: Order, text: Text | None, label: str = "") -> list[Tap]:
    if text is None:
        return []
    bought, label = order.purchase, label or _("Kabari pembeli")
    with speaking(bought.language):
        hello = _("Halo %(name)s,", name=bought.name)
        return [Tap(label, whatsapp.address(bought.phone, f"{hello} {text()}"))]


def _to_producer(order: Order, text: Text | None) -> list[Tap]:
    if text is None:
        return []
    label = _("Kabari penjual")
    with speaking(DEFAULT):
        hello = _("Halo %(name)s,", name=order.producer.name)
        return [Tap(label, whatsapp.address(order.producer.phone, f"{hello} {text()}"))]


def producer_to_buyer(order: Order) -> Text | None:
    """What a producer tells the buyer of the order as it stands now."""
    by_state: Mapping[OrderState, Text] = {
        S.ACCEPTED: lambda: _accepted(order),
        S.COUNTERED: lambda: _offer(order),
        S.DECLINED: lambda: _declined(order),
        S.PREPARING: lambda: _(
            "pesanan %(number)s sedang kami buat, siap %(day)s.", **_about(order)
        ),
        S.READY: lambda: _ready(order),
        S.SHIPPED: lambda: _shipped(order),
        S.RECEIVED: lambda: _(
            "terima kasih, pesanan %(number)s sudah Anda terima. Semoga cocok.", **_about(order)
        ),
        S.DISPUTED: lambda: _(
            "kami membaca keluhan Anda tentang pesanan %(number)s. Boleh kirim foto barangnya?",
            **_about(order),
        ),
    }
    if given_up(order):
        return lambda: _given_up(order)
    return by_state.get(order.state)


def operator_to_buyer(order: Order) -> Text | None:
    """What an operator asks or tells the buyer of the order as it stands now."""
    if order.state is S.COUNTERED:
        return lambda: _(
            "penjual menawar pesanan %(number)s Anda. Jawab di halaman pesanan Anda sampai "
            "%(until)s, ya.",
            **_about(order),
        )
    if order.state is S.ACCEPTED and not may_be_made(order) and order.due_at is not None:
        return lambda: _pay_please(order.number, order.due_at)
    if order.state is S.SHIPPED:
        return lambda: _(
            "apakah pesanan %(number)s sudah sampai? Kalau sudah, tekan “Barang sudah saya "
            "terima” di halaman pesanan Anda.",
            **_about(order),
        )
    if order.state is S.DISPUTED:
        return lambda: _(
            "kami memeriksa keluhan Anda tentang pesanan %(number)s. Boleh kirim foto barangnya?",
            **_about(order),
        )
    return None


def operator_to_producer(order: Order) -> Text | None:
    """What an operator asks or tells the producer of the order as it stands now."""
    if order.state is S.PLACED:
        return lambda: _answer_please(order.number, order.due_at)
    if order.state is S.ACCEPTED and may_be_made(order):
        return lambda: _(
            "pesanan %(number)s sudah boleh disiapkan, siap paling lambat %(day)s.",
            **_about(order),
        )
    if order.state is S.DISPUTED:
        return lambda: _(
            "pembeli mengeluh tentang pesanan %(number)s. Bagaimana menurut Anda?",
            **_about(order),
        )
    return None


def about_refund(order: Order, refund: Refund) -> str:
    """What an operator tells the buyer of money that is owed back or has been sent."""
    values = {"amount": format_rupiah(refund.amount), "number": order.number}
    if refund.state is RefundState.SENT:
        return _(
            "uang %(amount)s untuk pesanan %(number)s sudah kami kirim kembali. Periksa rekening "
            "Anda, ya.",
            **values,
        )
    if refund.destination:
        return _(
            "uang %(amount)s untuk pesanan %(number)s segera kami kirim ke rekening yang Anda "
            "tulis.",
            **values,
        )
    return _account_please(**values)


def _account_please(amount: str, number: str) -> str:
    return _(
        "uang %(amount)s untuk pesanan %(number)s akan kami kembalikan. Tulis rekening tujuannya "
        "di halaman pesanan Anda, ya.",
        amount=amount,
        number=number,
    )


def about(item: Stuck) -> str:
    """What an operator asks whoever is awaited, straight from the desk: its WhatsApp address."""
    with speaking(item.language):
        hello = _("Halo %(name)s,", name=item.who)
        return whatsapp.address(item.phone, f"{hello} {_asked(item)}")


def _asked(item: Stuck) -> str:
    if item.kind is DeskKind.REFUNDS:
        return _account_please(format_rupiah(item.amount), item.number)
    ask = _answer_please if item.kind is DeskKind.UNANSWERED else _pay_please
    return ask(item.number, item.until)


def _answer_please(number: str, until: datetime | None) -> str:
    return _(
        "ada pesanan %(number)s yang menunggu jawaban Anda sampai %(until)s. Buka Pesanan "
        "masuk di OVOP Market, lalu terima, tawar, atau tolak pesanannya.",
        number=number,
        until=filters.moment(until) if until else "",
    )


def _pay_please(number: str, until: datetime | None) -> str:
    return _(
        "pesanan %(number)s menunggu pembayaran sampai %(until)s. Jumlah dan caranya ada di "
        "halaman pesanan Anda. Kalau sudah membayar, beri tahu kami di sana.",
        number=number,
        until=filters.moment(until) if until else "",
    )


def _about(order: Order) -> dict[str, str]:
    return {
        "number": order.number,
        "day": filters.day(order.ready_by),
        "until": filters.moment(order.due_at) if order.due_at else "",
    }


def _accepted(order: Order) -> str:
    if may_be_made(order):
        return _("pesanan %(number)s kami siapkan, siap %(day)s.", **_about(order))
    if order.due_at is None:
        return _(
            "pesanan %(number)s kami terima. Kami siapkan begitu pembayaran Anda selesai dicek.",
            **_about(order),
        )
    return _(
        "pesanan %(number)s kami terima, siap %(day)s. Bayar sampai %(until)s, ya: jumlah dan "
        "caranya ada di halaman pesanan Anda.",
        **_about(order),
    )


def _offer(order: Order) -> str:
    offered = ", ".join(
        f"{line.quantity if line.offered_quantity is None else line.offered_quantity} × "
        f"{line.product_name} {line.variant_name}"
        for line in order.lines
        if line.offered_quantity != 0
    )
    return _(
        "untuk pesanan %(number)s kami sanggup: %(offered)s, siap %(ready)s. Kalau setuju, tekan "
        "Setuju di halaman pesanan Anda sampai %(until)s.",
        offered=offered,
        ready=filters.day(order.offered_ready_by or order.ready_by),
        **_about(order),
    )


def _why(order: Order, action: Action) -> str:
    said = [event.reason for event in order.events if event.action is action]
    return (said[-1] if said else "") or "–"


def _given_up(order: Order) -> str:
    return _(
        "pesanan %(number)s tidak kami tunggu lagi dan sudah kami batalkan. Alasannya: %(reason)s",
        reason=_why(order, Action.GIVE_UP),
        **_about(order),
    )


def _declined(order: Order) -> str:
    return _(
        "maaf, kami belum sanggup membuat pesanan %(number)s. Alasannya: %(reason)s",
        reason=_why(order, Action.DECLINE),
        **_about(order),
    )


def _ready(order: Order) -> str:
    point = order.collection_point
    if point is None:
        return _("pesanan %(number)s sudah jadi dan segera kami kirim.", **_about(order))
    return _(
        "pesanan %(number)s sudah siap. Ambil di %(place)s, %(address)s (%(hours)s).",
        place=point.name,
        address=point.address,
        hours=point.hours,
        **_about(order),
    )


def _shipped(order: Order) -> str:
    values = {**_about(order), "courier": order.courier or _("kurir")}
    if order.tracking_number:
        return _(
            "pesanan %(number)s sudah kami kirim lewat %(courier)s, nomor resi %(tracking)s.",
            tracking=order.tracking_number,
            **values,
        )
    return _("pesanan %(number)s sudah kami kirim lewat %(courier)s.", **values)
