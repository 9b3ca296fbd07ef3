"""The payload of a payment by QRIS: the right amount, reference and checksum, or none at all."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from lokal.qris import parse_qris, qris_crc
from PIL import Image
from sqlalchemy.orm import Session

from ovop_market import create_app
from ovop_market.config import from_environment
from ovop_market.core.errors import ConfigurationError
from ovop_market.orders.models import PaymentMethod
from ovop_market.payments.methods import qris
from ovop_market.payments.models import Payment
from tests.factories import make_product, make_purchase

STATIC = from_environment({"OVOP_ENV": "testing"}).qris
AMOUNTS = st.integers(1, qris.MOST)
CODES = st.text("23456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=1, max_size=12)
# Other things that a cooperative's additional data may hold already; 05 is the reference's place.
ADDITIONAL = st.dictionaries(
    st.sampled_from(["01", "02", "03", "04", "05", "06", "07", "08"]),
    st.text("ABCDEFGHIJ0123456789 ", min_size=1, max_size=6),
    max_size=5,
)


def written(*fields: tuple[str, str]) -> str:
    """A payload of these fields, with its checksum."""
    body = "".join(f"{tag}{len(value):02d}{value}" for tag, value in fields) + "6304"
    return body + qris_crc(body)


def changed(**fields: str | None) -> str:
    """The demo's payload with other fields (`_62=…`); None leaves one out."""
    new = {name.removeprefix("_"): value for name, value in fields.items()}
    kept = {f.tag: f.value for f in parse_qris(STATIC).fields if f.tag != "63"} | new
    return written(*((tag, value) for tag, value in sorted(kept.items()) if value is not None))


def template(parts: dict[str, str]) -> str:
    return "".join(f"{tag}{len(value):02d}{value}" for tag, value in parts.items())


@given(AMOUNTS, CODES)
def test_any_amount_and_any_code_can_be_read_back(amount: int, code: str) -> None:
    before, info = parse_qris(STATIC), parse_qris(qris.payload(STATIC, amount, code))
    assert info.valid, info.errors
    assert (info.type, info.amount) == ("dynamic", str(amount))
    assert info.additional is not None
    assert info.additional.reference_label == code
    assert info.crc == qris_crc(info.input[:-4])
    # The money goes where it went before, and nothing else has changed.
    ours = {"01", "54", "62", "63"}
    assert [(f.tag, f.value) for f in info.fields if f.tag not in ours] == [
        (f.tag, f.value) for f in before.fields if f.tag not in ours
    ]
    tags = [f.tag for f in info.fields]
    assert len(tags) == len(set(tags))
    assert [tag for tag in tags if tag in ours] == ["01", "54", "62", "63"]


@given(ADDITIONAL, CODES)
def test_other_additional_data_stays(held: dict[str, str], code: str) -> None:
    static = changed(_62=template(held) or None)
    info = parse_qris(qris.payload(static, 1_000, code))
    (field,) = [f for f in info.fields if f.tag == "62"]
    found = [(child.tag, child.value) for child in field.children or ()]
    assert dict(found) == held | {"05": code}
    assert len(found) == len(dict(found))


@pytest.mark.parametrize("amount", [0, -1, qris.MOST + 1])
def test_an_amount_that_cannot_be(amount: int) -> None:
    with pytest.raises(ValueError, match="amount"):
        qris.payload(STATIC, amount, "7K4M2XQ9")


@pytest.mark.parametrize("reference", ["", "X" * 26, "KOPÉ"])
def test_a_reference_that_cannot_be(reference: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        qris.payload(STATIC, 1_000, reference)


BROKEN = {
    "no payload": ("Bank Contoh 123", "posisi 0"),
    "only a beginning": ("000201", "CRC"),
    "cut off": (STATIC[:-1], "posisi"),
    "one digit changed": (STATIC.replace("5802ID", "5802IE", 1), "CRC"),
    "another currency": (changed(_53="840"), "360"),
    "dynamic": (changed(_01="12"), "static"),
    "neither static nor dynamic": (changed(_01=None), "static"),
    "no merchant": (changed(_59=None), "merchant"),
    "a tip": (changed(_55="01"), "tip"),
    "a fee": (changed(_55="02", _56="500"), "tip"),
    "letters of several bytes": (changed(_59="KOPERASI É"), "ASCII"),
    "no room for a reference": (changed(_62=template({"01": "A" * 25, "08": "B" * 60})), "room"),
    "too long": (
        changed(_62=None, **{f"_{n}": template({"00": "C" * 90}) for n in range(27, 32)}),
        "longer",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_payload_is_refused_at_start_with_the_reason(case: str, tmp_path: Path) -> None:
    payload, reason = BROKEN[case]
    with pytest.raises(ConfigurationError, match=f"OVOP_QRIS.*({reason})"):
        qris.check(payload)
    config = from_environment({"OVOP_ENV": "testing", "OVOP_QRIS": payload})
    with pytest.raises(ConfigurationError, match="OVOP_QRIS"):
        create_app(replace(config, media=tmp_path))


def test_payloads_that_are_fine() -> None:
    qris.check(STATIC)
    qris.check(f" {STATIC}\n")
    qris.check(changed(_62=None))
    # An amount that stands in it already is replaced.
    fixed = changed(_54="5000")
    qris.check(fixed)
    assert parse_qris(qris.payload(fixed, 7_000, "ABC")).amount == "7000"


def test_the_picture_can_be_scanned(session: Session) -> None:
    product = make_product(session, ready=5)
    make_purchase(session, [(product, 2)], method=PaymentMethod.QRIS)
    payment = session.query(Payment).one()
    with Image.open(io.BytesIO(qris.png(STATIC, payment))) as picture:
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    assert code.text == qris.payload(STATIC, payment.amount, payment.code)
    assert parse_qris(code.text).amount == str(payment.amount)
