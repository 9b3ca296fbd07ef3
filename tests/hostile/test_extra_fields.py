"""Fields that a form does not ask for change nothing: what is stored with them is what is stored
without them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.hostile.found import Form, forms_of, kind_of
from tests.hostile.ground import PUBLIC, ROLES, Ground

# A number and a word that are nowhere in the demo.
NUMBER, WORD = "987654321", "SISIPAN"
EXTRA: dict[str, Any] = {
    **dict.fromkeys(
        (
            "id",
            "user_id",
            "buyer_id",
            "actor_id",
            "producer_id",
            "purchase_id",
            "order_id",
            "village_id",
            "price",
            "total",
            "goods",
            "shipping",
            "paid",
            "amount",
            "ready",
            "capacity",
            "held",
            "epoch",
        ),
        NUMBER,
    ),
    **dict.fromkeys(("token", "number", "slug", "password_hash", "proof_key", "buyer_key"), WORD),
    "role": "operator",
    "state": "RECEIVED",
    "status": "paid",
    "is_admin": "1",
    "is_active": "1",
    "listed": "1",
    "confirmed_at": "2020-01-01",
    "disabled_at": "2020-01-01",
    "_method": "DELETE",
    "__class__": WORD,
}
# What is asked by transfer has digits of its own each time; reach has keys that are drawn by lot.
DIFFERING = ("payment", "reach_")
# Who looked, who tried and when somebody was seen follow from the request itself.
TRACES = ("personal_data_view", "throttle", "user_session")
# What another form of the same address asks for.
ASKED_BESIDE = {"payments.confirm": {"amount"}}
_tried: set[tuple[str, ...]] = set()
# What differs from one time to the next: moments, secrets, and what is made of them.
_CHANCE = re.compile(
    r"datetime\.datetime\([^)]*\)+|'\$argon2[^']*'|'[0-9a-f]{32,}'|'[A-Za-z0-9_-]{24,}'|'[0-9A-Z]{4}-[0-9A-Z]{4}'"
    r"|'[A-Z0-9]{8,12}'|'rumah-[a-z0-9-]{6,12}'"
)


def stored(ground: Ground, client: Any, form: Form, extra: dict[str, Any]) -> tuple[int, Any]:
    """The status, and the rows that are new or gone, but for what is different each time."""
    answer = ground.send(client, form.action, [*form.filled(), *extra.items()], form.files)
    if not ground.wrote:
        return answer.status_code, {}
    found = ground.changed(without=TRACES)
    ground.restore()
    told = [row for rows in found.values() for row in rows if NUMBER in row or WORD in row]
    assert told == [], (form.name, told)
    return answer.status_code, {
        table: sorted(alike(table, row) for row in rows) for table, rows in found.items()
    }


def alike(table: str, row: str) -> str:
    """The row without what differs from one time to the next."""
    row = _CHANCE.sub("…", row)
    return re.sub(r"\d+", "#", row) if table.startswith(DIFFERING) else row


def difference(plain: dict[str, list[str]], more: dict[str, list[str]]) -> list[str]:
    """The rows that are in one of the two alone."""
    rows = {(table, row) for table, found in plain.items() for row in found}
    return [f"{table} {row}" for table, row in rows ^ {(t, r) for t in more for r in more[t]}][:6]


@pytest.mark.parametrize("who", ROLES)
def test_extra_fields_change_nothing(ground: Ground, who: str) -> None:
    wrong, written = [], 0
    with ground.visitor(who) as client:
        starts = (*ROLES[who], *PUBLIC, *(ground.links() if who == "nobody" else ()))
        for form in forms_of(ground.app, client, starts):
            names = {control.name for control in form.inputs}
            key = (form.endpoint, form.method, *sorted(map(kind_of, names)))
            if form.method != "POST" or key in _tried:
                continue
            _tried.add(key)
            names |= ASKED_BESIDE.get(form.endpoint, set())
            extra = {name: value for name, value in EXTRA.items() if name not in names}
            plain = stored(ground, client, form, {})
            more = stored(ground, client, form, extra)
            written += bool(plain[1])
            if plain != more:
                wrong.append(f"{form.name}: {plain[0]} {more[0]} {difference(plain[1], more[1])}")
    assert not wrong, "\n".join(wrong)
    assert written or who == "pembeli", "no form was stored at all"
