"""Forty-five values that no field expects. Bytes are sent as they are, `Many` as several fields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Many:
    """The field sent several times, or under names with brackets."""

    names: tuple[str, ...]
    values: tuple[str, ...]


VALUES: dict[str, str | bytes | Many] = {
    "empty": "",
    "spaces": "   \t \n ",
    "NUL": "a\x00b",
    "control characters": "a\x01\x08\x0b\x1b[31m\x7f\x85b",
    "lone surrogate": b"a\xed\xa0\x80b",
    "invalid UTF-8": b"\xff\xfe\xc3\x28\xf0\x28",
    "right to left": "a\u202egnp.exe\u2066b",
    "zero width": "\u200b\u200d\ufeff\u2060",
    "emoji": "👩‍🌾🦐🇮🇩" * 3,
    "combining": "Z" + "\u0300\u0489\u036f" * 60,
    "10 000 characters": "A" * 10_000,
    "9 900 letters of two bytes": "é" * 9_900,
    "SQL quote": "' OR '1'='1' --",
    "SQL statement": "1; DROP TABLE purchase; --",
    "SQL wildcard": "%_\\%",
    "Jinja": "{{ 7*7 }}{% raw %}",
    "shell": "$(id) `id` ${IFS}; | & > /tmp/x",
    "format": "%s%n%(x)s{0}{0.__class__}",
    "script": "<script>alert(1)</script>",
    "attribute": '" onmouseover="alert(1)" x=\'y',
    "markup": "</textarea></select></form><img src=x onerror=alert(1)>",
    "lines": "a\r\nBcc: x@y.example\r\n\r\nb",
    "path": "../../../../etc/passwd",
    "path, encoded": "..%2f..%2fetc%2fpasswd%00.png",
    "address": "javascript:alert(1)//http://elsewhere.example",
    "formula": '=HYPERLINK("http://elsewhere.example","x")',
    "zero": "0",
    "minus zero": "-0",
    "minus one": "-1",
    "1e309": "1e309",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "2^31": "2147483648",
    "2^63": "9223372036854775808",
    "2^64 and more": "18446744073709551616000000000000",
    "hexadecimal": "0x10",
    "Arabic digits": "٣٢١",
    "full-width digits": "１２",
    "decimal point": "1.5",
    "decimal comma": "1,5",
    "no such day": "2026-02-30",
    "year 0": "0000-00-00",
    "year 10000": "10000-01-01T00:00:00+25:00",
    "twice": Many(("",), ("x", "-5", "2026-11-30")),
    "array": Many(("[]", "[0]", "[a][b]"), ("1", "null", '{"a": [1, true]}')),
}
assert len(VALUES) == 45
# Such as get past the first look, so that what lies behind is tried.
LOOK_RIGHT = ("script", "lines", "zero", "2^31", "no such day")
assert set(LOOK_RIGHT) <= VALUES.keys()
