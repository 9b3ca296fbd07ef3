"""What a browser says it is, in two plain words: enough for people to know their own."""

from __future__ import annotations

from flask_babel import gettext as _

# The first that is found says it: most browsers also claim to be others.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("OPX/", "Opera"),
    ("UCBrowser", "UC Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("MiuiBrowser", "Mi Browser"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def named(user_agent: str) -> tuple[str, str]:
    """Browser and system; empty where it says none that is known."""

    def first(names: tuple[tuple[str, str], ...]) -> str:
        return next((name for sign, name in names if sign in user_agent), "")

    return first(_BROWSERS), first(_SYSTEMS)


def words(browser: str, system: str) -> str:
    """As it is read: "Chrome di Android"."""
    if browser and system:
        return _("%(browser)s di %(system)s", browser=browser, system=system)
    return browser or system or _("Perangkat lain")
