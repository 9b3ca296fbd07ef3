"""The programme: its years, and one designation with its way, stars, baseline and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from ovop_market.core import clock
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.extensions import db
from ovop_market.villages import labels
from ovop_market.villages import programme_queries as queries
from ovop_market.villages import programme_services as services
from ovop_market.villages.models import Designation, Stage
from ovop_market.villages.programme_forms import (
    BaselineForm,
    NewForm,
    ProductForm,
    StageForm,
    StarsForm,
    TargetForm,
)
from ovop_market.web import access, htmx
from ovop_market.web.addresses import ID
from ovop_market.web.forms import BaseForm, explain, state_seen
from ovop_market.web.paging import page_number, pager

blueprint = Blueprint("programme", __name__, url_prefix="/programme")


def _today() -> date:
    return clock.wib_date(clock.now())


@blueprint.get("")
@access.role("official", "operator")
def programme() -> str:
    session = db.session()
    counts = queries.count(session, current_user)
    years = {year for year, _stage in counts}
    # A year that there is not is no year: the list of all says so better than an empty one.
    asked = request.args.get("year", "")
    year = next((known for known in years if str(known) == asked), None)
    wanted = sum(n for (known, _stage), n in counts.items() if year in (None, known))
    pages = max(1, -(-wanted // queries.PER_PAGE))
    page = min(page_number(request.args.get("page", "")), pages)

    def address(number: int) -> str:
        return url_for("programme.programme", year=year, page=number if number > 1 else None)

    found = queries.programme(session, current_user, counts, year=year, page=page, today=_today())
    return render_template(
        "villages/programme/list.html",
        programme=found,
        labels=labels,
        today=_today(),
        pager=pager(page, pages, address),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@access.role("official", "operator")
def new() -> ResponseReturnValue:
    session = db.session()
    villages = queries.villages_of(session, current_user)
    form = NewForm.of(villages)
    if request.method == "GET":
        form.process(formdata=None, data={"year": _today().year, "day": _today()})
        return _new_page(form)
    if not form.validate():
        return _new_page(form, 422)
    said: Mapping[str, Any] = form.data
    village = queries.village_of(session, current_user, said["village"])
    try:
        made = services.designate(
            session,
            village,
            year=said["year"],
            flagship=said["flagship"],
            day=said["day"],
            actor_id=current_user.id,
            now=clock.now(),
        )
        session.commit()
    except Unusable as refusal:
        session.rollback()
        return _new_page(form, refusal.status, explain(form, refusal))
    return htmx.moved(url_for("programme.designation", designation_id=made.id))


def _new_page(form: NewForm, status: int = 200, problem: str = "") -> Response:
    body = render_template("villages/programme/new.html", form=form, problem=problem)
    return make_response(body, status)


@blueprint.get(f"/<{ID}:designation_id>")
@access.role("official", "operator")
def designation(designation_id: int) -> Response:
    return _page(designation_id)


def _page(
    designation_id: int,
    status: int = 200,
    *,
    at: str = "",
    form: BaseForm | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    """One designation; `form`, `problem` and `notice` are about its part `at`."""
    found = queries.page(db.session(), current_user, designation_id, _today())
    return htmx.page_or_fragment(
        "villages/programme/designation.html",
        "villages/programme/_designation.html",
        status,
        shown=found,
        labels=labels,
        at=at,
        problem=problem,
        notice=notice,
        form_of=_forms(found, at, form),
    )


def _forms(
    found: queries.DesignationPage, at: str, form: BaseForm | None
) -> Callable[..., BaseForm]:
    """The form of a part as it was sent, or as it is filled in to begin with."""

    def form_of(part: str, key: str = "", **values: Any) -> BaseForm:
        kinds = {
            "stages": StageForm,
            "flagship": ProductForm,
            "stars": StarsForm,
            "baseline": BaselineForm,
            "targets": TargetForm,
        }
        made = form if form is not None and at == part + key else None
        made = made or kinds[part](formdata=None, data={"day": found.today, **values})
        if isinstance(made, ProductForm):
            made.product.choices = [
                SelectChoice("", _("tidak dijual di situs ini")),
                *(SelectChoice(each.slug, each.name) for each in found.products),
            ]
        for field in made:
            field.id = field.label.field_id = f"{part}{key}-{field.name}"
        return made

    return form_of


def _act(
    designation_id: int,
    at: str,
    form: BaseForm,
    act: Callable[[Designation, Mapping[str, Any]], object],
    notice: str,
) -> ResponseReturnValue:
    """The beats of every POST here: load, validate, act, commit, answer."""
    session = db.session()
    found = queries.designation_of(session, current_user, designation_id)
    if not form.validate():
        return _page(designation_id, 422, at=at, form=form)
    try:
        act(found, form.data)
        session.commit()
    except (Conflict, Unusable) as refusal:
        session.rollback()
        problem = explain(form, refusal)
        return _page(designation_id, refusal.status, at=at, form=form, problem=problem)
    if htmx.is_fragment():
        return _page(designation_id, at=at, notice=notice)
    anchor = at.partition("-")[0]
    return htmx.moved(url_for("programme.designation", designation_id=found.id, _anchor=anchor))


@blueprint.post(f"/<{ID}:designation_id>/stages")
@access.role("official", "operator")
def move(designation_id: int) -> ResponseReturnValue:
    form = StageForm()

    def act(found: Designation, said: Mapping[str, Any]) -> None:
        services.move(
            db.session(),
            found,
            Stage(said["to"]),
            day=said["day"],
            note=said["note"] or "",
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )

    return _act(designation_id, f"stages-{form.to.data}", form, act, _("Tahap tercatat."))


@blueprint.post(f"/<{ID}:designation_id>/product")
@access.role("official", "operator")
def choose_product(designation_id: int) -> ResponseReturnValue:
    form = ProductForm()

    def act(found: Designation, _said: Mapping[str, Any]) -> None:
        services.choose_product(
            db.session(),
            found,
            form.slug,
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )

    return _act(designation_id, "flagship", form, act, _("Produk unggulan tersimpan."))


@blueprint.post(f"/<{ID}:designation_id>/stars")
@access.role("official", "operator")
def award(designation_id: int) -> ResponseReturnValue:
    form = StarsForm()

    def act(found: Designation, said: Mapping[str, Any]) -> None:
        services.award(
            db.session(),
            found,
            stars=said["stars"],
            day=said["day"],
            certificate=said["certificate"],
            expires_on=said["expires_on"],
            actor_id=current_user.id,
            now=clock.now(),
        )

    return _act(designation_id, "stars", form, act, _("Bintang tercatat."))


@blueprint.post(f"/<{ID}:designation_id>/baseline")
@access.role("official", "operator")
def enter_baseline(designation_id: int) -> ResponseReturnValue:
    form = BaselineForm()

    def act(found: Designation, said: Mapping[str, Any]) -> None:
        services.enter_baseline(
            db.session(),
            found,
            said["baseline_sales"],
            actor_id=current_user.id,
            now=clock.now(),
        )

    return _act(designation_id, "baseline", form, act, _("Penjualan awal tersimpan."))


@blueprint.post(f"/<{ID}:designation_id>/targets")
@access.role("official", "operator")
def set_target(designation_id: int) -> ResponseReturnValue:
    form = TargetForm()

    def act(found: Designation, said: Mapping[str, Any]) -> None:
        services.set_target(
            db.session(),
            found.village,
            said["year"],
            services.Aims(said["orders"], said["regencies"], said["revenue"]),
            seen=state_seen(),
            actor_id=current_user.id,
            now=clock.now(),
        )

    return _act(designation_id, f"targets{form.year.data}", form, act, _("Target tersimpan."))
