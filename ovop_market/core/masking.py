"""Logins as they are shown to whoever need not know them."""

from __future__ import annotations


def masked_phone(number: str) -> str:
    """Enough of a telephone number to know one's own, and too little to say it."""
    return f"•••• ••{number[-3:]}" if number else ""


def masked_login(login: str) -> str:
    """The same of an e-mail address or a telephone number."""
    name, at, place = login.partition("@")
    return f"{name[:1]}•••@{place}" if at else masked_phone(login)
