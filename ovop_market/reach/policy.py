"""Who may see how far the products go."""

from __future__ import annotations

from ovop_market.accounts.models import Role, User

ROLES = (Role.OFFICIAL, Role.OPERATOR)


def can_see_reach(user: User) -> bool:
    """Officials and operators see of it what lies in their area (villages.areas); nobody else
    sees any."""
    return user.role in ROLES
