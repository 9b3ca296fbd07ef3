"""The only place that reads the time. Databases hold UTC; people read WIB (UTC+7 all year)."""

from datetime import UTC, date, datetime, time, timedelta, timezone

WIB = timezone(timedelta(hours=7), "WIB")


_ahead = timedelta()


def now() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC) + _ahead


def set_ahead(by: timedelta) -> None:
    """Puts the clock of this process forward (or back, or right again with nothing), for tests and
    for trying out what time does."""
    global _ahead  # noqa: PLW0603 - there is one clock
    _ahead = by


def wib(moment: datetime) -> datetime:
    """The same moment on a clock in Bangka Barat.

    Raises ValueError for a naive datetime: guessing its zone would be an error of hours.
    """
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place here")
    return moment.astimezone(WIB)


def wib_date(moment: datetime) -> date:
    """The calendar day in Bangka Barat at this moment."""
    return wib(moment).date()


def start_of_day(day: date) -> datetime:
    """Midnight in Bangka Barat with which the day begins, in UTC."""
    return datetime.combine(day, time.min, WIB).astimezone(UTC)


def monday(day: date) -> date:
    """The Monday of the day's week: weekly capacity is counted from Monday to Sunday."""
    return day - timedelta(days=day.weekday())
