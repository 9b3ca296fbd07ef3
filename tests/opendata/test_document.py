"""The document says what the addresses do: schemathesis tries everything that it describes."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.engine import events, from_schema
from sqlalchemy.orm import Session

from ovop_market.opendata.resources import RESOURCES, ROOT
from ovop_market.opendata.shape import told_of, used_by
from ovop_market.reach.figures import Sums
from tests.factories import make_group, make_producer, make_product, make_village
from tests.opendata.shown import HELD, begin, show

YEAR = 2025
EXAMPLES = 15  # of each phase and address


@pytest.fixture
def filled(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Something to be found under the examples that the document gives."""
    begin(session)
    village = make_village(session)
    product, _people = make_group(session, slug="pempek-udang-belo-laut")
    make_product(session, make_producer(session), slug="kerupuk", season_from=11, season_to=2)
    month, sums = date(YEAR, 10, 1), Sums(7, 9, 300_000)
    show(
        monkeypatch,
        whole=sums,
        months={month: sums},
        places={"32": sums, "32.73": HELD},
        place_months={("32", month): sums, ("32.73", month): HELD},
        villages={village.id: sums},
        village_months={(village.id, month): HELD},
        products={village.id: {product.id: HELD}},
        product_months={village.id: {(product.id, month): sums}},
        village_places={village.id: {"32": sums, "32.73": HELD}},
    )
    session.commit()
    return session


def test_schemathesis_finds_nothing(app: Flask, filled: Session) -> None:
    """Its whole run: examples, boundaries, random values good and bad, sequences; all checks."""
    told = schemathesis.Config.from_dict(
        {
            "seed": 20261129,
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
            "continue-on-failure": True,
            # Without a socket between, it does not unpack what it gets packed.
            "headers": {"Accept-Encoding": "identity"},
        }
    )
    document = schemathesis.openapi.from_wsgi(f"{ROOT}/openapi.json", app, config=told)
    document.validate()
    failures: list[str] = []
    statuses: dict[str, set[int]] = {}
    for event in from_schema(document).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            failures.append(str(event))
        if isinstance(event, events.EngineFinished):
            failures += [str(failure) for failure in event.failures]
        if isinstance(event, events.ScenarioFinished):
            record = event.recorder
            for key, checks in record.checks.items():
                call = record.interactions.get(key)
                for check in checks:
                    if check.failure_info is not None:
                        sent = call.request.uri if call else ""
                        failures.append(f"{event.phase} {sent}: {check.failure_info.failure}")
            for call in record.interactions.values():
                if call.response is not None:
                    assert "set-cookie" not in call.response.headers
                    statuses.setdefault(event.recorder.label, set()).add(call.response.status_code)
    assert not failures, "\n".join(sorted(set(failures))[:20])
    for each in RESOURCES:
        got = statuses[f"GET {ROOT}{each.path}"]
        assert got >= {200, 400 if each.many else 404}, (each.path, got)


def test_every_address_is_described(app: Flask, client: FlaskClient) -> None:
    said = client.get("/api/v1/openapi.json").json
    rules = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(ROOT)
    }
    assert set(said["paths"]) == rules
    assert said["openapi"] == "3.1.0"
    assert said["info"]["version"]
    assert said["info"]["license"]["name"] == "CC BY 4.0"
    for path, methods in said["paths"].items():
        answers = methods["get"]["responses"]
        assert set(answers) >= {"200", "304", "400", "429", "503"}, path
        assert ("404" in answers) == ("{slug}" in path or "/reach/" in path)
        for given in methods["get"]["parameters"]:
            assert given["description"]
            bounds = {"pattern", "enum", "minimum"} & set(given["schema"])
            assert bounds, f"{path}: {given['name']} is without bounds"


def test_every_field_is_described(client: FlaskClient) -> None:
    schemas = client.get("/api/v1/openapi.json").json["components"]["schemas"]
    for record in {inner for each in RESOURCES for inner in used_by(each.record)}:
        assert schemas[record.__name__]["description"]
        described = schemas[record.__name__]["properties"]
        assert list(described) == [each.name for each in fields(record)]
        for each in fields(record):
            assert described[each.name]["description"].startswith(str(told_of(each).text))


def test_the_document_speaks_two_languages(client: FlaskClient) -> None:
    indonesian = client.get("/api/v1/openapi.json").json
    english = client.get("/en/api/v1/openapi.json").json
    assert indonesian["servers"] == [{"url": "http://localhost"}]
    assert english["servers"] == [{"url": "http://localhost/en"}]
    assert set(english["paths"]) == set(indonesian["paths"])


def test_the_index_leads_everywhere(client: FlaskClient, filled: Session) -> None:
    said = client.get("/api/v1").json
    assert said["licence"] == "CC BY 4.0"
    assert len(said["resources"]) == len(RESOURCES)
    for address in (said["openapi"], said["dictionary"]):
        assert client.get(address).status_code == 200
    for each in said["resources"]:
        of = "kerupuk" if "/products/" in each["url"] else "belo-laut"
        answer = client.get(each["url"].replace("{slug}", of))
        # What a table of reach is asked for stands in the document.
        assert answer.status_code == (400 if "/reach/" in each["url"] else 200), each
