"""The links under a list of many pages, as components/pages.html shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Nobody turns so many pages; a number beyond is a slip or a robot.
LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class PageLink:
    """One page among others."""

    number: int
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Pager:
    """The first, the last and the pages around this one; None stands for those left out."""

    page: int
    pages: int
    prev_url: str
    next_url: str
    items: Sequence[PageLink | None]


def pager(page: int, pages: int, address: Callable[[int], str]) -> Pager:
    """The links of page `page` of `pages`; `address` makes the URL of a page."""
    page = min(page, pages)
    shown = sorted({1, pages, *range(max(1, page - 1), min(pages, page + 1) + 1)})
    items: list[PageLink | None] = []
    for number in shown:
        if items and items[-1] and number > items[-1].number + 1:
            items.append(None)
        items.append(PageLink(number, address(number), number == page))
    return Pager(
        page=page,
        pages=pages,
        prev_url=address(page - 1) if page > 1 else "",
        next_url=address(page + 1) if page < pages else "",
        items=items,
    )


def page_number(text: str) -> int:
    """The page that an address asks for; the first one when that cannot be read."""
    if not (text.isascii() and text.isdigit()):
        return 1
    # Cut short: Python refuses to read numbers of thousands of figures.
    return min(max(int(text[:9]), 1), LAST_PAGE)
