"""Days and months of WIB, as both databases calculate them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Date
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class wib_day(GenericFunction[date]):
    """The calendar day of a moment in WIB, as `clock.wib_date` has it (UTC+7 all year)."""

    type = Date()
    inherit_cache = True


class first_of_month(GenericFunction[date]):
    """The first day of a day's month."""

    type = Date()
    inherit_cache = True


@compiles(wib_day, "postgresql")
def _wib_day_on_postgresql(element: wib_day, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(timezone(INTERVAL '7 hours', {moment}) AS DATE)"


@compiles(wib_day, "sqlite")
def _wib_day_on_sqlite(element: wib_day, compiler: Any, **options: Any) -> str:
    # Without the fraction: SQLite rounds it, and the last millisecond would be tomorrow's.
    return f"date(substr({compiler.process(element.clauses, **options)}, 1, 19), '+7 hours')"


@compiles(first_of_month, "postgresql")
def _month_on_postgresql(element: first_of_month, compiler: Any, **options: Any) -> str:
    day = compiler.process(element.clauses, **options)
    return f"CAST(date_trunc('month', CAST({day} AS TIMESTAMP)) AS DATE)"


@compiles(first_of_month, "sqlite")
def _month_on_sqlite(element: first_of_month, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 8) || '01'"
