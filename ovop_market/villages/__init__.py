"""Villages as brands, their programme years and producers."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.villages.permit_views import blueprint as permits
    from ovop_market.villages.programme_views import blueprint as programme
    from ovop_market.villages.views import blueprint
    from ovop_market.villages.visit_views import blueprint as visits

    app.register_blueprint(blueprint)
    app.register_blueprint(permits)
    app.register_blueprint(visits)
    app.register_blueprint(programme)
