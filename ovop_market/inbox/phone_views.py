"""The inbox as an app on a phone: what it is called there, and whose it is.

What is kept on a phone and sent when the signal returns is the work of static/js/worker.js and
static/js/taps.js (docs/adr/0024).
"""

from __future__ import annotations

from flask import Blueprint, Flask, jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from ovop_market.accounts.models import User
from ovop_market.core import clock
from ovop_market.core.tokens import digest
from ovop_market.villages.policy import Duty
from ovop_market.web import access, language
from ovop_market.web.assets import asset_url

blueprint = Blueprint("phone", __name__)

# LOOK.md's paper: what is behind the first page while it opens.
PAPER = "#fbf7f0"


def owner_mark(user: User) -> str:
    """By what a phone tells accounts apart: the same for ever, and it says nothing of the account.

    It is no secret that opens anything; the server's key is left out, so that what waits on a
    phone outlives a change of it.
    """
    return digest(f"phone {user.id} {user.created_at.timestamp()}")[:24]


@blueprint.get("/manifest.webmanifest")
@access.public
def manifest() -> ResponseReturnValue:
    """What a browser needs to put the inbox among a phone's apps (W3C, Web App Manifest)."""
    sides = (192, 512)
    icons = [
        {
            "src": asset_url(f"img/icon-{side}.png"),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for side in sides
        for purpose in ("any", "maskable")
    ]
    answer = jsonify(
        # One app, in whichever language it was put there.
        id="/inbox",
        name=_("OVOP Market: pesanan masuk"),
        short_name=_("Pesanan OVOP"),
        description=_("Pesanan untuk pembuat produk desa Bangka Barat, juga saat sinyal lemah."),
        lang=language.current(),
        dir="ltr",
        start_url=url_for("inbox.inbox"),
        scope="/",
        display="standalone",
        background_color=PAPER,
        theme_color=PAPER,
        icons=icons,
    )
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


@blueprint.get("/inbox/session")
@access.staff(Duty.SEE)
def session() -> ResponseReturnValue:
    """Whose session this is, and its token: asked before anything is sent that has waited, since
    the token of the form may be that of a session that is over. No other site can read it."""
    return jsonify(account=owner_mark(current_user), csrf_token=generate_csrf())


def init_app(app: Flask) -> None:
    """Registers the pages, and what templates/inbox/_taps.html needs."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(owner_mark=owner_mark, made_at=clock.now)
