"""The page that explains the open data."""

from __future__ import annotations

import html
import re
from dataclasses import fields

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from ovop_market.opendata import dictionary
from ovop_market.opendata.resources import RESOURCES, ROOT
from ovop_market.opendata.shape import used_by
from tests.counting import counted


def test_every_field_stands_in_the_dictionary(client: FlaskClient, session: Session) -> None:
    with counted() as statements:
        body = client.get("/data").text
    assert not statements
    for resource in RESOURCES:
        _before, found, part = body.partition(f'<details id="{resource.endpoint}">')
        assert found, resource.endpoint
        told = part.partition("</details>")[0]
        assert f"GET {ROOT}{resource.path}" in told
        names = re.findall(r'scope="row"><code>(\w+)</code>', told)
        assert names == [each.name for each in fields(resource.record)]
    inner = body.partition('<details id="inner">')[2]
    for record in {used for each in RESOURCES for used in used_by(each.record)}:
        if record not in {each.record for each in RESOURCES}:
            assert f"<caption>{record.__name__}: " in inner


def test_page_and_document_say_the_same(client: FlaskClient, session: Session) -> None:
    schemas = client.get("/api/v1/openapi.json").json["components"]["schemas"]
    body = html.unescape(client.get("/data").text)
    for name, schema in schemas.items():
        if name not in ("Problem", "Refusal", "Index", "Entry"):
            for field in schema["properties"].values():
                # The unit stands behind, in brackets, in the one and beside the kind in the other.
                assert re.sub(r" \(\w+\)$", "", field["description"]) in body


def test_what_a_reader_needs(client: FlaskClient, session: Session) -> None:
    for prefix in ("", "/en"):
        body = client.get(f"{prefix}/data").text
        assert f'href="http://localhost{prefix}/api/v1/openapi.json"' in body
        assert 'href="https://creativecommons.org/licenses/by/4.0/"' in body
        assert f"curl &#39;http://localhost{prefix}/api/v1/reach/places?area=19.05" in body or (
            f"curl 'http://localhost{prefix}/api/v1/reach/places?area=19.05" in body
        )
    assert 'href="/data"' in client.get("/").text


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("120 per minute", "120 permintaan tiap menit"),
        ("5/second;1000/hour", "5 permintaan tiap detik, 1.000 permintaan tiap jam"),
        ("1000 per day", "1.000 permintaan tiap 24 jam"),
        ("10 per 90 second", "10 permintaan tiap 90 detik"),
    ],
)
def test_the_limit_in_words(client: FlaskClient, rate: str, said: str) -> None:
    with client.application.test_request_context("/"):
        assert dictionary.rate_in_words(rate) == said
