"""The entry point for gunicorn and for the flask command."""

import gc

from ovop_market import create_app

app = create_app()

# What is there by now stays: going over it again would make some pages a tenth of a second slower,
# and have each worker copy it.
gc.collect()
gc.freeze()
