"""Villages as brands, their programme years and producers."""

from flask import Flask

from ovop_market.accounts import desk_queries, desk_services, invitations
from ovop_market.web import access


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.accounts import personal
    from ovop_market.villages import (
        acting,
        own_data,
        producer_bulk,  # noqa: F401 - it makes itself known
        staff_queries,
        staff_services,
    )
    from ovop_market.villages.permit_views import blueprint as permits
    from ovop_market.villages.programme_views import blueprint as programme
    from ovop_market.villages.sell_views import blueprint as sell
    from ovop_market.villages.sell_views import own_application
    from ovop_market.villages.staff_views import blueprint as people
    from ovop_market.villages.views import blueprint
    from ovop_market.villages.visit_views import blueprint as visits

    access.refuse_without_duty = acting.at_the_door
    app.jinja_env.globals["owns_a_producer"] = acting.owns_a_producer
    app.jinja_env.globals["own_application"] = own_application
    desk_queries.acts_for = staff_queries.acts_for
    desk_queries.without_owner = staff_queries.without_owner
    desk_services.first_owner = staff_services.invite_first_owner
    invitations.place_of = staff_queries.place_of
    invitations.accepted.connect(staff_services.welcome)
    personal.register(own_data.HOLDER)
    app.register_blueprint(blueprint)
    app.register_blueprint(sell)
    app.register_blueprint(permits)
    app.register_blueprint(visits)
    app.register_blueprint(programme)
    app.register_blueprint(people)
