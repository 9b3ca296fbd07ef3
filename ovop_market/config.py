"""Configuration from the environment (see README: Settings). Nothing else reads it."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ovop_market.core.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("development", "production", "testing")
MIN_SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Config:
    """What differs from one installation to the next. Amounts of time are in seconds."""

    environment: str
    secret_key: str
    database_url: str
    media: Path
    bank_account: str
    public_url: str
    trusted_proxies: int

    @property
    def in_production(self) -> bool:
        return self.environment == "production"

    def flask(self) -> dict[str, object]:
        """The same for Flask and its extensions."""
        secure = self.in_production
        return {
            "OVOP": self,
            "SECRET_KEY": self.secret_key,
            "TESTING": self.environment == "testing",
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SESSION_COOKIE_NAME": "__Host-session" if secure else "session",
            "SESSION_COOKIE_SECURE": secure,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            # The English pages live under /en; a session is one for both.
            "SESSION_COOKIE_PATH": "/",
            "PERMANENT_SESSION_LIFETIME": 60 * 60 * 24 * 30,
            "MAX_CONTENT_LENGTH": 12 * 1024 * 1024,
            # For each text in a form with a picture; plain forms are bounded in web.access.
            "MAX_FORM_MEMORY_SIZE": 512 * 1024,
            "MAX_FORM_PARTS": 500,
            "WTF_CSRF_CHECK_DEFAULT": False,
            "WTF_CSRF_TIME_LIMIT": None,
            # It would ask for a Referer, which pages with a secret link do not send.
            "WTF_CSRF_SSL_STRICT": False,
            "BABEL_DEFAULT_LOCALE": "id",
            "BABEL_DEFAULT_TIMEZONE": "Asia/Jakarta",
            "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "ovop_market" / "translations"),
            "COMPRESS_MIMETYPES": [
                "text/html",
                "text/css",
                "text/csv",
                "text/javascript",
                "image/svg+xml",
                "application/json",
                "application/manifest+json",
            ],
            "COMPRESS_STREAMS": False,
            "COMPRESS_ALGORITHM": ["br", "gzip"],
            "COMPRESS_BR_LEVEL": 4,
        }


def _development_secret(folder: Path) -> str:
    """A secret of this machine's own, made once: the source must not hold one that works."""
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
    return path.read_text("ascii")


def _database_url(value: str) -> str:
    if value.startswith(("postgres://", "postgresql://")):
        return "postgresql+psycopg://" + value.split("://", 1)[1]
    return value


def from_environment(environ: Mapping[str, str] | None = None) -> Config:
    """Reads and checks the environment.

    Raises ConfigurationError, naming the variable, for a value that would not be safe to run with.
    """
    env = os.environ if environ is None else environ
    environment = env.get("OVOP_ENV") or "development"
    if environment not in ENVIRONMENTS:
        raise ConfigurationError(f"OVOP_ENV must be one of {', '.join(ENVIRONMENTS)}")
    secret = env.get("SECRET_KEY") or ""
    if environment == "production" and len(secret) < MIN_SECRET_LENGTH:
        raise ConfigurationError(
            f"SECRET_KEY must have at least {MIN_SECRET_LENGTH} characters in production"
        )
    instance = ROOT / "instance"
    media = env.get("OVOP_MEDIA") or str(instance / "media")
    if "://" in media:
        raise ConfigurationError("OVOP_MEDIA must be a folder; object storage is not supported yet")
    try:
        proxies = int(env.get("TRUSTED_PROXIES") or 0)
    except ValueError:
        raise ConfigurationError("TRUSTED_PROXIES must be a number") from None
    if proxies < 0:
        raise ConfigurationError("TRUSTED_PROXIES must not be negative")
    return Config(
        environment=environment,
        secret_key=secret or _development_secret(instance),
        database_url=_database_url(env.get("DATABASE_URL") or f"sqlite:///{instance}/ovop.sqlite3"),
        media=Path(media),
        bank_account=env.get("OVOP_BANK_ACCOUNT")
        or "Bank Sumsel Babel 1234567890 a.n. Koperasi OVOP Bangka Barat",
        public_url=(env.get("PUBLIC_URL") or "").rstrip("/"),
        trusted_proxies=proxies,
    )
