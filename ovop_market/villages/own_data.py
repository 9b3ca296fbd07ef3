"""What producers' pages know of the people who act for them. A producer is public and stays; a
person who acted for it may go, as long as somebody else can answer its orders."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, aliased, joinedload

from ovop_market.accounts.models import User
from ovop_market.accounts.personal import Fact, Holder, Record, Section, Whose
from ovop_market.villages.models import Producer, ProducerStaff
from ovop_market.villages.policy import StaffRole
from ovop_market.villages.producer_states import ProducerState


def refusals(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """Producers that nobody else could act for."""
    if whose.user_id is None:
        return []
    other = aliased(ProducerStaff)
    somebody_else = exists().where(
        other.producer_id == Producer.id,
        other.user_id == User.id,
        other.user_id != whose.user_id,
        other.role == StaffRole.OWNER,
        User.disabled_at.is_(None),
    )
    left_alone = session.scalars(
        select(Producer.name)
        .join(ProducerStaff, ProducerStaff.producer_id == Producer.id)
        .where(
            ProducerStaff.user_id == whose.user_id,
            ProducerStaff.role == StaffRole.OWNER,
            Producer.state != ProducerState.CLOSED,
            ~somebody_else,
        )
        .order_by(Producer.name)
    ).all()
    return [
        _(
            "Hanya akun Anda yang mengurus %(producer)s. Minta pengelola menutupnya dulu, atau"
            " menambahkan orang lain.",
            producer=name,
        )
        for name in left_alone
    ]


def lock(session: Session, whose: Whose) -> None:
    """The producers whose owners are counted, as by whoever changes their staff."""
    if whose.user_id is not None:
        mine = select(ProducerStaff.producer_id).where(ProducerStaff.user_id == whose.user_id)
        producers = select(Producer.id).where(Producer.id.in_(mine)).order_by(Producer.id)
        session.execute(producers.with_for_update()).all()


def own_data(session: Session, whose: Whose) -> list[Section]:
    if whose.user_id is None:
        return []
    producers = session.scalars(
        select(Producer)
        .join(ProducerStaff, ProducerStaff.producer_id == Producer.id)
        .where(ProducerStaff.user_id == whose.user_id)
        .options(joinedload(Producer.village))
        .order_by(Producer.id)
    ).all()
    if not producers:
        return []
    records = [
        Record(
            (
                Fact("name", _("Nama"), own.name),
                Fact("village", _("Desa"), own.village.name),
                Fact("phone", _("Nomor HP"), own.phone),
                Fact("about", _("Tentang"), own.about),
            )
        )
        for own in producers
    ]
    return [Section("producers", _("Penjual yang Anda urus"), records)]


def erase(session: Session, whose: Whose, _now: datetime) -> list[str]:
    """The account acts for nobody any more; nor do packers, where nobody else owns the producer: it
    has closed for good (`refusals`)."""
    if whose.user_id is not None:
        other = aliased(ProducerStaff)
        left_alone = select(ProducerStaff.producer_id).where(
            ProducerStaff.user_id == whose.user_id,
            ProducerStaff.role == StaffRole.OWNER,
            ~exists().where(
                other.producer_id == ProducerStaff.producer_id,
                other.user_id != whose.user_id,
                other.role == StaffRole.OWNER,
            ),
        )
        session.execute(
            delete(ProducerStaff).where(
                ProducerStaff.producer_id.in_(session.scalars(left_alone).all()),
                ProducerStaff.role != StaffRole.OWNER,
            )
        )
        session.execute(delete(ProducerStaff).where(ProducerStaff.user_id == whose.user_id))
    return []


HOLDER = Holder("villages", refusals, own_data, erase, lock)
