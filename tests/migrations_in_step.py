"""`python -m tests.migrations_in_step`: exits with 1 if the models have changed since the last
migration. Part of `make check`; runs on a scratch SQLite database."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic.util import CommandError
from flask_migrate import check, upgrade

from ovop_market import create_app
from ovop_market.config import from_environment


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        environment = {
            "OVOP_ENV": "testing",
            "DATABASE_URL": f"sqlite:///{path / 'scratch.sqlite3'}",
            "OVOP_MEDIA": str(path / "media"),
        }
        with create_app(from_environment(environment)).app_context():
            upgrade()
            try:
                check()
            except (CommandError, SystemExit) as error:
                print(f"The models are ahead of the migrations: {error}")
                return 1
    print("Migrations are in step with the models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
