"""What a parcel's label points at: the page that says who made what is in it, and when."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ovop_market.core.tokens import MAKER_CODE_LENGTH
from ovop_market.extensions.database import Model
from ovop_market.orders.models import Order


class MakerPage(Model):
    """The public page of an order's makers, found by a code that nobody can guess.

    It is there as soon as the order may be made, because a label may be printed from then on;
    `made_on` (a day in WIB) is known when everything is ready. Written by services.maker_pages.
    """

    __tablename__ = "maker_page"
    __table_args__ = (CheckConstraint(f"length(code) = {MAKER_CODE_LENGTH}", name="code_whole"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(MAKER_CODE_LENGTH), unique=True)
    made_on: Mapped[date | None]

    order: Mapped[Order] = relationship()
