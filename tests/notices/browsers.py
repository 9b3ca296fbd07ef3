"""A browser's side of Web Push: its keys, and what it makes of what comes."""

from __future__ import annotations

import base64
import json
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts import sessions
from ovop_market.accounts.models import User, UserSession
from tests.factories import NOW

ENDPOINT = "https://fcm.googleapis.com/fcm/send/"
_SECRET = b"sixteen bytes..."


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def make_keys() -> tuple[ec.EllipticCurvePrivateKey, str, str]:
    """The private key, and p256dh and auth as a browser gives them."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key, encoded(point), encoded(_SECRET)


def opened(key: ec.EllipticCurvePrivateKey, body: bytes) -> dict[str, Any]:
    """What was sent, decrypted as the browser does it (RFC 8291)."""
    text = http_ece.decrypt(body, private_key=key, auth_secret=_SECRET, version="aes128gcm")
    found: dict[str, Any] = json.loads(text)
    return found


def session_of(session: Session, user: User) -> int:
    """A session of the account, in which a browser may ask."""
    sessions.begin(session, user, "", NOW)
    latest = select(UserSession.id).where(UserSession.user_id == user.id)
    return session.scalars(latest.order_by(UserSession.id.desc())).first() or 0
