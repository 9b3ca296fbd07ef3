"""The entry point for gunicorn and for the flask command."""

from ovop_market import create_app

app = create_app()
