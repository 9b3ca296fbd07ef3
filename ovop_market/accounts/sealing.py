"""What must be read again and yet not be found in a copy of the database: sealed with a key that
is derived from SECRET_KEY (HKDF, RFC 5869; Fernet). Another SECRET_KEY reads none of it."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from ovop_market.core.tokens import keyed_digest


def _key(purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"ovop {purpose}".encode())
    secret: str = current_app.config["OVOP"].secret_key
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))


def seal(purpose: str, text: str) -> str:
    """The text, sealed: no other purpose opens it."""
    return _key(purpose).encrypt(text.encode()).decode("ascii")


def unseal(purpose: str, sealed: str) -> str | None:
    """The text; None if it was sealed for something else or with another secret."""
    try:
        return _key(purpose).decrypt(sealed.encode("ascii", "replace")).decode()
    except InvalidToken:
        return None


def mark(purpose: str, text: str) -> str:
    """A keyed hash: the same for the same text, and of no use without the secret."""
    return keyed_digest(current_app.config["OVOP"].secret_key, f"ovop {purpose}", text)
