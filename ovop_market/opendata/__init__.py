"""What anybody may read by program: villages, products, the programme, and reach."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the addresses; requests to them are counted once they are past their door."""
    from ovop_market.extensions import limiter
    from ovop_market.opendata import answers
    from ovop_market.opendata.views import blueprint, pages

    limiter.init_app(app)
    app.after_request(answers.open_to_all)
    app.register_blueprint(blueprint)
    app.register_blueprint(pages)
