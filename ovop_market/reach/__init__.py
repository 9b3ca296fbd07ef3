"""How far the villages' products go: rollup, map, export."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature, and follows the orders."""
    from ovop_market.reach import queries, services, targets
    from ovop_market.reach.effect_views import blueprint
    from ovop_market.villages import programme_queries as programme
    from ovop_market.villages import queries as villages

    services.listen()
    villages.reach_of = queries.regencies_reached
    programme.reached_of = targets.reached
    app.register_blueprint(blueprint)
