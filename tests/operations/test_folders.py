"""Where things have places of their own, nothing is written beside the program: whoever it runs as
could not (deploy/systemd)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

import ovop_market
from ovop_market.config import Config


def test_the_program_makes_a_folder_beside_itself_only_for_what_lies_there(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ovop_market, "ROOT", tmp_path / "program")
    (tmp_path / "program").mkdir()
    config: Config = replace(app.config["OVOP"], media=tmp_path / "media")
    ovop_market._prepare_folders(config)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["media", "program"]
    own = replace(config, database_url=f"sqlite:///{tmp_path}/program/instance/ovop.sqlite3")
    ovop_market._prepare_folders(own)
    assert (tmp_path / "program" / "instance").is_dir()


@pytest.mark.parametrize("umask", [0, 0o022, 0o027])
def test_a_database_file_is_its_owners(tmp_path: Path, umask: int) -> None:
    """And what SQLite lays beside it, whatever the umask."""
    engine = create_engine(f"sqlite:///{tmp_path}/market.sqlite3")
    before = os.umask(umask)
    try:
        with engine.connect() as connection:
            connection.execute(text("CREATE TABLE person (name TEXT)"))
            connection.commit()
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
        engine.dispose()
    assert modes == {f"market.sqlite3{ending}": 0o600 for ending in ("", "-wal", "-shm")}


def test_a_database_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/nowhere/market.sqlite3")
    with pytest.raises(OperationalError, match="unable to open"):
        engine.connect()
