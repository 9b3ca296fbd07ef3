"""Where things have places of their own, nothing is written beside the program: whoever it runs as
could not (deploy/systemd)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

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
