"""Many at once: what would happen, doing it, what happened, taking it back."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from ovop_market.accounts.models import User
from ovop_market.bulk import services
from ovop_market.bulk.forms import BulkForm
from ovop_market.bulk.models import Batch
from ovop_market.bulk.registry import ACTIONS, MOST, UNDO_WITHIN, BulkAction, By
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MarketError, NotFound
from ovop_market.core.tokens import secret_token
from ovop_market.extensions import db
from ovop_market.web import access
from ovop_market.web.addresses import ID, LARGEST_ID
from ovop_market.web.forms import explain, state_seen, tap_key

MOST_SHOWN = 50
blueprint = Blueprint("bulk", __name__)


def _action(name: str) -> BulkAction:
    action = ACTIONS.get(name)
    if action is None:
        raise NotFound(_("Tindakan ini tidak ada."))
    return action


def _chosen() -> list[int]:
    """The ids that were ticked; whatever is no id is nothing that could be chosen."""
    texts = request.values.getlist("id")
    numbers = [int(t) for t in texts if t.isascii() and t.isdigit() and len(t) <= 10]
    return [number for number in numbers if 0 < number <= LARGEST_ID]


def _by(reason: str = "") -> By:
    return By(current_user.id, clock.now(), reason)


def _preview(
    action: BulkAction, status: int = 200, form: BulkForm | None = None, problem: str = ""
) -> Response:
    ids = _chosen()
    body = render_template(
        "bulk/preview.html",
        action=action,
        plan=services.plan(db.session(), action, ids, _by()),
        over=max(0, len(set(ids)) - MOST),
        form=form or BulkForm(formdata=None),
        refused=form,
        problem=problem,
        key=tap_key() or secret_token(),
    )
    return make_response(body, status)


@blueprint.get("/desk/bulk/<name>")
@access.role("operator")
def preview(name: str) -> ResponseReturnValue:
    return _preview(_action(name))


@blueprint.post("/desk/bulk/<name>")
@access.role("operator")
def run(name: str) -> ResponseReturnValue:
    action, form = _action(name), BulkForm()
    if not form.validate():
        return _preview(action, 422, form)
    try:
        batch = services.run(
            db.session(),
            action,
            _chosen(),
            seen=state_seen() or "",
            key=tap_key() or secret_token(),
            by=_by(form.reason.data or ""),
        )
        db.session.commit()
    except MarketError as refusal:
        db.session.rollback()
        return _preview(action, refusal.status, form, explain(form, refusal))
    return redirect(url_for("bulk.batch", batch_id=batch.id), 303)


@blueprint.get("/desk/batches")
@access.role("operator")
def batches() -> ResponseReturnValue:
    rows = db.session.execute(
        select(Batch, User.name)
        .join(User, User.id == Batch.made_by_id)
        .order_by(Batch.id.desc())
        .limit(MOST_SHOWN)
        .options(selectinload(Batch.items))
    ).all()
    return render_template("bulk/batches.html", rows=rows, actions=ACTIONS)


def _batch(batch_id: int) -> Batch:
    found = db.session.get(Batch, batch_id)
    if found is None or found.action not in ACTIONS:
        raise NotFound(_("Tindakan ini tidak ada."))
    return found


def _result(batch: Batch, status: int = 200, problem: str = "") -> Response:
    action, by = ACTIONS[batch.action], _by()
    now = action.plan(db.session(), [item.subject_id for item in batch.items], by.now)
    body = render_template(
        "bulk/batch.html",
        batch=batch,
        action=action,
        things={item.id: item for item in now},
        can_undo=services.can_undo(batch, by),
        undo_until=batch.at + UNDO_WITHIN,
        problem=problem,
    )
    return make_response(body, status)


@blueprint.get(f"/desk/batches/<{ID}:batch_id>")
@access.role("operator")
def batch(batch_id: int) -> ResponseReturnValue:
    return _result(_batch(batch_id))


@blueprint.post(f"/desk/batches/<{ID}:batch_id>/undo")
@access.role("operator")
def undo(batch_id: int) -> ResponseReturnValue:
    found = _batch(batch_id)
    try:
        services.undo(db.session(), found, _by())
        db.session.commit()
    except Conflict as refusal:
        db.session.rollback()
        return _result(_batch(batch_id), refusal.status, refusal.message)
    if any(item.undone is False for item in found.items):
        flash(_("Sebagian diurungkan. Yang tidak bisa, disebut di bawah."), "needs")
    else:
        flash(_("Sudah diurungkan."), "done")
    return redirect(url_for("bulk.batch", batch_id=batch_id), 303)
