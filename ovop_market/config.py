"""Configuration from the environment (see README: Settings). Nothing else reads it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import limits
from sqlalchemy import make_url

from ovop_market.core import tokens
from ovop_market.core.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
# An invented account, for the demo: nobody must send money to it in earnest.
_DEMO_ACCOUNT = "Bank Contoh 1234567890 a.n. Koperasi OVOP Bangka Barat"
# An invented merchant, for the demo: no bank knows it, so nobody can pay to it by mistake.
_DEMO_QRIS = (
    "00020101021126630016ID.CO.CONTOH.WWW01189360000000000000000210CONTOH00010303UMI5"
    "1440014ID.CO.QRIS.WWW0215ID10200000000000303UMI5204549953033605802ID5920KOPERASI"
    " OVOP CONTOH6012BANGKA BARAT61053335162070703A016304B8EB"
)
# Seconds that a request waits for Redis before it is counted without.
_PATIENT = {"socket_connect_timeout": 1, "socket_timeout": 1}
ENVIRONMENTS = ("development", "production", "testing")
MIN_SECRET_LENGTH = 32
MIN_TOKEN_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Config:
    """What differs from one installation to the next. Amounts of time are in seconds."""

    environment: str
    secret_key: str
    # What buyers are recognised with (orders/services/buyers.py): another one makes everybody new.
    hash_key: str
    database_url: str
    media: Path
    # Where transfers go, as buyers read it; empty: the operator tells them.
    bank_account: str
    public_url: str
    trusted_proxies: int
    # The cooperative's static QRIS payload; empty: paying by QRIS is not offered.
    qris: str
    # smtp://user:password@host:port or smtps://…; empty: no e-mail is owed to anybody.
    smtp_url: str
    # Whom notices come from, and whom push services may ask about them.
    mail_from: str
    # A P-256 private key (base64url) that signs Web Push; empty: no push.
    vapid_key: str
    redis_url: str
    # The hosted gateway (Midtrans Snap); without a server key it is not offered.
    midtrans_server_key: str
    midtrans_production: bool
    # Where its API is; empty: where Midtrans says. Tests put a stub there.
    midtrans_url: str
    # A courier rate API (Komerce RajaOngkir); without a key couriers are not asked.
    rajaongkir_key: str
    # Where it is; empty: where Komerce says. Tests put a stub there.
    rajaongkir_url: str
    # How long its prices are taken before it is asked again.
    rate_age: timedelta
    # Where pg_dump and pg_restore are; empty: where they usually are.
    pg_bin: str
    # Who knows it may read /metrics from elsewhere; empty: nobody.
    metrics_token: str
    # How often one address may ask the open data, as Flask-Limiter writes it ("120 per minute").
    api_rate: str
    # Whether officials and operators must have a second factor.
    require_2fa: bool
    # Who answers for personal data, and how people reach them; empty: the notice's usual words.
    privacy_controller: str
    privacy_contact: str
    # Days after which the data of finished orders of guests are erased.
    retention_days: int
    # What differs from web/limits.py: "checkout.address" → "600 per minute", or "off".
    limits: Mapping[str, str]
    # For trying out what time does: never in production.
    clock_ahead: timedelta

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
            # A thread needs one connection; that there is none for it is an error soon.
            "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 8, "pool_timeout": 3},
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
            # Counted where all processes see it, else by each of them. Without Redis for a while,
            # requests are counted by each as well: it must not take the site down.
            "RATELIMIT_STORAGE_URI": self.redis_url or "memory://",
            "RATELIMIT_STORAGE_OPTIONS": _PATIENT if self.redis_url else {},
            "RATELIMIT_KEY_PREFIX": _own_name(self.database_url),
            "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
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


def _development_secret(folder: Path, name: str = "secret_key") -> str:
    """A secret of this machine's own, made once: the source must not hold one that works."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
    return path.read_text("ascii")


def _development_key(folder: Path) -> str:
    """A key for Web Push of this machine's own: 32 random bytes are a P-256 private key (but for
    odds of one in 2 to the 32nd)."""
    return _development_secret(folder, "vapid_key")


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
    if environment == "production":
        _check_production(env, secret)
    hash_key = env.get("OVOP_HASH_KEY") or ""
    if hash_key and len(hash_key) < MIN_SECRET_LENGTH:
        raise ConfigurationError(f"OVOP_HASH_KEY must have at least {MIN_SECRET_LENGTH} characters")
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
    demo = environment != "production"
    secret = secret or _development_secret(instance)
    return Config(
        environment=environment,
        secret_key=secret,
        hash_key=hash_key or secret,
        database_url=_database_url(env.get("DATABASE_URL") or f"sqlite:///{instance}/ovop.sqlite3"),
        media=Path(media),
        bank_account=env.get("OVOP_BANK_ACCOUNT") or (_DEMO_ACCOUNT if demo else ""),
        public_url=(env.get("PUBLIC_URL") or "").rstrip("/"),
        trusted_proxies=proxies,
        qris=env.get("OVOP_QRIS") or (_DEMO_QRIS if demo else ""),
        smtp_url=_smtp_url(env.get("SMTP_URL") or ""),
        mail_from=env.get("OVOP_MAIL_FROM") or "OVOP Market <noreply@ovop.example>",
        vapid_key=env.get("OVOP_VAPID_KEY") or (_development_key(instance) if demo else ""),
        redis_url=env.get("REDIS_URL") or "",
        midtrans_server_key=env.get("MIDTRANS_SERVER_KEY") or "",
        midtrans_production=env.get("MIDTRANS_PRODUCTION") == "1",
        midtrans_url=_midtrans_url(env.get("MIDTRANS_URL") or "", plain=demo),
        rajaongkir_key=env.get("OVOP_RAJAONGKIR_KEY") or "",
        rajaongkir_url=_rajaongkir_url(env.get("OVOP_RAJAONGKIR_URL") or "", plain=demo),
        rate_age=_rate_age(env.get("OVOP_RATE_HOURS") or "12"),
        pg_bin=env.get("OVOP_PG_BIN") or "",
        metrics_token=_metrics_token(env.get("OVOP_METRICS_TOKEN") or ""),
        api_rate=_api_rate(env.get("OVOP_API_RATE") or "120 per minute"),
        require_2fa=_switch(env, "OVOP_REQUIRE_2FA", usual=not demo),
        privacy_controller=env.get("OVOP_PRIVACY_CONTROLLER") or "",
        privacy_contact=env.get("OVOP_PRIVACY_CONTACT") or "",
        retention_days=_retention_days(env.get("OVOP_RETENTION_DAYS") or "730"),
        limits=_limits(env.get("OVOP_LIMITS") or ""),
        clock_ahead=_clock_ahead(env.get("OVOP_CLOCK_AHEAD") or "", allowed=demo),
    )


def _check_production(env: Mapping[str, str], secret: str) -> None:
    advice = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
    if len(secret) < MIN_SECRET_LENGTH:
        raise ConfigurationError(
            f"SECRET_KEY must have at least {MIN_SECRET_LENGTH} characters in production; {advice}"
        )
    if tokens.easily_guessed(secret) or secret == _kept_secret(ROOT / "instance" / "secret_key"):
        raise ConfigurationError(
            f"SECRET_KEY is a default, or easily guessed, or the one of development; {advice}"
        )
    if (env.get("FLASK_DEBUG") or "0").lower() not in ("0", "false", "no"):
        raise ConfigurationError("FLASK_DEBUG has no place in production: take it away")
    _check_public_url(env.get("PUBLIC_URL") or "")


def _check_public_url(value: str) -> None:
    """Cookies are only sent by https; on the machine itself it can be tried out without."""
    parts = urlsplit(value)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if value and (not parts.hostname or (parts.scheme != "https" and not local)):
        raise ConfigurationError("PUBLIC_URL must look like https://the.name in production")


def _kept_secret(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _smtp_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
        raise ConfigurationError("SMTP_URL must look like smtp://user:password@host:587")
    return value


def _midtrans_url(value: str, *, plain: bool) -> str:
    """`plain`: whether it may be http, which shows the server key to whoever listens."""
    parts = urlsplit(value)
    schemes = ("http", "https") if plain else ("https",)
    if value and (parts.scheme not in schemes or not parts.hostname):
        raise ConfigurationError("MIDTRANS_URL must look like https://host")
    return value.rstrip("/")


def _rajaongkir_url(value: str, *, plain: bool) -> str:
    """`plain`: whether it may be http, which shows the key to whoever listens."""
    parts = urlsplit(value)
    schemes = ("http", "https") if plain else ("https",)
    if value and (parts.scheme not in schemes or not parts.hostname):
        raise ConfigurationError("OVOP_RAJAONGKIR_URL must look like https://host/api/v1")
    return value.rstrip("/")


def _rate_age(value: str) -> timedelta:
    """Hours for which a courier's price is taken as it is."""
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 24 * 30):
        raise ConfigurationError("OVOP_RATE_HOURS must be a number of hours from 1 to 720")
    return timedelta(hours=int(value))


def _retention_days(value: str) -> int:
    """Not less than what complaints and refunds may take."""
    if not (value.isascii() and value.isdigit() and 30 <= int(value[:5]) <= 3_650):
        raise ConfigurationError("OVOP_RETENTION_DAYS must be a number of days from 30 to 3650")
    return int(value)


def _api_rate(value: str) -> str:
    try:
        limits.parse_many(value)
    except ValueError:
        raise ConfigurationError("OVOP_API_RATE must look like 120 per minute") from None
    return value


def _switch(env: Mapping[str, str], name: str, *, usual: bool) -> bool:
    value = env.get(name) or ("1" if usual else "0")
    if value not in ("0", "1"):
        raise ConfigurationError(f"{name} must be 1 or 0")
    return value == "1"


def _metrics_token(value: str) -> str:
    if value and (len(value) < MIN_TOKEN_LENGTH or not value.isascii()):
        raise ConfigurationError(
            f"OVOP_METRICS_TOKEN must have at least {MIN_TOKEN_LENGTH} letters and digits"
        )
    return value


def _limits(value: str) -> dict[str, str]:
    """ "checkout.address=600 per minute, search.address=off" by name; "all=off" for trials."""
    changed = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _equals, rate = (piece.strip() for piece in part.partition("="))
        try:
            if rate != "off":
                limits.parse_many(rate)
        except ValueError:
            raise ConfigurationError(
                "OVOP_LIMITS must look like checkout.address=600 per minute, search.address=off"
            ) from None
        changed[name] = rate
    return changed


def _own_name(database_url: str) -> str:
    """What tells this installation from another that counts in the same Redis."""
    place = make_url(database_url).render_as_string(hide_password=True)
    return "ovop" + hashlib.sha256(place.encode()).hexdigest()[:12]


def _clock_ahead(value: str, *, allowed: bool) -> timedelta:
    """Hours by which the clock is ahead."""
    if not value:
        return timedelta()
    if not allowed:
        raise ConfigurationError("OVOP_CLOCK_AHEAD has no place in production")
    try:
        return timedelta(hours=float(value))
    except (ValueError, OverflowError):
        raise ConfigurationError("OVOP_CLOCK_AHEAD must be a number of hours") from None
