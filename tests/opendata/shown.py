"""What is published, made up: a stand-in for `reach.published`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from ovop_market.reach import published
from ovop_market.reach.figures import Sums
from ovop_market.reach.models import Channel, ReachPlaceMonth
from ovop_market.reach.published import Tree

HELD = Sums(held=True)


@dataclass
class Shown:
    """The tables of a tree, as they are given; and for which trees they were asked."""

    tables: Mapping[str, Any] = field(default_factory=dict)
    asked: list[Tree] = field(default_factory=list)

    def whole(self) -> Sums:
        return self.tables.get("whole", Sums())

    def __getattr__(self, name: str) -> Any:
        found = self.tables.get(name, {})
        if name in ("products", "product_months", "village_places"):
            return lambda village_id: found.get(village_id, {})
        return lambda: found


def show(monkeypatch: pytest.MonkeyPatch, **tables: Any) -> Shown:
    """Publishes these tables, whatever the database holds."""
    shown = Shown(tables)

    def of(_session: Session, tree: Tree) -> Shown:
        shown.asked.append(tree)
        return shown

    monkeypatch.setattr(published, "of", of)
    return shown


def begin(session: Session, month: date = date(2024, 3, 1)) -> None:
    """The first month of which anything is known."""
    session.add(
        ReachPlaceMonth(
            month=month,
            area_code="19.05",
            region_code="32.73",
            channel=Channel.WEB,
            purchases=9,
            orders=9,
            units=9,
            home_units=0,
            revenue=9,
        )
    )
    session.flush()
