"""What must be read again and yet not be found in a copy of the database: sealed with a key that
is derived from SECRET_KEY (HKDF, RFC 5869; Fernet). Another SECRET_KEY reads none of it."""

from __future__ import annotations

import base64
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from ovop_market.core.tokens import keyed_digest


def _key(purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"ovop {purpose}".encode())
    secret: str = current_app.config["OVOP"].secret_key
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))


def seal(purpose: str, text: str, at: datetime | None = None) -> str:
    """The text, sealed: no other purpose opens it. `at`: the moment that it is marked with."""
    key = _key(purpose)
    if at is None:
        return key.encrypt(text.encode()).decode("ascii")
    return key.encrypt_at_time(text.encode(), int(at.timestamp())).decode("ascii")


def unseal(purpose: str, sealed: str, since: datetime | None = None) -> str | None:
    """The text; None if it was sealed for something else, by another secret, or before `since`."""
    key, token = _key(purpose), sealed.encode("ascii", "replace")
    try:
        if since is not None and key.extract_timestamp(token) < since.timestamp():
            return None
        return key.decrypt(token).decode()
    except InvalidToken:
        return None


def mark(purpose: str, text: str) -> str:
    """A keyed hash: the same for the same text, and of no use without the secret."""
    return keyed_digest(current_app.config["OVOP"].secret_key, f"ovop {purpose}", text)
