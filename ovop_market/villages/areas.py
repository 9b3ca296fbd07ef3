"""Whose villages an official sees: those of the regency or province that the account belongs to."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, true

from ovop_market.accounts.models import Role, User
from ovop_market.villages.models import Village


def in_area(user: User) -> ColumnElement[bool]:
    """Which villages lie in the person's area, as a condition for the database.

    An operator sees every village, an official those whose code lies under that of the account's
    regency or province; nobody else oversees any.
    """
    if user.role is Role.OPERATOR:
        return true()
    if user.role is Role.OFFICIAL and user.region_code:
        return Village.region_code.startswith(f"{user.region_code}.", autoescape=True)
    return false()


def oversees(user: User, village: Village) -> bool:
    """The same question about one village."""
    if user.role is Role.OPERATOR:
        return True
    official = user.role is Role.OFFICIAL and bool(user.region_code)
    return official and village.region_code.startswith(f"{user.region_code}.")
