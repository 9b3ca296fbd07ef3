"""What is said of a field is said once, where it is declared: the document for programs, the
dictionary for people and the answers all read it there."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from flask_babel.speaklater import LazyString

Text: TypeAlias = LazyString | str
Schema: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a field: its meaning, an example, its unit, and what else JSON Schema knows
    about it."""

    text: Text
    example: Any
    unit: Text
    schema: Mapping[str, Any]


def told(text: Text, example: Any = None, *, unit: Text = "", **schema: Any) -> Any:
    """A field of a record, with what is said of it."""
    return field(metadata={"told": Told(text, example, unit, schema)})


def told_of(each: Field[Any]) -> Told:
    """What is said of a record's field."""
    return each.metadata["told"]


@cache
def hints(record: type) -> Mapping[str, Any]:
    """The types of a record's fields."""
    return get_type_hints(record)


def parts(kind: Any) -> tuple[Any, bool, bool]:
    """A type as: of what, whether many of it, whether nothing may stand there."""
    optional = False
    if get_origin(kind) in (Union, types.UnionType):
        kinds = [each for each in get_args(kind) if each is not type(None)]
        optional = len(kinds) < len(get_args(kind))
        (kind,) = kinds
    if get_origin(kind) is tuple:
        return get_args(kind)[0], True, optional
    return kind, False, optional


_PLAIN: Mapping[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    date: {"type": "string", "format": "date"},
}


def _schema_of_type(kind: Any) -> Schema:
    base, many, optional = parts(kind)
    one: Schema
    if is_dataclass(base) and isinstance(base, type):
        one = {"$ref": f"#/components/schemas/{base.__name__}"}
    elif issubclass(base, StrEnum):
        one = {"type": "string", "enum": [str(each) for each in base]}
    else:
        one = dict(_PLAIN[base])
    if many:
        return {"type": "array", "items": one}
    if not optional:
        return one
    if "$ref" in one:
        return {"anyOf": [one, {"type": "null"}]}
    if "enum" in one:
        one["enum"] = [*one["enum"], None]
    return {**one, "type": [one["type"], "null"]}


def schema_of(record: type) -> Schema:
    """A record as JSON Schema (2020-12, as OpenAPI 3.1 has it)."""
    properties: dict[str, Schema] = {}
    for each in fields(record):
        said = told_of(each)
        unit = f" ({said.unit})" if said.unit else ""
        properties[each.name] = {
            **_schema_of_type(hints(record)[each.name]),
            "description": f"{said.text}{unit}",
            **said.schema,
        }
        if said.example is not None:
            properties[each.name]["examples"] = [said.example]
    return {
        "type": "object",
        "description": str(record.TEXT),  # type: ignore[attr-defined]
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def used_by(record: type) -> Iterator[type]:
    """The records inside a record, itself first."""
    yield record
    for each in fields(record):
        base = parts(hints(record)[each.name])[0]
        if is_dataclass(base) and isinstance(base, type):
            yield from used_by(base)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return {each.name: getattr(value, each.name) for each in fields(value)}


def written(value: Any) -> bytes:
    """Records as JSON, in UTF-8: the same records are the same bytes."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"
