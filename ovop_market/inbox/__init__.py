"""The producer's pages on orders."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    # The pages of the day join the inbox's blueprint.
    from ovop_market.inbox import day_views, member_views, phone_views, share_views, views  # noqa: F401

    app.register_blueprint(views.blueprint)
    app.register_blueprint(share_views.blueprint)
    app.register_blueprint(member_views.blueprint)
    phone_views.init_app(app)
