"""The producer's own products: made, changed, shown and hidden, with their packs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ovop_market.accounts.models import AuditEvent, Role, User
from ovop_market.catalogue.models import Category, Offer, Product, Storage, Variant
from ovop_market.villages.models import Producer, ProducerKind
from tests.counting import counted
from tests.factories import make_producer, make_product, make_user, sign_in
from tests.pages import value_of

HTMX = {"HX-Request": "true"}
SHOP = "/shop/products"
LISTING = {
    "name": "Kerupuk Udang Belo Laut",
    "category": "snack",
    "summary": "Renyah, dari udang segar.",
    "storage": "ambient",
}
PACK = {"name": "250 g", "price": "25.000", "weight_grams": "300"}


@pytest.fixture
def producer(session: Session) -> Producer:
    """A household whose staff is `maker`."""
    return make_producer(session, staff=make_user(session, Role.PRODUCER, login="p@ovop.example"))


@pytest.fixture
def maker(client: FlaskClient, session: Session, producer: Producer) -> FlaskClient:
    sign_in(client, session.scalars(select(User).where(User.email == "p@ovop.example")).one())
    return client


def send(client: FlaskClient, action: str, **fields: Any) -> TestResponse:
    headers = fields.pop("headers", {})
    page = f"{SHOP}/new"
    return client.post(action, data={"csrf_token": client.csrf(page), **fields}, headers=headers)


def only(session: Session) -> Product:
    session.expire_all()
    return session.scalars(select(Product)).one()


def audited(session: Session, action: str) -> list[dict[str, object] | None]:
    found = select(AuditEvent.details).where(AuditEvent.action == action).order_by(AuditEvent.id)
    return list(session.scalars(found))


def text(answer: TestResponse) -> str:
    return answer.get_data(as_text=True)


def test_a_new_product(maker: FlaskClient, session: Session, producer: Producer) -> None:
    assert "Belum ada produk" in text(maker.get(SHOP))
    answer = send(maker, SHOP, **LISTING, idempotency_key="a", producer_id="99", slug="x", listed=1)
    assert (answer.status_code, answer.location) == (303, f"{SHOP}/kerupuk-udang-belo-laut")
    product = only(session)
    assert (product.producer_id, product.listed) == (producer.id, False)
    assert "kerupuk" in product.search_title
    assert audited(session, "product made") == [
        {"producer": producer.id, "slug": "kerupuk-udang-belo-laut"}
    ]
    page = text(maker.get(answer.location))
    assert "Disembunyikan" in page
    assert maker.get("/products/kerupuk-udang-belo-laut").status_code == 404


@pytest.mark.parametrize("kind", ["", "   ", "\u200b"])
def test_spaces_are_no_kind(maker: FlaskClient, session: Session, kind: str) -> None:
    answer = send(maker, SHOP, **{**LISTING, "category": kind}, idempotency_key="a")
    assert answer.status_code == 422 and "category-error" in text(answer)
    assert session.scalars(select(Product)).all() == []


def test_sent_twice_it_is_made_once(maker: FlaskClient, session: Session) -> None:
    first = send(maker, SHOP, **LISTING, idempotency_key="a")
    assert send(maker, SHOP, **LISTING, idempotency_key="a").location == first.location
    only(session)
    other = send(maker, SHOP, **LISTING, idempotency_key="b")
    assert other.location == f"{first.location}-2"


def test_somebody_elses_key_is_another(
    maker: FlaskClient, client: FlaskClient, session: Session
) -> None:
    send(maker, SHOP, **LISTING, idempotency_key="a")
    stranger = make_user(session, Role.PRODUCER)
    make_producer(session, staff=stranger)
    send(maker, "/sign-out")
    sign_in(client, stranger)
    assert send(client, SHOP, **LISTING, idempotency_key="a").location.endswith("-laut-2")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("New", "new-2"),
        ("Téh Tayu “asli”", "teh-tayu-asli"),
        ("海产品", "produk"),
        ("!!!" + "a" * 97, "a" * 80),
    ],
)
def test_addresses(maker: FlaskClient, session: Session, name: str, slug: str) -> None:
    answer = send(maker, SHOP, **{**LISTING, "name": name})
    assert answer.location == f"{SHOP}/{slug}"
    assert maker.get(answer.location).status_code == 200


@pytest.mark.parametrize("kind", ["craft", "care"])
def test_what_cannot_spoil_is_kept_at_room_temperature(
    maker: FlaskClient, session: Session, kind: str
) -> None:
    page = text(maker.get(f"{SHOP}/new"))
    # Nothing is chosen beforehand, least of all the freezer.
    assert not re.search(r"<option selected[^>]*value=.(frozen|ambient|chilled)", page)
    assert send(maker, SHOP, **{**LISTING, "category": kind, "storage": ""}).status_code == 303
    assert only(session).storage is Storage.AMBIENT
    # The next product is mostly of the same kind.
    assert re.search(rf"<option selected[^>]*value=.{kind}", text(maker.get(f"{SHOP}/new")))


def test_a_weaver_may_choose_otherwise(maker: FlaskClient, session: Session) -> None:
    chosen = {**LISTING, "category": "craft", "storage": "chilled", "max_transit_days": "3"}
    assert send(maker, SHOP, **chosen).status_code == 303
    assert only(session).storage is Storage.CHILLED


@pytest.mark.parametrize("kind", ["frozen", "seafood", "condiment", "snack", "tea", "honey"])
def test_of_food_somebody_says_how_it_is_kept(
    maker: FlaskClient, session: Session, kind: str
) -> None:
    answer = send(maker, SHOP, **{**LISTING, "category": kind, "storage": ""})
    assert answer.status_code == 422
    assert "makanan bisa rusak kalau salah simpan" in text(answer)
    assert session.scalars(select(Product)).all() == []


def test_nobody_chooses_the_kind_for_them(maker: FlaskClient, session: Session) -> None:
    answer = send(maker, SHOP, **{**LISTING, "category": ""})
    assert answer.status_code == 422 and "Pilih salah satu." in text(answer)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Isi bagian ini"),
        ({"name": "x" * 101}, "huruf"),
        ({"category": "gold"}, "Pilih salah satu."),
        ({"storage": "frozen"}, "Isi paling lama berapa hari di jalan"),
        ({"max_transit_days": "0"}, "Isi angka"),
        ({"shelf_life_days": "lama"}, "angka bulat"),
        ({"season_from": "3"}, "Pilih bulan awal dan bulan akhir"),
        ({"season_from": "13", "season_to": "2"}, "Pilih salah satu."),
    ],
)
def test_what_cannot_be(
    maker: FlaskClient, session: Session, fields: dict[str, str], said: str
) -> None:
    answer = send(maker, SHOP, **{**LISTING, **fields}, idempotency_key="mine")
    body = text(answer)
    assert answer.status_code == 422
    assert said in body
    assert value_of(body, "idempotency_key") == "mine"
    assert "Renyah, dari udang segar." in body
    assert session.scalars(select(Product)).first() is None


def test_for_which_producer(maker: FlaskClient, session: Session) -> None:
    user = session.scalars(select(User).where(User.email == "p@ovop.example")).one()
    second = make_producer(session, staff=user, slug="rumah-kedua")
    other = make_producer(session)
    session.commit()
    assert send(maker, SHOP, **LISTING).status_code == 422
    assert send(maker, SHOP, **LISTING, producer=other.slug).status_code == 422
    assert send(maker, SHOP, **LISTING, producer="rumah-kedua").status_code == 303
    assert only(session).producer_id == second.id


def test_other_peoples_products_are_not_there(maker: FlaskClient, session: Session) -> None:
    product = make_product(session, ready=3)
    slug, pack = product.slug, product.variants[0].id
    session.commit()
    assert product.name not in text(maker.get(SHOP))
    for url in (f"{SHOP}/{slug}", f"{SHOP}/nothing"):
        assert maker.get(url).status_code == 404
        actions = ("", "/publication", "/withdrawal", "/packs", f"/packs/{pack}", "/photos")
        for action in actions:
            assert send(maker, url + action, **LISTING, **{"price": "1"}).status_code == 404


def test_a_pack_of_another_product_is_not_there(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    own, other = make_product(session, producer), make_product(session)
    session.commit()
    pack = other.variants[0].id
    for action in ("", "/position", "/retirement", "/return"):
        url = f"{SHOP}/{own.slug}/packs/{pack}{action}"
        assert send(maker, url, **PACK, position="0").status_code == 404
    assert other.variants[0].price == 45_000


def test_members_may_not_edit_what_the_group_lists(client: FlaskClient, session: Session) -> None:
    group = make_producer(session, kind=ProducerKind.GROUP)
    member = make_user(session, Role.PRODUCER)
    make_producer(session, group=group, staff=member)
    product = make_product(session, group)
    sign_in(client, member)
    assert product.slug not in text(client.get(SHOP))
    assert client.get(f"{SHOP}/{product.slug}").status_code == 404
    assert send(client, f"{SHOP}/{product.slug}", **LISTING).status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_changing_it(
    maker: FlaskClient, session: Session, producer: Producer, headers: dict[str, str]
) -> None:
    product = make_product(session, producer, name="Pempek lama", slug="pempek-lama", ready=1)
    session.commit()
    url = f"{SHOP}/pempek-lama"
    seen = value_of(text(maker.get(url)).split('id="details"')[1], "seen")
    answer = send(maker, url, **LISTING, seen=seen, headers=headers, producer_id="77")
    if headers:
        assert text(answer).lstrip().startswith('<section class="panel stack" id="details"')
        assert "Tersimpan" in text(answer)
    else:
        assert (answer.status_code, answer.location) == (303, f"{url}#details")
    session.expire_all()
    assert (product.name, product.slug) == (LISTING["name"], "pempek-lama")
    assert (product.category, product.storage) == (Category.SNACK, Storage.AMBIENT)
    assert (product.max_transit_days, product.shelf_life_days) == (None, None)
    assert product.producer_id == producer.id
    found = text(maker.get("/products?q=kerupuk"))
    assert 'data-product="pempek-lama"' in found
    changed = audited(session, "product changed")[-1]
    assert changed is not None
    assert changed["name"] == ["Pempek lama", LISTING["name"]]
    assert "made_to_order" not in changed
    # The same once more changes nothing, whatever was seen.
    send(maker, url, **LISTING, seen=seen)
    assert len(audited(session, "product changed")) == 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_two_people_at_once(
    maker: FlaskClient, session: Session, producer: Producer, headers: dict[str, str]
) -> None:
    product = make_product(session, producer, name="Pempek lama", slug="pempek-lama")
    session.commit()
    url = f"{SHOP}/pempek-lama"
    seen = value_of(text(maker.get(url)).split('id="details"')[1], "seen")
    product.summary, product.shelf_life_days = "Diubah teman.", 30
    session.commit()
    answer = send(maker, url, **LISTING, seen=seen, headers=headers)
    body = text(answer)
    assert answer.status_code == 409
    assert "Diubah teman." in body
    assert 'value="Renyah, dari udang segar."' in body
    assert "baru saja diubah orang lain" in body
    session.expire_all()
    assert product.name == "Pempek lama"
    again = value_of(body.split('id="details"')[1], "seen")
    assert send(maker, url, **LISTING, seen=again).status_code == 303
    session.expire_all()
    assert product.summary == LISTING["summary"]


def test_shown_and_hidden(maker: FlaskClient, session: Session, producer: Producer) -> None:
    url = str(send(maker, SHOP, **LISTING).location)
    refused = send(maker, f"{url}/publication")
    assert refused.status_code == 422
    assert "Tambah dulu kemasan" in text(refused)
    assert send(maker, f"{url}/packs", **PACK).status_code == 303
    public = "/products/kerupuk-udang-belo-laut"
    for _twice in range(2):
        assert send(maker, f"{url}/publication").location == f"{url}#state"
    assert maker.get(public).status_code == 200
    assert public in text(maker.get(SHOP))
    for _twice in range(2):
        assert send(maker, f"{url}/withdrawal").status_code == 303
    assert maker.get(public).status_code == 404
    assert audited(session, "product changed") == [
        {"listed": [False, True]},
        {"listed": [True, False]},
    ]
    fragment = send(maker, f"{url}/publication", headers=HTMX)
    assert text(fragment).lstrip().startswith('<section class="panel stack tight" id="state"')


def test_a_new_pack_can_be_made_by_the_household(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    url = str(send(maker, SHOP, **LISTING).location)
    fields = {**PACK, "length_cm": "20", "width_cm": "15", "height_cm": "5", "product_id": "9"}
    for _twice in range(2):
        assert send(maker, f"{url}/packs", **fields).location == f"{url}#packs"
    [pack] = only(session).variants
    assert (pack.name, pack.price, pack.weight_grams) == ("250 g", 25_000, 300)
    assert (pack.length_cm, pack.width_cm, pack.height_cm) == (20, 15, 5)
    [offer] = pack.offers
    assert (offer.producer_id, offer.ready, offer.weekly_capacity) == (producer.id, 0, 0)
    assert len(audited(session, "pack made")) == 1
    assert "250 g" in text(maker.get("/shop/offers"))


def test_a_groups_pack_has_an_offer_of_each_member(client: FlaskClient, session: Session) -> None:
    coordinator = make_user(session, Role.PRODUCER)
    group = make_producer(session, kind=ProducerKind.GROUP, staff=coordinator)
    members = {make_producer(session, group=group).id for _ in range(3)}
    sign_in(client, coordinator)
    url = str(send(client, SHOP, **LISTING).location)
    send(client, f"{url}/packs", **PACK)
    assert set(session.scalars(select(Offer.producer_id))) == members


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Isi bagian ini"),
        ({"price": "0"}, "Isi bagian ini"),
        ({"price": "murah"}, "Tulis jumlah dalam rupiah"),
        ({"price": "1000000001"}, "Isi angka"),
        ({"weight_grams": "1.5"}, "angka bulat"),
        ({"weight_grams": "100001"}, "Isi angka"),
        ({"length_cm": "10"}, "atau kosongkan ketiganya"),
        ({"length_cm": "0", "width_cm": "1", "height_cm": "1"}, "Isi angka"),
        ({"name": "500 g"}, "sudah ada"),
    ],
)
@pytest.mark.parametrize("new", [True, False])
def test_what_no_pack_can_be(
    maker: FlaskClient,
    session: Session,
    producer: Producer,
    fields: dict[str, str],
    said: str,
    new: bool,
) -> None:
    product = make_product(session, producer)
    other = Variant(product=product, name="1 kg", price=90_000, weight_grams=1_200, position=1)
    session.add(other)
    session.commit()
    where = "" if new else f"/{other.id}"
    answer = send(maker, f"{SHOP}/{product.slug}/packs{where}", **{**PACK, **fields}, headers=HTMX)
    assert answer.status_code == 422
    assert said in text(answer)
    session.expire_all()
    assert [v.name for v in product.variants] == ["500 g", "1 kg"]


def test_changing_a_pack(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer, ready=4)
    session.commit()
    pack = product.variants[0]
    url = f"{SHOP}/{product.slug}"
    seen = value_of(text(maker.get(url)).split('id="packs"')[1], "seen")
    assert send(maker, f"{url}/packs/{pack.id}", **PACK, seen=seen).status_code == 303
    session.expire_all()
    assert (pack.name, pack.price) == ("250 g", 25_000)
    assert audited(session, "pack changed") == [
        {"name": ["500 g", "250 g"], "price": [45_000, 25_000], "weight_grams": [600, 300]}
    ]
    late = send(maker, f"{url}/packs/{pack.id}", **{**PACK, "price": "30.000"}, seen=seen)
    assert late.status_code == 409
    assert "Rp25.000" in text(late)
    assert 'value="30.000"' in text(late)
    session.expire_all()
    assert pack.price == 25_000


def test_a_pack_is_sold_no_more_and_again(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    product = make_product(session, producer, ready=4)
    session.commit()
    url, pack = f"{SHOP}/{product.slug}", product.variants[0]
    for _twice in range(2):
        assert send(maker, f"{url}/packs/{pack.id}/retirement").status_code == 303
    assert "Tidak ada kemasan yang dijual" in text(maker.get(url))
    assert maker.get(f"/products/{product.slug}").status_code == 404
    # Made anew under the same name it would be two.
    assert "Jual lagi kemasan itu" in text(
        send(maker, f"{url}/packs", name="500 g", price="1", weight_grams="1")
    )
    assert send(maker, f"{url}/packs/{pack.id}/return").status_code == 303
    assert maker.get(f"/products/{product.slug}").status_code == 200
    assert session.get(Variant, pack.id) is not None
    assert audited(session, "pack changed") == [{"sold": [True, False]}, {"sold": [False, True]}]


def test_the_order_of_packs(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer)
    for name in ("1 kg", "2 kg"):
        send(maker, f"{SHOP}/{product.slug}/packs", name=name, price="1000", weight_grams="10")
    names = {v.name: v.id for v in product.variants}
    for _twice in range(2):
        send(maker, f"{SHOP}/{product.slug}/packs/{names['2 kg']}/position", position="0")
    session.expire_all()
    assert [v.name for v in product.variants] == ["2 kg", "500 g", "1 kg"]
    assert len(audited(session, "product ordered")) == 1
    send(maker, f"{SHOP}/{product.slug}/packs/{names['2 kg']}/position", position="15")
    session.expire_all()
    assert [v.name for v in product.variants] == ["500 g", "1 kg", "2 kg"]
    wrong = send(maker, f"{SHOP}/{product.slug}/packs/{names['2 kg']}/position", position="-1")
    assert wrong.status_code == 422


def test_there_is_an_end_to_packs(maker: FlaskClient, session: Session, producer: Producer) -> None:
    product = make_product(session, producer)
    for number in range(19):
        product.variants.append(
            Variant(name=f"{number}", price=1, weight_grams=1, position=number + 1)
        )
    session.commit()
    answer = send(maker, f"{SHOP}/{product.slug}/packs", **PACK)
    assert answer.status_code == 422
    assert "paling banyak 20 kemasan" in text(answer)


def test_the_list_takes_few_statements(
    maker: FlaskClient, session: Session, producer: Producer
) -> None:
    for _ in range(3):
        make_product(session, producer)
    session.commit()
    with counted() as few:
        maker.get(SHOP)
    for _ in range(12):
        make_product(session, producer)
    session.commit()
    with counted() as many:
        maker.get(SHOP)
    assert len(many) == len(few)


def test_a_post_without_a_token_is_refused(maker: FlaskClient) -> None:
    assert maker.post(SHOP, data=LISTING).status_code == 400
