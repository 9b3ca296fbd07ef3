"""How far the villages' products go: rollup, map, export."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature, and follows the orders."""
    from ovop_market.reach import due, queries, services, targets
    from ovop_market.reach import effect_views as _effect  # noqa: F401 (its page is one of reach's)
    from ovop_market.reach import file_views as _files  # noqa: F401 (as are these)
    from ovop_market.reach.due_views import blueprint as due_blueprint
    from ovop_market.reach.views import blueprint
    from ovop_market.villages import programme_queries as programme
    from ovop_market.villages import queries as villages
    from ovop_market.villages import visit_queries as visits

    services.listen()
    villages.reach_of = queries.regencies_reached
    visits.sales_of = due.sales_line
    programme.reached_of = targets.reached
    app.register_blueprint(blueprint)
    app.register_blueprint(due_blueprint)
