"""Workbooks that are made in the background: asked for, made once, fetched once, by one person."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from ovop_market import jobs
from ovop_market.accounts.models import Role
from ovop_market.core import clock
from ovop_market.extensions import db
from ovop_market.reach import large
from tests.factories import make_user, sign_in
from tests.reach.dense import OCTOBER, totals, verified
from tests.reach.test_workbook import summary

JOB = next(job for job in jobs.JOBS if job.name == "exports")


@pytest.fixture
def address(app, client, official, world, monkeypatch, tmp_path):
    """The page of a workbook that was asked for."""
    media = tmp_path / "media"
    monkeypatch.setattr("ovop_market.reach.file_views._media", lambda: media)
    monkeypatch.setattr(jobs, "_media", lambda _app: media)
    monkeypatch.setattr(large, "ROWS", 3)
    monkeypatch.setattr(large, "_EACH", 1)
    answer = client.get(f"/reach/export.xlsx?{OCTOBER}")
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_it_is_made_by_the_worker_and_fetched_once(app, client, address):
    page = client.get(address).get_data(as_text=True)
    assert "Selesai 0%" in page and 'hx-trigger="every 3s"' in page
    assert client.get(f"{address}/file").status_code == 404, "not yet"
    again = client.get(f"/reach/export.xlsx?{OCTOBER}").headers["Location"]
    assert again == address, "asking twice is asking once"
    assert jobs.run(app, JOB).counts == {"made": 1}
    assert not jobs.run(app, JOB).counts
    part = client.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert part.startswith('<div id="reach-export"') and "hx-trigger" not in part
    assert client.head(f"{address}/file").status_code == 200
    content = client.get(f"{address}/file").get_data()
    book = load_workbook(io.BytesIO(content))
    shown = verified(totals(client.get(f"/reach?{OCTOBER}").get_data(as_text=True)))
    assert summary(book["Ringkasan"].iter_rows(values_only=True)) == shown
    assert client.get(f"{address}/file").status_code == 404
    assert client.get(address).status_code == 404


def test_nobody_else_finds_it(app, client, session, address):
    jobs.run(app, JOB)
    other = make_user(session, Role.OFFICIAL)
    session.expunge(other)
    session.commit()
    stranger = app.test_client()
    sign_in(stranger, other)
    for url in (address, f"{address}/file", "/reach/exports/..%2f..%2fx", "/reach/exports/x"):
        assert stranger.get(url).status_code == 404
    assert client.get(address).status_code == 200


def test_a_worker_that_stops_or_dies_leaves_it_to_the_next(app, client, address, tmp_path):
    told = []

    def stopped() -> bool:
        told.append(1)
        return len(told) > 2

    assert not jobs.run(app, JOB, stopped).counts
    lock = tmp_path / "media" / "private" / "exports" / f"{address.rpartition('/')[2]}.lock"
    assert not lock.exists()
    lock.touch()
    assert not jobs.run(app, JOB).counts, "another worker is about it"
    long_ago = (clock.now() - timedelta(minutes=6)).timestamp()
    os.utime(lock, (long_ago, long_ago))
    assert jobs.run(app, JOB).counts == {"made": 1}


def test_what_cannot_be_made_says_so_and_may_be_asked_again(app, client, address, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("ovop_market.reach.workbook.write", lambda *_args: 1 / 0)
        assert jobs.run(app, JOB).counts == {"failed": 1}
    assert "tidak berhasil dibuat" in client.get(address).get_data(as_text=True)
    client.get(f"/reach/export.xlsx?{OCTOBER}")
    assert jobs.run(app, JOB).counts == {"made": 1}


def test_what_nobody_fetches_is_swept_away(app, client, address, tmp_path):
    jobs.run(app, JOB)
    media = tmp_path / "media"
    assert large.sweep(db.session(), clock.now() - timedelta(hours=24), media=media) == 0
    assert large.sweep(db.session(), clock.now() + timedelta(hours=1), media=media) == 2
    assert client.get(address).status_code == 404
