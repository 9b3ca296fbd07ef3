"""Collection points as operators keep them."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core.errors import NotFound, Unusable
from ovop_market.delivery.models import CollectionPoint
from ovop_market.extensions.database import insert_into
from ovop_market.regions.models import Region


def add_collection_point(
    session: Session,
    *,
    slug: str,
    name: str,
    region_code: str,
    address: str,
    hours: str,
    serves: str,
    now: datetime,
    actor_id: int | None = None,
) -> CollectionPoint:
    """A further place where buyers fetch orders of the producers in the area `serves`.

    Raises Unusable for a slug that is taken and for codes that no region has.
    """
    _refuse_unless_there(session, region_code=region_code, serves=serves)
    new_id = session.scalar(
        insert_into(session, CollectionPoint)
        .values(
            slug=slug,
            name=name,
            region_code=region_code,
            address=address,
            hours=hours,
            serves=serves,
            open=True,
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(CollectionPoint.id)
    )
    if new_id is None:
        raise Unusable(_("Tempat ambil bernama %(slug)s sudah ada.", slug=slug), field="slug")
    record(session, "collection point added", f"collection point {slug}", now, actor_id)
    return session.get_one(CollectionPoint, new_id)


def change_collection_point(
    session: Session,
    point_id: int,
    *,
    name: str,
    region_code: str,
    address: str,
    hours: str,
    serves: str,
    now: datetime,
    actor_id: int | None,
) -> CollectionPoint:
    """Changes what is said of a place. Its slug stays: carts and forms name it. Raises NotFound,
    and Unusable for codes that no region has."""
    point = _locked(session, point_id)
    _refuse_unless_there(session, region_code=region_code, serves=serves)
    wanted = {
        "name": name,
        "region_code": region_code,
        "address": address,
        "hours": hours,
        "serves": serves,
    }
    changed: dict[str, object] = {
        field: value for field, value in wanted.items() if getattr(point, field) != value
    }
    if changed:
        for field, value in changed.items():
            setattr(point, field, value)
        subject = f"collection point {point.slug}"
        record(session, "collection point changed", subject, now, actor_id, changed)
        session.flush()
    return point


def set_open(
    session: Session, point_id: int, is_open: bool, now: datetime, actor_id: int | None
) -> CollectionPoint:
    """Opens or closes a place for new orders; those that are under way are still fetched there.
    Doing it twice is doing it once. Raises NotFound."""
    point = _locked(session, point_id)
    if point.open != is_open:
        point.open = is_open
        action = "collection point opened" if is_open else "collection point closed"
        record(session, action, f"collection point {point.slug}", now, actor_id)
        session.flush()
    return point


def _locked(session: Session, point_id: int) -> CollectionPoint:
    point = session.scalar(
        select(CollectionPoint).where(CollectionPoint.id == point_id).with_for_update()
    )
    if point is None:
        raise NotFound(_("Tempat ambil ini tidak ada."))
    return point


def _refuse_unless_there(session: Session, **named: str) -> None:
    for field, code in named.items():
        if session.get(Region, code) is None:
            text = _("Tidak ada wilayah dengan kode %(code)s.", code=code)
            raise Unusable(text, field=field)
