"""Who sees and does what: person × URL × method → status, and tests that no route is missing.

To add a route, add one line to TABLE (GET) or POSTS; the failing test prints it. A row names the
persons of WHO. The persons of LIKE get what their likes get, unless the row names them too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from ovop_market.accounts import sessions as accounts_sessions
from ovop_market.accounts import trail
from ovop_market.accounts.models import Role, User, UserSession
from ovop_market.bulk.models import Batch
from ovop_market.core import clock
from ovop_market.delivery import services as delivery
from ovop_market.delivery.models import CollectionPoint, ImportMode, Service
from ovop_market.notices.models import Notice
from ovop_market.notices.states import Channel, NoticeState
from ovop_market.orders.maker_models import MakerPage
from ovop_market.orders.models import Allocation, Purchase
from ovop_market.orders.services import lifecycle
from ovop_market.orders.services.lifecycle import By
from ovop_market.orders.states import Actor, OrderState
from ovop_market.payments.models import BankStatement, Payment, PayoutBatch, Refund, StatementLine
from ovop_market.payments.services import payouts, refunds
from ovop_market.payments.states import BatchState, RefundKind
from ovop_market.web import access, beats
from tests.dumps import dumped
from tests.factories import (
    NOW,
    make_group,
    make_invitation,
    make_order,
    make_packer,
    make_producer,
    make_product,
    make_purchase,
    make_sale,
    make_user,
    make_visit,
    sign_in,
)
from tests.payments import bank, earned

WHO = ("nobody", "buyer", "stranger", "packer", "producer", "official", "operator")
# Persons that are like one of the above, and must not see what is that one's own:
LIKE = {
    # a second buyer; a household of the group that `producer` coordinates; an official of another
    # regency.
    "other_buyer": "buyer",
    "member": "stranger",
    "elsewhere": "official",
}
EVERYBODY = (*WHO, *LIKE)
ALL = dict.fromkeys(WHO, 200)
SIGN_IN = 303
# `stranger` is a producer as well, of another household; `packer` works for `producer`'s.
ONLY_PRODUCERS = {**dict.fromkeys(WHO, 403), "nobody": SIGN_IN, "producer": 200, "stranger": 200}
ONLY_THE_PRODUCER = {**ONLY_PRODUCERS, "stranger": 404}
STAFF = {**ONLY_PRODUCERS, "packer": 200}
ONLY_ITS_STAFF = {**ONLY_THE_PRODUCER, "packer": 200}
ONLY_OPERATORS = {**dict.fromkeys(WHO, 403), "nobody": SIGN_IN, "operator": 200}
OFFICIALS = {**ONLY_OPERATORS, "official": 200}
OFFICIALS_OF_THE_AREA = {**OFFICIALS, "elsewhere": 404}
SIGNED_IN = {**ALL, "nobody": SIGN_IN}

# URL → what each gets. {…} is filled in from the thing that belongs to `producer`'s order.
TABLE: dict[str, dict[str, int]] = {
    "/": ALL,
    "/products": ALL,
    "/products/{product}": ALL,
    "/products/{product}/delivery": ALL,
    "/villages": ALL,
    "/villages/{village}": ALL,
    "/regions": ALL,
    "/robots.txt": ALL,
    "/sitemap.xml": ALL,
    "/assets/{asset}": ALL,
    "/healthz": ALL,
    "/readyz": ALL,
    # Asked from this machine (tests/operations/test_metrics.py).
    "/metrics": ALL,
    "/media/nothing": dict.fromkeys(WHO, 404),
    "/cart": ALL,
    "/cart/badge": dict.fromkeys(WHO, 303),
    "/checkout": dict.fromkeys(WHO, 303),
    "/purchases/{token}": ALL,
    # A payment that is not (or no more) asked by QRIS has no code.
    "/purchases/{token}/payments/{payment}/qris.png": dict.fromkeys(WHO, 404),
    "/sign-in": {**dict.fromkeys(WHO, 303), "nobody": 200},
    "/register": ALL,
    "/register/sent": ALL,
    # Without a password that was right there is no code to ask for (tests/accounts).
    "/sign-in/code": dict.fromkeys(WHO, 303),
    "/password/reset": ALL,
    "/password/reset/sent": ALL,
    "/password/reset/waiting": ALL,
    # A link that is none of ours (tests/accounts/test_recovery.py).
    "/password/reset/{link}": dict.fromkeys(WHO, 404),
    "/verify/{link}": dict.fromkeys(WHO, 404),
    "/verify/email/{link}": dict.fromkeys(WHO, 404),
    "/privacy": ALL,
    "/privacy/{version}": ALL,
    "/privacy/erased": ALL,
    "/purchases/{token}/privacy": ALL,
    "/account/privacy": SIGNED_IN,
    "/account/erasure": SIGNED_IN,
    "/desk/audit": ONLY_OPERATORS,
    "/desk/audit/export.csv": ONLY_OPERATORS,
    "/account": SIGNED_IN,
    "/account/sessions": SIGNED_IN,
    "/account/password": SIGNED_IN,
    "/account/email": SIGNED_IN,
    "/account/phone": SIGNED_IN,
    "/account/email/removal": SIGNED_IN,
    # There is none to remove here: these accounts are signed in to by e-mail.
    "/account/phone/removal": dict.fromkeys(WHO, 303),
    "/account/second-factor": SIGNED_IN,
    "/account/confirmation": SIGNED_IN,
    "/account/purchases": SIGNED_IN,
    # A guest's payment is no account's, and has no picture (tests/privacy/test_own_data.py).
    "/account/payments/{payment}/proof": {**dict.fromkeys(WHO, 404), "nobody": 303},
    "/inbox": STAFF,
    "/inbox/poll": {**STAFF, **dict.fromkeys(("producer", "stranger", "packer"), 303)},
    "/inbox/session": STAFF,
    "/inbox/{order}": ONLY_ITS_STAFF,
    # Who packs sees what has been said yes to, and of orders that are asked for nothing.
    "/inbox/allocations/{share}": {**ONLY_THE_PRODUCER, "packer": 404, "member": 200},
    "/groups": {
        **dict.fromkeys(WHO, 403),
        "nobody": 303,
        "official": 303,
        # There is no group in that regency.
        "elsewhere": 404,
        "operator": 303,
    },
    # A group's fairness is for its people, and for those who watch over groups.
    "/groups/{group}/sharing": {
        **ONLY_THE_PRODUCER,
        "member": 200,
        "official": 200,
        "elsewhere": 404,
        "operator": 200,
    },
    "/inbox/{order}/label": ONLY_ITS_STAFF,
    "/inbox/labels": STAFF,
    "/inbox/today": STAFF,
    "/inbox/packing": STAFF,
    "/made/{made}": ALL,
    "/shop": {**dict.fromkeys(WHO, 403), "nobody": 303, "producer": 303, "stranger": 303},
    "/shop/offers": ONLY_PRODUCERS,
    "/shop/offers/{offer}/movements": ONLY_THE_PRODUCER,
    "/shop/sales": ONLY_PRODUCERS,
    "/shop/products": ONLY_PRODUCERS,
    "/shop/products/new": ONLY_PRODUCERS,
    "/shop/products/{product}": ONLY_THE_PRODUCER,
    "/shop/permits": ONLY_PRODUCERS,
    "/shop/members": ONLY_PRODUCERS,
    "/shop/statement": ONLY_PRODUCERS,
    "/shop/statement/export.csv": ONLY_PRODUCERS,
    "/shop/statement/split.csv": ONLY_PRODUCERS,
    "/shop/statement/payouts/{payout}": ONLY_THE_PRODUCER,
    "/shop/statement/payouts/{payout}/export.csv": ONLY_THE_PRODUCER,
    "/shop/visits": ONLY_PRODUCERS,
    "/shop/staff": STAFF,
    "/invitations/{invitation}": ALL,
    "/mentoring": OFFICIALS,
    "/mentoring/producers/{maker}": OFFICIALS_OF_THE_AREA,
    # Nobody took a picture (tests/villages/test_visits.py).
    "/mentoring/visits/{visit}/photos/{line}": {**OFFICIALS, "official": 404, "operator": 404},
    "/reach": OFFICIALS,
    "/reach/export.csv": OFFICIALS,
    "/reach/export.xlsx": OFFICIALS,
    "/reach/export.pdf": OFFICIALS,
    # A workbook is fetched by whoever asked for it (tests/reach/test_large.py).
    "/reach/exports/{export}": {**OFFICIALS, "official": 404, "operator": 404},
    "/reach/exports/{export}/file": {**OFFICIALS, "official": 404, "operator": 404},
    # The official is of the regency in which the village lies (tests/villages/test_programme.py).
    "/programme": OFFICIALS,
    "/programme/new": OFFICIALS,
    "/programme/effect": OFFICIALS,
    "/programme/{designation}": OFFICIALS_OF_THE_AREA,
    "/desk": ONLY_OPERATORS,
    "/desk/orders/{order}": ONLY_OPERATORS,
    "/desk/payments": ONLY_OPERATORS,
    "/desk/search": ONLY_OPERATORS,
    "/desk/payments/{payment}": ONLY_OPERATORS,
    "/desk/payments/{payment}/proof": {**ONLY_OPERATORS, "operator": 404},
    # There is no gateway unless it is configured (tests/payments/test_gateway_desk.py).
    "/desk/gateway": {**ONLY_OPERATORS, "operator": 404},
    "/desk/refunds/{refund}": ONLY_OPERATORS,
    "/desk/payouts": ONLY_OPERATORS,
    "/desk/payouts/{batch}": ONLY_OPERATORS,
    "/desk/payouts/{batch}/export.csv": ONLY_OPERATORS,
    "/desk/statements": ONLY_OPERATORS,
    "/desk/statements/{statement}": ONLY_OPERATORS,
    "/desk/statements/lines": ONLY_OPERATORS,
    "/desk/statements/lines/{line}": ONLY_OPERATORS,
    "/desk/notices": ONLY_OPERATORS,
    "/desk/users": ONLY_OPERATORS,
    "/desk/users/{person}": ONLY_OPERATORS,
    # Which role it is to be has to be said (tests/accounts/test_desk.py).
    "/desk/users/{person}/role": {**ONLY_OPERATORS, "operator": 422},
    "/desk/tariffs": ONLY_OPERATORS,
    "/desk/tariffs/export.csv": ONLY_OPERATORS,
    "/desk/tariffs/imports": ONLY_OPERATORS,
    "/desk/tariffs/imports/{tariff_import}": ONLY_OPERATORS,
    "/desk/tariffs/services": ONLY_OPERATORS,
    "/desk/tariffs/services/{service}": ONLY_OPERATORS,
    "/desk/collection-points": ONLY_OPERATORS,
    "/desk/collection-points/{point}": ONLY_OPERATORS,
    "/desk/producers": ONLY_OPERATORS,
    "/desk/producers/{maker}": ONLY_OPERATORS,
    "/desk/listings": ONLY_OPERATORS,
    "/desk/listings/{product}": ONLY_OPERATORS,
    "/desk/bulk/{bulk}": ONLY_OPERATORS,
    "/desk/batches": ONLY_OPERATORS,
    "/desk/batches/{many}": ONLY_OPERATORS,
    "/sell": ALL,
    "/sw.js": ALL,
    "/manifest.webmanifest": ALL,
    "/data": ALL,
    "/api/v1": ALL,
    "/api/v1/openapi.json": ALL,
    "/api/v1/villages": ALL,
    "/api/v1/villages/{village}": ALL,
    "/api/v1/products": ALL,
    "/api/v1/products/{product}": ALL,
    "/api/v1/designations": ALL,
    "/api/v1/reach": ALL,
    # Which table is asked for has to be said (tests/opendata/test_reach.py).
    "/api/v1/reach/totals": dict.fromkeys(WHO, 400),
    "/api/v1/reach/places": dict.fromkeys(WHO, 400),
    "/api/v1/reach/villages": dict.fromkeys(WHO, 400),
    "/api/v1/reach/products": dict.fromkeys(WHO, 400),
    "/api/v1/reach/village-places": dict.fromkeys(WHO, 400),
}


def make_statements(session: Session) -> tuple[BankStatement, StatementLine]:
    """A statement that is looked at, and a line of another that waits for a person."""
    operator = make_user(session, Role.OPERATOR)
    told = [(clock.wib_date(NOW), "SETORAN TUNAI", 12_345)]
    bank.take_in(session, operator, bank.csv_of(told), NOW)
    return bank.preview(session, operator, bank.csv_of(told), NOW), bank.lines(session)[0]


def delivery_names(session: Session) -> dict[str, int]:
    """A tariff file that is looked at, a service, and a collection point."""
    operator = make_user(session, Role.OPERATOR)
    text = "service,origin,destination,price,days_from,days_to\njne-reg,19.05,31,20000,2,3"
    found = delivery.upload(session, text, "x", ImportMode.CHANGE, operator.id, NOW)
    return {
        "tariff_import": found.id,
        "service": session.query(Service.id).filter_by(code="jne-reg").scalar(),
        "point": session.query(CollectionPoint.id).scalar(),
    }


def make_batch(session: Session) -> PayoutBatch:
    """A batch of payouts that was made and not sent."""
    operator = make_user(session, Role.OPERATOR)
    batch = PayoutBatch(state=BatchState.MADE, made_at=NOW, made_by_id=operator.id)
    session.add(batch)
    session.flush()
    return batch


def make_many(session: Session) -> Batch:
    """Something that was done to many: to none, here."""
    operator = make_user(session, Role.OPERATOR)
    batch = Batch(action="listings-hide", made_by_id=operator.id, at=clock.now(), key="x")
    session.add(batch)
    session.flush()
    return batch


def make_failed_notice(session: Session) -> Notice:
    """A message that could not be sent."""
    notice = Notice(
        kind="payout",
        key="payout 1",
        channel=Channel.EMAIL,
        recipient="user 1",
        details={},
        language="id",
        state=NoticeState.FAILED,
        made_at=NOW,
        due_at=NOW,
    )
    session.add(notice)
    session.flush()
    return notice


def somebodys_device(session: Session) -> int:
    """The id of a session of somebody who is none of those who ask."""
    accounts_sessions.begin(session, make_user(session), "", NOW)
    return session.query(UserSession.id).order_by(UserSession.id.desc()).limit(1).scalar()


def make_share(session: Session, coordinator: User) -> tuple[Allocation, User]:
    """A household's share of an order of the coordinator's group, and the household's account."""
    product, people = make_group(session, (40, 40), staff=coordinator)
    product.producer.slug = "kelompok-contoh"
    share = make_purchase(session, [(product, 10)]).orders[0].lines[0].allocations[0]
    households = [offer.producer_id for offer in product.variants[0].offers]
    member = people[households.index(share.offer.producer_id)]
    assert member is not None
    return share, member


def enter(client: FlaskClient, session: Session, who: str, known: Mapping[str, User]) -> None:
    """Signs in as one of EVERYBODY."""
    if who == "nobody":
        return
    role = LIKE.get(who, who)
    area = {"area": "32.73"} if who == "elsewhere" else {}
    sign_in(client, known.get(who) or make_user(session, Role(role), **area))


def make_payout(session: Session, share: Allocation) -> int:
    """The id of a payout to the group of the share."""
    group = share.line.order.producer
    earned.name_account(session, group)
    earned.received(session, group, product=share.line.variant.product)
    operator = make_user(session, Role.OPERATOR)
    batch = payouts.make_batch(session, By(Actor.OPERATOR, operator.id), NOW)
    return next(payout.id for payout in batch.payouts if payout.producer_id == group.id)


# What names a buyer of these tests: name, telephone number, street (tests/factories.py).
NAMING = (b"Zubaidah", b"Sari Contoh", b"81234567890", b"Jalan Contoh 2")


@pytest.mark.parametrize("who", EVERYBODY)
def test_who_gets_what(
    app: Flask, client: FlaskClient, session: Session, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_user(session, Role.PRODUCER)
    product = make_product(session, make_producer(session, staff=owner), capacity=99)
    order = make_order(session, OrderState.PREPARING, product=product, name="Zubaidah Contoh")
    other = make_user(session, Role.PRODUCER)
    make_producer(session, staff=other)
    payment = session.query(Payment).one()
    granting = By(Actor.OPERATOR)
    refund = refunds.owe_part(
        session, order, RefundKind.GOODS, 1_000, granting, NOW, reason="pecah"
    )
    statement, line = make_statements(session)
    share, member = make_share(session, owner)
    names = {
        **delivery_names(session),
        "person": other.id,
        "invitation": make_invitation(session, product.producer, owner)[1],
        "refund": refund.id,
        "batch": make_batch(session).id,
        "statement": statement.id,
        "line": line.id,
        "product": product.slug,
        "offer": product.variants[0].offers[0].id,
        "village": product.producer.village.slug,
        "designation": product.producer.village.designations[0].id,
        "token": order.purchase.token,
        "order": order.number,
        "payment": payment.id,
        "share": share.id,
        "payout": make_payout(session, share),
        "group": "kelompok-contoh",
        "export": "0" * 32,
        "version": "2026-11",
        "maker": product.producer.slug,
        "visit": make_visit(session, product.producer).id,
        "bulk": "listings-hide",
        "many": make_many(session).id,
        "made": session.query(MakerPage).filter_by(order_id=order.id).one().code,
        "link": "x" * 32,
        "asset": app.extensions["assets"]["css/site.css"].address,
    }
    people = {"producer": owner, "stranger": other, "member": member}
    if who == "packer":
        people["packer"] = make_packer(session, owner)
    enter(client, session, who, people)
    # What the monitors ask for.
    beats.beat(session, clock.now())
    app.extensions["worker silent"].forget()
    (key,) = set(session.scalars(select(Purchase.buyer_key)))
    noted: set[str] = set()
    monkeypatch.setattr(trail, "_note", lambda page, whose: noted.add(page) if whose else None)
    got, telling, unnoted = {}, [], []
    for url in TABLE:
        noted.clear()
        answer = client.get(url.format(**names))
        got[url] = answer.status_code
        if key is None or key.encode() in answer.data:
            telling.append(url)
        named = any(word in answer.data for word in NAMING)
        # Whoever has a purchase's link is its buyer.
        if named and not noted and not url.startswith("/purchases/"):
            unnoted.append(url)
    like = LIKE.get(who, who)
    assert got == {url: row.get(who, row[like]) for url, row in TABLE.items()}
    # What buyers are recognised by is shown to nobody, on no page and in no file.
    assert telling == []
    # Whoever sees a buyer's name, number or street on a page is noted (accounts.trail).
    assert unnoted == []


# What a new route's row looks like, by its door: of GETs, and of POSTs.
_ROWS = {
    "public": ("ALL", "set(WHO)"),
    "visitor": ("ALL", "set(WHO)"),
    "link": ("ALL", "set(WHO)"),
    "signed_in": ("SIGNED_IN", "{'buyer', …}"),
    "operator": ("ONLY_OPERATORS", '{"operator"}'),
    "producer": ("ONLY_PRODUCERS", '{"producer", "stranger"}'),
    "official": ("OFFICIALS", '{"official", "operator"}'),
}


def shape(url: str) -> str:
    """An address with a star for each part that names a thing."""
    url = re.sub(r"<[^>]*>|\{[^}]*\}", "*", url)
    return url.replace("/media/nothing", "/media/*").replace("/permits/nib", "/permits/*")


def urls_of(rule: Rule) -> list[str]:
    """The address of a rule, once for each word that its last part may be."""
    found = re.search(r"<any\(([^)]*)\)[^>]*>", rule.rule)
    words = found[1].split(", ") if found else [""]
    return [rule.rule.replace(found[0] if found else "<>", word) for word in words]


def missing(app: Flask, method: str, known: Collection[str]) -> list[str]:
    """The lines that must be added, and those that are of no route."""
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]
    shapes, asked, lines = {shape(url) for url in known}, set(), []
    for rule, address in [(each, url) for each in rules for url in urls_of(each)]:
        asked.add(shape(address))
        if shape(address) in shapes:
            continue
        door = access.door_of(rule.endpoint)
        assert door is not None, f"{address} has no door"
        kind = next((role for role in ("official", "producer") if role in door.roles), door.kind)
        kind = "operator" if kind == "role" else kind
        row = _ROWS[kind][method == "POST"]
        if kind == "producer" and rule.arguments:
            row = "ONLY_THE_PRODUCER" if method == "GET" else '{"producer"}'
        url = re.sub(r"<(?:[^:>]*:)?([^>]+)>", r"{\1}", address)
        lines.append(f'add to {"TABLE" if method == "GET" else "POSTS"}:     "{url}": {row},')
    return lines + [f"no such route any more: {url}" for url in known if shape(url) not in asked]


def test_no_url_is_missing_from_the_table(app: Flask) -> None:
    found = missing(app, "GET", TABLE)
    assert not found, "\n".join(found)


def test_nothing_is_asked_in_another_way(app: Flask, client: FlaskClient) -> None:
    """Routes know GET and POST; whatever else is sent is 405, with what may be."""
    token = client.csrf("/register")
    here = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods <= {"GET", "POST"}, rule.rule
        url = re.sub(r"<[^>]*>", "x", re.sub(r"<int[^>]*>", "1", urls_of(rule)[0]))
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(here.allowed_methods(url)):
            answer = client.open(url, method=method, data={"csrf_token": token})
            assert answer.status_code == 405, (method, url, answer.status_code)
            assert set(answer.headers["Allow"].split(", ")) >= methods


# POST URL → who is not turned away at the door (303 to sign-in, 403) or by the query (404). Other
# buyers are let in where buyers are, members where strangers are; officials of another regency only
# where they are named.
ORDER_VERBS = (
    "acceptance",
    "counteroffer",
    "decline",
    "cancellation",
    "preparation",
    "readiness",
    "shipment",
    "handover",
    "tracking",
)
PACKERS_VERBS = ("preparation", "readiness", "shipment", "handover", "tracking")
SIGNED_IN_ONES = set(EVERYBODY) - {"nobody"}
BUYER_VERBS = ("cancellation", "agreement", "receipt", "dispute")
POSTS: dict[str, set[str]] = {
    **{f"/inbox/{{order}}/{verb}": {"producer"} for verb in ORDER_VERBS},
    **{f"/inbox/{{order}}/{verb}": {"producer", "packer"} for verb in PACKERS_VERBS},
    **{f"/purchases/{{token}}/orders/{{order}}/{verb}": set(WHO) for verb in BUYER_VERBS},
    "/inbox/allocations/{share}/acceptance": {"producer", "member"},
    "/inbox/allocations/{share}/decline": {"producer", "member"},
    "/inbox/allocations/{share}/completion": {"producer", "member"},
    "/inbox/{shared}/shares": {"producer"},
    "/inbox/{shared}/offers": {"producer"},
    "/purchases/{token}/payments/{payment}/claim": set(WHO),
    "/purchases/{token}/payments/{payment}/method": set(WHO),
    "/purchases/{cancelled}/refunds/{refund}/destination": set(WHO),
    "/desk/payments/{payment}/confirmation": {"operator"},
    "/desk/payments/{payment}/rejection": {"operator"},
    "/desk/payments/{payment}/reversal": {"operator"},
    "/desk/orders/{order}/refunds": {"operator"},
    "/desk/orders/{order}/cancellation": {"operator"},
    "/desk/orders/{order}/settlement": {"operator"},
    "/desk/refunds/{refund}/sending": {"operator"},
    "/desk/refunds/{refund}/recall": {"operator"},
    "/desk/refunds/{refund}/withdrawal": {"operator"},
    "/desk/payouts/{batch}/recall": {"operator"},
    "/desk/payouts": {"operator"},
    "/desk/payouts/{batch}/sending": {"operator"},
    "/desk/payouts/{batch}/reversal": {"operator"},
    "/desk/statements": {"operator"},
    "/desk/statements/{statement}/mapping": {"operator"},
    "/desk/statements/{statement}/import": {"operator"},
    "/desk/statements/{statement}/removal": {"operator"},
    "/desk/statements/lines/{bank_line}/match": {"operator"},
    "/desk/statements/lines/{bank_line}/setting-aside": {"operator"},
    "/desk/statements/lines/{bank_line}/reopening": {"operator"},
    "/desk/notices/{notice}/retry": {"operator"},
    "/desk/tariffs/imports": {"operator"},
    "/desk/tariffs/imports/{tariff_import}/application": {"operator"},
    "/desk/tariffs/imports/{tariff_import}/removal": {"operator"},
    "/desk/tariffs/services": {"operator"},
    "/desk/tariffs/services/{service}": {"operator"},
    "/desk/collection-points": {"operator"},
    "/desk/collection-points/{point}": {"operator"},
    "/desk/collection-points/{point}/opening": {"operator"},
    "/desk/collection-points/{point}/closure": {"operator"},
    "/desk/notices/{notice}/drop": {"operator"},
    "/desk/users/invitations": {"operator"},
    "/desk/users/invitations/{invited}/withdrawal": {"operator"},
    "/desk/users/{person}/disabling": {"operator"},
    "/desk/users/{person}/enabling": {"operator"},
    "/desk/users/{person}/role": {"operator"},
    "/desk/users/{person}/reset-link": {"operator"},
    "/desk/users/{person}/second-factor/removal": {"operator"},
    "/desk/users/{person}/sessions/removal": {"operator"},
    "/inbox/notifications": {"producer", "stranger", "packer"},
    "/inbox/notifications/removal": {"producer", "stranger", "packer"},
    "/shop/offers/{offer}/count": {"producer"},
    "/shop/offers/{offer}/capacity": {"producer"},
    "/shop/offers/{offer}/movements": {"producer"},
    "/shop/offers/{offer}/plan": {"producer"},
    # Each plans the weeks of their own offers.
    "/shop/surge": {"producer", "stranger"},
    # Each names the account of their own producer.
    "/shop/statement/account": {"producer", "stranger"},
    # Each notes what is sold of their own; a note is its seller's (tests/sales).
    "/shop/sales": {"producer", "stranger"},
    "/shop/sales/{sale}/withdrawal": {"producer"},
    "/shop/products": {"producer", "stranger"},
    "/shop/products/{product}": {"producer"},
    "/shop/products/{product}/publication": {"producer"},
    "/shop/products/{product}/withdrawal": {"producer"},
    "/shop/products/{product}/packs": {"producer"},
    "/shop/products/{product}/packs/{pack}": {"producer"},
    "/shop/products/{product}/packs/{pack}/position": {"producer"},
    "/shop/products/{product}/packs/{pack}/retirement": {"producer"},
    "/shop/products/{product}/packs/{pack}/return": {"producer"},
    "/shop/products/{product}/photos": {"producer"},
    # A picture that is not the product's changes nothing, and looks like one that is gone.
    "/shop/products/{product}/photos/{line}": {"producer"},
    "/shop/products/{product}/photos/{line}/position": {"producer"},
    "/shop/products/{product}/photos/{line}/removal": {"producer"},
    "/shop/producers/{maker}/permits/nib": {"producer"},
    "/shop/producers/{maker}/permits/nib/removal": {"producer"},
    # Nothing is said: which household, which group, that it is meant (tests/inbox/test_members).
    "/shop/producers/{maker}/members": {"producer"},
    "/shop/producers/{maker}/members/{line}/admission": set(),
    "/shop/producers/{maker}/members/{line}/refusal": set(),
    "/shop/producers/{maker}/members/{line}/removal": set(),
    "/shop/producers/{maker}/departure": {"producer"},
    "/shop/producers/{maker}/application": {"producer"},
    "/shop/producers/{maker}/ending": {"producer"},
    "/shop/producers/{maker}/cash": {"producer"},
    "/shop/producers/{maker}/closure": {"producer"},
    "/shop/producers/{maker}/reopening": {"producer"},
    "/shop/producers/{maker}/invitations": {"producer"},
    "/shop/producers/{maker}/invitations/{invited}/withdrawal": {"producer"},
    "/shop/producers/{maker}/staff/{person}/role": {"producer"},
    "/shop/producers/{maker}/staff/{person}/removal": {"producer"},
    "/shop/producers/{maker}/staff/departure": {"producer", "packer"},
    # Nobody here is invited: the page says so (tests/accounts/test_invitations.py).
    "/invitations/{invitation}/acceptance": {"nobody"},
    # Whoever is signed in is led back to the page.
    "/invitations/{invitation}/account": set(WHO),
    # A visit is taken back by whoever noted it, or by an operator (tests/villages/test_visits.py).
    "/mentoring/producers/{maker}/visits": {"official", "operator"},
    "/mentoring/visits/{visit}/completion": {"official", "operator"},
    "/mentoring/visits/{visit}/withdrawal": {"operator"},
    "/programme/new": {"official", "elsewhere", "operator"},
    "/programme/{designation}/stages": {"official", "operator"},
    "/programme/{designation}/product": {"official", "operator"},
    "/programme/{designation}/stars": {"official", "operator"},
    "/programme/{designation}/baseline": {"official", "operator"},
    "/programme/{designation}/targets": {"official", "operator"},
    # There is no gateway unless it is configured (tests/payments/test_gateway*.py).
    "/purchases/{token}/payments/{payment}/gateway": set(),
    "/gateway/midtrans/notification": set(),
    "/desk/payments/{payment}/gateway": set(),
    "/desk/gateway/settlement": set(),
    "/desk/gateway/settlement/{line}/reversal": set(),
    "/desk/producers/{maker}/approval": {"operator"},
    "/desk/producers/{maker}/refusal": {"operator"},
    "/desk/producers/{maker}/suspension": {"operator"},
    "/desk/producers/{maker}/resumption": {"operator"},
    "/desk/producers/{maker}/closure": {"operator"},
    "/desk/listings/{product}/approval": {"operator"},
    "/desk/listings/{product}/return": {"operator"},
    "/desk/listings/{product}/hiding": {"operator"},
    "/desk/bulk/{bulk}": {"operator"},
    "/desk/batches/{many}/undo": {"operator"},
    # Who watches over others is told to take another account (tests/villages/test_selling.py).
    "/sell": SIGNED_IN_ONES,
    # A cart belongs to a session; nobody's line is found in another's (tests/orders).
    "/account/export": SIGNED_IN_ONES,
    "/account/erasure": SIGNED_IN_ONES,
    "/purchases/{token}/export": set(WHO),
    "/purchases/{token}/erasure": set(WHO),
    "/cart/lines": set(WHO),
    "/cart/lines/{line}": set(),
    "/cart/lines/{line}/removal": set(),
    "/checkout": set(WHO),
    "/sign-in": set(WHO),
    "/sign-in/code": set(),
    "/sign-out": set(WHO),
    "/register": set(WHO),
    "/password/reset": set(WHO),
    "/password/reset/{link}": set(),
    "/verify/{link}": set(),
    "/verify/email/{link}": set(),
    "/account/verification": SIGNED_IN_ONES,
    "/account/password": SIGNED_IN_ONES,
    "/account/email": SIGNED_IN_ONES,
    "/account/phone": SIGNED_IN_ONES,
    "/account/email/removal": SIGNED_IN_ONES,
    "/account/phone/removal": SIGNED_IN_ONES,
    "/account/email/withdrawal": SIGNED_IN_ONES,
    "/account/second-factor": SIGNED_IN_ONES,
    "/account/confirmation": SIGNED_IN_ONES,
    "/account/second-factor/confirmation": SIGNED_IN_ONES,
    "/account/second-factor/codes": SIGNED_IN_ONES,
    "/account/second-factor/removal": SIGNED_IN_ONES,
    # Another person's device is 404.
    "/account/sessions/{device}/removal": set(),
    # It ends the session that asks: tried elsewhere (tests/accounts/test_sessions.py).
    "/account/sessions/removal": SIGNED_IN_ONES,
}
# These change who asks.
ELSEWHERE = {"/sign-in", "/sign-in/code", "/sign-out", "/register", "/account/sessions/removal"}
TURNED_AWAY = (303, 403, 404)
# Not guarded by whose they are: a cart's first line comes from a public page (Origin alone), and a
# visit is seen by all officials of the area, and taken back by the one who noted it.
SEEN = {
    "/cart/lines",
    "/mentoring/visits/{visit}/withdrawal",
    # Whoever has the link reads whom it is for.
    "/invitations/{invitation}/acceptance",
}
ANYBODY = {url for url, row in POSTS.items() if set(WHO) <= row}


@pytest.mark.parametrize("who", EVERYBODY)
def test_who_may_do_what(app: Flask, client: FlaskClient, session: Session, who: str) -> None:
    owner = make_user(session, Role.PRODUCER)
    product = make_product(session, make_producer(session, staff=owner), capacity=99)
    order = make_order(session, OrderState.DISPUTED, product=product)
    cancelled = make_order(session, OrderState.DISPUTED, product=product)
    lifecycle.settle(session, cancelled, By(Actor.OPERATOR), NOW, for_buyer=True, reason="rusak")
    other = make_user(session, Role.PRODUCER)
    make_producer(session, staff=other)
    statement, line = make_statements(session)
    share, member = make_share(session, owner)
    invited, token_of_it = make_invitation(session, product.producer, owner)
    names = {
        "share": share.id,
        "shared": share.line.order.number,
        "invited": invited.id,
        "invitation": token_of_it,
        # The only owner: the role and the removal are refused with a reason (409, 422).
        "person": owner.id,
        **delivery_names(session),
        "batch": make_batch(session).id,
        "statement": statement.id,
        "bank_line": line.id,
        "notice": make_failed_notice(session).id,
        "token": order.purchase.token,
        "cancelled": cancelled.purchase.token,
        "order": order.number,
        "payment": session.query(Payment).filter_by(purchase_id=order.purchase_id).one().id,
        "refund": session.query(Refund).one().id,
        "offer": product.variants[0].offers[0].id,
        "sale": make_sale(session, product, owner).id,
        "maker": product.producer.slug,
        "visit": make_visit(session, product.producer).id,
        "bulk": "listings-hide",
        "many": make_many(session).id,
        "product": product.slug,
        "pack": product.variants[0].id,
        "designation": product.producer.village.designations[0].id,
        "line": 1,
        "link": "x" * 32,
        "device": somebodys_device(session),
    }
    people = {"producer": owner, "stranger": other, "member": member}
    if who == "packer":
        people["packer"] = make_packer(session, owner)
    enter(client, session, who, people)
    token = client.csrf("/register")
    let_in, rude = set(), []
    before = dumped(session)
    # Signing in, out and registering change who asks: they are tried elsewhere (tests/accounts).
    for url in [url for url in POSTS if url not in ELSEWHERE]:
        # Nothing is filled in: whoever is let in is told so (409, 422), and nothing changes.
        answer = client.post(url.format(**names), data={"csrf_token": token})
        at_home = answer.status_code == 303 and "/sign-in" not in answer.headers["Location"]
        if answer.status_code not in TURNED_AWAY or at_home:
            let_in.add(url)
        elif answer.status_code != 404 and (url not in SEEN and role_fits(app, url, who)):
            rude.append((url, answer.status_code))
    like = {"other_buyer": "buyer", "member": "stranger"}.get(who, who)
    expected = {url for url, row in POSTS.items() if {who, like} & row or set(WHO) <= row}
    expected -= ELSEWHERE | {"/cart/lines"}
    assert let_in == expected
    # Other people's things are not there: who might have such things reads 404, never 403.
    assert rude == []
    # Who was let in nowhere has changed nothing anywhere.
    if not expected - ANYBODY:
        assert dumped(session) == before


def role_fits(app: Flask, url: str, who: str) -> bool:
    """Whether the door of a POST lets in people of this role."""
    path = re.sub(r"\{[^}]*\}", "1", url)
    endpoint, _arguments = app.url_map.bind("localhost").match(path, method="POST")
    door = access.door_of(endpoint)
    assert door is not None
    return who != "nobody" and (not door.roles or LIKE.get(who, who) in door.roles)


def test_no_post_is_missing_from_the_table(app: Flask) -> None:
    found = missing(app, "POST", POSTS)
    assert not found, "\n".join(found)
