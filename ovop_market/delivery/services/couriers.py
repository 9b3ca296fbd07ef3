"""Services as operators keep them. A code never changes: orders and people's links name it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core.errors import NotFound, Unusable
from ovop_market.delivery.models import Service
from ovop_market.extensions.database import insert_into


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What can be changed about a service; see delivery.models.Service."""

    courier: str
    name: str
    offered: bool
    cold_chain: bool
    volumetric_divisor: int
    rate_courier: str | None = None
    rate_service: str | None = None


def add_service(
    session: Session,
    code: str,
    terms: ServiceTerms,
    *,
    local: bool,
    now: datetime,
    actor_id: int | None,
) -> Service:
    """A new service. Raises Unusable for a code that is taken and for terms that cannot be."""
    _refuse_unless_possible(session, terms, local=local, but=None)
    new_id = session.scalar(
        insert_into(session, Service)
        .values(code=code, local=local, **asdict(terms))
        .on_conflict_do_nothing(index_elements=["code"])
        .returning(Service.id)
    )
    if new_id is None:
        raise Unusable(_("Layanan dengan kode %(code)s sudah ada.", code=code), field="code")
    details: dict[str, object] = {"local": local, **asdict(terms)}
    record(session, "delivery service added", f"delivery service {code}", now, actor_id, details)
    return session.get_one(Service, new_id)


def change_service(
    session: Session, service_id: int, terms: ServiceTerms, now: datetime, actor_id: int | None
) -> Service:
    """Changes what a service is. Its orders stay as they were placed. Raises NotFound, Unusable."""
    service = session.scalar(select(Service).where(Service.id == service_id).with_for_update())
    if service is None:
        raise NotFound(_("Layanan ini tidak ada."))
    _refuse_unless_possible(session, terms, local=service.local, but=service_id)
    before = {name: getattr(service, name) for name in asdict(terms)}
    changed: dict[str, object] = {
        name: value for name, value in asdict(terms).items() if before[name] != value
    }
    if changed:
        for name, value in changed.items():
            setattr(service, name, value)
        subject = f"delivery service {service.code}"
        record(session, "delivery service changed", subject, now, actor_id, changed)
        session.flush()
    return service


def _refuse_unless_possible(
    session: Session, terms: ServiceTerms, *, local: bool, but: int | None
) -> None:
    if terms.rate_courier is None:
        return
    if local or terms.cold_chain:
        raise Unusable(
            _("Ongkos dari kurir hanya untuk layanan biasa: bukan pendingin, bukan antar sendiri."),
            field="rate_courier",
        )
    named = select(Service.id).where(
        Service.rate_courier == terms.rate_courier,
        Service.rate_service == terms.rate_service,
        Service.id != (but or 0),
    )
    if session.scalar(select(exists(named))):
        raise Unusable(_("Layanan kurir itu sudah dipakai layanan lain."), field="rate_service")
