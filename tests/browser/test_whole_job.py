"""The main job, from the product's page to the official's figures.

A guest orders pempek udang and a rattan basket to Bandung, the weaver accepts, the buyer pays, the
operator confirms, both producers send, the buyer receives, and the official's numbers have moved
by exactly that.
"""

from __future__ import annotations

import pytest

from ovop_market.seeds.demo_producers import GROUP, WEAVER
from tests.browser.people import Market, Person

pytestmark = pytest.mark.browser
PEMPEK, BASKET = "pempek-udang-belo-laut", "keranjang-rotan-dendang"
PACKS_OF_PEMPEK, BASKETS = 2, 1
WAYS = {GROUP: "paxel-dingin", WEAVER: "jne-reg"}
TOTALS = ("orders", "units", "revenue")


def totals(official: Person) -> dict[str, int]:
    official.open("/reach")
    shown = {name: official.page.locator(f"[data-total={name}]") for name in TOTALS}
    return {name: int(cell.get_attribute("data-value") or "") for name, cell in shown.items()}


def take(producer: Person, number: str, button_of: str, then: str) -> None:
    """The usual next step, on the order's own page."""
    producer.open(f"/inbox/{number}")
    producer.press(producer.page.locator(f"#{button_of}"))
    assert producer.orders() == {number: then}


def accept_in_list(producer: Person, number: str) -> None:
    """One tap in the inbox; the order then waits for the money, and so leaves the list."""
    producer.open("/inbox")
    row = producer.page.locator(f"[data-order='{number}']")
    assert row.get_attribute("data-state") == "PLACED"
    producer.press(row.locator("form"))
    assert number not in producer.orders()
    producer.open("/inbox?tab=unpaid")
    assert producer.orders()[number] == "ACCEPTED"


def claim_all(buyer: Person, purchase: str) -> list[str]:
    """Tells of the transfer for each payment that is asked; returns the payments."""
    buyer.open(purchase)
    asked = buyer.page.locator("[data-payment]:has(form)")
    claimed: list[str] = []
    while asked.count():
        claimed.append(str(asked.first.get_attribute("data-payment")))
        asked.first.locator("[name=reference]").fill("Bank Contoh a.n. Pembeli Bandung")
        buyer.press(asked.first)
    for payment in claimed:
        state = buyer.page.locator(f"[data-payment='{payment}']").get_attribute("data-state")
        assert state == "CLAIMED"
    return claimed


def confirm(operator: Person, payment: str) -> None:
    operator.open("/desk")
    waiting = operator.page.locator(f"[data-stuck=claims][data-payment='{payment}']")
    operator.press(waiting.locator("form"))
    assert waiting.count() == 0


def send(producer: Person, number: str, courier: str, *, made: bool) -> None:
    """Prepares what is made to order, finishes, and hands the parcel to the courier."""
    if made:
        take(producer, number, "preparation", "PREPARING")
    take(producer, number, "readiness", "READY")
    producer.page.fill("#shipment [name=courier]", courier)
    producer.page.fill("#shipment [name=tracking_number]", "CONTOH123456")
    producer.press(producer.page.locator("#shipment"))
    assert producer.orders() == {number: "SHIPPED"}


@pytest.mark.parametrize(
    ("engine_name", "script"),
    [("sqlite", True), ("sqlite", False), ("postgresql", True)],
    ids=["sqlite", "sqlite without JavaScript", "postgresql"],
)
def test_from_the_order_to_the_figures(market: Market, script: bool) -> None:
    with market.visited_by("pejabat", script=script, width=1280) as official:
        before = totals(official)

    with market.visited_by(script=script) as buyer:
        spent = buyer.put_in_cart(PEMPEK, 0, PACKS_OF_PEMPEK)
        spent += buyer.put_in_cart(BASKET, 0, BASKETS)
        purchase = buyer.order("Pembeli Bandung", WAYS)
        states = buyer.orders()
        assert sorted(states.values()) == ["ACCEPTED", "PLACED"]
        ready = next(number for number, state in states.items() if state == "ACCEPTED")
        made = next(number for number, state in states.items() if state == "PLACED")

        with market.visited_by("perajin", script=script) as weaver:
            accept_in_list(weaver, made)
        payments = claim_all(buyer, purchase)
        with market.visited_by("operator", script=script, width=1280) as operator:
            for payment in payments:
                confirm(operator, payment)
        with market.visited_by("produsen", script=script) as group:
            send(group, ready, "Paxel", made=False)
        with market.visited_by("perajin", script=script) as weaver:
            send(weaver, made, "JNE", made=True)

        buyer.open(purchase)
        assert set(buyer.orders().values()) == {"SHIPPED"}
        for number in (ready, made):
            buyer.press(buyer.page.locator(f"#order-{number} form[action$='/receipt']"))
            assert buyer.orders()[number] == "RECEIVED"

    with market.visited_by("pejabat", script=script, width=1280) as official:
        after = totals(official)
    moved = {name: after[name] - before[name] for name in TOTALS}
    assert moved == {"orders": 2, "units": PACKS_OF_PEMPEK + BASKETS, "revenue": spent}
