"""How far the villages' products go: rollup, map, export."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature, and follows the orders."""
    from ovop_market.reach import due, queries, services
    from ovop_market.reach.due_views import blueprint as due_blueprint
    from ovop_market.reach.file_views import blueprint
    from ovop_market.villages import queries as villages
    from ovop_market.villages import visit_queries as visits

    services.listen()
    villages.reach_of = queries.regencies_reached
    visits.sales_of = due.sales_line
    app.register_blueprint(blueprint)
    app.register_blueprint(due_blueprint)
