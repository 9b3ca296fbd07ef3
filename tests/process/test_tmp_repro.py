import pytest
from collections import Counter
from tests.process.market import Market, at_once
from tests.process.server import running
from tests.process.visitor import ready_to_buy, filled, Buyer
from tests.factories import BANDUNG
pytestmark = pytest.mark.process

def test_same(market):
    v = market.stock(5000)
    s = market.server()
    bad = Counter()
    with running([s]):
        for n in range(12):
            b = ready_to_buy(s.port, v, f"P {n}")
            a = at_once([b.place] * 16)
            bad.update((x.status, "kosong" in x.body) for x in a)
    print("SAME", market.url[:10], bad, market.sold())

def test_two_forms(market):
    v = market.stock(5000)
    s = market.server()
    bad = Counter()
    with running([s]):
        for n in range(12):
            b = ready_to_buy(s.port, v, f"P {n}")
            b2 = Buyer(b.visitor, b.visitor.checkout_form(f"P {n} lagi"))
            a = at_once([b.place, b2.place])
            bad.update(tuple(sorted(x.status for x in a)) for _ in [0])
    print("TWO", market.url[:10], bad, market.sold(), market.faults())
