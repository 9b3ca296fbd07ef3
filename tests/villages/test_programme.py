"""The programme: what officials may do with a designation, and what the database holds them to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from ovop_market.accounts.models import AuditEvent, Role
from ovop_market.catalogue.models import Product
from ovop_market.core import clock
from ovop_market.core.errors import Conflict, MoveRefused, Unusable
from ovop_market.extensions import db
from ovop_market.villages import flagships
from ovop_market.villages import programme_services as services
from ovop_market.villages import programme_states as states
from ovop_market.villages.models import Designation, Permit, PermitKind, Stage
from ovop_market.villages.programme_models import DesignationStep, StarAward, VillageTarget
from ovop_market.villages.programme_services import Aims
from tests.factories import NOW, make_producer, make_product, make_user, make_village, sign_in

TODAY = clock.wib_date(NOW)
DAY = timedelta(days=1)


@dataclass
class By:
    """Who does it, when."""

    actor_id: int

    @property
    def told(self) -> dict:
        return {"actor_id": self.actor_id, "now": NOW}


@pytest.fixture
def by(session: Session) -> By:
    return By(make_user(session, Role.OFFICIAL).id)


@pytest.fixture
def proposed(session: Session, by: By) -> Designation:
    return services.designate(
        session,
        make_village(session),
        year=2025,
        flagship="kemplang",
        day=TODAY - 9 * DAY,
        **by.told,
    )


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def audited(session: Session, action: str) -> list[AuditEvent]:
    return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def on(session: Session, designation: Designation, to: Stage, by: By, **said) -> None:
    said = {"day": TODAY, "note": "", "seen": designation.stage, **said}
    services.move(session, designation, to, **said, **by.told)


def test_the_table_of_stages() -> None:
    """One forward, one back, and nothing else."""
    order = list(Stage)
    for at, stage in enumerate(order):
        allowed = {to: states.move(stage, to) for to in order}
        for to, found in allowed.items():
            assert (found is not None) == (abs(order.index(to) - at) == 1)
            if found:
                assert found.back == (order.index(to) < at)
    assert [states.mentor(n) for n in (None, 1, 2, 3, 4, 5)] == [
        *[states.Mentor.REGENCY] * 3,
        states.Mentor.PROVINCE,
        *[states.Mentor.MINISTRY] * 2,
    ]


def test_a_designation_goes_its_way(session: Session, by: By, proposed: Designation) -> None:
    on(session, proposed, Stage.SELECTION, by)
    on(session, proposed, Stage.DESIGNATION, by, note="SK 12/2025")
    steps = session.scalars(select(DesignationStep).order_by(DesignationStep.id)).all()
    assert [step.stage for step in steps] == list(Stage)[:3]
    assert steps[-1].note == "SK 12/2025" and steps[-1].noted_by_id == by.actor_id
    assert proposed.stage is Stage.DESIGNATION


def test_steps_that_are_refused(session: Session, by: By, proposed: Designation) -> None:
    with pytest.raises(MoveRefused):
        on(session, proposed, Stage.DESIGNATION, by)
    for day in (TODAY + DAY, TODAY - 10 * DAY):
        with pytest.raises(Unusable):
            on(session, proposed, Stage.SELECTION, by, day=day)
    on(session, proposed, Stage.SELECTION, by)
    with pytest.raises(Unusable):
        on(session, proposed, Stage.PROPOSAL, by)
    # The same form once more: nothing is added. Another form from before: it is told.
    on(session, proposed, Stage.SELECTION, by, seen="proposal")
    with pytest.raises(MoveRefused):
        on(session, proposed, Stage.DESIGNATION, by, seen="proposal")
    assert count(session, DesignationStep) == 2
    on(session, proposed, Stage.PROPOSAL, by, note="berkas belum lengkap")
    assert proposed.stage is Stage.PROPOSAL


def test_a_village_is_proposed_once_a_year(session: Session, by: By, proposed: Designation) -> None:
    said = {"year": 2025, "day": TODAY, **by.told}
    again = services.designate(session, proposed.village, flagship="kemplang", **said)
    assert again is proposed and count(session, DesignationStep) == 1
    with pytest.raises(Unusable):
        services.designate(session, proposed.village, flagship="terasi", **said)


@pytest.mark.parametrize("verb", ["UPDATE designation_step SET note = 'x'", "DELETE FROM {}"])
def test_the_history_cannot_be_rewritten(
    session: Session, proposed: Designation, verb: str
) -> None:
    session.commit()
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(verb.format("designation_step")))


def test_a_baseline_is_entered_once(session: Session, by: By, proposed: Designation) -> None:
    services.enter_baseline(session, proposed, 5_000_000, **by.told)
    services.enter_baseline(session, proposed, 5_000_000, **by.told)
    with pytest.raises(Conflict):
        services.enter_baseline(session, proposed, 6_000_000, **by.told)
    (line,) = audited(session, "baseline entered")
    assert line.actor_id == by.actor_id and line.details == {"baseline_sales": 5_000_000}
    session.commit()
    with pytest.raises(DBAPIError, match="entered once"):
        session.execute(text("UPDATE designation SET baseline_sales = 1"))
    session.rollback()
    with pytest.raises(DBAPIError, match="entered once"):
        session.execute(text("UPDATE designation SET baseline_sales = NULL"))
    session.rollback()
    # What else stands there may change.
    session.execute(text("UPDATE designation SET stars = 2, baseline_sales = baseline_sales"))


def test_a_baseline_is_entered_once_by_two(session: Session, by: By, proposed: Designation) -> None:
    """Both have the page on which there is none yet."""
    session.commit()
    own = proposed.id
    session.close()
    make = sessionmaker(db.engine, expire_on_commit=False)
    with make() as first:
        seen = first.get(Designation, own)
        first.commit()
        with make() as second:
            other = second.get(Designation, own)
            services.enter_baseline(second, other, 1_000, **by.told)
            second.commit()
        assert seen.baseline_sales is None
        with pytest.raises(Conflict):
            services.enter_baseline(first, seen, 2_000, **by.told)
        first.rollback()
        assert first.get(Designation, own, populate_existing=True).baseline_sales == 1_000


def test_stars(session: Session, by: By, proposed: Designation) -> None:
    def award(stars: int, certificate: str = "A-1", **said) -> StarAward:
        said = {"day": TODAY - DAY, "expires_on": None, **said}
        return services.award(
            session, proposed, stars=stars, certificate=certificate, **said, **by.told
        )

    with pytest.raises(MoveRefused):
        award(2)
    on(session, proposed, Stage.SELECTION, by)
    on(session, proposed, Stage.DESIGNATION, by)
    for stars in (0, 6):
        with pytest.raises(Unusable):
            award(stars)
    with pytest.raises(Unusable):
        award(2, expires_on=TODAY - DAY)
    with pytest.raises(Unusable):
        award(2, day=TODAY + DAY)
    award(2)
    award(2)
    assert (count(session, StarAward), proposed.stars) == (1, 2)
    # An older certificate changes nothing of what it has now; a newer one does.
    award(1, "A-0", day=TODAY - 90 * DAY)
    assert proposed.stars == 2
    award(3, "A-2", day=TODAY)
    assert proposed.stars == 3
    # The same number puts right what was typed.
    award(4, "A-2", day=TODAY)
    assert (count(session, StarAward), proposed.stars) == (3, 4)
    assert audited(session, "stars noted")[-1].details["stars"] == [3, 4]


def test_the_database_knows_no_sixth_star(session: Session, proposed: Designation) -> None:
    session.add(
        StarAward(designation_id=proposed.id, stars=6, day=TODAY, certificate="x", noted_at=NOW)
    )
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_product_of_the_village_is_chosen(
    session: Session, by: By, proposed: Designation
) -> None:
    own = make_product(session, make_producer(session), slug="kemplang-laut")
    make_product(session, make_producer(session), slug="terasi")
    make_product(session, make_producer(session), slug="lama", listed=False)
    dendang = make_village(session, "19.05.04.2005", name="Dendang")
    make_product(session, make_producer(session, dendang), slug="keranjang")

    def choose(slug: str, seen: str | None = None) -> int | None:
        services.choose_product(session, proposed, slug, seen=seen, **by.told)
        return proposed.flagship_product_id

    assert [each.slug for each in flagships.choices(session, proposed)] == [
        "kemplang-laut",
        "terasi",
    ]
    for slug in ("keranjang", "lama", "tidak-ada"):
        with pytest.raises(Unusable) as refusal:
            choose(slug)
        assert refusal.value.details["field"] == "product"
    for _twice in range(2):
        assert choose("kemplang-laut", seen="0") == own.id
    with pytest.raises(Conflict):
        choose("terasi", seen="0")
    # What is not sold any more stays chosen, and can be kept.
    own.listed = False
    session.flush()
    assert choose("kemplang-laut", seen=str(own.id)) == own.id
    assert [each.on_sale for each in flagships.choices(session, proposed)] == [True, False]
    assert choose("", seen=str(own.id)) is None
    assert proposed.flagship == "kemplang"
    assert [event.details["product"] for event in audited(session, "flagship chosen")] == [
        [None, "kemplang-laut"],
        ["kemplang-laut", None],
    ]


def test_the_database_knows_the_products(session: Session, proposed: Designation) -> None:
    with pytest.raises(IntegrityError):
        session.execute(
            text("UPDATE designation SET flagship_product_id = 999999 WHERE id = :id"),
            {"id": proposed.id},
        )
        session.commit()
    session.rollback()


def test_targets(session: Session, by: By) -> None:
    village = make_village(session)

    def aim(year: int, *aims: int | None, seen: str | None = None) -> None:
        services.set_target(session, village, year, Aims(*aims), seen=seen, **by.told)

    for year in (2025, 2028):
        with pytest.raises(Unusable):
            aim(year, 10)
    with pytest.raises(Unusable):
        aim(2026)
    aim(2026, 10, seen=services.mark(None))
    aim(2026, 10, seen=services.mark(None))
    with pytest.raises(Conflict):
        aim(2026, 20, seen=services.mark(None))
    target = session.get(VillageTarget, (village.id, 2026))
    aim(2026, 20, 4, 9_000_000, seen=services.mark(target))
    assert (target.orders, target.regencies, target.revenue) == (20, 4, 9_000_000)
    first, second = audited(session, "target set")
    assert first.details["orders"] == [None, 10]
    assert second.details["orders"] == [10, 20]


@pytest.mark.parametrize(
    "values", ["NULL, NULL, NULL", "0, NULL, NULL", "1, NULL, -1"], ids=["none", "zero", "less"]
)
def test_targets_that_the_database_refuses(session: Session, values: str) -> None:
    village = make_village(session)
    with pytest.raises(IntegrityError):
        session.execute(
            text(
                "INSERT INTO village_target (village_id, year, orders, regencies, revenue)"
                f" VALUES ({village.id}, 2026, {values})"
            )
        )


# Pages


def enter(client, session: Session, role: Role = Role.OFFICIAL, **values) -> None:
    user = make_user(session, role, **values)
    session.expunge(user)
    session.commit()
    sign_in(client, user)


@pytest.fixture
def noon(clock_at):
    clock_at(NOW)


def test_an_official_leads_a_designation(client, session: Session, noon) -> None:
    village = make_village(session)
    seller = make_producer(session, village, name="Rumah Sari")
    make_product(session, seller)
    session.add(Permit(producer_id=seller.id, kind=PermitKind.NIB, number="1", expires_on=None))
    village_id = village.id
    enter(client, session)
    new = {"village": village_id, "year": "2026", "flagship": "kemplang", "day": "2026-11-01"}
    assert (
        client.send("/programme/new", "/programme/new", **{**new, "year": "x"}).status_code == 422
    )
    answers = [client.send("/programme/new", "/programme/new", **new) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    url = answers[0].headers["Location"]
    assert url == answers[1].headers["Location"]
    step = {"to": "selection", "day": "2026-11-02", "note": "", "seen": "proposal"}
    for _ in range(2):
        assert client.send(url, f"{url}/stages", **step).status_code == 303
    back = {"to": "proposal", "day": "2026-11-02", "note": "", "seen": "selection"}
    answer = client.send(url, f"{url}/stages", **back)
    assert answer.status_code == 422 and "alasannya" in answer.get_data(as_text=True)
    step = {"to": "designation", "day": "02-11-2026", "note": "SK", "seen": "selection"}
    answer = client.post(
        f"{url}/stages",
        data={"csrf_token": client.csrf(url), **step},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200 and "Tahap tercatat" in answer.get_data(as_text=True)
    stars = {"stars": "3", "certificate": "IKM-3", "day": "2026-11-03", "expires_on": ""}
    assert client.send(url, f"{url}/stars", **stars).status_code == 303
    assert client.send(url, f"{url}/stars", **{**stars, "stars": "6"}).status_code == 422
    for amount, status in (("", 422), ("4.500.000", 303), ("4500000", 303), ("1", 409)):
        answer = client.post(
            f"{url}/baseline",
            data={"csrf_token": client.csrf(url), "baseline_sales": amount},
        )
        assert answer.status_code == status
    body = client.get(url).get_data(as_text=True)
    target = {"year": "2026", "orders": "40", "regencies": "", "revenue": "", "seen": ""}
    assert client.send(url, f"{url}/targets", **target).status_code == 303
    assert client.send(url, f"{url}/targets", **{**target, "orders": ""}).status_code == 422
    body = client.get(url).get_data(as_text=True)
    assert "Dibina oleh provinsi" in body and "Rumah Sari" in body and "0 dari 40" in body
    assert "Rp4.500.000" in body and "Izin PIRT, Sertifikat halal" in body
    listed = client.get("/programme?year=2026").get_data(as_text=True)
    assert "kemplang" in listed and "pempek udang" not in listed
    assert 'data-stage="designation">1<' in listed
    assert "pempek udang" in client.get("/programme?year=x").get_data(as_text=True)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_an_official_chooses_the_product(
    client, session: Session, noon, headers: dict[str, str]
) -> None:
    village = make_village(session)
    product = make_product(session, make_producer(session, village), slug="pempek-laut")
    number = product.id
    url = f"/programme/{village.designations[0].id}"
    enter(client, session)

    def choose(slug: str, seen: int) -> tuple[int, str]:
        said = {"csrf_token": client.csrf(url), "product": slug, "seen": str(seen)}
        answer = client.post(f"{url}/product", data=said, headers=headers)
        return answer.status_code, answer.get_data(as_text=True)

    def links(*pages: str) -> list[bool]:
        bodies = [client.get(page).get_data(as_text=True) for page in pages]
        assert all("pempek udang" in body for body in bodies)
        return ['href="/products/pempek-laut">pempek udang</a>' in body for body in bodies]

    public = ("/programme", "/villages/belo-laut")
    assert links(*public) == [False, False]
    assert choose("keranjang", 0)[0] == 422
    status, body = choose("pempek-laut", 0)
    assert status == (200 if headers else 303)
    if headers:
        assert "Produk unggulan tersimpan" in body
    status, body = choose("", 0)
    assert status == 409 and "diubah orang lain" in body
    assert 'href="/products/pempek-laut">' in client.get(url).get_data(as_text=True)
    assert links(*public) == [True, True]
    # Its page is gone with the last pack, and with it the links; the choice stays.
    session.get(Product, number).listed = False
    session.commit()
    assert links(*public) == [False, False]
    assert "tidak dijual sekarang" in client.get(url).get_data(as_text=True)
    assert choose("", number)[0] == (200 if headers else 303)
    assert "belum dihubungkan" in client.get(url).get_data(as_text=True)


@pytest.mark.parametrize("number", ["0", "-1", str(2**31), str(2**63), "satu"])
def test_ids_that_nothing_has(client, session: Session, noon, number: str) -> None:
    enter(client, session)
    assert client.get(f"/programme/{number}").status_code == 404


def test_another_area_sees_and_changes_nothing(client, session: Session, noon) -> None:
    own = make_village(session).designations[0].id
    village = session.get(Designation, own).village_id
    enter(client, session, area="16")
    assert "Belo Laut" not in client.get("/programme").get_data(as_text=True)
    url = f"/programme/{own}"
    assert client.get(url).status_code == 404
    token = {"csrf_token": client.csrf("/programme/new")}
    posts = {
        "stages": {"to": "evaluation", "day": "2026-11-02", "note": ""},
        "product": {"product": ""},
        "stars": {"stars": "3", "certificate": "x", "day": "2026-11-02"},
        "baseline": {"baseline_sales": "1"},
        "targets": {"year": "2026", "orders": "1"},
    }
    for noun, said in posts.items():
        assert client.post(f"{url}/{noun}", data=token | said).status_code == 404
    said = {"village": village, "year": "2026", "flagship": "x", "day": "2026-11-02"}
    assert client.post("/programme/new", data=token | said).status_code == 422
    assert count(session, DesignationStep) == 0


@pytest.mark.parametrize("role", [Role.BUYER, Role.PRODUCER])
def test_others_stay_outside(client, session: Session, role: Role) -> None:
    own = make_village(session).designations[0].id
    enter(client, session, role)
    for url in ("/programme", "/programme/new", f"/programme/{own}", "/programme/effect"):
        assert client.get(url).status_code == 403


def test_an_end_of_a_certificate_is_seen(client, session: Session, noon) -> None:
    (old,) = make_village(session).designations
    session.add(
        StarAward(
            designation_id=old.id,
            stars=2,
            day=date(2023, 1, 1),
            certificate="lama",
            expires_on=date(2026, 1, 1),
            noted_at=NOW,
        )
    )
    own = old.id
    enter(client, session, Role.OPERATOR)
    body = client.get(f"/programme/{own}").get_data(as_text=True)
    assert "berakhir" in body and "Ajukan penilaian lagi" in body
