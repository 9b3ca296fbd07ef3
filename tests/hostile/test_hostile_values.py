"""Forty-five hostile values in every field of every form of every page: never a 5xx, nothing stored
of what is refused, nothing stored in part, and a message for whoever typed it.

Here all fields of a form are hostile at once, each with another value, until the form has had all;
and one after the other some values that look right, while the rest of the form is good. On
PostgreSQL, which refuses what SQLite keeps, each kind of field gets each value by itself, and every
other field one of them. With OVOP_HOSTILE=all every value is put into every field by itself, on
both.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ovop_market.extensions import db
from ovop_market.orders import queries as orders
from ovop_market.payments.queries import books
from tests.conftest import ENGINES
from tests.hostile.found import Form, Input, forms_of, kind_of
from tests.hostile.ground import PUBLIC, ROLES, Ground
from tests.hostile.values import LOOK_RIGHT, VALUES, Many

ALL = os.environ.get("OVOP_HOSTILE") == "all"
# Whatever is refused is written nowhere; but that somebody tried to sign in is counted.
TRACES = {"throttle", "audit_event", "user_session", "personal_data_view"}
COUNTED = {"accounts.begin_session"}
# What was stored is compared with the books so many times for a form.
MOST_LOOKS = 2
_tried: set[tuple[str, ...]] = set()
# How many values a kind of field has had, on PostgreSQL.
_had: Counter[str] = Counter()
_MESSAGE = re.compile(r'role="alert"|aria-invalid="true"|class="lead"')


def pairs(name: str, value: str | bytes | Many) -> list[tuple[str, Any]]:
    if isinstance(value, Many):
        return [(name + suffix, each) for suffix in value.names for each in value.values]
    return [(name, value)]


def fields_of(form: Form) -> list[Input]:
    """What is tried: of fields of one kind the first, and not the token."""
    kinds = {kind_of(control.name): control for control in reversed(form.inputs)}
    return [i for i in form.inputs if kinds[kind_of(i.name)] is i and i.name != "csrf_token"]


Body = tuple[str, Input | None, list[tuple[str, Any]]]


def by_itself(form: Form, control: Input, name: str) -> Body:
    rest = [(other, value) for other, value in form.filled() if other != control.name]
    return f"{control.name}: {name}", control, [*rest, *pairs(control.name, VALUES[name])]


def all_at_once(form: Form) -> Iterator[Body]:
    """All fields are hostile, each with another value, until each has had a good part of them."""
    fields, values = fields_of(form), list(VALUES.values())
    hostile = {control.name for control in fields}
    good = [(name, value) for name, value in form.filled() if name not in hostile]
    turns = max(5, math.ceil(len(values) / len(fields)))
    for turn in range(turns):
        sent = list(good)
        for at, control in enumerate(fields):
            sent += pairs(control.name, values[(turn + turns * at) % len(values)])
        yield f"all fields, turn {turn}", None, sent


def bodies(form: Form, engine: str) -> Iterator[Body]:
    """What is sent: a name for it, the one field that is hostile (or None), and the body."""
    if engine == "sqlite" and form.method == "POST" and not ALL:
        yield from all_at_once(form)
    names = list(VALUES)
    for control in fields_of(form):
        if ALL:
            tried = names
        elif engine == "sqlite":
            tried = list(LOOK_RIGHT)
        elif control.kind in _had:
            _had[control.kind] += 1
            tried = [names[_had[control.kind] % len(names)]]
        else:
            _had[control.kind] = 0
            tried = names
        for name in tried:
            yield by_itself(form, control, name)


def stored_in_part(changed: dict[str, list[str]]) -> list[str]:
    """New rows that hold the beginning of a long text without its end."""
    return [
        row[:120]
        for rows in changed.values()
        for row in rows
        for run in re.findall(r"A{40,}|é{40,}", row)
        if len(run) not in (10_000, 9_900)
    ]


def is_beside(form: Form, control: Input, body: str) -> bool:
    """Whether the message stands at the field, or at another one that it has to agree with."""
    names = "|".join(re.escape(i.name) for i in form.inputs if i.kind != "hidden")
    tags = re.findall(
        rf'<(?:input|select|textarea|fieldset)[^>]*(?:name|id)="(?:{names})"[^>]*>', body
    )
    return any("-error" in tag or "aria-invalid" in tag for tag in tags)


def complaints(
    ground: Ground, form: Form, what: str, control: Input | None, answer: TestResponse, good: bool
) -> Iterator[str]:
    told = f"{form.name} ← {what}: {answer.status_code}"
    body = answer.get_data().decode("utf-8", "replace")  # a file may be the answer
    if answer.status_code >= 500:
        yield f"failed: {told}"
    if answer.status_code >= 400:
        if ground.changed(without=TRACES):
            yield f"wrote though it refused: {told}"
        if not _MESSAGE.search(body):
            yield f"without a word: {told}"
    if answer.status_code == 422 and good and control is not None:
        seen = control.kind not in ("hidden", "submit")
        if seen and not is_beside(form, control, body) and form.endpoint not in COUNTED:
            yield f"not beside the field: {told}"


def try_out(ground: Ground, client: FlaskClient, form: Form, engine: str) -> Iterator[str]:
    answer = ground.send(client, form.action, form.filled(), form.files)
    good = answer.status_code < 400
    ground.restore()
    looked = 0
    for what, control, body in bodies(form, engine):
        answer = ground.send(client, form.action, body, form.files)
        yield from complaints(ground, form, what, control, answer, good)
        if not ground.touched - TRACES:
            ground.restore()
            continue
        if any(len(str(value)) > 9_000 for _name, value in body):
            rows = stored_in_part(ground.changed())
            yield from (f"in part: {form.name} ← {what}: {row}" for row in rows)
        # It reads all orders: the first few of a form tell.
        looked += 1
        if ALL or looked <= MOST_LOOKS:
            with ground.app.app_context():
                session = db.session()
                wrong = [*orders.stock_differences(session), *books.differences(session)]
            yield from (f"does not agree: {form.name} ← {what}: {line}" for line in wrong)
        ground.restore()


def ask_for(ground: Ground, client: FlaskClient, form: Form, engine: str) -> Iterator[str]:
    """The same for forms that only ask, as searches do: they answer, and write nothing."""
    for what, _control, body in bodies(form, engine):
        answer = ground.ask(client, form.action, body)
        told = f"{form.name} ← {what}: {answer.status_code}"
        if answer.status_code >= 500:
            yield f"failed: {told}"
        if ground.touched - TRACES:
            yield f"wrote though it was only asked: {told}"
        ground.restore()


# The other engine has other complaints about the same values.
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("who", ROLES)
def test_nothing_breaks(grounds: Callable[[str], Ground], who: str, engine: str) -> None:
    found, tried = [], 0
    ground = grounds(engine)
    with ground.visitor(who) as client:
        starts = (*ROLES[who], *PUBLIC, *(ground.links() if who == "nobody" else ()))
        for form in forms_of(ground.app, client, starts):
            kinds = sorted({kind_of(i.name) for i in form.inputs})
            names = (engine, form.endpoint, form.method, *kinds)
            # Forms that several people have are tried by the first.
            if names in _tried or not fields_of(form):
                continue
            _tried.add(names)
            tried += 1
            trying = try_out if form.method == "POST" else ask_for
            found += trying(ground, client, form, engine)
    assert not found, f"{len(found)}:\n" + "\n".join(found[:60])
    assert tried, "no form was found: has the crawl lost its way?"
