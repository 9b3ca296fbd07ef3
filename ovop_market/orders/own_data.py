"""What a buyer is given of what is known of their purchases: all of it, and nobody else's."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from ovop_market.accounts.personal import Fact, Holder, Record, Section, Whose
from ovop_market.core.masking import masked_phone
from ovop_market.orders.labels import ACTORS, EVENTS, PAYMENT_METHODS, STATES
from ovop_market.orders.models import Order, OrderEvent, OrderLine, Purchase
from ovop_market.orders.services import erasure
from ovop_market.orders.states import Action
from ovop_market.villages.models import Producer
from ovop_market.web import language


def own_data(session: Session, whose: Whose) -> list[Section]:
    if not whose.purchase_ids:
        return []
    purchases = session.scalars(
        select(Purchase)
        .where(Purchase.id.in_(whose.purchase_ids))
        .order_by(Purchase.id)
        .options(
            joinedload(Purchase.region),
            selectinload(Purchase.orders).options(
                joinedload(Order.producer).joinedload(Producer.village),
                joinedload(Order.service),
                joinedload(Order.collection_point),
                selectinload(Order.lines),
                selectinload(Order.events),
            ),
        )
    )
    # Whoever has a link, and no account, is told neither on the page nor here what is asked for
    # before a purchase is erased.
    by_link = whose.user_id is None
    records = [
        _purchase(own, masked_phone(own.phone) if by_link else own.phone) for own in purchases
    ]
    return [Section("purchases", _("Pesanan"), records)]


def _purchase(own: Purchase, phone: str) -> Record:
    return Record(
        (
            Fact("placed_at", _("Dipesan"), own.placed_at),
            Fact("name", _("Nama penerima"), own.name),
            Fact("phone", _("Nomor WhatsApp"), phone),
            Fact("email", _("Email"), own.email),
            Fact("street", _("Jalan, nomor, RT/RW"), own.street),
            Fact("area", _("Wilayah"), own.region.path),
            Fact("area_code", _("Kode wilayah"), own.region_code),
            Fact("postal_code", _("Kode pos"), own.postal_code),
            Fact("note", _("Pesan untuk penjual"), own.note),
            Fact(
                "payment_method",
                _("Cara bayar"),
                str(own.payment_method),
                words=str(PAYMENT_METHODS[own.payment_method]),
            ),
            Fact(
                "language",
                _("Bahasa"),
                own.language,
                words=language.NAMES.get(own.language, own.language),
            ),
            Fact("consent_at", _("Persetujuan diberikan"), own.consent_at),
            Fact("consent_version", _("Versi pemberitahuan privasi"), own.consent_version),
            Fact("repeat", _("Pernah memesan sebelumnya"), own.repeat),
        ),
        [Section("orders", _("Pesanan per penjual"), [_order(order) for order in own.orders])],
    )


def _order(order: Order) -> Record:
    point = order.collection_point
    return Record(
        (
            Fact("number", _("Nomor pesanan"), order.number),
            Fact("seller", _("Penjual"), order.producer.name),
            Fact("village", _("Desa"), order.producer.village.name),
            Fact("state", _("Keadaan"), str(STATES[order.state])),
            Fact("goods", _("Harga barang"), order.goods, money=True),
            Fact("shipping", _("Ongkos kirim"), order.shipping, money=True),
            Fact("total", _("Total"), order.total, money=True),
            Fact("paid", _("Sudah dibayar"), order.paid, money=True),
            Fact("ready_by", _("Janji siap"), order.ready_by),
            Fact("courier", _("Kurir"), order.courier),
            Fact("tracking_number", _("Nomor resi"), order.tracking_number),
            Fact("collection_point", _("Tempat ambil"), point.name if point else None),
            Fact("received_at", _("Diterima"), order.received_at),
        ),
        [
            Section("lines", _("Isi pesanan"), [_line(line) for line in order.lines]),
            # How a group shares it out is about its households.
            Section(
                "history",
                _("Riwayat"),
                [_event(each) for each in order.events if each.action is not Action.SHARE],
            ),
        ],
    )


def _line(line: OrderLine) -> Record:
    return Record(
        (
            Fact("product", _("Produk"), line.product_name),
            Fact("variant", _("Kemasan"), line.variant_name),
            Fact("quantity", _("Jumlah"), line.quantity),
            Fact("unit_price", _("Harga satuan"), line.unit_price, money=True),
        )
    )


def _event(event: OrderEvent) -> Record:
    return Record(
        (
            Fact("at", _("Waktu"), event.at),
            Fact("by", _("Oleh"), str(ACTORS[event.actor])),
            Fact("what", _("Apa"), str(EVENTS[event.action])),
            Fact("reason", _("Alasan"), event.reason),
        )
    )


HOLDER = Holder("orders", erasure.refusals, own_data, erasure.erase)
