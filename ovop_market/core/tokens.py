"""Secrets and numbers that cannot be guessed."""

import hashlib
import hmac
import re
import secrets
from itertools import pairwise

# Without 0/O, 1/I/L and U: an order number is read out over the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def secret_token() -> str:
    """A URL-safe secret of 192 bits."""
    return secrets.token_urlsafe(24)


def digest(secret: str) -> str:
    """SHA-256 of a secret, in hex: what a table is searched by, so that its index tells nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def keyed_digest(secret: str, purpose: str, text: str) -> str:
    """HMAC-SHA-256 of a text, in hex, under a key that `purpose` derives from a secret: who has the
    table but not the secret cannot try out texts, and no other use of the secret gives the same."""
    key = hmac.digest(secret.encode(), purpose.encode(), "sha256")
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def matches(given: str, kept: str) -> bool:
    """Whether two secrets are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), kept.encode("utf-8", "surrogatepass")
    )


# What examples and other people's defaults are made of.
_PLACEHOLDERS = re.compile(
    "change|default|demo|dev|django|example|flask|insecure|key|me|not|ovop|market|password|please"
    "|production|qwerty|replace|sandi|secret|super|test|this|todo|very|with|your"
)
# Different letters and digits that a secret has at least, beside those words: of 32 random hex
# digits fewer are as good as impossible.
_DISTINCT = 8


def easily_guessed(secret: str) -> bool:
    """Whether a key is what somebody wrote who wanted to be done with it: one thing over and over,
    a row of the alphabet, or the words of an example."""
    over_and_over = len(secret) > 1 and secret in (secret + secret)[1:-1]
    steps = {ord(b) - ord(a) for a, b in pairwise(secret)}
    rest = re.sub(r"[\W_]", "", _PLACEHOLDERS.sub("", secret.lower()))
    return over_and_over or len(steps) < _DISTINCT or len(set(rest)) < _DISTINCT


def order_number() -> str:
    """A number such as `7K4M-2XQ9` for people to quote; it is a name, not a secret."""
    letters = payment_code()
    return f"{letters[:4]}-{letters[4:]}"


def payment_code() -> str:
    """A code such as `7K4M2XQ9` by which banks and gateways name a payment; no secret either."""
    return _letters(8)


MAKER_CODE_LENGTH = 10


def maker_code() -> str:
    """A code such as `7K4M2XQ9RT` of a parcel's maker page: 49 bits, short enough to be typed."""
    return _letters(MAKER_CODE_LENGTH)


def maker_code_in(text: str) -> str | None:
    """The code that somebody has typed, in small letters or in groups; None if it can be none."""
    code = text.upper().replace("-", "").replace(" ", "")
    return code if len(code) == MAKER_CODE_LENGTH and set(code) <= set(_ALPHABET) else None


def recovery_code() -> str:
    """A code such as `7K4M2XQ9RT`, 49 bits, that is written down on paper and typed once."""
    return _letters(MAKER_CODE_LENGTH)


def recovery_code_in(text: str) -> str | None:
    """The code that somebody has typed, in small letters or in groups; None if it can be none."""
    return maker_code_in(text)


def _letters(how_many: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(how_many))
