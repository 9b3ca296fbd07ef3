"""For monitors: is the process alive, and can it serve?"""

from __future__ import annotations

import time

from flask import Blueprint, Flask, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ovop_market.core import clock
from ovop_market.web import access, beats
from ovop_market.web.probe import PATIENCE, Probe

# Of a server that has just come up, in seconds: its worker is on its way as well, and the last
# beat may be of long ago.
COMING_UP = 60.0
_BEGUN = time.monotonic()

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@access.visitor
def alive() -> Response:
    """200 as long as the process answers; the database is not asked."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@access.visitor
def ready() -> Response:
    """200 when the database answers and a worker was seen lately, else 503 with the reasons. It
    takes two seconds at most, also when the database hangs."""
    reasons = _reasons()
    if not reasons:
        return jsonify(status="ready")
    response = jsonify(status="not ready", reasons=reasons)
    response.status_code = 503
    response.headers["Retry-After"] = "5"
    return response


def _reasons() -> list[str]:
    probe: Probe[bool] = current_app.extensions["worker silent"]
    try:
        silent = probe.ask()
    except TimeoutError:
        return [f"database: no answer within {PATIENCE} s"]
    except SQLAlchemyError as error:
        return [f"database: {type(error).__name__}"]
    if silent and time.monotonic() - _BEGUN > COMING_UP:
        minutes = beats.SILENT_AFTER.total_seconds() / 60
        return [f"worker: not seen for {minutes:.0f} minutes"]
    return []


def _silent(session: Session) -> bool:
    return beats.worker_silent(session, clock.now())


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.extensions["worker silent"] = Probe(app, _silent)
