"""Addresses that open a chat in WhatsApp."""

from urllib.parse import quote


def address(phone: str, text: str) -> str:
    """The wa.me address for a number (E.164) with a text."""
    return f"https://wa.me/{phone.lstrip('+')}?text={quote(text, safe='')}"
