"""Sales beyond the website, as sellers report them."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.sales.views import blueprint

    app.register_blueprint(blueprint)
