"""The columns of every picture: which files it has is computed from them (see web.pictures)."""

from collections.abc import Collection

from sqlalchemy import CheckConstraint, SmallInteger, String, select
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem

from ovop_market.extensions.database import AT_ONCE


class PictureColumns:
    """A picture in the store. `key` names its content; sizes are those of the largest file."""

    key: Mapped[str] = mapped_column(String(40))
    alt: Mapped[str] = mapped_column(String(200))
    width: Mapped[int] = mapped_column(SmallInteger)
    height: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (CheckConstraint("width > 0 AND height > 0", name="size_positive"),)


def shown(session: Session, keys: Collection[str]) -> set[str]:
    """Which of the pictures some row shows, of whatever it is a picture."""
    found: set[str] = set()
    wanted = sorted(keys)
    for model in PictureColumns.__subclasses__():
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            found.update(session.scalars(select(model.key).where(model.key.in_(some))))
    return found
