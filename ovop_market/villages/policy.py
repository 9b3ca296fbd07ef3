"""Who may do what for a producer (docs/adr/0038). Pure: roles and duties as data.

An owner answers for the producer; a packer packs. What binds the producer, shows its money or
changes what it sells is the owner's, and so is whatever has not been given to packers by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class StaffRole(StrEnum):
    """What somebody is in a producer."""

    OWNER = "owner"
    PACKER = "packer"


class Duty(StrEnum):
    """What is done for a producer. A view names one; without a name it is OWN."""

    # The inbox from the yes to the order onwards, and what has to be made and packed.
    SEE = "see"
    # Preparation begins and ends; a household's share is handed in and counted.
    PREPARE = "prepare"
    # A parcel goes to the courier, or over the counter.
    SEND = "send"
    # Labels and lists: the name, address and phone of whom a parcel is for.
    PRINT = "print"
    # Everything else.
    OWN = "own"


PACKER_MAY = frozenset({Duty.SEE, Duty.PREPARE, Duty.SEND, Duty.PRINT})

_MAY = {StaffRole.OWNER: frozenset(Duty), StaffRole.PACKER: PACKER_MAY}


def may(role: StaffRole | None, duty: Duty) -> bool:
    """Whether somebody in this role does this; whoever has no role does nothing."""
    return role is not None and duty in _MAY[role]


def roles_for(duty: Duty) -> tuple[StaffRole, ...]:
    """The roles that do this."""
    return tuple(role for role in StaffRole if may(role, duty))


def anyone_may(duty: Duty) -> bool:
    """Whether everybody in a producer does this: then it need not be looked up who one is."""
    return all(may(role, duty) for role in StaffRole)


def one_may(roles: Iterable[StaffRole], duty: Duty) -> bool:
    """Whether one of several roles (in several producers) is enough."""
    return any(may(role, duty) for role in roles)
