"""Passwords: which are taken, and how they are kept (argon2id only).

What is asked of them follows NIST SP 800-63B and OWASP ASVS 5.0 (6.2): a length, no rules of
composition, and none that everybody tries first. Nothing is asked of another machine for that.

A password is brought into one form before it is counted, hashed or compared: NFC, with every kind
of space as a plain one (RFC 8265, the OpaqueString profile). Two keyboards write the same letter in
different ways; that must not lock anybody out. NFKC would do more: it makes other letters of some
(² becomes 2), which nobody has asked for.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw
from flask_babel import gettext as _

from ovop_market.core.errors import Unusable

# In code points.
MIN_PASSWORD, MAX_PASSWORD = 8, 128
# Nothing longer is even looked at: a form's field takes no more.
MAX_TYPED = 1024

# Of codes on paper (OWASP ASVS 5.0, 6.5.2: they are short, so they are stretched). Other figures
# make the codes that people have worthless.
CODE_TIME, CODE_MEMORY = 2, 19456
# OWASP Password Storage Cheat Sheet: argon2id with m=19456 KiB, t=2, p=1.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

# What people here try first, beside the list of the whole world: words of everyday, of the faith,
# of the land, and of this site.
_WORDS = """
    rahasia sandi katasandi kata-sandi password masuk bismillah alhamdulillah assalamualaikum
    allahuakbar muhammad insyaallah sayang sayangku sayangkamu cinta cintaku cintakamu akucintakamu
    akusayangkamu kamu kangen bunda ayah mama papa mamapapa ibubapak keluarga keluargaku anakku
    bahagia semangat sukses merdeka indonesia indonesiaraya garuda pancasila nusantara jakarta
    bandung palembang surabaya bangka bangkabarat bangkabelitung bangkaku babel belitung mentok
    muntok pangkalpinang pangkal-pinang kelapa jebus parittiga tempilang simpangteritip belolaut
    dendang sumatera pempek pempekudang terasi rotan ovop ovopmarket pasar warung tokoku jualan
    pembeli penjual produsen pejabat operator admin administrator rumahku sekolah persija persib
    bismillah bismilah terserah gataulah lupalagi gantengbanget cantik ganteng
"""
_LOCAL = frozenset(_WORDS.split())
# Without these at the ends, "Rahasia2024!" is "rahasia".
_TRIMMED = "0123456789!?.,_-+*#@$&()'\" "
_FEWEST_LETTERS = 3


def normal(password: str) -> str:
    """The form in which a password is counted, hashed and compared."""
    text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in password[:MAX_TYPED])
    return unicodedata.normalize("NFC", text)


def hashed(password: str) -> str:
    """What is kept of a password; takes a while, and should not in a transaction that writes."""
    return _hasher.hash(normal(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password. Without one to compare with (an unknown login) it takes just as
    long."""
    given = normal(password)
    try:
        _hasher.verify(kept or _nobody(), given)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None and len(given) <= MAX_PASSWORD


def stretched(text: str, salt: bytes) -> bytes:
    """Argon2id of a short secret under a salt: slow to try out, and the same each time."""
    return hash_secret_raw(
        text.encode(), salt, CODE_TIME, CODE_MEMORY, parallelism=1, hash_len=32, type=Type.ID
    )


def is_dated(kept: str) -> bool:
    """Whether it was hashed at another cost than we do now."""
    return _hasher.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password fits, so that an unknown login costs the same work."""
    return _hasher.hash("an account that does not exist")


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """The 30,000 passwords that are found most often in what thieves have published."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def check(password: str, *, login: str = "", name: str = "", field: str = "password") -> None:
    """Raises Unusable, naming the field, for a password that is too short or too long, that
    everybody tries first, or that is the person's own login or name."""
    text = normal(password)
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise Unusable(_("Kata sandi 8 sampai 128 huruf."), field=field)
    if _is_easy(text.casefold()):
        raise Unusable(
            _("Kata sandi ini mudah ditebak. Pakai beberapa kata yang hanya Anda yang tahu."),
            field=field,
        )
    if _is_own(text.casefold(), login.casefold(), name.casefold()):
        raise Unusable(
            _("Jangan pakai nama, email, atau nomor HP Anda sebagai kata sandi."), field=field
        )


def _is_easy(text: str) -> bool:
    word = text.strip(_TRIMMED)
    few = len(set(text)) < _FEWEST_LETTERS
    return few or any(form in _common() or form in _LOCAL for form in (text, word))


def _is_own(text: str, login: str, name: str) -> bool:
    letters = re.sub(r"[\W\d_]+", "", text)
    owned = {"".join(re.findall(r"[^\W\d_]+", part)) for part in (name, login.partition("@")[0])}
    owned |= set(re.findall(r"[^\W\d_]+", name))
    # 0812…, 62812… and 812… are one number.
    number, typed = re.sub(r"\D", "", login), re.sub(r"\D", "", text)
    same_number = len(number) >= MIN_PASSWORD and typed.endswith(
        number.lstrip("0").removeprefix("62")
    )
    return text == login or same_number or (bool(letters) and letters in owned)
