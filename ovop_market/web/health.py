"""For monitors: is the process alive, and can it serve?"""

from __future__ import annotations

from flask import Blueprint, Flask, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from ovop_market.extensions import db
from ovop_market.web import access

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@access.visitor
def alive() -> Response:
    """200 as long as the process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@access.visitor
def ready() -> Response:
    """200 when the database answers, else 503 with the reason."""
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        response = jsonify(status="not ready", reasons=[f"database: {type(error).__name__}"])
        response.status_code = 503
        return response
    return jsonify(status="ready")


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)
