"""The entry point for gunicorn and for the flask command."""

import gc
import sys

import click
from sqlalchemy.orm import configure_mappers

# What is made while everything is read in stays: to look what of it could go costs a tenth of the
# time that a start takes.
gc.disable()

from ovop_market import create_app  # noqa: E402
from ovop_market.core.errors import ConfigurationError  # noqa: E402
from ovop_market.operations import starting  # noqa: E402

try:
    app = create_app()
    context = click.get_current_context(silent=True)
    if context is not None and context.info_name == "run":
        # Flask's own server serves too; gunicorn's settings ask by themselves.
        starting.check(app)
except ConfigurationError as error:
    sys.exit(f"OVOP Market does not start: {error}")

# Models know each other before there are workers, each of which would find out by itself.
configure_mappers()

# What is there by now stays: going over it again would make some pages a tenth of a second slower,
# and have each worker copy it. What little of it is garbage stays, too: to look for it takes longer
# than a tenth of the whole start.
gc.freeze()
gc.enable()
