"""Search over HTTP, and input that nobody should type."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from ovop_market.regions import queries

FRAGMENT = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


def test_json(client: FlaskClient) -> None:
    answer = client.get("/regions?q=belo+laut", headers=JSON)
    assert answer.mimetype == "application/json"
    assert answer.json == [
        {
            "code": "19.05.01.2006",
            "name": "Belo Laut",
            "kind": "desa",
            "path": "Belo Laut, Mentok, Kabupaten Bangka Barat, Kepulauan Bangka Belitung",
            "postal_code": "33351",
            "level": 4,
        }
    ]
    assert "Set-Cookie" not in answer.headers
    assert {"Accept", "HX-Request"} & set(answer.vary)


def test_the_fragment_holds_radio_buttons_and_says_how_many(client: FlaskClient) -> None:
    body = client.get("/regions?region_q=muntok", headers=FRAGMENT).get_data(as_text=True)
    assert "<html" not in body
    assert body.lstrip().startswith('<div class="options" id="region-options">')
    assert 'value="19.05.01"' in body
    assert "10 wilayah ditemukan" in body


def test_a_choice_survives_the_next_search(client: FlaskClient) -> None:
    address = "/regions?region_q=coblong&region_code=19.05.01.2006"
    body = client.get(address, headers=FRAGMENT).get_data(as_text=True)
    assert body.index('value="19.05.01.2006" checked') < body.index('value="32.73.02"')
    assert body.count(" checked") == 1
    assert "Terpilih: Belo Laut. 7 wilayah lain ditemukan." in body


def test_the_page_works_without_script(client: FlaskClient) -> None:
    body = client.get("/regions?q=33351").get_data(as_text=True)
    assert "<h1>" in body
    assert "Belo Laut" in body
    assert client.get("/regions").status_code == 200


def test_the_same_address_answers_by_what_is_accepted(client: FlaskClient) -> None:
    for headers, kind in (
        (JSON, "application/json"),
        ({}, "text/html"),
        (JSON, "application/json"),
    ):
        assert client.get("/regions?q=mentok", headers=headers).mimetype == kind
    assert client.get("/regions?q=mentok", headers=JSON | FRAGMENT).mimetype == "text/html"


@pytest.mark.parametrize(
    "q",
    [
        "",
        "%00",
        "belo%00laut",
        "%ff%fe",
        "%F0%9F%90%9F",
        "a" * 5_000,
        "%22%20OR%20*",
        "'%3B--",
        "*",
    ],
)
@pytest.mark.parametrize("headers", [{}, JSON, FRAGMENT])
def test_odd_queries_are_answered(client: FlaskClient, q: str, headers: dict[str, str]) -> None:
    answer = client.get(f"/regions?q={q}&region_code={q}", headers=headers)
    # No address of ours holds a control character: the door refuses it.
    assert answer.status_code == (400 if "%00" in q else 200)


@given(q=st.text(max_size=120))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_can_be_searched(session: Session, q: str) -> None:
    hits = queries.search(session, q)
    assert len(hits) <= queries.LIMIT
    assert len({hit.code for hit in hits}) == len(hits)


@given(
    words=st.lists(
        st.sampled_from(
            ["belo", "mentok", "AND", "OR", "NOT", "tanjng", "bar", "a", "333", "NEAR"]
        ),
        max_size=12,
    )
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_words_in_any_number_and_order(session: Session, words: list[str]) -> None:
    queries.search(session, " ".join(words))


def test_looking_up_is_safe(session: Session) -> None:
    region = queries.get(session, "19.05.01.2006")
    assert region is not None
    assert region.name == "Belo Laut"
    for code in ("", "19.05.01.9999", "x", "\x00", "19.05.01.2006 ", "' OR 1=1"):
        assert queries.get(session, code) is None


def test_an_address_names_a_district_or_a_village(session: Session) -> None:
    assert queries.address_region(session, "19.05.01") is not None
    assert queries.address_region(session, "19.05.01.2006") is not None
    assert queries.address_region(session, "19.05") is None
    assert queries.address_region(session, "19") is None


def test_the_picker_shows_the_choice_first_and_once(session: Session) -> None:
    shown = queries.picker_options(session, "mentok", "19.05.01.2006")
    assert shown[0].code == "19.05.01.2006"
    assert [hit.code for hit in shown].count("19.05.01.2006") == 1
    assert queries.picker_options(session, "", "19.05") == []
