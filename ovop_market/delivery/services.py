"""What operators change about delivery."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from ovop_market.accounts.services import record
from ovop_market.core.errors import Unusable
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
    for code in (region_code, serves):
        if session.get(Region, code) is None:
            raise Unusable(_("Tidak ada wilayah dengan kode %(code)s.", code=code))
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
        raise Unusable(_("Tempat ambil bernama %(slug)s sudah ada.", slug=slug))
    record(session, "collection point added", f"collection point {slug}", now, actor_id)
    return session.get_one(CollectionPoint, new_id)
