"""Tariff tables as CSV: what is understood, what is refused in words, and what is applied."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.core.errors import Conflict, Unusable
from ovop_market.delivery import desk, services, tariff_files
from ovop_market.delivery.models import ImportMode, ImportState, Service, Tariff, TariffImport
from ovop_market.delivery.services.imports import TableMoved
from tests.factories import BELO_LAUT, NOW, make_delivery, make_user, sign_in
from tests.pages import value_of

HEAD = "service,origin,destination,price,min_weight_grams,days_from,days_to"


@pytest.fixture
def operator(session: Session) -> User:
    make_delivery(session)
    local = Service(code="antar", courier="Penjual", name="Antar", local=True)
    session.add(local)
    found = make_user(session, Role.OPERATOR)
    session.commit()
    return found


def csv_of(*lines: str, head: str = HEAD) -> str:
    return "\n".join([head, *lines])


def faults(session: Session, *lines: str) -> list[tuple[int, str]]:
    outlook = desk.outlook(session, csv_of(*lines), ImportMode.CHANGE)
    return [(fault.number, fault.text) for fault in outlook.faults]


def table(session: Session) -> set[tuple[object, ...]]:
    return {
        (t.service.code, t.origin, t.destination, *desk.terms_of(t))
        for t in session.scalars(select(Tariff).execution_options(populate_existing=True))
    }


def look(session: Session, text: str, operator: User, mode: ImportMode) -> tuple[int, str]:
    found = services.upload(session, text, "tarif.csv", mode, operator.id, NOW)
    return found.id, desk.outlook(session, text, mode).seen


@pytest.mark.parametrize(
    "text",
    [
        csv_of("jne-reg,19.05,31.74,29000,1000,2,4"),
        "\ufeff" + csv_of("jne-reg,19.05,31.74,29.000,1.000,2,4"),
        "\r\n".join([HEAD.replace(",", ";"), "jne-reg;19.05;31.74;Rp29.000;1000;2;4", ";;;;;;"]),
        "\n\nLayanan;Asal;Tujuan;Harga per kg;Berat minimum (gram);Hari dari;Hari sampai;Catatan\n"
        '"JNE-REG";\'19.05;31,74;"29,000";1000;2;4;"a;b"',
        csv_of("jne-reg\t19.05\t31.74\t29000\t\t2\t4", head=HEAD.replace(",", "\t")),
    ],
    ids=["plain", "mark", "semicolons", "spreadsheet", "tabs"],
)
def test_what_spreadsheets_write_is_understood(app: Flask, text: str) -> None:
    with app.test_request_context():
        reading = tariff_files.read(tariff_files.decode(text.encode()))
    assert not reading.faults
    (line,) = reading.lines
    assert line.key == ("jne-reg", "19.05", "31.74")
    assert line.terms == (29_000, 1_000, 2, 4)


def test_encodings(app: Flask) -> None:
    text = csv_of("jne-reg,*,19.1,29000,,2,4") + "\n"
    with app.test_request_context():
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
            (line,) = tariff_files.read(tariff_files.decode(text.encode(encoding))).lines
            # A spreadsheet has taken 19.10 for a number.
            assert line.key == ("jne-reg", "", "19.10")
            assert line.min_weight_grams == 1000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "kosong"),
        (b"  \n \n", "kosong"),
        (b"PK\x03\x04xlsx", "bukan CSV"),
        (b"\x00\x01binary", "bukan CSV"),
        (b"x" * (1024 * 1024 + 1), "terlalu besar"),
        (b"halo,apa,kabar\n1,2,3", "judul kolom"),
        (b"service,origin,destination,price\njne-reg,19,31,1", "days_from, days_to"),
        (HEAD.encode(), "tidak ada baris"),
        (csv_of('jne-reg,"19.05').encode() + b"\nx" * 300, "tanda kutip"),
    ],
)
def test_what_is_no_table_is_refused(app: Flask, content: bytes, words: str) -> None:
    with app.test_request_context(), pytest.raises(Unusable, match=words):
        tariff_files.read(tariff_files.decode(content))


def test_too_many_lines(app: Flask) -> None:
    text = csv_of(*(f"s{n},19,31,1,1,0,1" for n in range(10_001)))
    with app.test_request_context(), pytest.raises(Unusable, match=r"10\.000"):
        tariff_files.read(text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("kurir-x,19.05,31,1000,1000,1,2", "Tidak ada layanan dengan kode kurir-x."),
        (",19.05,31,1000,1000,1,2", "Isi kode layanan."),
        ("jne-reg,19.05,99,1000,1000,1,2", "Tidak ada wilayah dengan kode 99."),
        ("jne-reg,19.05,Jakarta,1000,1000,1,2", "Jakarta bukan kode wilayah"),
        ("jne-reg,19.05,,1000,1000,1,2", "atau * untuk semua"),
        ("jne-reg,19.05,31,0,1000,1,2", "harga: dari 1 sampai"),
        ("jne-reg,19.05,31,-5,1000,1,2", "rumus"),
        ("jne-reg,19.05,31,=1+1,1000,1,2", "rumus"),
        ("@SUM(A1),19.05,31,1,1000,1,2", "rumus"),
        ("jne-reg,19.05,31,1000.50,1000,1,2", "harga: tulis angka bulat"),
        ("jne-reg,19.05,31,99999999999999,1000,1,2", "harga: tulis angka bulat"),
        ("jne-reg,19.05,31,٣٠٠٠,1000,1,2", "harga: tulis angka bulat"),
        ("jne-reg,19.05,31,1000,0,1,2", "berat minimum"),
        ("jne-reg,19.05,31,1000,1000,3,2", "Hari dari (3) lebih dari hari sampai"),
        ("jne-reg,19.05,31,1000,1000,1,400", "hari sampai: dari 0 sampai 60"),
        ("jne-reg,19.05", "tujuan: isi kode wilayah"),
        (f"antar,19.05,{BELO_LAUT},1000,1000,0,1", "asalnya satu desa"),
        (f"antar,{BELO_LAUT},*,1000,1000,0,1", "tujuannya satu wilayah"),
        (f"antar,{BELO_LAUT},19.05.01,1000,1000,0,2", "paling lama besoknya"),
    ],
)
def test_each_line_says_what_is_wrong(
    app: Flask, session: Session, operator: User, line: str, words: str
) -> None:
    with app.test_request_context():
        ((number, text),) = faults(session, line)
    assert number == 2
    assert words in text


def test_a_line_that_stands_twice(app: Flask, session: Session, operator: User) -> None:
    line = "jne-reg,19.05,31,1000,1000,1,2"
    with app.test_request_context():
        assert faults(session, line, "", line) == [(4, "Sama dengan baris 2: hapus salah satu.")]


def test_adding_and_changing_leaves_the_rest(app: Flask, session: Session, operator: User) -> None:
    text = csv_of("jne-reg,19.05,*,40000,1000,2,3", "pos-kargo,19,31,9000,5000,6,9")
    with app.test_request_context():
        import_id, seen = look(session, text, operator, ImportMode.CHANGE)
        found = services.apply(session, import_id, operator.id, NOW, seen=seen)
        assert (found.added, found.changed, found.removed) == (1, 1, 0)
        # Once more is the same once.
        assert services.apply(session, import_id, operator.id, NOW, seen=seen).added == 1
    assert table(session) == {
        ("jne-reg", "19.05", "", 40_000, 1_000, 2, 3),
        ("pos-kargo", "19", "31", 9_000, 5_000, 6, 9),
        ("pos-kargo", "", "", 15_000, 1_000, 7, 12),
    }
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "tariffs changed")).one()
    assert event.actor_id == operator.id
    assert event.details["services"] == ["jne-reg", "pos-kargo"]


def test_replacing_removes_what_is_not_in_the_file(
    app: Flask, session: Session, operator: User
) -> None:
    text = csv_of("pos-kargo,19,31,9000,5000,6,9")
    with app.test_request_context():
        import_id, seen = look(session, text, operator, ImportMode.REPLACE)
        found = services.apply(session, import_id, operator.id, NOW, seen=seen)
    assert (found.added, found.changed, found.removed) == (1, 0, 1)
    assert {row[0:3] for row in table(session)} == {
        ("jne-reg", "19.05", ""),
        ("pos-kargo", "19", "31"),
    }


def test_what_was_seen_is_what_is_applied(app: Flask, session: Session, operator: User) -> None:
    text = csv_of("jne-reg,19.05,*,40000,1000,2,3")
    with app.test_request_context():
        import_id, seen = look(session, text, operator, ImportMode.CHANGE)
        tariff = session.scalars(select(Tariff).where(Tariff.origin == "19.05")).one()
        tariff.price_per_kg = 39_000
        session.flush()
        with pytest.raises(TableMoved):
            services.apply(session, import_id, operator.id, NOW, seen=seen)
        other = make_user(session, Role.OPERATOR)
        _again, seen = look(session, text, operator, ImportMode.CHANGE)
        services.apply(session, import_id, operator.id, NOW, seen=seen)
        with pytest.raises(Conflict, match="sudah dipakai oleh"):
            services.apply(session, import_id, other.id, NOW, seen=seen)
        with pytest.raises(Conflict, match="sudah berlaku"):
            services.discard(session, import_id)


def test_wrong_lines_keep_all_from_being_applied(
    app: Flask, session: Session, operator: User
) -> None:
    text = csv_of("jne-reg,19.05,*,40000,1000,2,3", "jne-reg,19.05,99,1,1,1,1")
    before = table(session)
    with app.test_request_context():
        import_id, seen = look(session, text, operator, ImportMode.CHANGE)
        with pytest.raises(Unusable):
            services.apply(session, import_id, operator.id, NOW, seen=seen)
    assert table(session) == before


def test_the_pages(client: FlaskClient, session: Session, operator: User) -> None:
    sign_in(client, operator)
    page = client.get("/desk/tariffs?service=jne-reg&origin=19&destination=*").text
    assert 'data-tariff="jne-reg 19.05 *"' in page
    assert 'data-tariff="pos-kargo' not in page
    # What is given out is taken in again, and changes nothing.
    given = client.get("/desk/tariffs/export.csv")
    assert given.data.startswith(b"\xef\xbb\xbfservice,origin")
    form = {"csrf_token": value_of(client.get("/desk/tariffs/imports").text, "csrf_token")}
    answer = client.post(
        "/desk/tariffs/imports",
        data={**form, "mode": "replace", "file": (io.BytesIO(given.data), "tariffs.csv")},
    )
    assert answer.status_code == 303, answer.text
    page = client.get(answer.location).text
    for name, count in (("added", 0), ("changed", 0), ("gone", 0), ("same", 2), ("faults", 0)):
        assert f'data-count="{name}" data-value="{count}"' in page
    # Pasted, with one line wrong.
    pasted = csv_of("jne-reg,19.05,*,41000,1000,2,3", "jne-reg,19.05,99,1000,1000,2,3")
    answer = client.post("/desk/tariffs/imports", data={**form, "mode": "change", "text": pasted})
    page = client.get(answer.location).text
    assert "Baris 3" in page
    assert "Pakai tarif ini" not in page
    removal = client.post(f"{answer.location}/removal", data=form)
    assert removal.status_code == 303
    assert client.get(answer.location).status_code == 404
    # Right, and seen.
    good = csv_of("jne-reg,19.05,*,41000,1000,2,3")
    answer = client.post("/desk/tariffs/imports", data={**form, "mode": "change", "text": good})
    seen = value_of(client.get(answer.location).text, "seen")
    stale = client.post(f"{answer.location}/application", data={**form, "seen": "other"})
    assert stale.status_code == 409
    assert "baru saja berubah" in stale.text
    done = client.post(f"{answer.location}/application", data={**form, "seen": seen})
    assert done.status_code == 303
    assert "Berlaku" in client.get(done.location).text
    again = client.post(f"{answer.location}/application", data={**form, "seen": seen})
    assert again.status_code == 303
    assert "Rp41.000" in client.get("/desk/tariffs").text
    assert session.scalar(select(TariffImport.id).where(TariffImport.state == ImportState.APPLIED))


def test_a_long_table_is_chosen_from(client: FlaskClient, session: Session, operator: User) -> None:
    """From the page to a tariff in three taps, or by the name of a place."""
    service = session.scalars(select(Service).where(Service.code == "jne-reg")).one()
    session.query(Tariff).delete()
    fields = {"service_id": service.id, "min_weight_grams": 1000, "days_from": 2, "days_to": 3}
    areas = ["11", "12", "13", "21", "31", "32", "32.73", "33"]
    areas += ["51", "61", "71", "81", "91", "19.05", ""]
    for number, code in enumerate(areas):
        price = 10_000 + 1_000 * number
        session.add(Tariff(origin="19.05", destination=code, price_per_kg=price, **fields))
    session.commit()
    sign_in(client, operator)
    first = client.get("/desk/tariffs").text
    assert "data-tariff" not in first and "Rp10.000" in first and "Rp24.000" in first
    second = client.get("/desk/tariffs?service=jne-reg").text
    assert "data-tariff" not in second and "island=java" in second
    third = client.get("/desk/tariffs?service=jne-reg&island=java").text
    assert re.findall(r'data-tariff="jne-reg 19.05 ([^"]*)"', third) == ["31", "32", "32.73", "33"]
    sumatra = client.get("/desk/tariffs?service=jne-reg&island=sumatra").text
    assert sumatra.count("data-tariff=") == 5

    def to(place: str) -> list[str]:
        page = client.get("/desk/tariffs", query_string={"destination": place}).text
        return re.findall(r'data-tariff="jne-reg 19.05 ([^"]*)"', page)

    # What may hold there, down to what holds everywhere.
    assert to("kota bandung") == ["*", "32", "32.73"]
    assert to("Mentok") == ["*", "19.05"]
    assert to("tidak ada tempat ini") == []
    assert to("32") == ["32", "32.73"]
    assert to("%") == []
    for odd in ("x" * 200, "'", "\\"):
        assert client.get("/desk/tariffs", query_string={"destination": odd}).status_code == 200
    assert client.get("/desk/tariffs?island=atlantis&service=nothing").status_code == 200


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"mode": "change"}, "Pilih berkasnya"),
        ({"mode": "nothing", "text": "x"}, "Not a valid choice"),
        ({"mode": "change", "text": "apa saja"}, "judul kolom"),
    ],
)
def test_what_cannot_be_taken_is_said(
    client: FlaskClient, operator: User, sent: dict[str, str], words: str
) -> None:
    sign_in(client, operator)
    form = {"csrf_token": value_of(client.get("/desk/tariffs/imports").text, "csrf_token")}
    answer = client.post("/desk/tariffs/imports", data={**form, **sent})
    assert answer.status_code == 422
    assert words in answer.text or words == "Not a valid choice"


def test_services_on_the_desk(client: FlaskClient, session: Session, operator: User) -> None:
    sign_in(client, operator)
    page = client.get("/desk/tariffs/services").text
    form = {"csrf_token": value_of(page, "csrf_token")}
    new = {
        **form,
        "code": "sicepat-best",
        "courier": "SiCepat",
        "name": "BEST",
        "offered": "y",
        "volumetric_divisor": "6000",
        "rate_courier": "sicepat",
        "rate_service": "BEST",
    }
    assert client.post("/desk/tariffs/services", data=new).status_code == 303
    taken = client.post("/desk/tariffs/services", data=new)
    assert taken.status_code == 422
    for wrong in (
        {"code": "pickup-x"},
        {"code": "Huruf Besar"},
        {"code": "x", "volumetric_divisor": "0"},
        {"code": "x", "rate_service": ""},
        {"code": "x", "rate_courier": ""},
        {"code": "x", "cold_chain": "y", "rate_courier": "jne"},
        {"code": "x"},
    ):
        assert client.post("/desk/tariffs/services", data={**new, **wrong}).status_code == 422
    service = session.scalars(select(Service).where(Service.code == "sicepat-best")).one()
    address = f"/desk/tariffs/services/{service.id}"
    assert 'value="SiCepat"' in client.get(address).text
    changed = {**new, "volumetric_divisor": "4000"}
    del changed["offered"]
    assert client.post(address, data=changed).status_code == 303
    session.expire_all()
    assert (service.offered, service.volumetric_divisor) == (False, 4000)
    assert client.post(address, data={**changed, "courier": ""}).status_code == 422
    assert client.get("/desk/tariffs/services/99999").status_code == 404
    actions = session.scalars(select(AuditEvent.action)).all()
    assert {"delivery service added", "delivery service changed"} <= set(actions)


def test_collection_points_on_the_desk(
    client: FlaskClient, session: Session, operator: User
) -> None:
    sign_in(client, operator)
    form = {"csrf_token": value_of(client.get("/desk/collection-points").text, "csrf_token")}
    new = {
        **form,
        "slug": "jebus",
        "name": "Kantor Jebus",
        "region_code": "19.05.03",
        "address": "Jalan 1",
        "hours": "Senin",
        "serves": "19.05",
    }
    assert client.post("/desk/collection-points", data=new).status_code == 303
    assert client.post("/desk/collection-points", data=new).status_code == 422
    wrong = {**new, "slug": "lain", "serves": "99"}
    answer = client.post("/desk/collection-points", data=wrong)
    assert answer.status_code == 422
    assert "Tidak ada wilayah dengan kode 99" in answer.text
    page = client.get("/desk/collection-points").text
    assert 'data-point="jebus"' in page
    point = next(p for p, _path, _area in desk.points(session) if p.slug == "jebus")
    address = f"/desk/collection-points/{point.id}"
    assert client.post(address, data={**new, "hours": "Selasa"}).status_code == 303
    assert client.post(address, data={**new, "hours": ""}).status_code == 422
    assert client.post(f"{address}/closure", data=form).status_code == 303
    assert "Buka lagi" in client.get(address).text
    session.expire_all()
    assert (point.hours, point.open) == ("Selasa", False)
    assert client.post(f"{address}/opening", data=form).status_code == 303
    assert client.post("/desk/collection-points/99999/opening", data=form).status_code == 404
    actions = session.scalars(select(AuditEvent.action)).all()
    assert {"collection point changed", "collection point closed"} <= set(actions)
