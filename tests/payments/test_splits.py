"""A group's earnings among its households: by month, by payout, and as each of them sees it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from ovop_market.accounts.models import Role, User
from ovop_market.catalogue.models import Offer, Product
from ovop_market.core import clock
from ovop_market.core.errors import NotFound
from ovop_market.orders.models import Allocation, Order, PaymentMethod
from ovop_market.orders.services import lifecycle, shares
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Action, Actor, OrderState
from ovop_market.payments.models import Payout
from ovop_market.payments.queries import earnings, splits
from ovop_market.payments.queries.earnings import What
from ovop_market.payments.queries.splits import Division, Paid, Whose
from ovop_market.payments.services import payouts
from ovop_market.villages.models import Producer
from tests.counting import counted
from tests.factories import (
    NOW,
    advance,
    make_group,
    make_order,
    make_producer,
    make_product,
    make_purchase,
    make_user,
    pay,
    sign_in,
)
from tests.payments.earned import DAY, LONG_AGO, give_back, name_account

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
PRICE = 45_000
S = OrderState
PEOPLE = By(Actor.PRODUCER)


@pytest.fixture
def coordinator(session: Session) -> User:
    return make_user(session, Role.PRODUCER, name="Ibu Koordinator")


@pytest.fixture
def made(session: Session, coordinator: User) -> tuple[Product, list[User]]:
    product, people = make_group(session, (40, 40, 20), staff=coordinator, price=PRICE)
    group = product.producer
    group.cash_on_delivery = group.cash_at_pickup = True
    name_account(session, group)
    session.flush()
    return product, [person for person in people if person]


@pytest.fixture
def product(made: tuple[Product, list[User]]) -> Product:
    return made[0]


@pytest.fixture
def group(product: Product) -> Producer:
    return product.producer


@pytest.fixture
def people(made: tuple[Product, list[User]]) -> list[User]:
    return made[1]


def received(session: Session, product: Product, packs: int, at: datetime = LONG_AGO) -> Order:
    return make_order(session, S.RECEIVED, product=product, quantity=packs, now=at)


def handed_in(session: Session, order: Order) -> dict[str, int]:
    """Packs by household, as the shares say."""
    rows = session.scalars(
        select(Allocation).where(Allocation.line_id.in_([line.id for line in order.lines]))
    )
    found: dict[str, int] = {}
    for share in rows:
        name = share.offer.producer.name
        found[name] = found.get(name, 0) + (share.made or 0)
    return {name: packs for name, packs in found.items() if packs}


def told(division: Division) -> dict[str, int]:
    return {part.name or part.whose: part.amount for part in division.parts}


def household_of(session: Session, user: User) -> Producer:
    (found,) = earnings.producers_of(session, user)
    return found


def goods_of(session: Session, group: Producer, month: date) -> int:
    return sum(line.goods for line in earnings.statement(session, group, month, NOW).lines)


def test_by_what_was_handed_in(session: Session, group: Producer, product: Product) -> None:
    orders = [received(session, product, 10), received(session, product, 5, LONG_AGO + DAY)]
    expected: dict[str, int] = {}
    for order in orders:
        for name, packs in handed_in(session, order).items():
            expected[name] = expected.get(name, 0) + packs
    found = splits.of_month(session, group, NOVEMBER)
    assert len(found.parts) > 1
    assert {part.name: part.packs for part in found.parts} == expected
    assert told(found) == {name: packs * PRICE for name, packs in expected.items()}
    assert found.total == goods_of(session, group, NOVEMBER) == 15 * PRICE
    assert [p.amount for p in found.parts] == sorted((p.amount for p in found.parts), reverse=True)
    assert all(part.whose is Whose.HOUSEHOLD and part.member for part in found.parts)


def test_packs_of_different_prices(
    session: Session, group: Producer, product: Product, people: list[User]
) -> None:
    """Who makes the dear ones earns more by the pack; an order's lines are split together."""
    dear = make_product(session, group, price=120_000, made_to_order=True)
    session.delete(dear.variants[0].offers[0])
    one = household_of(session, people[2])
    session.add(Offer(variant=dear.variants[0], producer=one, weekly_capacity=20, lead_days=2))
    session.flush()
    session.expire(dear.variants[0], ["offers"])
    order = make_purchase(session, [(product, 10), (dear, 3)], now=LONG_AGO).orders[0]
    advance(session, order, S.RECEIVED, LONG_AGO)
    expected: dict[str, int] = {}
    for share in [s for line in order.lines for s in line.allocations]:
        name = share.offer.producer.name
        expected[name] = expected.get(name, 0) + (share.made or 0) * share.line.unit_price
    assert expected[one.name] >= 360_000
    assert told(splits.of_month(session, group, NOVEMBER)) == expected
    assert sum(expected.values()) == order.goods


def test_packs_of_nobody_are_the_groups_own(
    session: Session, group: Producer, product: Product
) -> None:
    """The group has an offer of its own: what comes from it is no household's share."""
    offer = Offer(variant=product.variants[0], producer=group, weekly_capacity=40, lead_days=2)
    session.add(offer)
    session.flush()
    session.expire(product.variants[0], ["offers"])
    order = received(session, product, 60)
    by_households = sum(handed_in(session, order).values())
    assert 0 < by_households < 60
    found = splits.of_month(session, group, NOVEMBER)
    own = found.parts[-1]
    assert (own.whose, own.amount, own.packs) == (Whose.GROUP, (60 - by_households) * PRICE, 0)
    assert found.total == order.goods


def test_what_is_not_handed_in_is_not_split_yet(
    session: Session, group: Producer, product: Product
) -> None:
    order = make_order(session, S.ACCEPTED, product=product, quantity=10, now=LONG_AGO)
    pay(session, order, LONG_AGO)
    assert told(splits.of_month(session, group, NOVEMBER)) == {Whose.NOBODY: order.goods}
    share = order.lines[0].allocations[0]
    packs = share.packs
    shares.hand_in(session, share, PEOPLE, LONG_AGO)
    name = share.offer.producer.name
    assert told(splits.of_month(session, group, NOVEMBER)) == {
        name: packs * PRICE,
        Whose.NOBODY: (10 - packs) * PRICE,
    }


def test_what_went_back_is_taken_off_everybody(
    session: Session, group: Producer, product: Product, by: By
) -> None:
    """On the day on which it went back: months add up to what the order brought."""
    october = clock.start_of_day(date(2026, 10, 20))
    order = received(session, product, 7, october)
    give_back(session, order, 10_001, by)  # at NOW, in November
    was, now = (splits.of_month(session, group, month) for month in (OCTOBER, NOVEMBER))
    assert (was.total, now.total) == (order.goods, -10_001)
    assert now.total == goods_of(session, group, NOVEMBER)
    assert sum(part.packs for part in was.parts) == 7
    assert sum(part.packs for part in now.parts) == 0
    packs = handed_in(session, order)
    for part in was.parts:
        back = next(p.amount for p in now.parts if p.name == part.name)
        due = (order.goods - 10_001) * packs[part.name] / 7
        assert abs(part.amount + back - due) < 1


def test_a_complaint_decided_for_the_buyer(
    session: Session, group: Producer, product: Product, by: By
) -> None:
    """Nobody has anything of it: what came in one month goes back in the other."""
    october = clock.start_of_day(date(2026, 10, 20))
    order = received(session, product, 10, october)
    before = told(splits.of_month(session, group, OCTOBER))
    lifecycle.act(session, order, Action.DISPUTE, By(Actor.BUYER), october + DAY, reason="pecah")
    lifecycle.settle(session, order, by, NOW, for_buyer=True, reason="rusak")
    assert order.state is S.CANCELLED
    assert told(splits.of_month(session, group, OCTOBER)) == before
    assert told(splits.of_month(session, group, NOVEMBER)) == {
        name: -amount for name, amount in before.items()
    }


def test_a_payout_is_split(
    session: Session, group: Producer, product: Product, coordinator: User, by: By
) -> None:
    order = received(session, product, 10)
    soon = received(session, product, 4, NOW - DAY)  # not due yet
    batch = payouts.make_batch(session, by, NOW)
    payout_id = batch.payouts[0].id
    found = splits.of_payout(session, coordinator, payout_id)
    assert found.division.total == order.goods
    assert found.shipping == order.shipping
    assert found.payout.amount == found.division.total + found.shipping - found.cash
    assert told(found.division) == {
        name: packs * PRICE for name, packs in handed_in(session, order).items()
    }
    assert paid_of(session, group) == {order.number: Paid.PREPARED, soon.number: Paid.NOT_YET}
    payouts.mark_sent(session, batch, by, NOW, reference="1")
    assert paid_of(session, group) == {order.number: Paid.SENT, soon.number: Paid.NOT_YET}
    line = earnings.statement(session, group, NOVEMBER, NOW).lines[-1]
    assert (line.what, line.payout_id) == (What.PAID_OUT, payout_id)
    # What goes back of an order that was paid out is taken off the next payout.
    give_back(session, order, 10_000, by)
    later = NOW + 3 * DAY
    second = payouts.make_batch(session, by, later).payouts[0]
    found = splits.of_payout(session, coordinator, second.id)
    assert found.division.total == soon.goods - 10_000
    assert found.payout.amount == found.division.total + found.shipping - found.cash


def paid_of(session: Session, group: Producer) -> dict[str, Paid]:
    found = splits.of_month(session, group, NOVEMBER)
    return {one.number: one.paid for part in found.parts for one in part.portions}


def test_cash_is_in_the_groups_hands(
    session: Session, group: Producer, product: Product, coordinator: User, by: By
) -> None:
    order = received_for_cash(session, product, 5)
    assert paid_of(session, group) == {order.number: Paid.CASH}
    assert splits.of_month(session, group, NOVEMBER).total == order.goods
    # Nothing of it is paid out; what goes back of it is taken off what is.
    other = received(session, product, 10)
    give_back(session, order, 9_000, by)
    payout = payouts.make_batch(session, by, NOW).payouts[0]
    found = splits.of_payout(session, coordinator, payout.id)
    assert found.payout.amount == other.total - 9_000
    assert found.payout.amount == found.division.total + found.shipping - found.cash


def received_for_cash(session: Session, product: Product, packs: int) -> Order:
    order = make_order(
        session, product=product, quantity=packs, method=PaymentMethod.COD, now=LONG_AGO
    )
    lifecycle.accept(session, order, PEOPLE, LONG_AGO)
    lifecycle.act(session, order, Action.FINISH, PEOPLE, LONG_AGO)
    lifecycle.ship(session, order, PEOPLE, LONG_AGO, courier="JNE", tracking_number="1")
    lifecycle.receive(session, order, By(Actor.BUYER), LONG_AGO)
    return order


def test_an_undone_payout_is_no_more_to_be_seen(
    session: Session, group: Producer, product: Product, coordinator: User, by: By
) -> None:
    order = received(session, product, 10)
    batch = payouts.make_batch(session, by, NOW)
    gone = batch.payouts[0].id
    payouts.undo(session, batch, by, NOW)
    with pytest.raises(NotFound):
        splits.of_payout(session, coordinator, gone)
    assert paid_of(session, group) == {order.number: Paid.NOT_YET}
    lines = earnings.statement(session, group, NOVEMBER, NOW).lines
    assert [line.payout_id for line in lines if line.what is What.PREPARED] == [None]
    again = payouts.make_batch(session, by, NOW + DAY).payouts[0]
    found = splits.of_payout(session, coordinator, again.id)
    assert found.division.total == order.goods


def test_a_household_sees_its_own_part(
    session: Session, group: Producer, product: Product, people: list[User]
) -> None:
    order = received(session, product, 10)
    whole = told(splits.of_month(session, group, NOVEMBER))
    seen = {}
    for person in people:
        household = household_of(session, person)
        for division in splits.of_household(session, household, NOVEMBER):
            assert division.group == group
            (part,) = division.parts
            assert [one.number for one in part.portions] == [order.number]
            seen[household.name] = part.amount
        assert list(splits.of_household(session, household, OCTOBER)) == []
        assert list(splits.of_household(session, household, DECEMBER)) == []
    assert seen == whole


def test_a_household_that_left_keeps_its_history(
    session: Session, group: Producer, product: Product, people: list[User]
) -> None:
    order = received(session, product, 10)
    household = household_of(session, people[0])
    (before,) = splits.of_household(session, household, NOVEMBER)
    other = make_producer(session, kind="group", name="Kelompok Lain")
    household.group = other
    session.flush()
    (after,) = splits.of_household(session, household, NOVEMBER)
    assert after.group == group
    assert after.parts[0].amount == before.parts[0].amount
    division = splits.of_month(session, group, NOVEMBER)
    assert division.total == order.goods
    assert [p.member for p in division.parts if p.name == household.name] == [False]
    assert splits.of_month(session, other, NOVEMBER).parts == []


def test_statements_do_not_grow(
    session: Session,
    group: Producer,
    product: Product,
    coordinator: User,
    people: list[User],
    by: By,
) -> None:
    received(session, product, 5)
    batch = payouts.make_batch(session, by, NOW - 2 * DAY)
    payouts.mark_sent(session, batch, by, NOW - 2 * DAY, reference="1")
    few = costs(session, group, coordinator, people, batch.payouts[0])
    for n in range(6):
        received(session, product, 4, LONG_AGO + n * timedelta(minutes=1))
    second = payouts.make_batch(session, by, NOW)
    many = costs(session, group, coordinator, people, second.payouts[0])
    assert many == few
    assert few == (3, 4, 7)


def costs(
    session: Session, group: Producer, coordinator: User, people: list[User], payout: Payout
) -> tuple[int, int, int]:
    household = household_of(session, people[0])
    payout_id = payout.id
    for each in (group, coordinator, household):
        session.refresh(each)
    with counted() as month:
        splits.of_month(session, group, NOVEMBER)
    with counted() as own:
        splits.of_household(session, household, NOVEMBER)
    with counted() as paid:
        splits.of_payout(session, coordinator, payout_id)
    return len(month), len(own), len(paid)


# The pages


def test_the_coordinators_page(
    client: FlaskClient, session: Session, group: Producer, product: Product, coordinator: User,
    by: By,
) -> None:  # fmt: skip
    now = clock.now()
    order = received(session, product, 10, now - 9 * DAY)
    batch = payouts.make_batch(session, by, now)
    payout_id = batch.payouts[0].id
    month = f"{clock.wib_date(now - 9 * DAY):%Y-%m}"
    sign_in(client, coordinator)
    body = client.get(f"/shop/statement?month={month}").get_data(as_text=True)
    assert f'data-total="split" data-value="{order.goods}"' in body
    assert 'id="split"' in body
    names = handed_in(session, order)
    assert all(name in body for name in names)
    paid_out = f"{clock.wib_date(now):%Y-%m}"
    body = client.get(f"/shop/statement?month={paid_out}").get_data(as_text=True)
    assert f"/shop/statement/payouts/{payout_id}" in body
    page = client.get(f"/shop/statement/payouts/{payout_id}").get_data(as_text=True)
    assert f'data-total="payout" data-value="{order.total}"' in page
    assert f'data-total="split" data-value="{order.goods}"' in page
    rows = csv_rows(client, f"/shop/statement/payouts/{payout_id}/export.csv")
    assert rows[0] == "Kelompok,Rumah,Pesanan,Tanggal,Bungkus,Bagian,Uangnya"
    assert len(rows) == 1 + len(names)
    rows = csv_rows(client, f"/shop/statement/split.csv?month={month}")
    assert sum(int(row.split(",")[5]) for row in rows[1:]) == order.goods


def csv_rows(client: FlaskClient, url: str) -> list[str]:
    return client.get(url).get_data(as_text=True).lstrip("\ufeff").splitlines()


def test_a_name_is_no_formula(
    client: FlaskClient, session: Session, product: Product, coordinator: User, people: list[User]
) -> None:
    household_of(session, people[0]).name = "=1+1"
    received(session, product, 10, clock.now())
    sign_in(client, coordinator)
    rows = csv_rows(client, "/shop/statement/split.csv")
    assert any(",'=1+1," in row for row in rows)


def test_a_members_page(
    client: FlaskClient, session: Session, group: Producer, product: Product, people: list[User]
) -> None:
    """Its own part, and nothing of the other households, of the buyer or of the group's money."""
    sign_in(client, people[0])
    assert "Belum ada pendapatan" in client.get("/shop/statement").get_data(as_text=True)
    order = received(session, product, 10, clock.now())
    names = handed_in(session, order)
    household = household_of(session, people[0])
    share = next(s for s in order.lines[0].allocations if s.offer.producer_id == household.id)
    body = client.get("/shop/statement").get_data(as_text=True)
    assert "Belum ada pendapatan" not in body
    assert "Isi dulu rekening" not in body
    assert f"Dari {group.name}" in body
    own = names[household.name] * PRICE
    assert f'data-total="part" data-value="{own}"' in body
    assert order.number in body and "Belum dikirim ke kelompok" in body
    assert f"/inbox/allocations/{share.id}" in body
    rows = csv_rows(client, "/shop/statement/split.csv")
    assert len(rows) == 2 and rows[1].split(",")[1] == household.name
    others = [name for name in names if name != household.name]
    assert others
    for text in (body, "\n".join(rows)):
        assert not any(f">{name}<" in text or f",{name}," in text for name in others)
        assert order.purchase.name not in text
        assert str(order.goods) not in text and f"{order.total}" not in text


def test_a_member_sees_nothing_of_its_group(
    app: Flask, session: Session, group: Producer, product: Product, people: list[User],
    by: By,
) -> None:  # fmt: skip
    received(session, product, 10, clock.now() - 9 * DAY)
    payout = payouts.make_batch(session, by, clock.now()).payouts[0]
    stranger = make_user(session, Role.PRODUCER)
    own = make_producer(session, staff=stranger)
    name_account(session, own)
    make_order(session, S.RECEIVED, producer=own, now=clock.now() - 9 * DAY)
    households = payouts.make_batch(session, by, clock.now()).payouts[0].id
    for person in (people[0], stranger):
        client = app.test_client()
        sign_in(client, person)
        for path in (
            f"/shop/statement?producer={group.slug}",
            f"/shop/statement/split.csv?producer={group.slug}",
            f"/shop/statement/payouts/{payout.id}",
            f"/shop/statement/payouts/{payout.id}/export.csv",
            # A household's own payout is not split.
            f"/shop/statement/payouts/{households}",
        ):
            assert client.get(path).status_code == 404, path


def test_an_earlier_month_of_a_member(
    client: FlaskClient, session: Session, product: Product, people: list[User]
) -> None:
    """Months go back to its first part, though it has sold nothing by itself."""
    at = clock.now() - timedelta(days=70)
    order = received(session, product, 10, at)
    sign_in(client, people[0])
    body = client.get("/shop/statement").get_data(as_text=True)
    month = f"{clock.wib_date(at):%Y-%m}"
    assert f'<option value="{month}">' in body
    assert "Tidak ada bagian dari kelompok di bulan ini" in body
    assert order.number in client.get(f"/shop/statement?month={month}").get_data(as_text=True)


def test_nobody_sells_here_yet(client: FlaskClient, session: Session) -> None:
    sign_in(client, make_user(session, Role.PRODUCER))
    assert len(csv_rows(client, "/shop/statement/split.csv")) == 1
    assert client.get("/shop/statement/payouts/1").status_code == 404


def test_a_group_without_members_earnings(
    client: FlaskClient, session: Session, coordinator: User, product: Product
) -> None:
    sign_in(client, coordinator)
    body = client.get("/shop/statement").get_data(as_text=True)
    assert "Belum ada pendapatan" in body and 'id="split"' not in body
