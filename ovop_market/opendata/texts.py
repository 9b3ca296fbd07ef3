"""What people have written, without the ways to reach them: whoever writes a telephone number on a
page means it for buyers, not for whoever collects data."""

from __future__ import annotations

import re

LEFT_OUT = "[…]"
_CONTACTS = re.compile(
    r"(?:https?://)?(?:wa\.me|api\.whatsapp\.com)/\S+"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    # 0812-3456-7890, +62 812 3456 7890, 6281234567890, (0716) 21234
    r"|(?:\+62|(?<![\d.,])62(?=8)|(?<![\d.,])\(?0)(?:[ ().-]{0,2}\d){8,12}(?!\d)"
)


def without_contacts(text: str) -> str:
    """The text with each telephone number, e-mail address and WhatsApp link left out."""
    return _CONTACTS.sub(LEFT_OUT, text)
