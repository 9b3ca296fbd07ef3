"""Every text that is kept is declared: whose it is, or that it is nobody's."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import JSON, String

from ovop_market.extensions import db
from ovop_market.extensions.database import Choice
from ovop_market.privacy import inventory

ROOT = Path(__file__).resolve().parents[2]


def texts() -> set[str]:
    """The columns of text and of JSON of all models, but for choices from a list."""
    return {
        f"{table.name}.{column.name}"
        for table in db.Model.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String | JSON) and not isinstance(column.type, Choice)
    }


def test_every_text_is_declared(app: Flask) -> None:
    missing = sorted(texts() - inventory.declared().keys())
    assert not missing, f"say in privacy/inventory.py whose these are: {missing}"


def test_nothing_is_declared_that_is_not_there(app: Flask) -> None:
    assert not sorted(inventory.declared().keys() - texts())


def test_the_document_says_what_the_inventory_says() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text("utf-8")
    assert inventory.written_into(text) == text, "python -m ovop_market.privacy.inventory"
