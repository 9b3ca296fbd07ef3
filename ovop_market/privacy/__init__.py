"""Personal data across all features: the notice, one's own data, erasure, retention, the audit.

It stands near the top, because it has to see everything; it knows of other features' data by
what they declare (`accounts.personal`) and by the inventory alone.
"""

from flask import Flask


def init_app(app: Flask) -> None:
    """Registers the pages of this feature."""
    from ovop_market.privacy import audit_views, own_views  # noqa: F401
    from ovop_market.privacy.commands import privacy
    from ovop_market.privacy.views import blueprint

    app.cli.add_command(privacy)
    app.register_blueprint(blueprint)
