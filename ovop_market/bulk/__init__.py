"""The same thing done to many at once: looked at first, done as it was shown, taken back."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.bulk.views import blueprint

    app.register_blueprint(blueprint)
