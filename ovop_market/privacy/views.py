"""The privacy notice, for everybody."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from ovop_market.privacy import versions
from ovop_market.privacy.versions import Version
from ovop_market.web import access, language

blueprint = Blueprint("privacy", __name__)


def _page(version: Version) -> ResponseReturnValue:
    config = current_app.config["OVOP"]
    return render_template(
        "privacy/notice.html",
        version=version,
        latest=versions.LATEST,
        versions=versions.VERSIONS,
        document=version.template(language.current()),
        controller=config.privacy_controller,
        contact=config.privacy_contact,
        retention_days=config.retention_days,
    )


@blueprint.get("/privacy")
@access.public
def notice() -> ResponseReturnValue:
    return _page(versions.LATEST)


@blueprint.get("/privacy/<version>")
@access.public
def older(version: str) -> ResponseReturnValue:
    return _page(versions.named(version) or abort(404))


@blueprint.get("/privacy/erased")
@access.public
def erased() -> ResponseReturnValue:
    return render_template("privacy/erased.html")
