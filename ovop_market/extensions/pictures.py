"""The columns of every picture: which files it has is computed from them (see web.pictures)."""

from sqlalchemy import CheckConstraint, SmallInteger, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column


class PictureColumns:
    """A picture in the store. `key` names its content; sizes are those of the largest file."""

    key: Mapped[str] = mapped_column(String(40))
    alt: Mapped[str] = mapped_column(String(200))
    width: Mapped[int] = mapped_column(SmallInteger)
    height: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[CheckConstraint, ...]:
        return (CheckConstraint("width > 0 AND height > 0", name="size_positive"),)
