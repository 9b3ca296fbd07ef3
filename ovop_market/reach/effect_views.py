"""The page of the question "did it help?"."""

from __future__ import annotations

from flask import render_template
from flask_login import current_user

from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.reach import effect as queries
from ovop_market.reach import effect_figures as figures
from ovop_market.reach.policy import ROLES
from ovop_market.reach.views import blueprint
from ovop_market.web import access

__all__ = ["blueprint"]


@blueprint.get("/programme/effect")
@access.role(*ROLES)
def effect() -> str:
    today = clock.wib_date(clock.now())
    found = queries.effect(db.session(), current_user, today)
    return render_template("reach/effect.html", effect=found, figures=figures)
