"""What is known of a person, feature by feature: each tells it, says why it may not go yet, and
erases it.

Features above accounts hold personal data of their own; whoever answers a person's request
(`privacy`) must know of all of them and none by name. So each feature puts a `Holder` here when
the application is made. Law: UU 27/2022 on personal data, articles 5 to 13 (a person's rights).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.orm import Session

from ovop_market.core.money import Rupiah

Value = str | int | bool | Rupiah | date | datetime | None


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose data: an account with all its purchases, or purchases alone (a guest's link)."""

    user_id: int | None = None
    purchase_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known: its name for programs, its name for people, and the value.
    Amounts of money say so by `money`; the value is then whole rupiah. `words`: what people read
    instead of a value that is a code; `link`: the value is an address of this site."""

    key: str
    label: str
    value: Value
    money: bool = False
    words: str = ""
    link: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Facts about one thing, and what belongs to it."""

    facts: Sequence[Fact]
    parts: Sequence[Section] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Records of one kind: `key` for programs, `title` for people."""

    key: str
    title: str
    records: Sequence[Record] = field(default_factory=tuple)


def _no_refusals(_session: Session, _whose: Whose, _now: datetime) -> list[str]:
    return []


def _nothing(_session: Session, _whose: Whose) -> list[Section]:
    return []


def _no_lock(_session: Session, _whose: Whose) -> None:
    return None


def _no_erasure(_session: Session, _whose: Whose, _now: datetime) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Holder:
    """A feature's share of it.

    `refusals`: why nothing may be erased yet, as sentences that say what to do. `own_data`: what
    it knows, nothing of other people and no secrets. `erase`: takes out all that names the person,
    and returns the keys of private pictures whose files are to be thrown away once it is committed.
    """

    name: str
    refusals: Callable[[Session, Whose, datetime], list[str]] = _no_refusals
    own_data: Callable[[Session, Whose], list[Section]] = _nothing
    erase: Callable[[Session, Whose, datetime], list[str]] = _no_erasure
    # Before an erasure: locks what the refusals are decided on.
    lock: Callable[[Session, Whose], None] = _no_lock


_HOLDERS: dict[str, Holder] = {}


def register(holder: Holder) -> None:
    """Makes a feature's share known; once more is the same as once."""
    _HOLDERS[holder.name] = holder


def holders() -> Sequence[Holder]:
    """All of them, the lower features first."""
    return tuple(_HOLDERS.values())
