"""The privacy notice, version by version. A version that somebody has agreed to never changes and
stays readable: each is a document of its own in both languages (templates/privacy/notices)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ovop_market.orders.services.checkout import CONSENT_VERSION


@dataclass(frozen=True, slots=True)
class Version:
    """A version by the name that purchases keep, and the day (WIB) from which it holds."""

    name: str
    since: date

    def template(self, language: str) -> str:
        return f"privacy/notices/{self.name}.{language}.html"


# The latest first.
VERSIONS = (
    Version("2026-12", date(2026, 11, 29)),
    # Until then buyers agreed to one sentence at checkout.
    Version("2026-11", date(2026, 11, 1)),
)
LATEST = next(version for version in VERSIONS if version.name == CONSENT_VERSION)


def named(name: str) -> Version | None:
    """The version of this name, if there was one."""
    return next((version for version in VERSIONS if version.name == name), None)
