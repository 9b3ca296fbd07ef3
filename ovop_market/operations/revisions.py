"""Which migration the code is at, and which the database."""

from __future__ import annotations

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask


class Revisions:
    """The migrations that this code has."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            config = app.extensions["migrate"].migrate.get_config()
        self._scripts = ScriptDirectory.from_config(config)

    @property
    def newest(self) -> str:
        """The one that the models are in step with."""
        return str(self._scripts.get_current_head())

    def known(self, revision: str) -> bool:
        """Whether this code has it; of a newer database it has not."""
        try:
            return self._scripts.get_revision(revision) is not None
        except CommandError:
            return False
