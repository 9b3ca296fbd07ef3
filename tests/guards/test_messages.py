"""Every message that a person may read has its English."""

from __future__ import annotations

import string
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "ovop_market" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}


def messages() -> set[str]:
    """The messages in the source, as `make messages` collects them."""
    found = set()
    for folder, method in (("ovop_market", "python"), ("templates", "jinja2")):
        for _file, _line, message, _comments, _context in extract_from_dir(
            str(ROOT / folder),
            method_map=[("**.py" if method == "python" else "**.html", method)],
            keywords=KEYWORDS,
        ):
            found.add(message[0] if isinstance(message, tuple) else message)
    return {message for message in found if message}


def test_every_message_is_translated() -> None:
    with ENGLISH.open("rb") as file:
        catalogue = read_po(file, locale="en")
    english = {}
    for message in catalogue:
        key = message.id[0] if isinstance(message.id, tuple) else message.id
        text = message.string[0] if isinstance(message.string, tuple) else message.string
        if key and text and not message.fuzzy:
            english[key] = text
    missing = sorted(messages() - english.keys())
    assert not missing, f"{len(missing)} without English: {missing[:10]}"


def test_translations_keep_the_placeholders() -> None:
    with ENGLISH.open("rb") as file:
        catalogue = read_po(file, locale="en")
    wrong = []
    for message in catalogue:
        if message.id and not message.pluralizable and message.string:
            before, after = _names(str(message.id)), _names(str(message.string))
            if before != after:
                wrong.append((message.id, message.string))
    assert not wrong


def _names(text: str) -> set[str]:
    names = {part.split(")")[0] for part in text.split("%(")[1:]}
    assert all(set(name) <= set(string.ascii_letters + "_") for name in names)
    return names


def test_whoever_runs_the_market_has_one_name() -> None:
    """In English an operator (docs: people and words), in Indonesian pengelola."""
    with ENGLISH.open("rb") as file:
        catalogue = read_po(file, locale="en")
    for message in catalogue:
        said = message.string if isinstance(message.string, str) else " ".join(message.string)
        assert "market team" not in said.lower(), message.id
